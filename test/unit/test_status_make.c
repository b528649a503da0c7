/*
 * test_status_make: the director that test_status looks at.
 */
#include "test/unit/test_status_make.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct addr
fixture_addr(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a) < 0)
		abort();
	return a;
}

static void
change(struct table *t, struct change *c)
{
	c->epoch = 7;
	c->seq = t->seq + 1;
	c->when = usec_real() - 3 * USEC_S;
	if (table_apply(t, c) < 0)
		abort();
}

static void
add_service(struct table *t, const char *name, const char *address)
{
	struct change c = { .what = CHANGE_SERVICE_SET };

	(void)snprintf(c.service, sizeof(c.service), "%s", name);
	memcpy(c.service_def.name, c.service, NAME_LEN);
	c.service_def.protocol = IPPROTO_TCP;
	c.service_def.addr = fixture_addr(address);
	c.service_def.port = 80;
	memcpy(c.service_def.scheduler, "wlc", 4);
	change(t, &c);
}

void
fixture_server(
    struct table *t, const char *service, const char *name, struct addr a)
{
	struct change c = { .what = CHANGE_SERVER_SET };

	(void)snprintf(c.service, sizeof(c.service), "%s", service);
	(void)snprintf(c.server, sizeof(c.server), "%s", name);
	memcpy(c.server_def.name, c.server, NAME_LEN);
	c.server_def.addr = a;
	c.server_def.port = 80;
	c.server_def.weight = 100;
	(void)snprintf(c.cause, sizeof(c.cause), "configuration");
	change(t, &c);
}

void
fixture_weight(struct table *t, enum change_what what, const char *server,
    int64_t value, const char *cause)
{
	struct change c = { .what = what, .value = value };

	(void)snprintf(c.service, sizeof(c.service), "web");
	(void)snprintf(c.server, sizeof(c.server), "%s", server);
	(void)snprintf(c.cause, sizeof(c.cause), "%s", cause);
	change(t, &c);
}

void
fixture_conf(struct fixture *f)
{
	struct conf *c = &f->conf;
	int i;

	(void)snprintf(c->instance, NAME_LEN, "main");
	for (i = 0; i < CONF_NODES; i++) {
		(void)snprintf(c->nodes[i].name, NAME_LEN, "d%d", i + 1);
		c->nodes[i].id = (uint32_t)i + 1;
		c->nodes[i].n_paths = 2;
	}
	for (i = 0; i < 2; i++) {
		(void)snprintf(f->own[i].name, NAME_LEN, "net%d", i + 1);
		(void)snprintf(f->own[i].device, 64, "eth%d", i);
		(void)snprintf(f->peers[i].name, NAME_LEN, "net%d", i + 1);
	}
	c->nodes[0].paths = f->own;
	c->nodes[1].paths = f->peers;
	c->self = &c->nodes[0];
	c->peer = &c->nodes[1];
	c->beat_interval = 20 * USEC_MS;
	c->beat_misses = 3;
	c->sync = true;
	f->vips[0] = (struct conf_vip){ .addr = fixture_addr("192.0.2.10"),
		.bits = 32, .device = "eth0" };
	c->vips = f->vips;
	c->n_vips = 1;
}

static void
set_beats(struct fixture *f)
{
	struct beats *b = &f->y.director.beats;
	usec_t now = usec_mono();
	unsigned i;

	b->conf = &f->conf;
	b->n_paths = 2;
	for (i = 0; i < 2; i++)
		b->paths[i] = (struct path_state){ .own = &f->own[1 - i],
			.up = true,
			.heard = now,
			.since = now - 5 * USEC_S,
			.path = &f->path };
	b->reported = true;
	b->heard = now;
	b->report = (struct beat){ .role = ROLE_STANDBY,
		.flags = BEAT_IN_STEP,
		.hears = 1, /* the first, as beats count */
		.table_epoch = 7 };
}

