/*
 * test_beat: the frame and the guard of the beats: what is genuine comes
 * through, everything else is refused, counted and changes nothing.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/beat.h"
#include "ha/beats.h"
#include "ha/role.h"
#include "test/tap.h"

#define ME 1
#define PEER 2
#define MAC_LEN 32

static const uint8_t secret[] = "0123456789abcdef0123456789abcdef";
static const uint8_t other_secret[] = "0123456789abcdef0123456789abcdeF";

static const struct beat sample = {
	.instance = "main",
	.node = PEER,
	.path = 3,
	.role = ROLE_ACTIVE,
	.flags = BEAT_READY | BEAT_VIPS,
	.interval_us = 20000,
	.hears = 0xa5000001,
	.session = 0x0102030405060708,
	.number = 0x1112131415161718,
	.echo_session = 0x2122232425262728,
	.echo_number = 0x3132333435363738,
	.epoch = 0x4142434445464748,
	.table_epoch = 0x5152535455565758,
	.seq = 0x6162636465666768,
};

static struct beat_key *
key_of(const uint8_t *bytes, size_t len)
{
	struct beat_key *k = NULL;

	if (beat_key_new(bytes, len, &k) < 0)
		abort();
	return k;
}

static bool
same(const struct beat *a, const struct beat *b)
{
	return strcmp(a->instance, b->instance) == 0 && a->node == b->node &&
	    a->path == b->path && a->role == b->role && a->flags == b->flags &&
	    a->interval_us == b->interval_us && a->hears == b->hears &&
	    a->session == b->session && a->number == b->number &&
	    a->echo_session == b->echo_session &&
	    a->echo_number == b->echo_number && a->epoch == b->epoch &&
	    a->table_epoch == b->table_epoch && a->seq == b->seq;
}

/* ---- the frame ---- */

static void
test_keys(void)
{
	uint8_t bytes[65] = { 1 };
	struct beat_key *k = NULL;

	is_int(beat_key_new(bytes, 0, &k), -EINVAL, "no key is no key");
	is_int(beat_key_new(bytes, 65, &k), -EINVAL, "65 bytes are too many");
	ok(k == NULL, "nothing comes out");
	is_int(beat_key_new(bytes, 64, &k), 0, "64 are not");
	beat_key_free(k);
	beat_key_free(NULL);
}

static void
test_round_trip(struct beat_key *k)
{
	uint8_t mem[BEAT_BYTES_MAX];
	struct beat b, long_name = sample;
	int n;

	n = beat_pack(&sample, k, mem);
	ok(n > MAC_LEN && n <= BEAT_BYTES_MAX, "packs into %d bytes", n);
	is_int(beat_unpack(mem, (size_t)n, k, &b), 0, "unpacks");
	ok(same(&b, &sample), "as it was");
	memset(long_name.instance, 'x', NAME_LEN - 1);
	n = beat_pack(&long_name, k, mem);
	ok(n > 0, "the longest instance fits");
	is_int(beat_unpack(mem, (size_t)n, k, &b), 0, "and unpacks");
	ok(same(&b, &long_name), "as it was");
}

/* Everything refused, and ret untouched. */
static bool
refused(const void *mem, size_t len, struct beat_key *k)
{
	static const struct beat untouched = { .instance = "untouched" };
	struct beat b = untouched;
	int rc = beat_unpack(mem, len, k, &b);

	return (rc == -ERR_AUTH || rc == -EBADMSG) &&
	    memcmp(&b, &untouched, sizeof(b)) == 0;
}

/* In memory of its exact size, so that a sanitizer sees reads past it. */
static void
test_truncated(struct beat_key *k)
{
	uint8_t mem[BEAT_BYTES_MAX], *exact;
	int n = beat_pack(&sample, k, mem), i;
	bool good = true;

	for (i = 0; i < n && good; i++) {
		exact = malloc((size_t)i + 1);
		memcpy(exact, mem, (size_t)i);
		good = refused(exact, (size_t)i, k);
		free(exact);
	}
	ok(good, "each of %d truncations is refused (at %d)", n, i - 1);
}

