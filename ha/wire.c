/*
 * wire: codecs of message bodies, one field per line in both directions.
 */
#include "ha/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNPACKED(b, m, ret) \
	do { \
		if ((b)->bad || buf_left(b) != 0) \
			return -EBADMSG; \
		*(ret) = (m); \
		return 0; \
	} while (0)

void
chunk_pack(struct buf *b, const struct chunk *c)
{
	put_u64(b, c->epoch);
	put_u64(b, c->seq);
	put_u32(b, c->total);
	put_u32(b, c->offset);
	put_bytes(b, c->data, c->len);
}

int
chunk_unpack(struct buf *b, struct chunk *ret)
{
	struct chunk c;

	c.epoch = get_u64(b);
	c.seq = get_u64(b);
	c.total = get_u32(b);
	c.offset = get_u32(b);
	if (b->bad)
		return -EBADMSG;
	c.data = b->data + b->pos;
	c.len = buf_left(b);
	if (c.len == 0 || c.len > CHUNK_DATA || c.offset > c.total ||
	    c.len > c.total - c.offset)
		return -EBADMSG;
	*ret = c;
	return 0;
}

size_t
chunk_cut(struct chunk *ret, const uint8_t *bytes, size_t total, size_t offset,
    uint64_t epoch, uint64_t seq)
{
	size_t left = total - offset;

	ret->epoch = epoch;
	ret->seq = seq;
	ret->total = (uint32_t)total;
	ret->offset = (uint32_t)offset;
	ret->data = bytes + offset;
	ret->len = left < CHUNK_DATA ? left : CHUNK_DATA;
	return ret->len;
}

int
chunks_add(struct chunks *c, const struct chunk *k)
{
	if (k->total > CHUNKS_MAX) {
		chunks_done(c);
		return -EMSGSIZE;
	}
	if (k->offset == 0) {
		chunks_done(c);
		c->bytes = malloc(k->total);
		if (c->bytes == NULL)
			return -ENOMEM;
		c->total = k->total;
		c->epoch = k->epoch;
		c->seq = k->seq;
	}
	if (c->bytes == NULL || k->offset != c->got || k->total != c->total ||
	    k->epoch != c->epoch || k->seq != c->seq ||
	    k->len > c->total - c->got) {
		chunks_done(c);
		return -EBADMSG;
	}
	memcpy(c->bytes + c->got, k->data, k->len);
	c->got += (uint32_t)k->len;
	return c->got == c->total;
}

void
chunks_done(struct chunks *c)
{
	free(c->bytes);
	*c = (struct chunks){ 0 };
}

void
store_open_pack(struct buf *b, const struct store_open *m)
{
	put_u64(b, m->epoch);
	put_u32(b, m->node);
}

int
store_open_unpack(struct buf *b, struct store_open *ret)
{
	struct store_open m;

	m.epoch = get_u64(b);
	m.node = get_u32(b);
	UNPACKED(b, m, ret);
}

void
store_load_pack(struct buf *b, const struct store_load *m)
{
	put_u64(b, m->token);
	put_u8(b, m->holds);
}

int
store_load_unpack(struct buf *b, struct store_load *ret)
{
	struct store_load m;

	m.token = get_u64(b);
	m.holds = get_u8(b);
	UNPACKED(b, m, ret);
}

void
store_found_pack(struct buf *b, const struct store_found *m)
{
	put_u64(b, m->token);
	put_u32(b, (uint32_t)m->rc);
	put_u64(b, m->epoch);
	put_u64(b, m->seq);
	put_u64(b, m->snapshot_seq);
	put_u64(b, m->highest_epoch);
	put_u32(b, m->changes);
	put_u32(b, m->bytes);
	put_u64(b, m->took_us);
	put_str(b, m->file);
	put_str(b, m->text);
}

int
store_found_unpack(struct buf *b, struct store_found *ret)
{
	struct store_found m;

	m.token = get_u64(b);
	m.rc = (int32_t)get_u32(b);
	m.epoch = get_u64(b);
	m.seq = get_u64(b);
	m.snapshot_seq = get_u64(b);
	m.highest_epoch = get_u64(b);
	m.changes = get_u32(b);
	m.bytes = get_u32(b);
	m.took_us = get_u64(b);
	get_str(b, m.file, sizeof(m.file));
	get_str(b, m.text, sizeof(m.text));
	UNPACKED(b, m, ret);
}

const char *
tc_bound_name(unsigned bound)
{
	static const char *const names[] = { [TC_FREE] = "none",
		[TC_LOWEST] = "lowest",
		[TC_HIGHEST] = "highest",
		[TC_ROWS] = "rows" };

	return bound < TC__LAST ? names[bound] : "?";
}

static void
store_auto_pack(struct buf *b, const struct store_auto *a)
{
	put_u64(b, a->cost_us);
	put_u64(b, a->replay_ns);
	put_u64(b, a->rate_hour);
	put_u64(b, a->mtbf_s);
	put_u32(b, a->failures);
	put_u64(b, a->young_ms);
	put_u64(b, a->daly_ms);
	put_u64(b, a->optimum_ms);
	put_u64(b, a->chosen_ms);
	put_u8(b, a->bound);
	put_u8(b, a->loaded);
}