static void
set_kernel(struct fixture *f)
{
	struct lvs_service s = { .key = { .addr = fixture_addr("192.0.2.10"),
				     .port = 80,
				     .protocol = IPPROTO_TCP } };
	struct lvs_dest d = { .addr = fixture_addr("10.0.0.11"),
		.port = 80,
		.active = 3,
		.inactive = 1,
		.stats = { .conns = 1234, .in_bytes = 99 } };
	struct lvs_table *t = &f->y.director.ipvs.have;

	if (lvs_service_add_dest(lvs_table_add(t, &s), &d) < 0 ||
	    lvs_table_sort(t) < 0)
		abort();
}

static void
set_uplink(struct fixture *f)
{
	struct uplink *u = &f->y.net.uplink;
	usec_t now = usec_mono();

	f->y.net.started = true;
	f->conf.uplink_need = 1;
	u->well = true;
	u->since = now - 5 * USEC_S;
	f->device = (struct uplink_dev){ "eth0", UPLINK_FINE, u->since };
	f->seat.vip = &f->vips[0];
	f->y.net.vips.seats = &f->seat;
	f->y.net.vips.n = 1;
	f->y.net.dups.loop = f->y.loop;
	f->y.net.dups.conf = &f->conf;
	f->y.net.dups.seen = &f->dup;
	u->devices = &f->device;
	u->n_devices = 1;
	u->n_witnesses = 2;
	u->witnesses[0] = (struct uplink_witness){ .def = { .gateway = true },
		.asked = { UPLINK_ARP, fixture_addr("10.0.0.254"), NULL },
		.up = true,
		.answered = now };
	u->witnesses[1] =
	    (struct uplink_witness){ .def = { .addr = fixture_addr("fd00::1") },
		    .asked = { .problem = "no route leads to it" } };
}

struct fixture *
fixture_new(void)
{
	struct fixture *f = mem_new(struct fixture);
	struct director *d = &f->y.director;
	struct transition *t;

	if (loop_new(&f->y.loop) < 0)
		abort();
	fixture_conf(f);
	set_beats(f);
	set_kernel(f);
	set_uplink(f);
	f->y.conf = &f->conf;
	f->y.start = usec_mono() - 60 * USEC_S;
	f->y.monitor.conn = f->y.store.conn = f->y.link.conn =
	    f->y.sync.conn = (struct ipcs_conn *)&f->conn;
	f->y.monitor.name = "monitord";
	f->y.store.name = "checkpointd";
	f->y.link.name = "linkd";
	f->y.sync.name = "syncd";
	f->y.monitor.heard = f->y.store.heard = f->y.link.heard = usec_mono();
	f->y.sync.heard = usec_mono();
	f->y.sync_state = (struct sync_state_msg){ .role = SYNC_ACTIVE,
		.phase = SYNC_PHASE_READY,
		.early = 1 };
	f->y.store_state = (struct store_state){ .ok = 1,
		.epoch = 7,
		.seq = 2,
		.snapshot_when = usec_real() - USEC_S };
	d->role = ROLE_ACTIVE;
	d->role_since = usec_mono() - 2 * USEC_S;
	d->decision.why = WHY_WELL;
	d->holding = true;
	d->members = (struct link_members){ .connected = true, .peer = true };
	table_init(&d->table);
	add_service(&d->table, "web", "192.0.2.10");
	fixture_server(&d->table, "web", "rs1", fixture_addr("10.0.0.11"));
	fixture_server(&d->table, "web", "rs2", fixture_addr("2001:db8::12"));
	t = transitions_add(&d->log);
	t->from = ROLE_STANDBY;
	t->to = ROLE_TAKING_OVER;
	t->event = EV_TAKE;
	t->why = WHY_SILENCE;
	t->at_real = 1795240800123456;
	t->silence = 31000;
	transition_step(t, "table", 100);
	transition_step(t, "vips", 300);
	t = transitions_add(&d->log);
	t->from = ROLE_TAKING_OVER;
	t->to = ROLE_ACTIVE;
	t->event = EV_TOOK;
	d->beats.report.seq = d->table.seq;
	return f;
}

void
fixture_free(struct fixture *f)
{
	table_done(&f->y.director.table);
	lvs_table_done(&f->y.director.ipvs.have);
	loop_free(f->y.loop);
	free(f);
}
