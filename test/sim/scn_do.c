/*
 * scn_do: the commands of a scenario.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/sim/scn.h"

static bool
each_node(
    struct sim *s, const struct scn_line *l, void (*fn)(struct sim *, unsigned))
{
	unsigned i;
	int n;

	for (i = 1; i < l->n; i++) {
		n = scn_node(l->word[i]);
		if (n < 0)
			return false;
		fn(s, (unsigned)n);
	}
	return l->n > 1;
}

static bool
do_start(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, sim_start);
}

static bool
do_kill(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, sim_kill);
}

static bool
do_crash(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, sim_crash);
}

static bool
do_leave(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, sim_leave);
}

static void
hang(struct sim *s, unsigned n)
{
	sim_hang(s, n, true);
}

static void
resume(struct sim *s, unsigned n)
{
	sim_hang(s, n, false);
}

static bool
do_hang(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, hang);
}

static bool
do_resume(struct scn *c, const struct scn_line *l)
{
	return each_node(c->sim, l, resume);
}

/* cut all | cut 0 | cut 0 d1 (what d1 sends) | cut all d1 | cut beats */
static bool
cut(struct scn *c, const struct scn_line *l, bool how)
{
	int from = l->n > 2 ? scn_node(l->word[2]) : -1;
	int path;

	if (l->n < 2 || (l->n > 2 && from < 0))
		return false;
	if (strcmp(l->word[1], "beats") == 0) {
		sim_filter(c->sim, from, how);
		return true;
	}
	path = strcmp(l->word[1], "all") == 0 ? -1 : atoi(l->word[1]);
	sim_cut(c->sim, path, from, how);
	return true;
}

static bool
do_cut(struct scn *c, const struct scn_line *l)
{
	return cut(c, l, true);
}

static bool
do_heal(struct scn *c, const struct scn_line *l)
{
	return cut(c, l, false);
}

/* loss 30% [path]; also duplicate, jitter 30ms */
static bool
each_wire(struct scn *c, const struct scn_line *l,
    bool (*fn)(struct path_wire *, const char *))
{
	int only = l->n > 2 ? atoi(l->word[2]) : -1;
	unsigned side, p;
	bool good = l->n > 1;

	for (side = 0; side < 2 && good; side++)
		for (p = 0; p < CONF_PATHS_MAX && good; p++)
			if (only < 0 || p == (unsigned)only)
				good =
				    fn(&c->sim->net.wires[side][p], l->word[1]);
	return good;
}

static bool
wire_loss(struct path_wire *w, const char *arg)
{
	w->loss = atof(arg) / 100;
	return true;
}

static bool
wire_duplicate(struct path_wire *w, const char *arg)
{
	w->duplicate = atof(arg) / 100;
	return true;
}

static bool
wire_jitter(struct path_wire *w, const char *arg)
{
	return usec_parse(arg, &w->jitter) == 0;
}

static bool
do_loss(struct scn *c, const struct scn_line *l)
{
	return each_wire(c, l, wire_loss);
}

static bool
do_duplicate(struct scn *c, const struct scn_line *l)
{
	return each_wire(c, l, wire_duplicate);
}

static bool
do_jitter(struct scn *c, const struct scn_line *l)
{
	return each_wire(c, l, wire_jitter);
}

/* linkd d1 down | corosync d2 up */
static bool
end_of_link(struct scn *c, const struct scn_line *l,
    void (*fn)(struct link_fake *, unsigned, bool))
{
	int n = l->n == 3 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	sim_note(c->sim, "%s %s %s", l->word[0], l->word[1], l->word[2]);
	fn(&c->sim->link, (unsigned)n, strcmp(l->word[2], "up") == 0);
	return true;
}

static bool
do_linkd(struct scn *c, const struct scn_line *l)
{
	return end_of_link(c, l, link_fake_linkd);
}

static bool
do_corosync(struct scn *c, const struct scn_line *l)
{
	return end_of_link(c, l, link_fake_corosync);
}

