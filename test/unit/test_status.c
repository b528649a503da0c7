/*
 * test_status: what yoked_status() writes, against the rows of
 * schema/status.def, and how long it takes.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "test/tap.h"
#include "test/unit/test_status_make.h"

#define PATH_LEN 128
#define SERVERS_BIG 10000

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
		json_object_foreach(v, key, item)
		{
			(void)snprintf(sub, sizeof(sub), "%s%s%s", path,
			    path[0] != '\0' ? "." : "", key);
			walk(w, sub, item);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, item)
		{
			(void)snprintf(sub, sizeof(sub), "%s[]", path);
			walk(w, sub, item);
		}
	} else {
		leaf(w, path, v);
	}
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

static void
break_vip(struct fixture *f)
{
	f->seat.last = VIP_REMOVED;
	f->seat.when = usec_mono();
	f->seat.removed = f->seat.recent = 1;
}

static void
break_duplicate(struct fixture *f)
{
	f->dup = (struct vip_dup_seen){ .mac = { 2, 0, 0, 0, 0, 7 },
		.since = usec_mono(),
		.last = usec_mono(),
		.count = 3 };
}

static const struct path_line noisy_line = { .carrier = CARRIER_YES,
	.crc_errors = 1,
	.garbage = 2,
	.hangups = 3 };

/* What a well active director leaves null or empty. */
static void
spoil(struct fixture *f)
{
	struct table *t = &f->y.director.table;

	fixture_weight(t, CHANGE_POLICY, "rs2", 37,
	    "response-time 30.0ms, mean 3.0ms");
	fixture_weight(t, CHANGE_OVERRIDE, "rs2", 5, "by hand");
	break_vip(f);
	break_duplicate(f);
	f->path.problem = "eth0 has no carrier";
	f->path.line = &noisy_line;
	f->y.director.beats.paths[0].up = false;
	f->y.director.vip_rc = -19;
	f->y.director.ipvs.rc = -1;
	(void)snprintf(f->y.director.ipvs.error, 32, "IPVS: no");
	f->y.store_state.ok = 0;
	(void)snprintf(f->y.store_state.error, 32, "disk full");
	f->y.director.fence = (struct fence){ .state = FENCE_FAILED,
		.since = 1, .tries = 2, .failures = 1, .text = "no answer" };
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
		num(j, "role_since_ms", NULL) < 30000,
	    "and since when");
	is_int(num(j, "epoch", NULL), 7, "epoch");
	is_int(num(j, "seq", NULL), 3, "change");
	ok(json_is_true(at(j, "peer", "in_step")), "the peer is in step");
	is_int(num(j, "peer", "lag_changes"), 0, "by changes");
	is_int(num(j, "peer", "lag_ms"), 0, "and by time");
	is_int(num(j, "checkpoint", "lag_changes"), 1, "the checkpoint lags");
	v = json_array_get(json_object_get(j, "paths"), 0);
	is_str(json_string_value(json_object_get(v, "name")), "net2",
	    "paths as beats number them, not as this node lists them");
	ok(json_is_true(json_object_get(v, "peer_hears")), "heard there");
	v = json_array_get(json_object_get(j, "paths"), 1);
	ok(json_is_false(json_object_get(v, "peer_hears")), "but not here");
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
	is_int(
	    json_integer_value(json_object_get(v, "conns")), 0, "and has none");
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
	f->y.director.decision =
	    (struct decision){ INTENT_STAY, WHY_ALONE, true };
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
break_monitord_late(struct fixture *f)
{
	f->y.monitor_said = loop_now(f->y.loop) + 1;
	f->y.monitor_state.late_p99_us = 51000;
}

static void
break_monitord_unasked(struct fixture *f)
{
	f->y.monitor_said = loop_now(f->y.loop) + 1;
	f->y.monitor_state.unasked = 3;
}

