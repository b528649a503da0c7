/*
 * test_wire: bodies of messages, and tables in chunks. Each body: round trip,
 * every truncation and a byte too many refused, flipped bits refused or read
 * as something that packs to the same bytes.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/msg.h"
#include "ha/history.h"
#include "ha/wire.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

/* A codec with its message's type taken away. */
struct codec {
	const char *name;
	enum msg_id id;
	size_t size;
	void (*pack)(struct buf *b, const void *m);
	int (*unpack)(struct buf *b, void *ret);
};

#define CODEC(type) \
	static void type##_p(struct buf *b, const void *m) \
	{ \
		type##_pack(b, m); \
	} \
	static int type##_u(struct buf *b, void *ret) \
	{ \
		return type##_unpack(b, ret); \
	}
CODEC(store_open)
CODEC(store_load)
CODEC(store_found)
CODEC(store_state)
CODEC(health_msg)
CODEC(history_record)
CODEC(probe_state)
CODEC(weight_msg)
CODEC(monitor_state)

#define ROW(type, id) \
	{ #type, id, sizeof(struct type), type##_p, type##_u }
static const struct codec codecs[] = {
	ROW(store_open, MSG_STORE_OPEN),
	ROW(store_load, MSG_STORE_LOAD),
	ROW(store_found, MSG_STORE_FOUND),
	ROW(store_state, MSG_STORE_STATE),
	ROW(health_msg, MSG_HEALTH),
	ROW(history_record, MSG_STORE_ROLE),
	ROW(probe_state, MSG_PROBE_STATE),
	ROW(weight_msg, MSG_WEIGHT),
	ROW(monitor_state, MSG_MONITOR_STATE),
};

/* 0: refused with nothing touched; 1: accepted and the same again; < 0: bad */
static int
check(const struct codec *k, const uint8_t *bytes, size_t len)
{
	uint8_t m[2048], untouched[2048], again[2048];
	uint8_t *exact = malloc(len > 0 ? len : 1);
	struct buf b;
	int rc;

	memcpy(exact, bytes, len);
	memset(m, 0xa5, sizeof(m));
	memset(untouched, 0xa5, sizeof(untouched));
	b = buf_reader(exact, len);
	rc = k->unpack(&b, m);
	free(exact);
	if (rc < 0)
		return rc == -EBADMSG && memcmp(m, untouched, sizeof(m)) == 0
		    ? 0
		    : -1;
	b = buf_writer(again, sizeof(again));
	k->pack(&b, m);
	return !b.bad && b.pos == len && memcmp(again, bytes, len) == 0 ? 1
									: -2;
}

static void
test_codec(const struct codec *k, const void *m)
{
	struct rng r = { 3 };
	uint8_t mem[2048] = { 0 };
	struct buf b = buf_writer(mem, sizeof(mem));
	int wrong = 0;
	size_t i, at;

	k->pack(&b, m);
	ok(!b.bad && b.pos <= msg_max(k->id), "%s: %zu bytes of %zu", k->name,
	    b.pos, msg_max(k->id));
	is_int(check(k, mem, b.pos), 1, "%s: round trip", k->name);
	for (i = 0; i < b.pos; i++)
		wrong += check(k, mem, i) != 0;
	wrong += check(k, mem, b.pos + 1) != 0;
	is_int(wrong, 0, "%s: truncations, and a byte too many", k->name);
	for (i = 0; i < 2000; i++) {
		at = rng_below(&r, (uint32_t)b.pos);
		mem[at] ^= (uint8_t)(1 << i % 8);
		wrong += check(k, mem, b.pos) < 0;
		mem[at] ^= (uint8_t)(1 << i % 8);
	}
	is_int(wrong, 0, "%s: flipped bits", k->name);
}

static void
test_bodies(void)
{
	const struct store_open open = { 1ULL << 40, 2 };
	const struct store_load load = { UINT64_MAX, 1 };
	struct store_found found = { 5, -ENOENT, 1, 2, 3, 4, 5, 6, 7, "", "" };
	struct store_state state = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		{ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, "", "" };
	struct history_record role = { 1, 2, 3, "standby", "taking-over", "take",
		"silence", 4, { { "table", 5 }, { "vips", 6 } }, 2 };
	const struct health_msg health = { "web", "web1", HEALTH_DOWN,
		"GET / : 500" };
	const struct probe_state probe = { "web", "web1", HEALTH_UP, 1, 37,
		WEIGHT_NONE };
	const struct monitor_state minute = { 1, 2, 3, 4, UINT32_MAX };
	const struct weight_msg weight = { "web", "web1", WEIGHT_MAX,
		"load 80%" };

	memset(found.file, 'f', sizeof(found.file) - 1);
	memset(found.text, 't', sizeof(found.text) - 1);
	memset(state.file, 'f', sizeof(state.file) - 1);
	memset(state.error, 'e', sizeof(state.error) - 1);
	test_codec(&codecs[0], &open);
	test_codec(&codecs[1], &load);
	test_codec(&codecs[2], &found);
	test_codec(&codecs[3], &state);
	test_codec(&codecs[4], &health);
	test_codec(&codecs[5], &role);
	test_codec(&codecs[6], &probe);
	test_codec(&codecs[7], &weight);
	test_codec(&codecs[8], &minute);
}

static void
test_found_values(void)
{
	struct store_found m = { .rc = -1013, .highest_epoch = 9 }, n;
	uint8_t mem[1024];
	struct buf b = buf_writer(mem, sizeof(mem));

	store_found_pack(&b, &m);
	b = buf_reader(mem, b.pos);
	ok(store_found_unpack(&b, &n) == 0 && n.rc == -1013 &&
	       n.highest_epoch == 9,
	    "negative codes survive");
}

/* ---- chunks ---- */

static uint8_t *whole;
#define TOTAL (3 * CHUNK_DATA + 100)

static struct chunk
cut(size_t offset)
{
	struct chunk k;

	(void)chunk_cut(&k, whole, TOTAL, offset, 7, 8);
	return k;
}

static int
add(struct chunks *c, size_t offset)
{
	struct chunk k = cut(offset);

	return chunks_add(c, &k);
}

static void
test_cut(void)
{
	uint8_t mem[CHUNK_HEAD + CHUNK_DATA];
	struct chunks c = { 0 };
	struct chunk k, l;
	struct buf b;
	size_t off;
	int rc = 0, n = 0;

	for (off = 0; rc == 0; off += k.len, n++) {
		k = cut(off);
		b = buf_writer(mem, sizeof(mem));
		chunk_pack(&b, &k);
		b = buf_reader(mem, b.bad ? 0 : b.pos);
		rc = chunk_unpack(&b, &l);
		if (rc == 0)
			rc = chunks_add(&c, &l);
	}
	ok(rc == 1 && n == 4 && off == TOTAL, "four chunks make it whole");
	ok(c.epoch == 7 && c.seq == 8 && c.total == TOTAL &&
	       memcmp(c.bytes, whole, TOTAL) == 0,
	    "and it is what was cut");
	k = cut(TOTAL);
	is_int(k.len, 0, "nothing more to cut");
	is_int(add(&c, 0), 0, "another begins");
	ok(c.got == CHUNK_DATA, "at the beginning");
	chunks_done(&c);
	chunks_done(&c);
	ok(c.bytes == NULL, "done, twice");
}

static void
test_misplaced(void)
{
	struct chunks c = { 0 };
	struct chunk k;

	is_int(add(&c, CHUNK_DATA), -EBADMSG, "no beginning");
	(void)add(&c, 0);
	is_int(add(&c, 2 * CHUNK_DATA), -EBADMSG, "one is missing");
	ok(c.bytes == NULL, "all is dropped");
	is_int(add(&c, CHUNK_DATA), -EBADMSG, "so the right one is late");
	(void)add(&c, 0);
	(void)add(&c, CHUNK_DATA);
	is_int(add(&c, CHUNK_DATA), -EBADMSG, "one twice");
	(void)add(&c, 0);
	k = cut(CHUNK_DATA);
	k.seq++;
	is_int(chunks_add(&c, &k), -EBADMSG, "of another table");
	(void)add(&c, 0);
	k = cut(CHUNK_DATA);
	k.total--;
	is_int(chunks_add(&c, &k), -EBADMSG, "of another size");
	(void)add(&c, 0);
	k = cut(0);
	k.total = 10;
	is_int(chunks_add(&c, &k), -EBADMSG, "longer than the whole");
	(void)add(&c, 0);
	k = cut(0);
	k.total = CHUNKS_MAX + 1;
	is_int(chunks_add(&c, &k), -EMSGSIZE, "larger than any table");
	ok(c.bytes == NULL, "all is dropped");
	chunks_done(&c);
}

static int
chunk_bytes(uint32_t total, uint32_t offset, size_t len)
{
	uint8_t *mem = mem_zalloc(CHUNK_HEAD + CHUNK_DATA + 1);
	struct buf b = buf_writer(mem, CHUNK_HEAD);
	struct chunk k;
	int rc;

	put_u64(&b, 1);
	put_u64(&b, 1);
	put_u32(&b, total);
	put_u32(&b, offset);
	b = buf_reader(mem, len);
	rc = chunk_unpack(&b, &k);
	free(mem);
	return rc;
}

static void
test_chunk_bytes(void)
{
	int wrong = 0;
	size_t i;

	for (i = 0; i <= CHUNK_HEAD; i++)
		wrong += chunk_bytes(100, 0, i) != -EBADMSG;
	is_int(wrong, 0, "heads without a body");
	is_int(chunk_bytes(100, 0, CHUNK_HEAD + 100), 0, "all of it");
	is_int(chunk_bytes(100, 0, CHUNK_HEAD + 101), -EBADMSG, "past the end");
	is_int(chunk_bytes(100, 99, CHUNK_HEAD + 1), 0, "the last byte");
	is_int(chunk_bytes(100, 100, CHUNK_HEAD + 1), -EBADMSG, "after it");
	is_int(chunk_bytes(100, UINT32_MAX, CHUNK_HEAD + 2), -EBADMSG, "wraps");
	is_int(chunk_bytes(1 << 20, 0, CHUNK_HEAD + CHUNK_DATA), 0, "largest");
	is_int(chunk_bytes(1 << 20, 0, CHUNK_HEAD + CHUNK_DATA + 1), -EBADMSG,
	    "too large");
}

int
main(void)
{
	struct rng r = { 1 };
	size_t i;

	whole = mem_zalloc(TOTAL);
	for (i = 0; i < TOTAL; i++)
		whole[i] = (uint8_t)rng_below(&r, 256);
	test_bodies();
	test_found_values();
	test_cut();
	test_misplaced();
	test_chunk_bytes();
	free(whole);
	return done();
}
