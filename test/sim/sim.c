/*
 * sim: the world: makes the parts, starts and stops nodes, does to them what a
 * scenario asks for, and keeps watch over who holds the addresses.
 */
#include "test/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/table_diff.h"

#define KERNELS_FAIL (-EPERM)
#define UPLINK_VERDICT (400 * USEC_MS) /* after it was lost or came back */

const struct sim_options sim_defaults = {
	.beat = 20 * USEC_MS,
	.misses = 3,
	.servers = 3,
	.start_wait = 3 * USEC_S,
};

usec_t
sim_now(const struct sim *s)
{
	return s->clock.now - s->start;
}

void
sim_note(struct sim *s, const char *fmt, ...)
{
	usec_t t = sim_now(s);
	char text[640];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "%4" PRIu64 ".%06" PRIu64 " ",
	    t / USEC_S, t % USEC_S);
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	free(s->notes[s->n_notes % SIM_NOTES]);
	s->notes[s->n_notes++ % SIM_NOTES] = strdup(text);
}

void
sim_print_notes(const struct sim *s)
{
	unsigned i = s->n_notes > SIM_NOTES ? s->n_notes - SIM_NOTES : 0;

	for (; i < s->n_notes; i++)
		printf("#   %s\n", s->notes[i % SIM_NOTES]);
}

/* --- who holds what, at every instant --- */

static void
count_in(struct sim_watch *w, usec_t now)
{
	usec_t took = now - w->since;

	if (w->holders == 0 && took > w->none_max)
		w->none_max = took;
	if (w->holders > 1 && took > w->two_max)
		w->two_max = took;
}

/* A stretch that goes on is one stretch: its length so far, not twice. */
void
sim_watch_now(struct sim *s)
{
	unsigned i;

	for (i = 0; i < SIM_VIPS; i++)
		count_in(&s->watch[i], sim_now(s));
}

static void
on_vip_changed(void *arg)
{
	struct sim_node *n = arg;
	struct sim *s = n->sim;
	struct sim_watch *w;
	struct addr a;
	unsigned i, k, holders;

	n->had = s->clock.now;
	for (i = 0; i < SIM_VIPS; i++) {
		w = &s->watch[i];
		a = (struct addr){ AF_INET, { 10, 0, 77, (uint8_t)(10 + i) } };
		for (k = 0, holders = 0; k < SIM_NODES; k++)
			holders += vip_fake_has(&s->nodes[k].vip, &a);
		if (holders == w->holders)
			continue;
		count_in(w, sim_now(s));
		if (i == 0)
			sim_note(s, "addresses: d1=%s d2=%s",
			    vip_fake_has(&s->nodes[0].vip, &a) ? "yes" : "no",
			    vip_fake_has(&s->nodes[1].vip, &a) ? "yes" : "no");
		w->lost += holders == 0;
		w->holders = holders;
		w->since = sim_now(s);
	}
}

static void
on_vip_told(void *arg)
{
	struct sim_node *n = arg;

	n->sim->announcer = n->side;
}

void
sim_mark(struct sim *s)
{
	unsigned i;

	for (i = 0; i < SIM_VIPS; i++)
		s->watch[i] =
		    (struct sim_watch){ .holders = s->watch[i].holders,
			    .since = sim_now(s) };
	for (i = 0; i < SIM_NODES; i++)
		s->nodes[i].takes = s->nodes[i].moves = 0;
}

/* --- the kernel, which may refuse --- */

static int
kernel_read(void *ctx, struct lvs_table *ret)
{
	struct sim_node *n = ctx;

	return n->lvs_fails ? KERNELS_FAIL : lvs_fake_ops.read(&n->kernel, ret);
}

static int
kernel_read_more(void *ctx, struct lvs_table *t, size_t *at, size_t max)
{
	struct sim_node *n = ctx;

	return n->lvs_fails ? KERNELS_FAIL :
			      lvs_fake_ops.read_more(&n->kernel, t, at, max);
}

