/*
 * test_ipvs: the sink over the twin of the kernel: what is wanted gets there,
 * drift is put right, failures are reported and tried again, what is not ours
 * stays.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "common/mem.h"
#include "ha/ipvs.h"
#include "test/fake/loop_fake.h"
#include "test/fake/lvs_fake.h"
#include "test/tap.h"

struct rig {
	struct loop *loop;
	struct lvs_fake kernel;
	struct table table;
	struct conf conf;
	struct conf_path path;
	struct ipvs ipvs;
	unsigned passes;
};

static struct addr
address(unsigned n)
{
	return (struct addr){ AF_INET, { 10, 0, 0, (uint8_t)n } };
}

static void
change(struct rig *r, struct change *c)
{
	c->epoch = r->table.epoch;
	c->seq = r->table.seq + 1;
	if (table_apply(&r->table, c) < 0)
		abort();
	ipvs_dirty(&r->ipvs, c->what == CHANGE_SERVICE_SET ||
		    c->what == CHANGE_SERVICE_DEL ? NULL : c->service);
}

static void
set_service(struct rig *r, const char *name, unsigned fwmark)
{
	struct change c = { .what = CHANGE_SERVICE_SET };

	strcpy(c.service, name);
	c.service_def.protocol = fwmark == 0 ? IPPROTO_TCP : 0;
	c.service_def.fwmark = fwmark;
	c.service_def.addr = address(1);
	c.service_def.port = fwmark == 0 ? 80 : 0;
	strcpy(c.service_def.scheduler, "wlc");
	c.service_def.persistence_s = fwmark;
	c.service_def.persistence_bits = 24;
	change(r, &c);
}

static void
set_server(struct rig *r, const char *service, unsigned n)
{
	struct change c = { .what = CHANGE_SERVER_SET };

	strcpy(c.service, service);
	(void)snprintf(c.server, NAME_LEN, "r%u", n);
	c.server_def.addr = address(100 + n);
	c.server_def.port = 80;
	c.server_def.weight = 10;
	change(r, &c);
}

static void
set_state(struct rig *r, enum change_what what, unsigned n, int64_t value)
{
	struct change c = { .what = what, .value = value };

	strcpy(c.service, "web");
	(void)snprintf(c.server, NAME_LEN, "r%u", n);
	change(r, &c);
}

static void
run(struct rig *r, usec_t t)
{
	struct fake_clock *c = loop_fake_clock(r->loop);

	fake_clock_run(c, c->now + t);
}

static void
on_pass(void *arg)
{
	struct rig *r = arg;

	r->passes++;
}

static struct rig *
rig_new(void)
{
	struct rig *r = mem_new(struct rig);

	(void)loop_new(&r->loop);
	r->conf.nodes[0] = (struct conf_node){ .name = "d1", .id = 1,
		.paths = &r->path, .n_paths = 1 };
	r->conf.nodes[1] = (struct conf_node){ .name = "d2", .id = 2 };
	r->conf.self = &r->conf.nodes[0];
	r->conf.peer = &r->conf.nodes[1];
	r->conf.sync = true;
	r->conf.sync_id = 10;
	strcpy(r->path.device, "eth0");
	table_init(&r->table);
	ipvs_start(&r->ipvs, r->loop, &lvs_fake_ops, &r->kernel, &r->table,
	    &r->conf);
	r->ipvs.on_pass = on_pass;
	r->ipvs.arg = r;
	set_service(r, "web", 0);
	set_server(r, "web", 1);
	set_server(r, "web", 2);
	run(r, USEC_MS);
	return r;
}

static void
rig_free(struct rig *r)
{
	ipvs_stop(&r->ipvs);
	lvs_fake_done(&r->kernel);
	table_done(&r->table);
	loop_free(r->loop);
	free(r);
}

static int
weight(struct rig *r, unsigned n)
{
	struct addr a = address(100 + n);
	struct lvs_dest *d;

	if (r->kernel.table.n == 0)
		return -1;
	d = lvs_service_find(&r->kernel.table.services[0], &a, 80);
	return d != NULL ? d->weight : -1;
}

static void
test_follows(void)
{
	struct rig *r = rig_new();
	struct change c = { .what = CHANGE_SERVER_DEL, .service = "web",
		.server = "r2" };
	const struct lvs_service *s;

	is_int(weight(r, 1), 10, "what is configured gets there");
	is_int(r->kernel.table.n, 1, "one service");
	set_state(r, CHANGE_OVERRIDE, 1, 37);
	run(r, USEC_MS);
	is_int(weight(r, 1), 37, "a weight by hand");
	set_state(r, CHANGE_HEALTH, 1, HEALTH_DOWN);
	run(r, USEC_MS);
	is_int(weight(r, 1), 0, "down: no new connections, but it is there");
	set_state(r, CHANGE_HEALTH, 1, HEALTH_UP);
	set_state(r, CHANGE_DRAIN, 2, 1);
	run(r, USEC_MS);
	is_int(weight(r, 1), 37, "up again");
	is_int(weight(r, 2), 0, "drained");
	change(r, &c);
	run(r, USEC_MS);
	is_int(weight(r, 2), -1, "removed");
	run(r, 2 * IPVS_DRIFT);
	s = ipvs_have(&r->ipvs, &r->table.services[0]->def);
	ok(s != NULL, "the kernel's entry is found by definition");
	c.what = CHANGE_SERVICE_DEL;
	change(r, &c);
	run(r, USEC_MS);
	is_int(r->kernel.table.n, 0, "the service is removed");
	is_int(r->ipvs.repairs, 0, "none of this was a repair");
	rig_free(r);
}

static void
test_batches(void)
{
	struct rig *r = rig_new();
	unsigned passes = r->passes, i;

	for (i = 0; i < 100; i++)
		set_state(r, CHANGE_OVERRIDE, 1, i);
	run(r, USEC_MS);
	is_int(r->passes - passes, 1, "a hundred changes, one pass");
	is_int(weight(r, 1), 99, "the last one counts");
	set_state(r, CHANGE_OVERRIDE, 1, 5);
	ipvs_flush(&r->ipvs);
	is_int(weight(r, 1), 5, "flush does not wait");
	passes = r->passes;
	ipvs_flush(&r->ipvs);
	is_int(r->passes, passes, "nor does it do anything when nothing is due");
	rig_free(r);
}

#define MANY 200

/* Is the kernel's table the whole of ours? */
static bool
all_there(struct rig *r)
{
	struct lvs_table want;
	struct lvs_plan plan;
	bool same;

	if (ipvs_want(&r->table, &want) < 0 ||
	    lvs_plan_make(&want, &r->kernel.table, &r->ipvs.owned, &plan) < 0)
		abort();
	same = plan.n == 0;
	lvs_plan_done(&plan);
	lvs_table_done(&want);
	return same;
}