/* link cut | heal | full | free | drop 3 | delay 5s */
static bool
do_link(struct scn *c, const struct scn_line *l)
{
	struct link_fake *k = &c->sim->link;
	const char *what = l->n > 1 ? l->word[1] : "";

	sim_note(c->sim, "link %s", what);
	if (strcmp(what, "cut") == 0 || strcmp(what, "heal") == 0)
		link_fake_cut(k, what[0] == 'c');
	else if (strcmp(what, "full") == 0 || strcmp(what, "free") == 0)
		k->full = strcmp(what, "full") == 0;
	else if (strcmp(what, "drop") == 0 && l->n == 3)
		k->drop_next = (unsigned)atoi(l->word[2]);
	else if (strcmp(what, "delay") == 0 && l->n == 3)
		return usec_parse(l->word[2], &k->delay) == 0;
	else
		return false;
	return true;
}

static bool
on_server(struct scn *c, const struct scn_line *l, enum change_what what,
    int64_t value)
{
	char service[NAME_LEN], server[NAME_LEN];
	int active = sim_active(c->sim);

	if (l->n < 2 || !scn_server(l->word[1], service, server))
		return false;
	c->change_rc = sim_change(c->sim, active < 0 ? 0 : (unsigned)active,
	    what, service, server, value);
	return true;
}

static bool
do_weight(struct scn *c, const struct scn_line *l)
{
	return l->n == 3 &&
	       on_server(c, l, CHANGE_OVERRIDE,
		   strcmp(l->word[2], "auto") == 0 ? WEIGHT_NONE
						   : atoi(l->word[2]));
}

static bool
do_health(struct scn *c, const struct scn_line *l)
{
	return l->n == 3 &&
	       on_server(c, l, CHANGE_HEALTH,
		   strcmp(l->word[2], "up") == 0 ? HEALTH_UP : HEALTH_DOWN);
}

static bool
do_drain(struct scn *c, const struct scn_line *l)
{
	return l->n == 2 && on_server(c, l, CHANGE_DRAIN, 1);
}

static bool
do_change(struct scn *c, const struct scn_line *l)
{
	(void)l;
	c->change_rc = sim_change_random(c->sim);
	return true;
}

static bool
do_switch(struct scn *c, const struct scn_line *l)
{
	int n = l->n == 2 ? scn_node(l->word[1]) : sim_active(c->sim);

	c->switch_rc = n < 0 ? -ENOTCONN : sim_switch(c->sim, (unsigned)n);
	return true;
}

/* maintain d1 on */
static bool
do_maintain(struct scn *c, const struct scn_line *l)
{
	int n = l->n > 2 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	c->switch_rc =
	    sim_maintain(c->sim, (unsigned)n, strcmp(l->word[2], "on") == 0);
	return true;
}

/* uplink d1 lost */
static bool
do_uplink(struct scn *c, const struct scn_line *l)
{
	int n = l->n > 2 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	sim_uplink(c->sim, (unsigned)n, strcmp(l->word[2], "well") == 0);
	return true;
}

/* fence d1 fails: the agent that d1 runs; works; takes 2s */
static bool
do_fence(struct scn *c, const struct scn_line *l)
{
	int n = l->n > 2 ? scn_node(l->word[1]) : -1;
	struct fence_fake *f;

	if (n < 0)
		return false;
	f = &c->sim->nodes[n].fence;
	f->fails = strcmp(l->word[2], "fails") == 0;
	return l->n < 4 || usec_parse(l->word[3], &f->takes) == 0;
}

/* reload d1 SERVERS [VIPS] */
static bool
do_reload(struct scn *c, const struct scn_line *l)
{
	int n = l->n > 2 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	(void)sim_reload(c->sim, (unsigned)n, (unsigned)atoi(l->word[2]),
	    l->n > 3 ? (unsigned)atoi(l->word[3]) : SIM_VIPS);
	return true;
}

/* store d1 absent | silent | failing | ok | slow 5s | commit 5ms; store
 * corrupt */
