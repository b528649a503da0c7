/*
 * ipvs: the sink that drives IPVS. Reconcile, don't command: every pass reads
 * what is there and applies the difference, whatever the reason was.
 */
#include "ha/ipvs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

/* Every connection fills a buffer: it leaves at once. */
#define SYNC_MAXLEN 60

#define HELD_LOOK (10 * USEC_MS) /* is the table whole again? */

static const enum lvs_method methods[METHOD__LAST] = {
	[METHOD_DR] = LVS_DR,
	[METHOD_NAT] = LVS_NAT,
	[METHOD_TUN] = LVS_TUN,
};

void
ipvs_key(const struct service_def *d, struct lvs_key *ret)
{
	*ret = (struct lvs_key){ 0 };
	if (d->fwmark != 0) {
		ret->addr.family = d->addr.family;
		ret->fwmark = d->fwmark;
		return;
	}
	ret->addr = d->addr;
	ret->port = d->port;
	ret->protocol = d->protocol;
}

int
ipvs_want_service(const struct service *s, struct lvs_table *t)
{
	struct lvs_service ls = { 0 }, *added;
	size_t i;
	int rc;

	ipvs_key(&s->def, &ls.key);
	memcpy(ls.scheduler, s->def.scheduler, sizeof(ls.scheduler));
	ls.flags = s->def.flags;
	if (s->def.persistence_s > 0) {
		ls.flags |= LVS_PERSISTENT;
		ls.timeout_s = s->def.persistence_s;
		ls.prefix = s->def.persistence_bits;
	}
	added = lvs_table_add(t, &ls);
	if (added == NULL)
		return -ENOMEM;
	for (i = 0; i < s->n_servers; i++) {
		const struct server *v = s->servers[i];
		struct lvs_dest d = { 0 };

		if (server_removed(v))
			continue;
		d.addr = v->def.addr;
		d.port = v->def.port;
		d.method = methods[v->def.method];
		d.weight = (int)server_weight(v);
		d.upper = v->def.upper;
		d.lower = v->def.lower;
		rc = lvs_service_add_dest(added, &d);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
ipvs_want(const struct table *t, struct lvs_table *ret)
{
	struct lvs_table w = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < t->n_services && rc == 0; i++)
		rc = ipvs_want_service(t->services[i], &w);
	if (rc == 0)
		rc = lvs_table_sort(&w);
	if (rc < 0) {
		lvs_table_done(&w);
		return rc;
	}
	*ret = w;
	return 0;
}

const char *
ipvs_sync_device(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->self->n_paths; i++)
		if (c->self->paths[i].type == PATH_UDP)
			return c->self->paths[i].device;
	return NULL;
}

uint8_t
ipvs_sync_id(const struct conf *c, const struct conf_node *n)
{
	return (uint8_t)(c->sync_id + n->id);
}

/* What the kernel is to run; false: nothing. */
static bool
sync_want(const struct conf *c, struct lvs_sync ret[2])
{
	const char *dev = ipvs_sync_device(c);
	int i;

	if (!c->sync || dev == NULL)
		return false;
	for (i = 0; i < 2; i++) {
		ret[i] = (struct lvs_sync){ .maxlen = SYNC_MAXLEN };
		(void)snprintf(
		    ret[i].ifname, sizeof(ret[i].ifname), "%.15s", dev);
	}
	ret[0].role = LVS_MASTER;
	ret[0].id = ipvs_sync_id(c, c->self);
	ret[1].role = LVS_BACKUP;
	ret[1].id = ipvs_sync_id(c, c->peer);
	return true;
}

/* Both directions always: each director sends with an id of its own. */
static int
sync_daemons(struct ipvs *i)
{
	struct lvs_sync want[2];
	int rc = 0, k;

	if (!sync_want(i->conf, want))
		return 0;
	for (k = 0; k < 2 && rc == 0; k++)
		rc = i->ops->sync_start(i->ctx, &want[k]);
	return rc;
}

void
ipvs_sync_stop(struct ipvs *i)
{
	struct lvs_sync want[2], have[2];
	int n, k;

	if (!sync_want(i->conf, want))
		return;
	n = i->ops->sync_read(i->ctx, have);
	for (k = 0; k < n; k++) {
		const struct lvs_sync *w = &want[have[k].role == LVS_BACKUP];

		if (have[k].id == w->id &&
		    strcmp(have[k].ifname, w->ifname) == 0)
			(void)i->ops->sync_stop(i->ctx, have[k].role);
	}
}

/* A pass is done, well or not. */
static void
passed(struct ipvs *i, usec_t cost, int rc)
{
	i->rc = rc;
	if (rc < 0 && i->error[0] == '\0')
		(void)snprintf(
		    i->error, sizeof(i->error), "IPVS: %s", err_text(rc));
	i->reconciled |= rc == 0;
	i->passes++;
	i->cost = cost;
	if (i->on_pass != NULL)
		i->on_pass(i->arg);
}