/* A large table goes in steps; what changes in between is not lost. */
static void
test_large(void)
{
	struct rig *r = rig_new();
	size_t reads, ops;
	char name[16];
	unsigned i, n;

	for (i = 1; i <= MANY; i++) {
		(void)snprintf(name, sizeof(name), "s%u", i);
		set_service(r, name, i);
		for (n = 1; n <= 3; n++)
			set_server(r, name, n);
	}
	run(r, USEC_MS);
	ok(!all_there(r), "a large table is not there at once");
	ok(r->ipvs.pass.under_way, "it is under way");
	set_state(r, CHANGE_OVERRIDE, 1, 77);
	run(r, 100 * USEC_MS);
	ok(all_there(r), "but soon");
	is_int(weight(r, 1), 77, "with what changed meanwhile");
	run(r, 3 * IPVS_DRIFT);
	reads = r->kernel.reads;
	ops = r->kernel.ops;
	set_state(r, CHANGE_OVERRIDE, 1, 78);
	run(r, USEC_MS);
	is_int(weight(r, 1), 78, "one change is there at once");
	is_int(r->kernel.reads - reads, 1, "for one read of one service");
	is_int(r->kernel.ops - ops, 1, "and one operation");
	set_service(r, "more", MANY + 1);
	set_server(r, "more", 1);
	run(r, USEC_MS);
	set_server(r, "more", 2);
	ipvs_flush(&r->ipvs);
	ok(all_there(r), "flush ends what is under way, and all that is due");
	(void)lvs_fake_kernel(&r->kernel, LVS_DEL_SERVICE,
	    &(struct lvs_op){ .service = &r->kernel.table.services[7] });
	ok(!all_there(r), "one is removed by hand");
	run(r, 2 * IPVS_DRIFT);
	ok(all_there(r), "and put right within two seconds");
	ok(r->ipvs.repairs > 0 && r->ipvs.repairs <= 4, "as a repair");
	rig_free(r);
}

