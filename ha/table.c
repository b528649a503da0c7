/*
 * table: the scheduling table in memory. Services and servers are kept in
 * arrays sorted by name: lookups are a binary search, walks are in order, and
 * two equal tables have equal bytes.
 */
#include "ha/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

void
table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

static void
service_free(struct service *s)
{
	size_t i;

	for (i = 0; i < s->n_servers; i++)
		free(s->servers[i]);
	free(s->servers);
	free(s);
}

void
table_done(struct table *t)
{
	size_t i;

	for (i = 0; i < t->n_services; i++)
		service_free(t->services[i]);
	free(t->services);
	table_init(t);
}

void
table_move(struct table *dst, struct table *src)
{
	*dst = *src;
	table_init(src);
}

/* Both kinds of row begin with their definition, which begins with the name. */
static const char *
row_name(void *const *rows, size_t i)
{
	return rows[i];
}

/* Index of name, or of where it would go; *ret_found says which. */
static size_t
find(void *const *rows, size_t n, const char *name, bool *ret_found)
{
	size_t lo = 0, hi = n, mid;
	int d;

	*ret_found = true;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		d = strcmp(name, row_name(rows, mid));
		if (d == 0)
			return mid;
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*ret_found = false;
	return lo;
}

static void
row_insert(void ***rows, size_t *n, size_t *cap, size_t at, void *row)
{
	if (*n == *cap) {
		*cap = *cap > 0 ? *cap * 2 : 8;
		*rows = realloc(*rows, *cap * sizeof(void *));
		if (*rows == NULL)
			abort();
	}
	memmove(*rows + at + 1, *rows + at, (*n - at) * sizeof(void *));
	(*rows)[at] = row;
	++*n;
}

static void
row_remove(void **rows, size_t *n, size_t at)
{
	--*n;
	memmove(rows + at, rows + at + 1, (*n - at) * sizeof(void *));
}

struct service *
table_service(const struct table *t, const char *name)
{
	bool found;
	size_t i = find((void **)t->services, t->n_services, name, &found);

	return found ? t->services[i] : NULL;
}

struct server *
service_server(const struct service *s, const char *name)
{
	bool found;
	size_t i = find((void **)s->servers, s->n_servers, name, &found);

	return found ? s->servers[i] : NULL;
}

static int
service_set(struct table *t, const struct change *c)
{
	bool found;
	size_t i = find((void **)t->services, t->n_services, c->service, &found);
	struct service *s;

	if (!found) {
		s = mem_new(struct service);
		row_insert((void ***)&t->services, &t->n_services, &t->cap, i, s);
	}
	t->services[i]->def = c->service_def;
	memcpy(t->services[i]->def.name, c->service, NAME_LEN);
	return 0;
}

static int
service_del(struct table *t, const struct change *c)
{
	bool found;
	size_t i = find((void **)t->services, t->n_services, c->service, &found);

	if (!found)
		return -ERR_NO_SERVICE;
	t->n_servers -= t->services[i]->n_servers;
	service_free(t->services[i]);
	row_remove((void **)t->services, &t->n_services, i);
	return 0;
}

static int
server_set(struct table *t, const struct change *c)
{
	struct service *s = table_service(t, c->service);
	struct server *v;
	bool found;
	size_t i;

	if (s == NULL)
		return -ERR_NO_SERVICE;
	i = find((void **)s->servers, s->n_servers, c->server, &found);
	if (!found) {
		v = mem_new(struct server);
		v->override = v->policy = WEIGHT_NONE;
		row_insert((void ***)&s->servers, &s->n_servers, &s->cap, i, v);
		t->n_servers++;
	}
	s->servers[i]->def = c->server_def;
	memcpy(s->servers[i]->def.name, c->server, NAME_LEN);
	return 0;
}

static int
server_del(struct table *t, const struct change *c)
{
	struct service *s = table_service(t, c->service);
	bool found;
	size_t i;

	if (s == NULL)
		return -ERR_NO_SERVICE;
	i = find((void **)s->servers, s->n_servers, c->server, &found);
	if (!found)
		return -ERR_NO_SERVER;
	free(s->servers[i]);
	row_remove((void **)s->servers, &s->n_servers, i);
	t->n_servers--;
	return 0;
}

