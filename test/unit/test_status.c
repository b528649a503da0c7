/*
 * test_status: what yoked_status() writes, against the rows of
 * schema/status.def, and how long it takes.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoked/yoked.h"
#include "test/tap.h"

#define PATH_LEN 128
#define SERVERS_BIG 10000

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define SLOWER 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang */
#define SLOWER 20
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

enum type { TEXT, BOOL, GAUGE, COUNTER, ID };
enum unit { NONE, TIME, US, MS, CHANGES, BEATS, CONNS, BYTES };
enum null { NEVER, MAYBE };

static const struct row {
	const char *path;
	enum type type;
	enum unit unit;
	enum null null;
	const char *help;
} rows[] = {
#define FIELD(path, type, unit, null, help) { path, type, unit, null, help },
#include "schema/status.def"
#undef FIELD
};

struct walk {
	unsigned seen[ARRAY_LEN(rows)];
	unsigned fields, strange;
};

static const struct row *
find_row(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			return &rows[i];
	return NULL;
}

static bool
fits(const struct row *r, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return r->type == TEXT;
	case JSON_TRUE:
	case JSON_FALSE:
		return r->type == BOOL;
	case JSON_INTEGER:
		return r->type == GAUGE || r->type == COUNTER || r->type == ID;
	case JSON_NULL:
		return r->null == MAYBE;
	default:
		return false;
	}
}

static void
leaf(struct walk *w, const char *path, const json_t *v)
{
	const struct row *r = find_row(path);

	w->fields++;
	if (r == NULL || !fits(r, v)) {
		w->strange++;
		printf("# %s: %s\n", path, r == NULL ? "no row" : "type");
		return;
	}
	if (!json_is_null(v))
		w->seen[r - rows]++;
}

static void
walk(struct walk *w, const char *path, json_t *v)
{
	char sub[PATH_LEN];
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach(v, key, item) {
			(void)snprintf(sub, sizeof(sub), "%s%s%s", path,
			    path[0] != '\0' ? "." : "", key);
			walk(w, sub, item);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, item) {
			(void)snprintf(sub, sizeof(sub), "%s[]", path);
			walk(w, sub, item);
		}
	} else {
		leaf(w, path, v);
	}
}

static struct addr
addr(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a) < 0)
		abort();
	return a;
}

struct fixture {
	struct yoked y;
	struct conf conf;
	struct conf_path own[2], peers[2];
	struct conf_vip vips[1];
	struct path path;
	int conn; /* stands for a connection */
};

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
	c.service_def.addr = addr(address);
	c.service_def.port = 80;
	memcpy(c.service_def.scheduler, "wlc", 4);
	change(t, &c);
}

static void
add_server(struct table *t, const char *service, const char *name,
    struct addr a)
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

static void
set_conf(struct fixture *f)
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
		/* the peer lists its paths the other way round */
		(void)snprintf(f->peers[1 - i].name, NAME_LEN, "net%d", i + 1);
	}
	c->nodes[0].paths = f->own;
	c->nodes[1].paths = f->peers;
	c->self = &c->nodes[0];
	c->peer = &c->nodes[1];
	c->beat_interval = 20 * USEC_MS;
	c->beat_misses = 3;
	f->vips[0] = (struct conf_vip){ addr("192.0.2.10"), 32, "eth0" };
	c->vips = f->vips;
	c->n_vips = 1;
}

static void
set_beats(struct fixture *f)
{
	struct beats *b = &f->y.director.beats;
	usec_t now = usec_mono();
	unsigned i;

	b->n_paths = 2;
	for (i = 0; i < 2; i++)
		b->paths[i] = (struct path_state){ .own = &f->own[i],
			.up = true,
			.heard = now,
			.since = now - 5 * USEC_S,
			.path = &f->path };
	b->reported = true;
	b->heard = now;
	b->report = (struct beat){ .role = ROLE_STANDBY,
		.flags = BEAT_IN_STEP,
		.hears = 1, /* its first: our second */
		.table_epoch = 7 };
}