/* An interface that does not exist takes nothing. */
static void
break_through(struct fixture *f)
{
	f->vips[0].probed = true;
	(void)snprintf(f->vips[0].device, sizeof(f->vips[0].device), "nosuch");
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
break_holders(struct fixture *f)
{
	break_duplicate(f);
	f->dup.peer = true;
}

static void
break_uplink(struct fixture *f)
{
	f->y.net.uplink.well = false;
	f->device.state = UPLINK_NO_CARRIER;
	(void)snprintf(f->y.net.uplink.why, 64, "eth0 has no carrier");
}

static void
break_syncd(struct fixture *f)
{
	f->y.sync.conn = NULL;
}

static void
break_monitord_loop(struct fixture *f)
{
	f->y.monitor.heard -= 4 * USEC_S;
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
		{ break_uplink, "uplink" },
		{ break_vip, "vip" },
		{ break_duplicate, "duplicate" },
		{ break_holders, "two-holders" },
		{ break_link, "link" },
		{ break_group, "link" },
		{ break_linkd, "linkd" },
		{ break_monitord, "monitord" },
		{ break_monitord_late, "monitord-late" },
		{ break_monitord_unasked, "monitord-unasked" },
		{ break_monitord_loop, "monitord" },
		{ break_through, "through-vip" },
		{ break_syncd, "syncd" },
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
	fixture_conf(f);
	f->y.conf = &f->conf;
	j = status(f);
	ok(j != NULL, "a status can be had before the director starts");
	json_decref(j);
	loop_free(f->y.loop);
	free(f);
}

struct pieces {
	char text[1 << 20];
	size_t len;
	unsigned n;
};

/* One piece of a few bytes more, at least a server; true: that was the end. */
static bool
piece(const struct fixture *f, struct status_walk *w, struct pieces *p)
{
	bool whole = status_walk(&f->y, w, 100);
	size_t n = w->out.len < 100 ? w->out.len : 100;

	if (w->out.bad || p->len + n >= sizeof(p->text))
		abort();
	memcpy(p->text + p->len, w->out.mem, n);
	p->len += n;
	p->n++;
	out_drop(&w->out, n);
	return whole && w->out.len == 0;
}

static void
remove_service(struct table *t, const char *name)
{
	struct change c = { .epoch = t->epoch, .seq = t->seq + 1,
		.what = CHANGE_SERVICE_DEL };

	(void)snprintf(c.service, sizeof(c.service), "%s", name);
	if (table_apply(t, &c) < 0)
		abort();
}

/* Names in order, each once? Returns how many servers there are in all. */
static size_t
in_order(json_t *j)
{
	const json_t *list = at(j, "services", NULL), *servers;
	const char *was, *name;
	size_t i, k, n = 0;

	for (i = 0; i < json_array_size(list); i++) {
		servers = json_object_get(json_array_get(list, i), "servers");
		for (k = 0, was = ""; k < json_array_size(servers); k++) {
			name = json_string_value(json_object_get(
			    json_array_get(servers, k), "name"));
			if (strcmp(was, name) >= 0)
				return 0;
			was = name;
			n++;
		}
	}
	return n;
}

/* The services without what the clock moves. */
static json_t *
timeless(json_t *j)
{
	json_t *list = json_object_get(j, "services"), *servers;
	size_t i, k;

	for (i = 0; i < json_array_size(list); i++) {
		servers = json_object_get(json_array_get(list, i), "servers");
		for (k = 0; k < json_array_size(servers); k++)
			(void)json_object_del(
			    json_array_get(servers, k), "changed_ms");
	}
	return list;
}

static void
many_servers(struct table *t, const char *service, int n)
{
	struct addr a = fixture_addr("10.1.0.0");
	char name[32];
	int i;

	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "server-%05d", i);
		a.bytes[2] = (uint8_t)(i >> 8);
		a.bytes[3] = (uint8_t)i;
		fixture_server(t, service, name, a);
	}
}

/* The document in pieces: the same as in one, and one whatever becomes of the
 * table between two pieces: after `when` pieces the service goes away. */
static void
test_pieces(unsigned when)
{
	struct fixture *f = fixture_new();
	struct table *t = &f->y.director.table;
	struct pieces *p = mem_new(struct pieces);
	struct status_walk w;
	json_t *j, *whole;

	many_servers(t, "web", 200);
	whole = status(f);
	status_walk_begin(&w);
	while (!piece(f, &w, p))
		if (p->n == when)
			remove_service(t, "web");
	status_walk_done(&w);
	j = json_loadb(p->text, p->len, JSON_REJECT_DUPLICATES, NULL);
	if (!ok(j != NULL && p->n > 20, "%u pieces are a document", p->n))
		printf("# %.*s\n", (int)p->len, p->text);
	if (when == 0)
		ok(json_equal(timeless(j), timeless(whole)),
		    "the services are the same as in one piece");
	else
		ok(in_order(j) < in_order(whole) &&
		    json_object_size(j) == json_object_size(whole),
		    "service gone after %u pieces: %zu servers shown", when,
		    in_order(j));
	json_decref(j);
	json_decref(whole);
	free(p);
	fixture_free(f);
}

/* Of this process alone, whatever else the machine does. */
static usec_t
cpu_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (usec_t)t.tv_sec * USEC_S + (usec_t)t.tv_nsec / 1000;
}

/* The best of five; *ret_len: bytes of it. */
static usec_t
time_of(int servers, size_t *ret_len)
{
	struct fixture *f = fixture_new();
	usec_t best = USEC_NEVER, start, took;
	int i;

	many_servers(&f->y.director.table, "web", servers);
	for (i = 0; i < 5; i++) {
		start = cpu_time();
		free(yoked_status(&f->y, ret_len));
		took = cpu_time() - start;
		best = took < best ? took : best;
	}
	fixture_free(f);
	return best;
}

/* A slow day's figure proves nothing; one that grows with the square does. */
static void
test_speed(void)
{
	size_t len = 0;
	usec_t less = time_of(SERVERS_BIG / 10, &len);
	usec_t all = time_of(SERVERS_BIG, &len);

	printf("# %d servers, %zu bytes, in %llu us\n", SERVERS_BIG, len,
	    (unsigned long long)all);
	ok(all < 60 * less, "ten times the servers take %llu times as long",
	    (unsigned long long)(all / less));
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
	test_pieces(0);
	test_pieces(3);
	test_pieces(200);
	test_speed();
	return done();
}