static void
test_extended(struct beat_key *k)
{
	uint8_t mem[BEAT_BYTES_MAX + 64] = { 0 };
	int n = beat_pack(&sample, k, mem), i;

	for (i = n + 1; i <= (int)sizeof(mem); i++)
		if (!refused(mem, (size_t)i, k))
			break;
	is_int(i, sizeof(mem) + 1, "bytes after the end are refused");
}

static void
test_bit_flips(struct beat_key *k)
{
	uint8_t mem[BEAT_BYTES_MAX];
	int n = beat_pack(&sample, k, mem), i;

	for (i = 0; i < n * 8; i++) {
		mem[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!refused(mem, (size_t)n, k))
			break;
		mem[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	is_int(i, n * 8, "each of %d single-bit errors is refused", n * 8);
}

static void
test_other_key(struct beat_key *k)
{
	struct beat_key *other = key_of(other_secret, 32);
	struct beat_key *shorter = key_of(secret, 31);
	uint8_t mem[BEAT_BYTES_MAX];
	struct beat b;
	int n = beat_pack(&sample, other, mem);

	is_int(beat_unpack(mem, (size_t)n, k, &b), -ERR_AUTH,
	    "another key is refused");
	n = beat_pack(&sample, shorter, mem);
	is_int(beat_unpack(mem, (size_t)n, k, &b), -ERR_AUTH,
	    "a shorter one too");
	beat_key_free(other);
	beat_key_free(shorter);
}

/* What a later yoke would send: the version is byte 2, the rest unknown. The
 * HMAC is made by another function than the codec's, as a check of that. */
static void
test_version(struct beat_key *k)
{
	uint8_t mem[80] = { 'Y', 'B', 2, 'n', 'e', 'w' };
	unsigned len = 0;
	struct beat b;

	(void)HMAC(EVP_sha256(), secret, 32, mem, 48, mem + 48, &len);
	is_int(len, MAC_LEN, "a frame of another version");
	is_int(beat_unpack(mem, sizeof(mem), k, &b), -ERR_VERSION,
	    "is told from a forged one");
	is_int(beat_refusal(-ERR_VERSION), REFUSED_VERSION, "and counted so");
}

/* Genuine, but senseless. */
static void
test_senseless(struct beat_key *k)
{
	uint8_t mem[BEAT_BYTES_MAX];
	struct beat b = sample;
	int n;

	b.role = ROLE__LAST;
	n = beat_pack(&b, k, mem);
	ok(refused(mem, (size_t)n, k), "a role that is none is refused");
	b = sample;
	b.interval_us = 0;
	n = beat_pack(&b, k, mem);
	ok(refused(mem, (size_t)n, k), "an interval of 0 too");
	b.interval_us = 60 * USEC_S + 1;
	n = beat_pack(&b, k, mem);
	ok(refused(mem, (size_t)n, k), "one of over a minute too");
	b = sample;
	strcpy(b.instance, "a\nb");
	n = beat_pack(&b, k, mem);
	ok(refused(mem, (size_t)n, k), "control characters in a name too");
}

/* ---- the guard ---- */

static struct beat_guard
guard_new(uint64_t session, uint64_t number)
{
	struct beat_guard g;

	beat_guard_init(&g, "main", PEER, session);
	g.number = number;
	return g;
}

/* A beat of the peer that has just heard number echo of our session 77. */
static struct beat
beat_of(uint64_t session, uint64_t number, uint8_t path, uint64_t echo)
{
	struct beat b = sample;

	b.session = session;
	b.number = number;
	b.path = path;
	b.echo_session = 77;
	b.echo_number = echo;
	return b;
}

static int
admit(struct beat_guard *g, struct beat b)
{
	bool fresh;

	return beat_guard_admit(g, &b, b.path, &fresh);
}

static void
test_replay(void)
{
	struct beat_guard g = guard_new(77, 1000);
	bool fresh = false;
	struct beat b = beat_of(5, 10, 0, 1000);

	is_int(beat_guard_admit(&g, &b, 0, &fresh), 0, "a proven session");
	ok(fresh, "is new");
	is_int(beat_guard_admit(&g, &b, 0, &fresh), -ERR_REPLAY,
	    "the same number again is refused");
	is_int(admit(&g, beat_of(5, 9, 0, 1000)), -ERR_REPLAY, "a lower one");
	is_int(admit(&g, beat_of(5, 0, 0, 1000)), -ERR_REPLAY, "zero");
	b = beat_of(5, 11, 0, 1000);
	is_int(beat_guard_admit(&g, &b, 0, &fresh), 0, "the next is admitted");
	ok(!fresh, "in the same session");
	is_int(admit(&g, beat_of(5, 11, 1, 1000)), 0,
	    "and once on each other path");
	is_int(admit(&g, beat_of(5, 11, 1, 1000)), -ERR_REPLAY, "not twice");
	is_int(admit(&g, beat_of(5, 500, 0, 0)), 0,
	    "gaps are no matter, nor is the echo now");
	is_int(g.refused[REFUSED_REPLAY], 4, "refusals are counted");
	is_int(g.echo_session, 5, "we echo its session");
	is_int(g.echo_number, 500, "and its highest number");
	is_int(admit(&g, beat_of(5, 400, 1, 0)), 0, "a slower path");
	is_int(g.echo_number, 500, "does not take that back");
}

static void
test_new_session(void)
{
	struct beat_guard g = guard_new(77, 1000);
	struct beat b = beat_of(5, 10, 0, 1000);

	b.echo_session = 76;
	is_int(admit(&g, b), -EAGAIN, "an echo of another session of ours");
	b.echo_session = 0;
	is_int(admit(&g, b), -EAGAIN, "no echo");
	ok(!g.known, "prove nothing");
	is_int(g.echo_session, 5, "but get an echo, to prove themselves");
	is_int(admit(&g, beat_of(5, 11, 0, 1001)), -EAGAIN,
	    "an echo of what we did not send yet");
	is_int(admit(&g, beat_of(5, 11, 0, UINT64_MAX)), -EAGAIN,
	    "of what we shall never send");
	is_int(admit(&g, beat_of(5, 11, 0, 1000 - BEAT_ECHO_WINDOW - 1)),
	    -EAGAIN, "one too old");
	is_int(g.refused[REFUSED_UNPROVEN], 5, "counted");
	is_int(admit(&g, beat_of(5, 11, 0, 1000 - BEAT_ECHO_WINDOW)), 0,
	    "the oldest that counts");
	g.number = 2000;
	is_int(admit(&g, beat_of(6, 1, 0, 1000)), -EAGAIN,
	    "the peer's next session has to prove itself too");
	ok(g.peer_session == 5, "the known one stays until then");
	is_int(admit(&g, beat_of(5, 12, 0, 0)), 0, "and is heard");
	is_int(admit(&g, beat_of(6, 2, 0, 1999)), 0, "then it is admitted");
	ok(admit(&g, beat_of(5, 13, 0, 1000)) < 0,
	    "the old one is not heard any more");
}

static void
test_foreign(void)
{
	struct beat_guard g = guard_new(77, 1000);
	struct beat b = beat_of(5, 10, 0, 1000);
	bool fresh;

	strcpy(b.instance, "other");
	is_int(admit(&g, b), -ERR_FOREIGN, "another instance");
	strcpy(b.instance, "mai");
	is_int(admit(&g, b), -ERR_FOREIGN, "half the name");
	b = beat_of(5, 10, 0, 1000);
	b.node = ME;
	is_int(admit(&g, b), -ERR_FOREIGN, "our own, reflected");
	b.node = 3;
	is_int(admit(&g, b), -ERR_FOREIGN, "an unknown node");
	b = beat_of(5, 10, 0, 1000);
	is_int(beat_guard_admit(&g, &b, 1, &fresh), -ERR_FOREIGN,
	    "of one path, come in on another");
	b.path = CONF_PATHS_MAX;
	is_int(beat_guard_admit(&g, &b, CONF_PATHS_MAX, &fresh), -ERR_FOREIGN,
	    "of a path that cannot be");
	is_int(g.refused[REFUSED_FOREIGN], 6, "counted");
	ok(!g.known && g.echo_session == 0, "and nothing is kept of them");
}

/* Two guards that know nothing of each other, one beat each per round. */
static void
test_handshake(void)
{
	struct beat_guard g[2];
	unsigned round, side, known = 0;
	struct beat b = sample;
	bool fresh;

	beat_guard_init(&g[0], "main", 2, 100);
	beat_guard_init(&g[1], "main", 1, 200);
	g[1].number = 123456;
	b.path = 0;
	for (round = 0; round < 10 && known < 2; round++)
		for (side = 0; side < 2; side++) {
			b.node = side + 1;
			b.session = g[side].session;
			b.number = ++g[side].number;
			b.echo_session = g[side].echo_session;
			b.echo_number = g[side].echo_number;
			if (beat_guard_admit(&g[!side], &b, 0, &fresh) == 0 &&
			    fresh)
				known++;
		}
	is_int(known, 2, "strangers know each other");
	ok(round <= 2, "after %u beats each", round);
}

/* The peer restarts: its old session's last beats carry a fresh echo too. */
static void
test_session_back(void)
{
	struct beat_guard g = guard_new(77, 1000);
	int back, again;

	(void)admit(&g, beat_of(5, 900, 0, 990));
	(void)admit(&g, beat_of(6, 1, 0, 999));
	back = admit(&g, beat_of(5, 890, 0, 980)); /* recorded before */
	again = admit(&g, beat_of(6, 1, 0, 999));
	ok(back < 0, "a session that was replaced does not come back");
	ok(again < 0, "and does not make the new one's beats new again");
}

/* We restart: what the peer sent hours ago on the other path is not new. */
static void
test_other_path(void)
{
	struct beat_guard g = guard_new(77, 1000);

	(void)admit(&g, beat_of(5, 1000000, 0, 999));
	ok(admit(&g, beat_of(5, 7, 1, 0)) < 0,
	    "a recording of another path is not new in a known session");
}

/* Beats held back on one path while the other went on. */
static void
test_held_back(void)
{
	struct beat_guard g = guard_new(77, 1000);

	(void)admit(&g, beat_of(5, 10, 0, 999));
	(void)admit(&g, beat_of(5, 10, 1, 999));
	(void)admit(&g, beat_of(5, 1000000, 0, 999));
	ok(admit(&g, beat_of(5, 11, 1, 999)) < 0,
	    "beats held back for hours on one path are not new");
}

/* ---- through beats.c, as from the wire ---- */

struct wire {
	struct path path;
	uint8_t sent[BEAT_BYTES_MAX];
	size_t sent_len;
	unsigned reports, ups;
};

static struct wire wire;

static int
wire_send(struct path *p, const void *bytes, size_t len)
{
	(void)p;
	memcpy(wire.sent, bytes, len);
	wire.sent_len = len;
	return 0;
}

static void
wire_nothing(struct path *p)
{
	(void)p;
}

static const struct path_ops wire_ops = { .send = wire_send,
	.drain = wire_nothing,
	.close = wire_nothing };

static int
wire_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret)
{
	(void)l;
	(void)own;
	(void)peer;
	wire.path = (struct path){ .ops = &wire_ops,
		.index = index,
		.on_frame = fn,
		.arg = arg };
	*ret = &wire.path;
	return 0;
}

static void
fill(struct beat *b, void *arg)
{
	(void)arg;
	b->role = ROLE_STANDBY;
}

static void
on_report(const struct beat *b, void *arg)
{
	(void)b;
	(void)arg;
	wire.reports++;
}

static void
on_path(unsigned index, bool up, void *arg)
{
	(void)index;
	(void)arg;
	wire.ups += up;
}

static void
on_tick(void *arg)
{
	(void)arg;
}

static const struct beats_ops beats_ops = { fill, on_report, on_path,
	on_tick };

static void
conf_make(struct conf *c, struct conf_path *paths)
{
	*c = (struct conf){ .instance = "main",
		.key_len = 32,
		.beat_interval = 20 * USEC_MS,
		.beat_misses = 3 };
	memcpy(c->key, secret, 32);
	paths[0] = (struct conf_path){ .name = "a" };
	paths[1] = (struct conf_path){ .name = "a" };
	c->nodes[0] = (struct conf_node){ .name = "d1",
		.id = ME, .paths = &paths[0], .n_paths = 1 };
	c->nodes[1] = (struct conf_node){ .name = "d2",
		.id = PEER, .paths = &paths[1], .n_paths = 1 };
	c->self = &c->nodes[0];
	c->peer = &c->nodes[1];
}

static void
arrive(const void *bytes, size_t len)
{
	wire.path.on_frame(0, bytes, len, wire.path.arg);
}

/* Half of them pure noise, half a genuine frame with noise in it. */
static void
noise(struct beats *b, const uint8_t *genuine, size_t len)
{
	uint8_t mem[1600];
	size_t n, k;
	int i;

	srandom(20);
	for (i = 0; i < 10000; i++) {
		n = (size_t)random() % (sizeof(mem) + 1);
		for (k = 0; k < n; k++)
			mem[k] = (uint8_t)random();
		if (i % 2) {
			memcpy(mem, genuine, len);
			k = (size_t)random() % len;
			mem[k] ^= (uint8_t)(1 + random() % 255);
			n = i % 4 == 1 ? len : (size_t)random() % len;
		}
		arrive(mem, n);
	}
	is_int(b->guard.refused[REFUSED_MALFORMED] +
	        b->guard.refused[REFUSED_AUTH],
	    10000, "10000 random datagrams are refused and counted");
}

static void
test_wire(struct beat_key *k)
{
	struct conf_path paths[2];
	struct beat_guard was;
	struct path_state path;
	struct beats b;
	struct loop *loop;
	struct beat beat = sample;
	struct conf c;
	uint8_t mem[BEAT_BYTES_MAX];
	int n;

	conf_make(&c, paths);
	if (loop_new(&loop) < 0 ||
	    beats_start(&b, loop, &c, wire_open, &beats_ops, NULL) < 0)
		abort();
	ok(b.guard.session != 0, "our session is not the one of silence");
	beats_send(&b);
	is_int(beat_unpack(wire.sent, wire.sent_len, k, &beat), 0,
	    "what we send is genuine");
	is_int(beat.node, ME, "and ours");
	beat.node = PEER;
	beat.echo_session = beat.session;
	beat.echo_number = beat.number;
	beat.session = 5;
	beat.number = 10;
	n = beat_pack(&beat, k, mem);
	was = b.guard;
	path = b.paths[0];
	noise(&b, mem, (size_t)n);
	memcpy(was.refused, b.guard.refused, sizeof(was.refused));
	ok(memcmp(&was, &b.guard, sizeof(was)) == 0, "the guard is as it was");
	ok(b.paths[0].refused > 0, "the path tells that it was refused");
	path.refused = b.paths[0].refused;
	path.refusal = b.paths[0].refusal;
	ok(memcmp(&path, &b.paths[0], sizeof(path)) == 0,
	    "it is as it was but for that");
	is_int(wire.reports + wire.ups, 0, "nobody heard of it");
	arrive(mem, (size_t)n);
	is_int(wire.ups, 1, "a genuine beat brings the path up");
	is_int(wire.reports, 1, "and is reported");
	arrive(mem, (size_t)n);
	is_int(b.guard.refused[REFUSED_REPLAY], 1, "a second time it is not");
	is_int(wire.reports, 1, "reported");
	beats_stop(&b);
	loop_free(loop);
}

int
main(void)
{
	struct beat_key *k = key_of(secret, 32);

	test_keys();
	test_round_trip(k);
	test_truncated(k);
	test_extended(k);
	test_bit_flips(k);
	test_other_key(k);
	test_version(k);
	test_senseless(k);
	test_replay();
	test_new_session();
	test_foreign();
	test_handshake();
	test_session_back();
	test_other_path();
	test_held_back();
	test_wire(k);
	beat_key_free(k);
	return done();
}