static void
store_auto_unpack(struct buf *b, struct store_auto *a)
{
	a->cost_us = get_u64(b);
	a->replay_ns = get_u64(b);
	a->rate_hour = get_u64(b);
	a->mtbf_s = get_u64(b);
	a->failures = get_u32(b);
	a->young_ms = get_u64(b);
	a->daly_ms = get_u64(b);
	a->optimum_ms = get_u64(b);
	a->chosen_ms = get_u64(b);
	a->bound = get_u8(b);
	a->loaded = get_u8(b);
}

void
store_state_pack(struct buf *b, const struct store_state *m)
{
	put_u8(b, m->ok);
	put_u64(b, m->epoch);
	put_u64(b, m->seq);
	put_u64(b, m->snapshot_seq);
	put_u64(b, m->snapshot_when);
	put_u64(b, m->interval_us);
	put_u32(b, m->journal_rows);
	put_u32(b, m->commit_us);
	put_u8(b, m->storage);
	put_u8(b, m->mounting);
	put_u8(b, m->guard);
	store_auto_pack(b, &m->tc);
	put_str(b, m->file);
	put_str(b, m->error);
}

int
store_state_unpack(struct buf *b, struct store_state *ret)
{
	struct store_state m;

	m.ok = get_u8(b);
	m.epoch = get_u64(b);
	m.seq = get_u64(b);
	m.snapshot_seq = get_u64(b);
	m.snapshot_when = get_u64(b);
	m.interval_us = get_u64(b);
	m.journal_rows = get_u32(b);
	m.commit_us = get_u32(b);
	m.storage = get_u8(b);
	m.mounting = get_u8(b);
	m.guard = get_u8(b);
	store_auto_unpack(b, &m.tc);
	get_str(b, m.file, sizeof(m.file));
	get_str(b, m.error, sizeof(m.error));
	UNPACKED(b, m, ret);
}

void
health_msg_pack(struct buf *b, const struct health_msg *m)
{
	put_str(b, m->service);
	put_str(b, m->server);
	put_u8(b, m->health);
	put_str(b, m->cause);
}

int
health_msg_unpack(struct buf *b, struct health_msg *ret)
{
	struct health_msg m;

	get_str(b, m.service, sizeof(m.service));
	get_str(b, m.server, sizeof(m.server));
	m.health = get_u8(b);
	get_str(b, m.cause, sizeof(m.cause));
	if (m.health >= HEALTH__LAST || !name_valid(m.service) ||
	    !name_valid(m.server))
		return -EBADMSG;
	UNPACKED(b, m, ret);
}

static bool
weight_ok(int32_t weight)
{
	return weight >= WEIGHT_NONE && weight <= WEIGHT_MAX;
}

void
probe_state_pack(struct buf *b, const struct probe_state *m)
{
	put_str(b, m->service);
	put_str(b, m->server);
	put_u8(b, m->health);
	put_u8(b, m->drain);
	put_u32(b, (uint32_t)m->override);
	put_u32(b, (uint32_t)m->policy);
}

int
probe_state_unpack(struct buf *b, struct probe_state *ret)
{
	struct probe_state m;

	get_str(b, m.service, sizeof(m.service));
	get_str(b, m.server, sizeof(m.server));
	m.health = get_u8(b);
	m.drain = get_u8(b);
	m.override = (int32_t)get_u32(b);
	m.policy = (int32_t)get_u32(b);
	if (m.health >= HEALTH__LAST || m.drain > 1 ||
	    !weight_ok(m.override) || !weight_ok(m.policy) ||
	    !name_valid(m.service) || !name_valid(m.server))
		return -EBADMSG;
	UNPACKED(b, m, ret);
}

void
weight_msg_pack(struct buf *b, const struct weight_msg *m)
{
	put_str(b, m->service);
	put_str(b, m->server);
	put_u32(b, (uint32_t)m->weight);
	put_str(b, m->cause);
}

int
weight_msg_unpack(struct buf *b, struct weight_msg *ret)
{
	struct weight_msg m;

	get_str(b, m.service, sizeof(m.service));
	get_str(b, m.server, sizeof(m.server));
	m.weight = (int32_t)get_u32(b);
	get_str(b, m.cause, sizeof(m.cause));
	if (!weight_ok(m.weight) || !name_valid(m.service) ||
	    !name_valid(m.server))
		return -EBADMSG;
	UNPACKED(b, m, ret);
}

void
monitor_state_pack(struct buf *b, const struct monitor_state *m)
{
	put_u32(b, m->probes);
	put_u32(b, m->started);
	put_u32(b, m->unasked);
	put_u32(b, m->late_p99_us);
	put_u32(b, m->late_max_us);
}

int
monitor_state_unpack(struct buf *b, struct monitor_state *ret)
{
	struct monitor_state m;

	m.probes = get_u32(b);
	m.started = get_u32(b);
	m.unasked = get_u32(b);
	m.late_p99_us = get_u32(b);
	m.late_max_us = get_u32(b);
	UNPACKED(b, m, ret);
}