static int
server_state(struct table *t, const struct change *c)
{
	struct service *s = table_service(t, c->service);
	struct server *v = s != NULL ? service_server(s, c->server) : NULL;

	if (v == NULL)
		return s == NULL ? -ERR_NO_SERVICE : -ERR_NO_SERVER;
	switch (c->what) {
	case CHANGE_HEALTH:
		v->health = (enum health)c->value;
		break;
	case CHANGE_DRAIN:
		v->drain = c->value != 0;
		break;
	case CHANGE_OVERRIDE:
		v->override = (int32_t)c->value;
		break;
	default:
		v->policy = (int32_t)c->value;
		break;
	}
	return 0;
}

static int
epoch_set(struct table *t, const struct change *c)
{
	return c->epoch > t->epoch ? 0 : -ERR_STALE;
}

static int (*const appliers[CHANGE__LAST])(struct table *,
    const struct change *) = {
	[CHANGE_EPOCH] = epoch_set,
	[CHANGE_SERVICE_SET] = service_set,
	[CHANGE_SERVICE_DEL] = service_del,
	[CHANGE_SERVER_SET] = server_set,
	[CHANGE_SERVER_DEL] = server_del,
	[CHANGE_HEALTH] = server_state,
	[CHANGE_DRAIN] = server_state,
	[CHANGE_OVERRIDE] = server_state,
	[CHANGE_POLICY] = server_state,
};

/* A policy speaks often: why a server is up, or drained, is kept beside it. */
static void
keep_cause(struct server *v, const struct change *c)
{
	bool policy = c->what == CHANGE_POLICY && c->value != WEIGHT_NONE;

	memcpy(policy ? v->policy_cause : v->cause, c->cause, CAUSE_LEN);
	if (c->what == CHANGE_POLICY && !policy)
		v->policy_cause[0] = '\0';
}

int
table_apply(struct table *t, const struct change *c)
{
	struct service *s;
	struct server *v;
	int rc;

	if (c->epoch < t->epoch || c->seq != t->seq + 1)
		return -ERR_STALE;
	if (c->what <= CHANGE_NONE || c->what >= CHANGE__LAST)
		return -EINVAL;
	rc = appliers[c->what](t, c);
	if (rc < 0)
		return rc;
	t->epoch = c->epoch;
	t->seq = c->seq;
	s = table_service(t, c->service);
	v = s != NULL ? service_server(s, c->server) : NULL;
	if (v != NULL) {
		v->changed = c->when;
		keep_cause(v, c);
	}
	return 0;
}

uint32_t
server_weight(const struct server *s)
{
	if (s->health == HEALTH_DOWN || s->drain)
		return 0;
	if (s->override != WEIGHT_NONE)
		return (uint32_t)s->override;
	if (s->policy != WEIGHT_NONE)
		return (uint32_t)s->policy;
	return s->def.weight;
}

bool
server_removed(const struct server *s)
{
	return s->health == HEALTH_DOWN && s->def.down != DOWN_QUIESCE;
}

const char *
server_weight_source(const struct server *s)
{
	if (server_removed(s))
		return "removed";
	if (s->health == HEALTH_DOWN)
		return "down";
	if (s->drain)
		return "drained";
	if (s->override != WEIGHT_NONE)
		return "by hand";
	return s->policy != WEIGHT_NONE ? "policy" : "configured";
}

const char *
server_cause(const struct server *s)
{
	bool policy = s->health != HEALTH_DOWN && !s->drain &&
	    s->override == WEIGHT_NONE && s->policy != WEIGHT_NONE;

	return policy ? s->policy_cause : s->cause;
}

int
table_age_cmp(uint64_t e1, uint64_t s1, uint64_t e2, uint64_t s2)
{
	if (e1 != e2)
		return e1 < e2 ? -1 : 1;
	return s1 < s2 ? -1 : s1 > s2;
}
