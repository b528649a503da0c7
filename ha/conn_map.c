/*
 * conn_map: chains over one array of entries; indices instead of pointers, as
 * the array moves when it grows.
 */
#include "ha/conn_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 1024
#define TIMEOUT_DEFAULT 180 /* as the kernel, when a datagram does not say */
#define RUNS_OUT_NEVER 0    /* of a free entry */

struct conn_entry {
	struct sync_conn c;
	uint32_t next; /* in its chain, or of the free ones; index + 1 */
	usec_t runs_out;
};

void
conn_map_init(struct conn_map *m)
{
	*m = (struct conn_map){ 0 };
}

void
conn_map_done(struct conn_map *m)
{
	free(m->entries);
	free(m->heads);
	conn_map_init(m);
}

/* FNV-1a over what a connection is known by. Who can choose client ports can
 * make chains long; the kernel's own hash is seeded, ours only slows. */
static uint32_t
hash_bytes(uint32_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * 16777619U;
	return h;
}

static uint32_t
hash(const struct sync_conn *c)
{
	size_t len = addr_len(&c->client);
	uint32_t h = 2166136261U ^ c->protocol;

	h = hash_bytes(h, c->client.bytes, len);
	h = hash_bytes(h, &c->client_port, sizeof(c->client_port));
	h = hash_bytes(h, c->virt.bytes, len);
	h = hash_bytes(h, &c->virt_port, sizeof(c->virt_port));
	return h ^ h >> 15;
}

static bool
same(const struct sync_conn *a, const struct sync_conn *b)
{
	return a->protocol == b->protocol && a->client_port == b->client_port &&
	       a->virt_port == b->virt_port &&
	       ((a->flags ^ b->flags) & SYNC_TEMPLATE) == 0 &&
	       addr_cmp(&a->client, &b->client) == 0 &&
	       addr_cmp(&a->virt, &b->virt) == 0;
}

static uint32_t *
head_of(const struct conn_map *m, const struct sync_conn *c)
{
	return &m->heads[hash(c) & (m->n_heads - 1)];
}

static struct conn_entry *
find(const struct conn_map *m, const struct sync_conn *c)
{
	uint32_t i;

	if (m->n_heads == 0)
		return NULL;
	for (i = *head_of(m, c); i != 0; i = m->entries[i - 1].next)
		if (same(&m->entries[i - 1].c, c))
			return &m->entries[i - 1];
	return NULL;
}

static void
link_all(struct conn_map *m)
{
	uint32_t i, *head;

	for (i = 0; i < m->used; i++) {
		if (m->entries[i].runs_out == RUNS_OUT_NEVER)
			continue;
		head = head_of(m, &m->entries[i].c);
		m->entries[i].next = *head;
		*head = i + 1;
	}
}

/* Twice the room. Called when no entry is free. */
static int
grow(struct conn_map *m)
{
	uint32_t cap = m->cap == 0 ? CAP_FIRST : m->cap * 2;
	struct conn_entry *e;
	uint32_t *heads;

	if (cap > CONN_MAP_MAX)
		return -E2BIG;
	heads = calloc(cap, sizeof(*heads));
	e = heads == NULL ? NULL : realloc(m->entries, cap * sizeof(*e));
	if (e == NULL) {
		free(heads);
		return -ENOMEM;
	}
	free(m->heads);
	m->heads = heads;
	m->n_heads = m->cap = cap;
	m->entries = e;
	link_all(m);
	return 0;
}

static struct conn_entry *
take_free(struct conn_map *m)
{
	uint32_t i = m->free;

	if (i != 0) {
		m->free = m->entries[i - 1].next;
		return &m->entries[i - 1];
	}
	if (m->used == m->cap && grow(m) < 0)
		return NULL;
	return &m->entries[m->used++];
}

static int
add(struct conn_map *m, const struct sync_conn *c, usec_t runs_out)
{
	struct conn_entry *e = take_free(m);
	uint32_t *head;

	if (e == NULL) {
		m->refused++;
		return m->cap >= CONN_MAP_MAX ? -E2BIG : -ENOMEM;
	}
	e->c = *c;
	e->runs_out = runs_out;
	head = head_of(m, c);
	e->next = *head;
	*head = (uint32_t)(e - m->entries) + 1;
	m->n++;
	return 0;
}

int
conn_map_put(
    struct conn_map *m, const struct sync_conn *c, bool only_new, usec_t now)
{
	uint32_t s = c->timeout_s == 0 ? TIMEOUT_DEFAULT : c->timeout_s;
	struct conn_entry *e = find(m, c);
	usec_t runs_out = now + s * USEC_S;

	if (e == NULL)
		return add(m, c, runs_out);
	if (only_new && e->runs_out > now)
		return 0;
	e->c = *c;
	e->runs_out = runs_out;
	return 0;
}

bool
conn_map_walk(struct conn_map *m, uint32_t *at, uint32_t max, usec_t now,
    sync_conn_fn fn, void *arg)
{
	struct sync_conn c;

	for (; *at < m->used && max > 0; (*at)++, max--) {
		const struct conn_entry *e = &m->entries[*at];

		if (e->runs_out <= now)
			continue;
		c = e->c;
		c.timeout_s =
		    (uint32_t)((e->runs_out - now + USEC_S - 1) / USEC_S);
		fn(arg, &c);
	}
	return *at < m->used;
}

static void
drop(struct conn_map *m, uint32_t i)
{
	struct conn_entry *e = &m->entries[i];
	uint32_t *at = head_of(m, &e->c);

	while (*at != i + 1)
		at = &m->entries[*at - 1].next;
	*at = e->next;
	e->next = m->free;
	e->runs_out = RUNS_OUT_NEVER;
	m->free = i + 1;
	m->n--;
}

void
conn_map_sweep(struct conn_map *m, uint32_t max, usec_t now)
{
	for (; max > 0 && m->used > 0; max--, m->swept++) {
		struct conn_entry *e;

		if (m->swept >= m->used) {
			m->swept = 0;
			return;
		}
		e = &m->entries[m->swept];
		if (e->runs_out != RUNS_OUT_NEVER && e->runs_out <= now)
			drop(m, m->swept);
	}
}