static void
set_kernel(struct fixture *f)
{
	struct lvs_service s = { .key = { .addr = addr("192.0.2.10"),
				     .port = 80,
				     .protocol = IPPROTO_TCP } };
	struct lvs_dest d = { .addr = addr("10.0.0.11"),
		.port = 80,
		.active = 3,
		.inactive = 1,
		.stats = { .conns = 1234, .in_bytes = 99 } };
	struct lvs_table *t = &f->y.director.ipvs.have;

	if (lvs_service_add_dest(lvs_table_add(t, &s), &d) < 0 ||
	    lvs_table_sort(t) < 0)
		abort();
}

/* An active director where all is well. */
static struct fixture *
fixture_new(void)
{
	struct fixture *f = mem_new(struct fixture);
	struct director *d = &f->y.director;
	struct transition *t;

	if (loop_new(&f->y.loop) < 0)
		abort();
	set_conf(f);
	set_beats(f);
	set_kernel(f);
	f->y.conf = &f->conf;
	f->y.start = usec_mono() - 60 * USEC_S;
	f->y.monitor.conn = f->y.store.conn = f->y.link.conn =
	    (struct ipcs_conn *)&f->conn;
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
	add_server(&d->table, "web", "rs1", addr("10.0.0.11"));
	add_server(&d->table, "web", "rs2", addr("2001:db8::12"));
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

static void
fixture_free(struct fixture *f)
{
	table_done(&f->y.director.table);
	lvs_table_done(&f->y.director.ipvs.have);
	loop_free(f->y.loop);
	free(f);
}

static json_t *
status(const struct fixture *f)
{
	size_t len;
	char *text = yoked_status(&f->y, &len);
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (j == NULL)
		printf("# not JSON: %s\n", text);
	free(text);
	return j;
}

static const json_t *
at(json_t *j, const char *a, const char *b)
{
	const json_t *v = json_object_get(j, a);

	return b != NULL ? json_object_get(v, b) : v;
}

static long long
num(json_t *j, const char *a, const char *b)
{
	return json_integer_value(at(j, a, b));
}

static bool
has_alarm(json_t *j, const char *name)
{
	const json_t *v;
	json_t *list = json_object_get(j, "alarms");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		v = json_object_get(json_array_get(list, i), "name");
		if (strcmp(json_string_value(v), name) == 0)
			return true;
	}
	return false;
}

/* What a well active director leaves null or empty. */
static void
spoil(struct fixture *f)
{
	f->path.problem = "eth0 has no carrier";
	f->y.director.beats.paths[0].up = false;
	f->y.director.vip_rc = -19;
	f->y.director.ipvs.rc = -1;
	(void)snprintf(f->y.director.ipvs.error, 32, "IPVS: no");
	f->y.store_state.ok = 0;
	(void)snprintf(f->y.store_state.error, 32, "disk full");
}

static void
test_rows(void)
{
	struct fixture *f = fixture_new();
	struct walk w = { 0 };
	unsigned missing = 0;
	json_t *j;
	size_t i;

	j = status(f);
	walk(&w, "", j);
	json_decref(j);
	spoil(f);
	j = status(f);
	walk(&w, "", j);
	json_decref(j);
	f->y.director.role = ROLE_STANDBY;
	f->y.director.beats.reported = false;
	f->y.director.beats.heard = 0;
	j = status(f);
	walk(&w, "", j);
	json_decref(j);
	f->y.director.beats.reported = true;
	j = status(f);
	walk(&w, "", j);
	json_decref(j);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (w.seen[i] == 0) {
			missing++;
			printf("# %s never occurs\n", rows[i].path);
		}
	ok(w.fields > 300, "fields were walked: %u", w.fields);
	is_int(w.strange, 0, "every field has a row, of its type");
	is_int(missing, 0, "every row occurs with a value");
	fixture_free(f);
}