static void
whole_done(struct ipvs *i, int rc)
{
	usec_t cost = i->pass.cost;
	bool asked = i->pass.asked;
	int sync;

	ipvs_pass_end(&i->pass);
	if (rc == 0 && !asked) {
		sync = sync_daemons(i);
		if (sync < 0)
			(void)snprintf(i->error, sizeof(i->error),
			    "IPVS sync daemons: %s", err_text(sync));
	}
	timer_in(&i->drift, IPVS_DRIFT);
	passed(i, cost, rc);
	if (i->n_dirty > 0 || i->all_dirty)
		timer_in(&i->soon, 0); /* changed meanwhile */
}

/* The whole table. A small one at once; a large one in steps that leave the
 * loop to the beats in between, unless it has to be done now. */
static void
whole(struct ipvs *i, bool asked, bool now)
{
	int rc;

	if (!i->pass.under_way) {
		i->error[0] = '\0';
		if (asked) {
			i->all_dirty = false;
			i->n_dirty = 0;
			timer_stop(&i->soon);
		}
		ipvs_pass_begin(&i->pass, asked);
	}
	do
		rc = ipvs_pass_step(i);
	while (rc == 1 && (now || i->table->n_services <= IPVS_AT_ONCE));
	if (rc == 1)
		timer_in(&i->step, USEC_MS);
	else
		whole_done(i, rc);
}

static void
on_step(void *arg)
{
	struct ipvs *i = arg;

	if (i->pass.under_way && i->held)
		timer_in(&i->step, HELD_LOOK);
	else if (i->pass.under_way)
		whole(i, i->pass.asked, false);
}

/* The services that changed, max of them. */
static void
services(struct ipvs *i, unsigned max)
{
	usec_t start = loop_now(i->loop);
	int rc = 0;

	i->error[0] = '\0';
	for (; i->n_dirty > 0 && max > 0 && rc == 0; max--)
		rc = ipvs_pass_one(i, i->dirty[--i->n_dirty]);
	passed(i, loop_now(i->loop) - start, rc);
	if (rc < 0)
		i->all_dirty = true;
	if (i->n_dirty > 0 || rc < 0)
		timer_in(&i->soon, rc < 0 ? IPVS_DRIFT : USEC_MS);
}

static void
on_soon(void *arg)
{
	struct ipvs *i = arg;

	if (i->pass.under_way || i->held)
		return; /* at its end */
	if (i->all_dirty)
		whole(i, true, false);
	else if (i->n_dirty > 0)
		services(i, IPVS_AT_ONCE);
}

static void
on_drift(void *arg)
{
	struct ipvs *i = arg;

	if (i->held)
		timer_in(&i->drift, HELD_LOOK);
	else if (!i->pass.under_way)
		whole(i, i->all_dirty, false);
}

void
ipvs_start(struct ipvs *i, struct loop *l, const struct lvs_ops *ops, void *ctx,
    const struct table *t, const struct conf *conf)
{
	*i = (struct ipvs){ .loop = l,
		.ops = ops,
		.ctx = ctx,
		.table = t,
		.conf = conf,
		.drives = true };
	timer_init(&i->soon, l, on_soon, i);
	timer_init(&i->step, l, on_step, i);
	timer_init(&i->drift, l, on_drift, i);
	timer_in(&i->drift, 0);
}

void
ipvs_stop(struct ipvs *i)
{
	timer_stop(&i->soon);
	timer_stop(&i->step);
	timer_stop(&i->drift);
	ipvs_pass_end(&i->pass);
	lvs_table_done(&i->have);
	lvs_owned_done(&i->owned);
}

static void
note_dirty(struct ipvs *i, const char *service)
{
	unsigned k;

	for (k = 0; k < i->n_dirty; k++)
		if (strcmp(i->dirty[k], service) == 0)
			return;
	if (i->n_dirty == IPVS_DIRTY_MAX)
		i->all_dirty = true;
	else
		(void)snprintf(
		    i->dirty[i->n_dirty++], NAME_LEN, "%s", service);
}

/* Passes over the whole of a large table are spread so that they stay a fifth
 * of the time. */
void
ipvs_dirty(struct ipvs *i, const char *service)
{
	if (service == NULL)
		i->all_dirty = true;
	else
		note_dirty(i, service);
	if (!timer_armed(&i->soon))
		timer_in(&i->soon, i->all_dirty && i->cost > 2 * USEC_MS ?
		    i->cost * 4 : 0);
}

void
ipvs_hold(struct ipvs *i, bool held)
{
	bool was = i->held;

	i->held = held;
	if (was && !held && (i->n_dirty > 0 || i->all_dirty))
		timer_in(&i->soon, 0);
}

void
ipvs_flush(struct ipvs *i)
{
	if (i->pass.under_way && i->pass.asked)
		whole(i, true, true);
	if (i->all_dirty) {
		ipvs_pass_end(&i->pass); /* what it read is of no use now */
		timer_stop(&i->step);
		whole(i, true, true);
	} else if (i->n_dirty > 0) {
		services(i, IPVS_DIRTY_MAX);
	}
}

const struct lvs_service *
ipvs_have(const struct ipvs *i, const struct service_def *s)
{
	struct lvs_key k;

	ipvs_key(s, &k);
	return lvs_table_find(&i->have, &k);
}