static bool
do_store(struct scn *c, const struct scn_line *l)
{
	int n = l->n > 2 ? scn_node(l->word[1]) : -1;
	struct store_fake *s = n < 0 ? NULL : &c->sim->nodes[n].store;
	const char *what = l->n > 2 ? l->word[2] : "";

	if (l->n == 2 && strcmp(l->word[1], "corrupt") == 0)
		return c->sim->disks[0].corrupt = true;
	if (s == NULL)
		return false;
	if (strcmp(what, "slow") == 0 && l->n == 4)
		return usec_parse(l->word[3], &s->answer) == 0;
	if (strcmp(what, "commit") == 0 && l->n == 4)
		return usec_parse(l->word[3], &s->commit) == 0;
	s->absent = strcmp(what, "absent") == 0;
	s->silent = strcmp(what, "silent") == 0;
	s->fail_rc = strcmp(what, "failing") == 0 ? -EIO : 0;
	if (s->absent || s->silent || s->fail_rc != 0)
		return true;
	sim_store_up(c->sim, (unsigned)n);
	return strcmp(what, "ok") == 0;
}

/* kernel d1 fails | works | spoil */
static bool
do_kernel(struct scn *c, const struct scn_line *l)
{
	int n = l->n == 3 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	sim_note(c->sim, "kernel %s %s", l->word[1], l->word[2]);
	if (strcmp(l->word[2], "spoil") == 0)
		sim_kernel_spoil(c->sim, (unsigned)n);
	else
		c->sim->nodes[n].lvs_fails = strcmp(l->word[2], "fails") == 0;
	return true;
}

/* vip d1 remove | fails | works */
static bool
do_vip(struct scn *c, const struct scn_line *l)
{
	int n = l->n == 3 ? scn_node(l->word[1]) : -1;
	struct vip_fake *v = n < 0 ? NULL : &c->sim->nodes[n].vip;

	if (v == NULL)
		return false;
	sim_note(c->sim, "vip %s %s", l->word[1], l->word[2]);
	if (strcmp(l->word[2], "remove") == 0)
		vip_fake_remove(v, &c->sim->nodes[n].conf->vips[0].addr);
	else
		v->fail_rc = strcmp(l->word[2], "fails") == 0 ? -ENODEV : 0;
	return true;
}

/* clock d1 2000000000: seconds since 1970 */
static bool
do_clock(struct scn *c, const struct scn_line *l)
{
	int n = l->n == 3 ? scn_node(l->word[1]) : -1;

	if (n < 0)
		return false;
	loop_fake_set_real(
	    c->sim->nodes[n].loop, strtoull(l->word[2], NULL, 10) * USEC_S);
	return true;
}

static bool
do_remember(struct scn *c, const struct scn_line *l)
{
	int n = l->n == 2 ? scn_node(l->word[1]) : sim_active(c->sim);

	if (n < 0)
		return false;
	sim_remember(c->sim, (unsigned)n);
	return true;
}

static bool
do_mark(struct scn *c, const struct scn_line *l)
{
	sim_mark(c->sim);
	return l->n == 1;
}

bool
scn_do(struct scn *c, const struct scn_line *l)
{
	static const struct {
		const char *name;
		bool (*fn)(struct scn *, const struct scn_line *);
	} rows[] = {
		{ "start", do_start },
		{ "kill", do_kill },
		{ "crash", do_crash },
		{ "leave", do_leave },
		{ "hang", do_hang },
		{ "resume", do_resume },
		{ "cut", do_cut },
		{ "heal", do_heal },
		{ "loss", do_loss },
		{ "duplicate", do_duplicate },
		{ "jitter", do_jitter },
		{ "linkd", do_linkd },
		{ "corosync", do_corosync },
		{ "link", do_link },
		{ "weight", do_weight },
		{ "health", do_health },
		{ "drain", do_drain },
		{ "change", do_change },
		{ "switch", do_switch },
		{ "maintain", do_maintain },
		{ "uplink", do_uplink },
		{ "fence", do_fence },
		{ "reload", do_reload },
		{ "store", do_store },
		{ "kernel", do_kernel },
		{ "vip", do_vip },
		{ "clock", do_clock },
		{ "remember", do_remember },
		{ "mark", do_mark },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, l->word[0]) == 0)
			return rows[i].fn(c, l);
	return false;
}
