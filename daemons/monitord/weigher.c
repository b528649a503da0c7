/*
 * weigher: a struct weigh, a timer and perhaps a record per service.
 *
 * Everything that a policy is given goes through give(), so that a record
 * misses nothing. A record is of one run: when deciding begins (again), the
 * file is begun anew, the one before is kept as FILE.1, and what is known is
 * given to a policy without memory, as `yoke replay` will.
 */
#include "daemons/monitord/weigher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "ha/weigh_text.h"

#define RECORD_MAX (64L << 20) /* bytes; then it is over */

struct weighed {
	struct weigher *weigher;
	char name[NAME_LEN];
	struct weigh weigh;
	struct timer tick;
	FILE *record; /* NULL: none, or it failed */
	bool kept;    /* the new configuration has it */
};

struct weigher {
	struct loop *loop;
	weigher_fn fn;
	void *arg;
	bool on;
	struct weighed **list; /* sorted by name */
	size_t n;
};

void
weigher_new(struct loop *l, weigher_fn fn, void *arg, struct weigher **ret)
{
	struct weigher *w = mem_new(struct weigher);

	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	*ret = w;
}

/* ---- the record ---- */

static void
record_end(struct weighed *d, const char *why)
{
	if (d->record == NULL)
		return;
	if (why != NULL)
		log_warning("service=%s record=%s state=ended why=\"%s\"",
		    d->name, d->weigh.policy.record, why);
	(void)fclose(d->record);
	d->record = NULL;
}

static void
record_line(struct weighed *d, const char *line)
{
	if (d->record == NULL)
		return;
	if (fprintf(d->record, "%s\n", line) < 0)
		record_end(d, strerror(errno));
	else if (ftell(d->record) > RECORD_MAX)
		record_end(d, "it is full");
}

static void
record_key(const char *key, const char *value, void *arg)
{
	struct weighed *d = arg;
	char line[WEIGH_LINE_MAX];

	record_line(d, weigh_policy_format(
	    loop_now(d->weigher->loop), key, value, line));
}

static void
record_begin(struct weighed *d)
{
	const char *file = d->weigh.policy.record;
	char old[POLICY_FILE_LEN + 4];

	record_end(d, NULL);
	if (file[0] == '\0' || !d->weigher->on)
		return;
	(void)snprintf(old, sizeof(old), "%s.1", file);
	(void)rename(file, old);
	d->record = fopen(file, "wxe");
	if (d->record == NULL) {
		log_warning("service=%s record=%s state=none why=\"%s\"",
		    d->name, file, strerror(errno));
		return;
	}
	record_line(d, WEIGH_HEAD);
	policy_keys(&d->weigh.policy, record_key, d);
}

/* ---- one service ---- */

static int
give(struct weighed *d, struct weigh_event *e)
{
	char line[WEIGH_LINE_MAX];

	e->at = loop_now(d->weigher->loop);
	record_line(d, weigh_event_format(e, line));
	return weigh_feed(&d->weigh, e);
}

static int
give_value(struct weighed *d, const char *server, enum weigh_what what,
    int64_t value, bool drained)
{
	struct weigh_event e = { .what = what, .value = value,
		.drained = drained };

	memcpy(e.server, server, NAME_LEN);
	return give(d, &e);
}

static int
tell(struct weigher *w, const char *service, const char *server,
    int32_t weight, const char *cause)
{
	struct weight_msg m = { .weight = weight };

	(void)snprintf(m.service, sizeof(m.service), "%s", service);
	(void)snprintf(m.server, sizeof(m.server), "%s", server);
	(void)snprintf(m.cause, sizeof(m.cause), "%s", cause);
	return w->fn(&m, w->arg);
}

static int
on_weight(const struct weigh_server *s, int32_t weight, const char *cause,
    void *arg)
{
	struct weighed *d = arg;
	char line[WEIGH_LINE_MAX];
	int rc = tell(d->weigher, d->name, s->name, weight, cause);

	if (rc == 0)
		record_line(d, weigh_weight_format(loop_now(d->weigher->loop),
		    s->name, weight, cause, line));
	return rc;
}