static void
test_help(void)
{
	unsigned bad = 0;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		bad += rows[i].help[0] == '\0';
		bad += rows[i].type == TEXT && rows[i].unit != NONE &&
		    rows[i].unit != TIME;
		for (k = 0; k < i; k++)
			bad += strcmp(rows[i].path, rows[k].path) == 0;
	}
	is_int(bad, 0, "rows are explained, once each, with sane units");
}

static void
test_well(void)
{
	struct fixture *f = fixture_new();
	json_t *j = status(f), *s, *v;

	is_int(json_array_size(json_object_get(j, "alarms")), 0,
	    "no alarm while all is well");
	is_str(json_string_value(at(j, "role", NULL)), "active", "role");
	ok(num(j, "role_since_ms", NULL) >= 2000 &&
	    num(j, "role_since_ms", NULL) < 30000, "and since when");
	is_int(num(j, "epoch", NULL), 7, "epoch");
	is_int(num(j, "seq", NULL), 3, "change");
	ok(json_is_true(at(j, "peer", "in_step")), "the peer is in step");
	is_int(num(j, "peer", "lag_changes"), 0, "by changes");
	is_int(num(j, "peer", "lag_ms"), 0, "and by time");
	is_int(num(j, "checkpoint", "lag_changes"), 1, "the checkpoint lags");
	v = json_array_get(json_object_get(j, "paths"), 0);
	ok(json_is_false(json_object_get(v, "peer_hears")),
	    "the peer's bits are in its order: not net1");
	v = json_array_get(json_object_get(j, "paths"), 1);
	ok(json_is_true(json_object_get(v, "peer_hears")), "but net2");
	s = json_array_get(json_object_get(j, "services"), 0);
	is_str(json_string_value(json_object_get(s, "key")),
	    "tcp 192.0.2.10:80", "a service's key");
	is_int(json_integer_value(json_object_get(s, "active")), 3,
	    "and connections");
	v = json_array_get(json_object_get(s, "servers"), 0);
	is_int(json_integer_value(json_object_get(v, "conns")), 1234,
	    "a server has the kernel's counters");
	v = json_array_get(json_object_get(s, "servers"), 1);
	is_str(json_string_value(json_object_get(v, "address")),
	    "[2001:db8::12]:80", "another is not there yet");
	is_int(json_integer_value(json_object_get(v, "conns")), 0, "and has none");
	v = json_array_get(json_object_get(j, "transitions"), 1);
	is_str(json_string_value(json_object_get(v, "at")),
	    "2026-11-21T06:00:00.123Z", "transitions, newest first");
	is_int(json_integer_value(json_object_get(v, "total_us")), 400,
	    "with the sum of their steps");
	json_decref(j);
	fixture_free(f);
}

/* One thing wrong at a time. */
static void
break_alone(struct fixture *f)
{
	f->y.director.decision = (struct decision){ INTENT_STAY, WHY_ALONE,
		true };
	f->y.director.beats.reported = false;
}

static void
break_step(struct fixture *f)
{
	f->y.director.beats.report.flags = 0;
}

static void
break_path(struct fixture *f)
{
	f->y.director.beats.paths[1].up = false;
}

static void
break_link(struct fixture *f)
{
	f->y.director.members.connected = false;
}

static void
break_group(struct fixture *f)
{
	f->y.director.members.peer = false;
}

static void
break_linkd(struct fixture *f)
{
	f->y.link.conn = NULL;
	f->y.director.members.connected = false;
}

static void
break_monitord(struct fixture *f)
{
	f->y.monitor.conn = NULL;
}

static void
break_checkpointd(struct fixture *f)
{
	f->y.store.conn = NULL;
}

static void
break_disk(struct fixture *f)
{
	f->y.store_state.ok = 0;
	(void)snprintf(f->y.store_state.error, 32, "disk full");
}

static void
break_vips(struct fixture *f)
{
	f->y.director.vip_rc = -19;
}