static void
test_drift(void)
{
	struct rig *r = rig_new();
	struct lvs_service other = { .scheduler = "rr",
		.key = { .protocol = IPPROTO_UDP, .port = 53 } };
	struct lvs_op op = { .verb = LVS_ADD_SERVICE, .service = &other };
	size_t applies;

	other.key.addr = address(9);
	(void)lvs_fake_kernel(&r->kernel, LVS_ADD_SERVICE, &op);
	run(r, 2 * USEC_S);
	is_int(r->kernel.table.n, 2, "a service of somebody else stays");
	r->kernel.table.services[0].dests[0].weight = 4711;
	run(r, IPVS_DRIFT + USEC_MS);
	is_int(weight(r, 1), 10, "a weight changed by hand is put back");
	is_int(r->ipvs.repairs, 1, "and counted");
	lvs_table_done(&r->kernel.table);
	run(r, IPVS_DRIFT + USEC_MS);
	is_int(weight(r, 2), 10, "everything removed by hand comes back");
	is_int(r->kernel.table.n, 1, "everything of ours");
	applies = r->kernel.applies;
	run(r, 5 * USEC_S);
	is_int(r->kernel.applies, applies, "in peace nothing is applied");
	rig_free(r);
}

static void
test_failures(void)
{
	struct rig *r = rig_new();

	r->kernel.fail_read = 1;
	r->kernel.fail_rc = -EPERM;
	set_state(r, CHANGE_OVERRIDE, 1, 37);
	run(r, USEC_MS);
	is_int(r->ipvs.rc, -EPERM, "a kernel that cannot be read");
	ok(!r->ipvs.drives, "is not driven");
	ok(r->ipvs.error[0] != '\0', "says so: %s", r->ipvs.error);
	run(r, IPVS_DRIFT + USEC_MS);
	is_int(r->ipvs.rc, 0, "is tried again");
	is_int(weight(r, 1), 37, "and caught up with");
	r->kernel.fail_op = 1;
	r->kernel.fail_rc = -ENOMEM;
	set_state(r, CHANGE_OVERRIDE, 1, 5);
	set_state(r, CHANGE_OVERRIDE, 2, 6);
	run(r, USEC_MS);
	is_int(r->ipvs.rc, -ENOMEM, "one operation fails");
	ok(r->ipvs.drives, "which is no reason to move");
	ok(strstr(r->ipvs.error, "10.0.0.101") != NULL, "which is named: %s",
	    r->ipvs.error);
	is_int(weight(r, 2), 6, "the others are carried out");
	run(r, IPVS_DRIFT + USEC_MS);
	is_int(weight(r, 1), 5, "the second pass repairs it");
	rig_free(r);
}

/* A deletion that failed is ours until it is done. */
static void
test_owned(void)
{
	struct rig *r = rig_new();
	struct change c = { .what = CHANGE_SERVICE_DEL, .service = "web" };

	r->kernel.fail_op = 1;
	r->kernel.fail_rc = -ENOMEM;
	change(r, &c);
	run(r, USEC_MS);
	is_int(r->kernel.table.n, 1, "a deletion that fails");
	run(r, IPVS_DRIFT + USEC_MS);
	is_int(r->kernel.table.n, 0, "is not forgotten");
	rig_free(r);
}

static void
test_want(void)
{
	struct rig *r = rig_new();
	struct lvs_table t;

	set_service(r, "mark", 7);
	is_int(ipvs_want(&r->table, &t), 0, "what is wanted of the kernel");
	is_int(t.n, 2, "two services");
	is_int(t.services[0].key.fwmark + t.services[1].key.fwmark, 7,
	    "one of them by mark");
	lvs_table_done(&t);
	set_service(r, "again", 0);
	is_int(ipvs_want(&r->table, &t), -EEXIST, "two with one key");
	run(r, USEC_MS);
	is_int(r->ipvs.rc, -EEXIST, "are refused as a whole");
	is_int(weight(r, 1), 10, "what is there stays");
	rig_free(r);
}