static void
on_tick(void *arg)
{
	struct weighed *d = arg;
	struct weigh_event e = { .what = WEIGH_TICK };

	timer_in(&d->tick, d->weigh.policy.interval);
	(void)give(d, &e);
	if (d->record != NULL && fflush(d->record) != 0)
		record_end(d, strerror(errno));
}

static struct weighed *
weighed_new(struct weigher *w, const struct conf_service *s)
{
	struct weighed *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->weigher = w;
	memcpy(d->name, s->def.name, NAME_LEN);
	weigh_init(&d->weigh, &s->policy, on_weight, d);
	timer_init(&d->tick, w->loop, on_tick, d);
	return d;
}

static void
weighed_free(struct weighed *d)
{
	timer_stop(&d->tick);
	record_end(d, NULL);
	weigh_done(&d->weigh);
	free(d);
}

/* All that is known, to a policy that knows nothing yet. */
static void
restart(struct weighed *d)
{
	struct weigh old = d->weigh;
	const struct weigh_server *s;
	size_t i;

	weigh_init(&d->weigh, &old.policy, on_weight, d);
	record_begin(d);
	for (i = 0; i < old.n; i++) {
		s = &old.servers[i];
		(void)give_value(
		    d, s->name, WEIGH_SERVER, s->configured, false);
		(void)give_value(d, s->name, WEIGH_TABLE, s->told, false);
		(void)give_value(d, s->name, WEIGH_HEALTH,
		    s->up ? HEALTH_UP : HEALTH_DOWN, false);
		(void)give_value(
		    d, s->name, WEIGH_HAND, s->override, s->drained);
	}
	weigh_done(&old);
	if (d->weigher->on)
		timer_in(&d->tick, d->weigh.policy.interval);
	else
		timer_stop(&d->tick);
}

/* ---- all of them ---- */

static int
by_name(const void *key, const void *item)
{
	return strcmp(key, (*(struct weighed *const *)item)->name);
}

static struct weighed *
find(const struct weigher *w, const char *service)
{
	struct weighed **d = w->n == 0 ? NULL : bsearch(
	    service, w->list, w->n, sizeof(*w->list), by_name);

	return d != NULL ? *d : NULL;
}

static int
order(const void *a, const void *b)
{
	return by_name((*(struct weighed *const *)a)->name, b);
}

static int
def_order(const void *a, const void *b)
{
	return strcmp((*(const struct server_def *const *)a)->name,
	    (*(const struct server_def *const *)b)->name);
}

static bool
has_server(const struct server_def **sorted, size_t n, const char *name)
{
	size_t lo = 0, hi = n, mid;
	int d;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		d = strcmp(name, sorted[mid]->name);
		if (d == 0)
			return true;
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

/* In order, since policies keep them so. */
static int
set_servers(struct weighed *d, const struct conf_service *s)
{
	const struct server_def **sorted = calloc(
	    s->n_servers + 1, sizeof(struct server_def *));
	size_t i;
	int rc = 0;

	if (sorted == NULL)
		return -ENOMEM;
	for (i = 0; i < s->n_servers; i++)
		sorted[i] = &s->servers[i];
	qsort(sorted, s->n_servers, sizeof(*sorted), def_order);
	for (i = d->weigh.n; i-- > 0;)
		if (!has_server(sorted, s->n_servers,
			d->weigh.servers[i].name))
			(void)give_value(d, d->weigh.servers[i].name,
			    WEIGH_GONE, 0, false);
	for (i = 0; rc == 0 && i < s->n_servers; i++)
		rc = give_value(d, sorted[i]->name, WEIGH_SERVER,
		    sorted[i]->weight, false);
	free(sorted);
	return rc;
}

static void
set_policy(struct weighed *d, const struct policy *p)
{
	bool other = strcmp(d->weigh.policy.record, p->record) != 0;

	weigh_set_policy(&d->weigh, p);
	if (d->weigher->on)
		timer_in(&d->tick, p->interval);
	if (other)
		restart(d); /* with its record */
	else
		policy_keys(p, record_key, d);
}

/* The service has no policy any more: its servers have no weight by it. */
static void
forget(struct weighed *d)
{
	size_t i;

	for (i = 0; d->weigher->on && i < d->weigh.n; i++)
		if (d->weigh.servers[i].told != WEIGHT_NONE)
			(void)tell(d->weigher, d->name,
			    d->weigh.servers[i].name, WEIGHT_NONE,
			    "the service has no policy any more");
	weighed_free(d);
}

static void
drop_others(struct weigher *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		if (w->list[i]->kept)
			w->list[n++] = w->list[i];
		else
			forget(w->list[i]);
	}
	w->n = n;
}

