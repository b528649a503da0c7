/*
 * table_diff: sorted merge of two tables, by names.
 */
#include "ha/table_diff.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

struct diff {
	struct change c; /* prepared: cause */
	change_fn emit;
	void *arg;
	size_t n;
};

static void
emit(struct diff *d, enum change_what what, const char *service,
    const char *server)
{
	d->c.what = what;
	(void)snprintf(d->c.service, NAME_LEN, "%s", service);
	(void)snprintf(d->c.server, NAME_LEN, "%s", server);
	d->emit(&d->c, d->arg);
	d->n++;
}

static bool
service_def_same(const struct service_def *a, const struct service_def *b)
{
	return a->protocol == b->protocol && a->port == b->port &&
	    a->fwmark == b->fwmark && a->flags == b->flags &&
	    a->persistence_s == b->persistence_s &&
	    a->persistence_bits == b->persistence_bits &&
	    strcmp(a->scheduler, b->scheduler) == 0 &&
	    addr_cmp(&a->addr, &b->addr) == 0;
}

static bool
server_def_same(const struct server_def *a, const struct server_def *b)
{
	return a->port == b->port && a->method == b->method &&
	    a->weight == b->weight && a->upper == b->upper &&
	    a->lower == b->lower && a->down == b->down && addr_cmp(&a->addr, &b->addr) == 0;
}

static void
server_set(struct diff *d, const struct service *s, const struct server *v)
{
	d->c.server_def = v->def;
	emit(d, CHANGE_SERVER_SET, s->def.name, v->def.name);
}

/* have NULL: a new service. */
static void
diff_servers(struct diff *d, const struct service *have,
    const struct service *want)
{
	size_t h = 0, w = 0, n = have != NULL ? have->n_servers : 0;
	int order;

	while (h < n || w < want->n_servers) {
		if (h == n)
			order = 1;
		else if (w == want->n_servers)
			order = -1;
		else
			order = strcmp(have->servers[h]->def.name,
			    want->servers[w]->def.name);
		if (order < 0)
			emit(d, CHANGE_SERVER_DEL, have->def.name,
			    have->servers[h]->def.name);
		else if (order > 0 ||
		    !server_def_same(
			&have->servers[h]->def, &want->servers[w]->def))
			server_set(d, want, want->servers[w]);
		h += order <= 0;
		w += order >= 0;
	}
}

static void
service_set(struct diff *d, const struct service *s)
{
	d->c.service_def = s->def;
	emit(d, CHANGE_SERVICE_SET, s->def.name, "");
}

size_t
table_diff(const struct table *have, const struct table *want,
    const char *cause, change_fn fn, void *arg)
{
	struct diff d = { .emit = fn, .arg = arg };
	const struct service *hs, *ws;
	size_t h = 0, w = 0;
	int order;

	(void)snprintf(d.c.cause, CAUSE_LEN, "%s", cause);
	while (h < have->n_services || w < want->n_services) {
		hs = h < have->n_services ? have->services[h] : NULL;
		ws = w < want->n_services ? want->services[w] : NULL;
		order = hs == NULL ? 1 : ws == NULL ? -1 :
			strcmp(hs->def.name, ws->def.name);
		if (order < 0) {
			emit(&d, CHANGE_SERVICE_DEL, hs->def.name, "");
		} else {
			if (order > 0 || !service_def_same(&hs->def, &ws->def))
				service_set(&d, ws);
			diff_servers(&d, order == 0 ? hs : NULL, ws);
		}
		h += order <= 0;
		w += order >= 0;
	}
	return d.n;
}

static int
add_service(struct table *t, const struct conf_service *cs)
{
	struct change c = { .epoch = t->epoch, .what = CHANGE_SERVICE_SET };
	size_t i;
	int rc;

	memcpy(c.service, cs->def.name, NAME_LEN);
	c.service_def = cs->def;
	c.seq = t->seq + 1;
	rc = table_apply(t, &c);
	for (i = 0; i < cs->n_servers && rc == 0; i++) {
		c.what = CHANGE_SERVER_SET;
		c.seq = t->seq + 1;
		memcpy(c.server, cs->servers[i].name, NAME_LEN);
		c.server_def = cs->servers[i];
		rc = table_apply(t, &c);
	}
	return rc;
}

int
table_from_conf(const struct conf *c, struct table *ret)
{
	struct table t;
	size_t i;
	int rc = 0;

	table_init(&t);
	for (i = 0; i < c->n_services && rc == 0; i++)
		rc = add_service(&t, &c->services[i]);
	if (rc < 0) {
		table_done(&t);
		return rc;
	}
	t.epoch = t.seq = 0;
	*ret = t;
	return 0;
}