/* A server with down = remove is in the kernel's table while it is up. */
static void
test_removed(void)
{
	struct rig *r = rig_new();
	struct change c = { .what = CHANGE_SERVER_SET };
	size_t all = r->kernel.table.services[0].n_dests;

	c.server_def = r->table.services[0]->servers[0]->def;
	c.server_def.down = DOWN_CUT;
	strcpy(c.service, r->table.services[0]->def.name);
	strcpy(c.server, c.server_def.name);
	change(r, &c);
	run(r, USEC_MS);
	is_int(r->kernel.table.services[0].n_dests, all,
	    "a server that is to leave when it is down is there");
	c.what = CHANGE_HEALTH;
	c.value = HEALTH_DOWN;
	change(r, &c);
	run(r, USEC_MS);
	is_int(r->kernel.table.services[0].n_dests, all - 1,
	    "down, it is removed");
	is_str(server_weight_source(r->table.services[0]->servers[0]),
	    "removed", "and its status says so");
	c.what = CHANGE_DRAIN;
	c.value = 1;
	change(r, &c);
	c.what = CHANGE_HEALTH;
	c.value = HEALTH_UP;
	change(r, &c);
	run(r, USEC_MS);
	is_int(r->kernel.table.services[0].n_dests, all,
	    "up, it is back, though drained");
	rig_free(r);
}

static void
remove_service(struct rig *r, const char *name)
{
	struct change c = { .what = CHANGE_SERVICE_DEL };

	strcpy(c.service, name);
	change(r, &c);
}

/* A service gets another name, one change after the other: the kernel, which
 * knows no names, must not lose it for an instant. */
static void
test_hold(void)
{
	struct rig *r = rig_new();
	size_t changes;

	run(r, 2 * USEC_S);
	changes = r->kernel.changes;
	ipvs_hold(&r->ipvs, true);
	remove_service(r, "web");
	run(r, 3 * USEC_S); /* the look for drift would be due, too */
	is_int(r->kernel.table.n, 1, "held: what is half done stays here");
	set_service(r, "www", 0);
	set_server(r, "www", 1);
	set_server(r, "www", 2);
	ipvs_hold(&r->ipvs, false);
	run(r, 2 * USEC_S);
	ok(r->kernel.changes == changes && r->kernel.table.n == 1,
	    "renamed: the kernel has nothing to do");
	ipvs_hold(&r->ipvs, true);
	remove_service(r, "www");
	ipvs_flush(&r->ipvs);
	is_int(r->kernel.table.n, 0, "a takeover waits for nobody");
	ipvs_hold(&r->ipvs, false);
	rig_free(r);
}

static void
test_sync(void)
{
	struct rig *r = rig_new();

	run(r, 2 * USEC_S);
	is_int(r->kernel.sync[0].role, LVS_MASTER, "the master daemon runs");
	is_int(r->kernel.sync[0].id, 11, "with an id of this director");
	is_int(r->kernel.sync[1].id, 12, "the backup with the peer's");
	is_str(r->kernel.sync[0].ifname, "eth0", "on the first NIC path");
	r->kernel.sync[1].id = 99;
	ipvs_sync_stop(&r->ipvs);
	is_int(r->kernel.sync[0].role, 0, "at the end ours is stopped");
	is_int(r->kernel.sync[1].id, 99, "and nobody else's");
	rig_free(r);
}

/* Marks for these servers, as the configuration would have them. */
static struct conf_check through = { .through = THROUGH_VIP };

static void
set_paths(struct rig *r, struct conf_service *s, struct server_def *servers,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		servers[i] = (struct server_def){ .addr = address(201 + i),
			.method = i == 1 ? METHOD_TUN : METHOD_DR };
	*s = (struct conf_service){ .servers = servers, .n_servers = n,
		.checks = &through, .n_checks = 1 };
	r->conf.services = s;
	r->conf.n_services = 1;
	r->conf.probe_marks = 5000;
	if (probe_paths_make(&r->conf, &r->conf.probe_paths) < 0)
		abort();
}

static const struct lvs_service *
marked(struct rig *r, uint32_t mark)
{
	const struct lvs_key k = { .addr = { .family = AF_INET },
		.fwmark = mark };

	return lvs_table_find(&r->kernel.table, &k);
}

/* Somebody puts a service into the kernel's table. */
static void
by_hand(struct rig *r, uint32_t mark, uint32_t flags, uint16_t port)
{
	struct lvs_service s = { .key = { .addr = { .family = AF_INET },
		.fwmark = mark }, .scheduler = "rr", .flags = flags };
	struct lvs_dest d = { .addr = address(99), .port = port,
		.method = LVS_DR, .weight = 1 };
	struct lvs_op op = { .service = &s, .dest = &d };

	if (lvs_fake_kernel(&r->kernel, LVS_ADD_SERVICE, &op) < 0 ||
	    lvs_fake_kernel(&r->kernel, LVS_ADD_DEST, &op) < 0)
		abort();
}