static int
add(struct weigher *w, const struct conf_service *s)
{
	struct weighed *d = find(w, s->def.name);

	if (d != NULL) {
		set_policy(d, &s->policy);
	} else {
		d = weighed_new(w, s);
		if (d == NULL)
			return -ENOMEM;
		w->list[w->n++] = d;
		qsort(w->list, w->n, sizeof(*w->list), order);
		if (w->on)
			restart(d);
	}
	d->kept = true;
	return set_servers(d, s);
}

int
weigher_set_conf(struct weigher *w, const struct conf *c)
{
	struct weighed **list = realloc(
	    w->list, (w->n + c->n_services + 1) * sizeof(*list));
	size_t i;
	int rc = 0;

	if (list == NULL)
		return -ENOMEM;
	w->list = list;
	for (i = 0; i < w->n; i++)
		w->list[i]->kept = false;
	for (i = 0; rc == 0 && i < c->n_services; i++)
		if (c->services[i].policy.given)
			rc = add(w, &c->services[i]);
	if (rc == 0)
		drop_others(w);
	return rc;
}

void
weigher_free(struct weigher *w)
{
	if (w == NULL)
		return;
	while (w->n > 0)
		weighed_free(w->list[--w->n]);
	free(w->list);
	free(w);
}

void
weigher_state(struct weigher *w, const struct probe_state *s)
{
	struct weighed *d = find(w, s->service);
	const struct weigh_server *v =
	    d != NULL ? weigh_find(&d->weigh, s->server) : NULL;

	if (v == NULL) {
		if (s->policy != WEIGHT_NONE)
			(void)tell(w, s->service, s->server, WEIGHT_NONE,
			    "the service has no policy");
		return;
	}
	if (!w->on)
		(void)give_value(
		    d, s->server, WEIGH_HEALTH, s->health, false);
	if (s->policy != v->told)
		(void)give_value(
		    d, s->server, WEIGH_TABLE, s->policy, false);
	if (s->override != v->override || (s->drain != 0) != v->drained)
		(void)give_value(d, s->server, WEIGH_HAND, s->override,
		    s->drain != 0);
}

void
weigher_on(struct weigher *w, bool on)
{
	size_t i;

	if (w->on == on)
		return;
	w->on = on;
	for (i = 0; i < w->n; i++)
		restart(w->list[i]);
}

/* What cannot wait for the next decision: nobody may serve now, or a server
 * has just become overloaded. */
static bool
urgent(const struct weighed *d, const struct weigh_event *e)
{
	const struct weigh_server *v;

	if (e->what == WEIGH_HEALTH)
		return d->weigh.policy.sorry[0] != '\0';
	if (e->what != WEIGH_LOAD || !e->load.overloaded)
		return false;
	v = weigh_find(&d->weigh, e->server);
	return v != NULL && !v->last.overloaded;
}

void
weigher_event(struct weigher *w, const char *service, struct weigh_event *e)
{
	struct weighed *d = find(w, service);
	bool now;

	if (d == NULL)
		return;
	now = urgent(d, e);
	(void)give(d, e);
	if (now && w->on)
		on_tick(d);
}