static int
kernel_read_one(void *ctx, const struct lvs_key *k, struct lvs_table *ret)
{
	struct sim_node *n = ctx;

	return n->lvs_fails ? KERNELS_FAIL :
			      lvs_fake_ops.read_one(&n->kernel, k, ret);
}

static int
kernel_apply(void *ctx, const struct lvs_op *ops, size_t n_ops,
    lvs_fail_fn fail, void *arg)
{
	struct sim_node *n = ctx;

	return n->lvs_fails
		   ? KERNELS_FAIL
		   : lvs_fake_ops.apply(&n->kernel, ops, n_ops, fail, arg);
}

static int
kernel_sync_start(void *ctx, const struct lvs_sync *y)
{
	struct sim_node *n = ctx;

	return lvs_fake_ops.sync_start(&n->kernel, y);
}

static const struct lvs_ops kernel_ops = {
	.read = kernel_read,
	.read_more = kernel_read_more,
	.read_one = kernel_read_one,
	.apply = kernel_apply,
	.sync_start = kernel_sync_start,
};

/* --- what the directors say --- */

static void
on_change(const struct change *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
on_table(void *arg)
{
	struct sim_node *n = arg;

	sim_note(n->sim, "%s: table replaced epoch=%" PRIu64 " seq=%" PRIu64,
	    n->conf->self->name, n->director.table.epoch,
	    n->director.table.seq);
}

static void
on_role(const struct transition *t, void *arg)
{
	struct sim_node *n = arg;

	n->moves++;
	n->takes += t->event == EV_TAKE;
	sim_note(n->sim,
	    "%s: %s -> %s event=%s why=%s epoch=%" PRIu64 " seq=%" PRIu64,
	    n->conf->self->name, role_name(t->from), role_name(t->to),
	    role_event_name(t->event), why_name(t->why), t->epoch,
	    n->director.table.seq);
}

static void
on_path(unsigned index, bool up, void *arg)
{
	struct sim_node *n = arg;

	sim_note(n->sim, "%s: path %u %s", n->conf->self->name, index,
	    up ? "up" : "down");
}

static void
on_note(enum note level, const char *text, void *arg)
{
	struct sim_node *n = arg;

	(void)level;
	sim_note(n->sim, "%s: %s", n->conf->self->name, text);
}

static void
free_node(struct sim_node *n)
{
	n->director.holding = false; /* the dead drop nothing */
	director_stop(&n->director);
	conf_free(n->conf);
	n->conf = NULL;
	n->runs = false;
}

/* The director says goodbye inside a callback: freed by the world, later. */
static void
on_left(void *arg)
{
	struct sim_node *n = arg;

	sim_note(n->sim, "%s: left", n->conf->self->name);
	loop_fake_pause(n->loop, true);
	link_fake_detach(&n->sim->link, n->side, LINK_LEFT);
	store_fake_detach(&n->store, false);
	n->runs = false;
}

/* Both are on the segment of the addresses while their uplinks are well. */
static void
on_tick(void *arg)
{
	struct sim_node *n = arg;
	unsigned other = !n->side;

	if (sim_is(n->sim, n->side, ROLE_STARTING) ||
	    sim_is(n->sim, n->side, ROLE_FAULT) ||
	    sim_is(n->sim, n->side, ROLE_MAINTENANCE))
		director_on_answered(&n->director,
		    !n->uplink_lost && !n->sim->nodes[other].uplink_lost &&
			sim_holds(n->sim, other));
}

static const struct director_listener listener = {
	.on_change = on_change,
	.on_table = on_table,
	.on_role = on_role,
	.on_path = on_path,
	.on_note = on_note,
	.on_left = on_left,
	.on_tick = on_tick,
};

static void
on_members(const struct link_members *m, void *arg)
{
	struct sim_node *n = arg;

	sim_note(n->sim, "%s: link=%d peer=%d loss=%d", n->conf->self->name,
	    m->connected, m->peer, m->loss);
	director_on_members(&n->director, m);
}

static void
on_message(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct sim_node *n = arg;

	director_on_message(&n->director, id, body, len);
}

/* The agent of one node cuts the other one's power. It may be answered by the
 * world while nobody is there to hear. */
static void
on_fence_kill(void *arg)
{
	struct sim_node *n = arg;

	sim_kill(n->sim, !n->side);
}

static void
on_fence_result(int rc, const char *text, void *arg)
{
	struct sim_node *n = arg;

	if (n->runs)
		director_on_fence(&n->director, rc, text);
}

static bool
outside_fine(void *ctx)
{
	struct sim_node *n = ctx;

	return !n->uplink_lost;
}

static bool
outside_sure(void *ctx, usec_t since)
{
	(void)since;
	return outside_fine(ctx);
}

static const struct outside_ops outside_ops = { outside_fine, outside_sure };

static void
on_uplink_told(void *arg)
{
	struct sim_node *n = arg;

	if (n->runs)
		director_on_uplink(&n->director, !n->uplink_lost);
}

static void
on_found(const struct store_found *f, const void *bytes, size_t len, void *arg)
{
	struct sim_node *n = arg;

	director_on_found(&n->director, f, bytes, len);
}

/* --- the world --- */

struct sim *
sim_new(uint64_t seed, const struct sim_options *opt)
{
	struct sim *s = mem_new(struct sim);
	struct sim_node *n;
	unsigned i;

	s->opt = opt != NULL ? *opt : sim_defaults;
	s->rng = seed * 2 + 1;
	fake_clock_init(&s->clock, fake_random(&s->rng) | 1);
	s->start = s->clock.now;
	s->world = loop_fake_new(&s->clock, 0, NULL);
	path_net_init(&s->net, fake_random(&s->rng));
	link_fake_init(&s->link, s->world, fake_random(&s->rng));
	for (i = 0; i < SIM_NODES; i++) {
		n = &s->nodes[i];
		n->end = (struct path_fake_end){ &s->net, i };
		n->sim = s;
		n->side = i;
		n->loop = loop_fake_new(&s->clock, i * 7777 * USEC_S, n);
		n->kernel_servers = s->opt.servers;
		vip_fake_init(&n->vip, s->world);
		n->vip.changed = on_vip_changed;
		n->vip.told = on_vip_told;
		n->vip.arg = n;
		timer_init(&n->uplink_told, n->loop, on_uplink_told, n);
		fence_fake_init(&n->fence, n->loop);
		n->fence.takes = 200 * USEC_MS;
		n->fence.on_kill = on_fence_kill;
		n->fence.on_result = on_fence_result;
		n->fence.arg = n;
		store_fake_init(&n->store,
		    &s->disks[s->opt.private_store ? i : 0], s->world, i + 1);
		n->store.absent = s->opt.store_absent;
	}
	return s;
}

void
sim_free(struct sim *s)
{
	struct sim_node *n;
	unsigned i;

	for (i = 0; i < SIM_NODES; i++) {
		n = &s->nodes[i];
		n->vip.changed = NULL;
		sim_kill(s, i);
		vip_fake_clear(&n->vip);
		store_fake_detach(&n->store, true);
		lvs_fake_done(&n->kernel);
		loop_free(n->loop);
	}
	link_fake_done(&s->link);
	store_disk_done(&s->disks[0]);
	store_disk_done(&s->disks[1]);
	loop_free(s->world);
	fake_clock_done(&s->clock);
	if (s->has_remembered)
		table_done(&s->remembered);
	for (i = 0; i < SIM_NOTES; i++)
		free(s->notes[i]);
	free(s);
}

/* Nodes that left are freed here, when none of their code runs. */
static void
bury(struct sim *s)
{
	unsigned i;

	for (i = 0; i < SIM_NODES; i++)
		if (!s->nodes[i].runs && s->nodes[i].conf != NULL)
			free_node(&s->nodes[i]);
}

void
sim_run_until(struct sim *s, usec_t t)
{
	fake_clock_run(&s->clock, s->start + t);
	bury(s);
}

void
sim_run_for(struct sim *s, usec_t t)
{
	sim_run_until(s, sim_now(s) + t);
}

void
sim_start(struct sim *s, unsigned i)
{
	static const struct link_user link_user = { on_members, on_message,
		NULL };
	struct sim_node *n = &s->nodes[i];
	struct link_user u = link_user;
	struct director_ports ports = {
		.path_open = path_fake_open,
		.lvs = &kernel_ops,
		.vip = &vip_fake_ops,
		.link = &link_fake_ops,
		.store = &store_fake_ops,
		.lvs_ctx = n,
		.vip_ctx = &n->vip,
		.link_ctx = &s->link.ends[i],
		.store_ctx = &n->store,
		.outside = &outside_ops,
		.outside_ctx = n,
		.fence = &fence_fake_ops,
		.fence_ctx = &n->fence,
	};

	bury(s);
	if (n->runs)
		return;
	sim_note(s, "start d%u", i + 1);
	loop_fake_pause(n->loop, false);
	n->conf = sim_conf(&s->opt, i, n->kernel_servers, SIM_VIPS);
	store_fake_attach(&n->store, n->loop, on_found, n);
	if (director_start(
		&n->director, n->loop, n->conf, &ports, &listener, n) < 0)
		abort();
	n->runs = true;
	n->starts++;
	director_on_uplink(&n->director, !n->uplink_lost);
	u.arg = n;
	link_fake_attach(&s->link, i, n->loop, &u);
}

static void
end_node(struct sim *s, unsigned i, enum link_loss how, bool power)
{
	struct sim_node *n = &s->nodes[i];

	bury(s);
	if (!n->runs)
		return;
	timer_stop(&n->fence.end);
	timer_stop(&n->uplink_told);
	link_fake_detach(&s->link, i, how);
	store_fake_detach(&n->store, power);
	free_node(n);
	loop_fake_pause(n->loop, false);
}

void
sim_kill(struct sim *s, unsigned i)
{
	sim_note(s, "kill d%u", i + 1);
	end_node(s, i, LINK_NODEDOWN, true);
	store_fake_detach(&s->nodes[i].store, true);
	vip_fake_clear(&s->nodes[i].vip);
	lvs_fake_done(&s->nodes[i].kernel);
}

void
sim_crash(struct sim *s, unsigned i)
{
	sim_note(s, "crash d%u", i + 1);
	end_node(s, i, LINK_PROCDOWN, false);
}

void
sim_hang(struct sim *s, unsigned i, bool hung)
{
	sim_note(s, "%s d%u", hung ? "hang" : "resume", i + 1);
	if (s->nodes[i].runs)
		loop_fake_pause(s->nodes[i].loop, hung);
}

static bool
usable(const struct sim *s, unsigned i)
{
	return s->nodes[i].runs && !loop_fake_paused(s->nodes[i].loop);
}

int
sim_switch(struct sim *s, unsigned i)
{
	int rc = usable(s, i) ? director_switch(&s->nodes[i].director)
			      : -ERR_NO_PEER;

	sim_note(s, "switch d%u: %d", i + 1, rc);
	return rc;
}

int
sim_maintain(struct sim *s, unsigned i, bool on)
{
	int rc;

	if (!usable(s, i))
		return -ENOTCONN;
	rc = director_maintain(&s->nodes[i].director, on);
	sim_note(s, "maintain d%u %d: %d", i + 1, on, rc);
	return rc;
}

void
sim_leave(struct sim *s, unsigned i)
{
	sim_note(s, "leave d%u", i + 1);
	if (usable(s, i) && !s->nodes[i].director.leaving)
		director_leave(&s->nodes[i].director);
}

/* Corosync uses both NICs: it is cut when neither carries both ways. */
void
sim_cut_links(struct sim *s)
{
	bool any = false;
	unsigned p;

	for (p = 0; p < 2; p++)
		any |= !s->net.wires[0][p].cut && !s->net.wires[1][p].cut;
	link_fake_cut(&s->link, !any);
}

void
sim_cut(struct sim *s, int path, int from, bool cut)
{
	int side, p;

	sim_note(s, "%s path %d from %d", cut ? "cut" : "heal", path, from);
	for (side = 0; side < 2; side++)
		for (p = 0; p < CONF_PATHS_MAX; p++)
			if ((from < 0 || from == side) &&
			    (path < 0 || path == p))
				s->net.wires[side][p].cut = cut;
	sim_cut_links(s);
}

void
sim_filter(struct sim *s, int from, bool cut)
{
	int side, p;

	sim_note(s, "%s beats from %d", cut ? "filter" : "pass", from);
	for (side = 0; side < 2; side++)
		for (p = 0; p < CONF_PATHS_MAX; p++)
			if (from < 0 || from == side)
				s->net.wires[side][p].cut = cut;
}

void
sim_uplink(struct sim *s, unsigned i, bool well)
{
	sim_note(s, "uplink d%u %s", i + 1, well ? "well" : "lost");
	s->nodes[i].uplink_lost = !well;
	timer_in(&s->nodes[i].uplink_told, UPLINK_VERDICT);
}

int
sim_change(struct sim *s, unsigned i, enum change_what what,
    const char *service, const char *server, int64_t value)
{
	struct change c = { .what = what, .value = value };

	(void)snprintf(c.service, sizeof(c.service), "%s", service);
	(void)snprintf(c.server, sizeof(c.server), "%s", server);
	(void)snprintf(c.cause, sizeof(c.cause), "scenario");
	if (!usable(s, i))
		return -ERR_NOT_ACTIVE;
	return director_change(&s->nodes[i].director, &c);
}

int
sim_change_random(struct sim *s)
{
	static const enum change_what kinds[] = { CHANGE_HEALTH, CHANGE_DRAIN,
		CHANGE_OVERRIDE, CHANGE_POLICY };
	enum change_what what = kinds[fake_random(&s->rng) % 4];
	int active = sim_active(s);
	int64_t value;
	char server[16];

	if (active < 0)
		return -ERR_NOT_ACTIVE;
	(void)snprintf(server, sizeof(server), "rs%u",
	    (unsigned)(fake_random(&s->rng) % s->opt.servers) + 1);
	value = what == CHANGE_HEALTH ? 1 + (int64_t)(fake_random(&s->rng) % 2)
		: what == CHANGE_DRAIN
		    ? (int64_t)(fake_random(&s->rng) % 2)
		    : (int64_t)(fake_random(&s->rng) % 101) - 1;
	return sim_change(s, (unsigned)active, what,
	    fake_random(&s->rng) % 2 ? "web" : "mail", server, value);
}

int
sim_reload(struct sim *s, unsigned i, unsigned servers, unsigned vips)
{
	struct sim_node *n = &s->nodes[i];
	struct conf *fresh, *was = n->conf;
	struct table want;
	size_t changes = 0;
	int rc;

	if (!usable(s, i))
		return -ENOTCONN;
	fresh = sim_conf(&s->opt, i, servers, vips);
	if (table_from_conf(fresh, &want) < 0)
		abort();
	rc = director_reload(&n->director, fresh, &want, &changes);
	table_done(&want);
	sim_note(s, "reload d%u: rc=%d changes=%zu", i + 1, rc, changes);
	n->conf = rc == 0 ? fresh : was;
	n->kernel_servers = rc == 0 ? servers : n->kernel_servers;
	conf_free(rc == 0 ? was : fresh);
	return rc < 0 ? rc : (int)changes;
}

void
sim_store_up(struct sim *s, unsigned i)
{
	if (usable(s, i))
		director_on_store(&s->nodes[i].director);
}

/* A weight changed, a server removed, a service of somebody else added. */
void
sim_kernel_spoil(struct sim *s, unsigned i)
{
	struct lvs_table *t = &s->nodes[i].kernel.table;
	struct lvs_service other = { .scheduler = "rr" };
	struct lvs_op op = { .verb = LVS_ADD_SERVICE, .service = &other };

	if (t->n > 0 && t->services[0].n_dests > 1) {
		t->services[0].dests[0].weight = 4711;
		t->services[0].n_dests--;
	}
	(void)addr_parse("10.0.99.1", &other.key.addr);
	other.key.protocol = 6;
	other.key.port = 8080;
	(void)lvs_fake_kernel(&s->nodes[i].kernel, LVS_ADD_SERVICE, &op);
}
