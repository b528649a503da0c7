/*
 * ipvs_probe: the services that lead probes to one server each (see
 * common/probe_path.h). They are part of what is wanted of the kernel, beside
 * the table: no change makes them and no peer is told of them.
 *
 * Such a service has one server with port 0, which leaves the packet's own.
 * "ops" concerns UDP alone: without it the kernel would remember a probe's
 * client port for five minutes, and send whoever has that port next to the same
 * server, mark or not (ip_vs_core.c looks for a connection before a service).
 */
#include <errno.h>
#include <string.h>

#include "ha/ipvs.h"

#define SCHEDULER "rr"

static const enum lvs_method methods[METHOD__LAST] = {
	[METHOD_DR] = LVS_DR,
	[METHOD_TUN] = LVS_TUN,
};

static void
service_for(const struct probe_path *p, struct lvs_service *ret)
{
	*ret = (struct lvs_service){ .scheduler = SCHEDULER,
		.flags = LVS_ONEPACKET };
	ret->key.addr.family = p->server.family;
	ret->key.fwmark = p->mark;
}

int
ipvs_want_probes(const struct conf *c, struct lvs_table *t)
{
	const struct probe_paths *p = &c->probe_paths;
	struct lvs_service s, *added;
	struct lvs_dest d;
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n && rc == 0; i++) {
		service_for(&p->all[i], &s);
		added = lvs_table_add(t, &s);
		if (added == NULL)
			return -ENOMEM;
		d = (struct lvs_dest){ .addr = p->all[i].server,
			.method = methods[p->all[i].method],
			.weight = 1 };
		rc = lvs_service_add_dest(added, &d);
	}
	return rc;
}

/* One that an earlier yoked left behind looks like this. */
static bool
left_behind(const struct conf *c, const struct lvs_service *s)
{
	return probe_mark_ours(c, s->key.fwmark) &&
	       strcmp(s->scheduler, SCHEDULER) == 0 &&
	       (s->flags & LVS_ONEPACKET) != 0 &&
	       (s->n_dests == 0 || (s->n_dests == 1 && s->dests[0].port == 0));
}

int
ipvs_own_probes(struct ipvs *i, const struct lvs_table *have)
{
	size_t k;
	int rc = 0;

	for (k = 0; k < have->n && rc == 0; k++)
		if (left_behind(i->conf, &have->services[k]))
			rc = lvs_owned_add(&i->owned, &have->services[k].key);
	return rc;
}

void
ipvs_probes_stop(struct ipvs *i)
{
	struct lvs_table t = { 0 };
	struct lvs_op op = { .verb = LVS_DEL_SERVICE };
	size_t k;

	i->paths = 0;
	if (ipvs_want_probes(i->conf, &t) == 0)
		for (k = 0; k < t.n; k++) {
			op.service = &t.services[k];
			(void)i->ops->apply(i->ctx, &op, 1, NULL, NULL);
		}
	lvs_table_done(&t);
}

void
ipvs_set_conf(struct ipvs *i, const struct conf *fresh)
{
	bool differs = i->conf->probe_paths.id != fresh->probe_paths.id ||
		       probe_marks_first(i->conf) != probe_marks_first(fresh);

	i->conf = fresh;
	if (differs)
		ipvs_dirty(i, NULL);
}
