/*
 * snapshot: the whole table as bytes, and back. Layout, big-endian: "YT",
 * u8 version, u64 epoch, u64 seq, u32 services, each: definition, u32 servers,
 * each: definition, u8 health, u8 drain, i32 override, i32 policy,
 * u64 changed, str cause, and since version 2 str cause of the policy. Both
 * counts are bounded by the bytes that are there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/table.h"

#define SNAPSHOT_VERSION 2
#define SNAPSHOT_OLDEST 1
#define SERVICE_BYTES 192
#define SERVER_BYTES 416
#define SERVICE_BYTES_MIN 31 /* so a count cannot promise more than there is */
#define SERVER_BYTES_MIN 43

/* The oldest version that says all there is: a pair that is being upgraded, and
 * one that goes back, reads it. */
static uint8_t
version_for(const struct table *t)
{
	size_t i, j;

	for (i = 0; i < t->n_services; i++)
		for (j = 0; j < t->services[i]->n_servers; j++)
			if (t->services[i]->servers[j]->policy_cause[0] != '\0')
				return SNAPSHOT_VERSION;
	return SNAPSHOT_OLDEST;
}

static void
server_pack(struct buf *b, uint8_t version, const struct server *v)
{
	server_def_pack(b, &v->def);
	put_u8(b, (uint8_t)v->health);
	put_u8(b, v->drain);
	put_u32(b, (uint32_t)v->override);
	put_u32(b, (uint32_t)v->policy);
	put_u64(b, v->changed);
	put_str(b, v->cause);
	if (version > 1)
		put_str(b, v->policy_cause);
}

static void
server_unpack(struct buf *b, uint8_t version, struct server *ret)
{
	struct server v = { 0 };
	uint8_t drain;

	server_def_unpack(b, &v.def);
	v.health = get_u8(b);
	drain = get_u8(b);
	v.drain = drain != 0;
	v.override = (int32_t)get_u32(b);
	v.policy = (int32_t)get_u32(b);
	v.changed = get_u64(b);
	get_str(b, v.cause, sizeof(v.cause));
	if (version > 1)
		get_str(b, v.policy_cause, sizeof(v.policy_cause));
	if ((unsigned)v.health >= HEALTH__LAST || drain > 1 ||
	    v.override < WEIGHT_NONE || v.override > WEIGHT_MAX ||
	    v.policy < WEIGHT_NONE || v.policy > WEIGHT_MAX)
		b->bad = true;
	*ret = v;
}

int
table_pack(const struct table *t, uint8_t **ret, size_t *ret_len)
{
	uint8_t version = version_for(t), *mem;
	size_t i, j, cap;
	struct buf b;

	cap = 64 + t->n_services * SERVICE_BYTES + t->n_servers * SERVER_BYTES;
	mem = malloc(cap);
	if (mem == NULL)
		return -ENOMEM;
	b = buf_writer(mem, cap);
	put_bytes(&b, "YT", 2);
	put_u8(&b, version);
	put_u64(&b, t->epoch);
	put_u64(&b, t->seq);
	put_u32(&b, (uint32_t)t->n_services);
	for (i = 0; i < t->n_services; i++) {
		service_def_pack(&b, &t->services[i]->def);
		put_u32(&b, (uint32_t)t->services[i]->n_servers);
		for (j = 0; j < t->services[i]->n_servers; j++)
			server_pack(
			    &b, version, t->services[i]->servers[j]);
	}
	if (b.bad) {
		free(mem);
		return -EOVERFLOW;
	}
	*ret = mem;
	*ret_len = b.pos;
	return 0;
}

/* Rows come sorted, so that each goes to the end; others are refused. */
static bool
service_unpack(struct buf *b, uint8_t version, struct table *t)
{
	struct service *s = mem_new(struct service);
	uint32_t i, n;

	service_def_unpack(b, &s->def);
	n = get_u32(b);
	if (n > buf_left(b) / SERVER_BYTES_MIN)
		b->bad = true;
	if (!b->bad && n > 0)
		s->servers = calloc(n, sizeof(struct server *));
	s->cap = n;
	t->services[t->n_services++] = s;
	for (i = 0; !b->bad && s->servers != NULL && i < n; i++) {
		struct server *v = mem_new(struct server);

		server_unpack(b, version, v);
		s->servers[s->n_servers++] = v;
		t->n_servers++;
		if (i > 0 && strcmp(s->servers[i - 1]->def.name,
				 v->def.name) >= 0)
			b->bad = true;
	}
	return !b->bad && s->n_servers == n;
}

int
table_unpack(const void *bytes, size_t len, struct table *ret)
{
	struct buf b = buf_reader(bytes, len);
	struct table t;
	char magic[2];
	uint32_t i, n;
	uint8_t version;

	table_init(&t);
	get_bytes(&b, magic, 2);
	version = get_u8(&b);
	if (b.bad || memcmp(magic, "YT", 2) != 0)
		return -EBADMSG;
	if (version < SNAPSHOT_OLDEST || version > SNAPSHOT_VERSION)
		return -ERR_VERSION;
	t.epoch = get_u64(&b);
	t.seq = get_u64(&b);
	n = get_u32(&b);
	if (b.bad || n > buf_left(&b) / SERVICE_BYTES_MIN)
		return -EBADMSG;
	t.services = calloc(n > 0 ? n : 1, sizeof(struct service *));
	if (t.services == NULL)
		return -ENOMEM;
	t.cap = n > 0 ? n : 1;
	for (i = 0; i < n; i++)
		if (!service_unpack(&b, version, &t) ||
		    (i > 0 && strcmp(t.services[i - 1]->def.name,
				  t.services[i]->def.name) >= 0))
			break;
	if (i < n || b.bad || buf_left(&b) != 0) {
		table_done(&t);
		return -EBADMSG;
	}
	*ret = t;
	return 0;
}

bool
table_equal(const struct table *a, const struct table *b)
{
	struct table x = *a, y = *b;
	uint8_t *p = NULL, *q = NULL;
	size_t n = 0, m = 0;
	bool same;

	x.epoch = y.epoch = x.seq = y.seq = 0;
	same = table_pack(&x, &p, &n) == 0 && table_pack(&y, &q, &m) == 0 &&
	    n == m && memcmp(p, q, n) == 0;
	free(p);
	free(q);
	return same;
}