static void
break_ipvs(struct fixture *f)
{
	f->y.director.ipvs.rc = -1;
	(void)snprintf(f->y.director.ipvs.error, 32, "IPVS: no");
}

static void
break_sync(struct fixture *f)
{
	(void)snprintf(f->y.director.ipvs.error, 32, "sync daemons: no");
}

static void
test_alarms(void)
{
	static const struct {
		void (*damage)(struct fixture *f);
		const char *alarm;
	} cases[] = {
		{ break_alone, "alone" },
		{ break_step, "no-standby" },
		{ break_path, "path" },
		{ break_link, "link" },
		{ break_group, "link" },
		{ break_linkd, "linkd" },
		{ break_monitord, "monitord" },
		{ break_checkpointd, "checkpointd" },
		{ break_disk, "checkpoint" },
		{ break_vips, "vips" },
		{ break_ipvs, "ipvs" },
		{ break_sync, "ipvs" },
	};
	struct fixture *f;
	json_t *j;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		f = fixture_new();
		cases[i].damage(f);
		j = status(f);
		ok(has_alarm(j, cases[i].alarm) &&
		    json_array_size(json_object_get(j, "alarms")) == 1,
		    "one alarm: %s", cases[i].alarm);
		json_decref(j);
		fixture_free(f);
	}
}

static void
test_standby(void)
{
	struct fixture *f = fixture_new();
	struct director *d = &f->y.director;
	json_t *j;

	d->role = ROLE_STANDBY;
	d->holding = false;
	d->replica.valid = true;
	d->beats.report.role = ROLE_ACTIVE;
	d->beats.report.flags = BEAT_VIPS;
	d->beats.report.seq = d->table.seq + 4;
	d->replica.behind_since = usec_mono() - 40 * USEC_MS;
	f->y.store_state = (struct store_state){ 0 };
	j = status(f);
	is_int(json_array_size(json_object_get(j, "alarms")), 0,
	    "a standby that catches up is no alarm");
	ok(json_is_false(at(j, "replica", "in_step")), "it is not in step");
	is_int(num(j, "replica", "lag_changes"), 4, "by four changes");
	ok(num(j, "replica", "lag_ms") >= 40, "for some time");
	ok(json_is_null(at(j, "peer", "lag_changes")), "the active never lags");
	ok(json_is_null(at(j, "checkpoint", "ok")), "and it writes nothing");
	ok(json_is_true(at(j, "peer", "holds_vips")), "the peer serves");
	json_decref(j);
	fixture_free(f);
}

static void
test_unstarted(void)
{
	struct fixture *f = mem_new(struct fixture);
	json_t *j;

	if (loop_new(&f->y.loop) < 0)
		abort();
	set_conf(f);
	f->y.conf = &f->conf;
	j = status(f);
	ok(j != NULL, "a status can be had before the director starts");
	json_decref(j);
	loop_free(f->y.loop);
	free(f);
}

static void
test_speed(void)
{
	struct fixture *f = fixture_new();
	usec_t best = USEC_NEVER, start, took;
	struct addr a = addr("10.1.0.0");
	char name[32], *text;
	size_t len = 0;
	int i;

	for (i = 0; i < SERVERS_BIG; i++) {
		(void)snprintf(name, sizeof(name), "server-%05d", i);
		a.bytes[2] = (uint8_t)(i >> 8);
		a.bytes[3] = (uint8_t)i;
		add_server(&f->y.director.table, "web", name, a);
	}
	for (i = 0; i < 5; i++) {
		start = usec_mono();
		text = yoked_status(&f->y, &len);
		took = usec_mono() - start;
		best = took < best ? took : best;
		free(text);
	}
	ok(best < 20 * USEC_MS * SLOWER,
	    "%d servers, %zu bytes, in %llu us", SERVERS_BIG, len,
	    (unsigned long long)best);
	fixture_free(f);
}

int
main(void)
{
	test_rows();
	test_help();
	test_well();
	test_alarms();
	test_standby();
	test_unstarted();
	test_speed();
	return done();
}