static void
forget_paths(struct rig *r)
{
	probe_paths_done(&r->conf.probe_paths);
	r->conf.n_services = 0;
}

/* Services for probes: there while the configuration has them, and nobody
 * else's is touched. */
static void
test_probes(void)
{
	struct rig *r = rig_new();
	struct conf_service s;
	struct server_def servers[3];
	struct conf was = r->conf;
	const struct lvs_service *k;
	uint32_t mark;

	by_hand(r, 7, LVS_ONEPACKET, 0);    /* somebody's */
	by_hand(r, 5001, 0, 80);            /* somebody's, with a mark of ours */
	by_hand(r, 5002, LVS_ONEPACKET, 0); /* an earlier yoked's */
	set_paths(r, &s, servers, 3);
	ipvs_set_conf(&r->ipvs, &was);
	ipvs_set_conf(&r->ipvs, &r->conf);
	is_int(r->ipvs.paths, 0, "no path before the pass");
	run(r, 10 * USEC_MS);
	is_int(r->kernel.table.n, 6, "a service for each server comes");
	ok(r->ipvs.paths == r->conf.probe_paths.id, "the paths are there");
	mark = probe_paths_mark(&r->conf.probe_paths, &servers[1]);
	k = marked(r, mark);
	ok(k != NULL && k->n_dests == 1 && k->dests[0].method == LVS_TUN &&
	    k->dests[0].port == 0 && k->dests[0].weight == 1 &&
	    addr_cmp(&k->dests[0].addr, &servers[1].addr) == 0,
	    "with that server alone, by its method");
	ok(marked(r, 7) != NULL && marked(r, 5001) != NULL,
	    "others' services stay");
	ok(marked(r, 5002) == NULL, "what an earlier yoked left goes");
	(void)lvs_fake_kernel(&r->kernel, LVS_DEL_SERVICE,
	    &(struct lvs_op){ .service = k });
	run(r, 2 * IPVS_DRIFT);
	ok(marked(r, mark) != NULL, "one that is removed comes back");
	set_state(r, CHANGE_OVERRIDE, 1, 3);
	run(r, 10 * USEC_MS);
	is_int(r->kernel.table.n, 6, "a change of the table leaves them alone");
	ipvs_probes_stop(&r->ipvs);
	is_int(r->kernel.table.n, 3, "at the end ours go");
	is_int(r->ipvs.paths, 0, "and the paths with them");
	run(r, 2 * IPVS_DRIFT);
	is_int(r->kernel.table.n, 6, "(and would come back)");
	ipvs_set_conf(&r->ipvs, &was);
	run(r, 10 * USEC_MS);
	is_int(r->kernel.table.n, 3, "dropped from the configuration");
	ok(marked(r, 7) != NULL && marked(r, 5001) != NULL,
	    "others' services stayed");
	ipvs_set_conf(&r->ipvs, &r->conf);
	forget_paths(r);
	rig_free(r);
}

/* A path that the kernel refuses is none, and the rest of the table is there. */
static void
test_probes_refused(void)
{
	struct rig *r = rig_new();
	struct conf_service s;
	struct server_def servers[3];
	struct conf was = r->conf;

	set_paths(r, &s, servers, 1);
	ipvs_set_conf(&r->ipvs, &was);
	ipvs_set_conf(&r->ipvs, &r->conf);
	r->kernel.fail_op = 2; /* adding its server */
	r->kernel.fail_rc = -EINVAL;
	run(r, 10 * USEC_MS);
	is_int(r->ipvs.paths, 0, "a path that the kernel refuses is not there");
	is_int(weight(r, 1), 10, "the table is");
	run(r, 2 * IPVS_DRIFT);
	ok(r->ipvs.paths == r->conf.probe_paths.id, "it is when it may");
	forget_paths(r);
	rig_free(r);
}

int
main(void)
{
	test_follows();
	test_batches();
	test_large();
	test_drift();
	test_failures();
	test_owned();
	test_want();
	test_removed();
	test_hold();
	test_sync();
	test_probes();
	test_probes_refused();
	return done();
}
