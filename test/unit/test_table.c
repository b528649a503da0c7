/*
 * test_table: changes onto the table, and both as bytes. Whatever is refused
 * leaves everything as it was; whatever is accepted comes back the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

static bool
same(const struct table *a, const struct table *b)
{
	return a->epoch == b->epoch && a->seq == b->seq &&
	    a->n_servers == b->n_servers && table_equal(a, b);
}

/* Through bytes; caller table_done()s. */
static void
copy_table(const struct table *t, struct table *ret)
{
	uint8_t *bytes;
	size_t len;

	if (table_pack(t, &bytes, &len) < 0 || table_unpack(bytes, len, ret) < 0)
		abort();
	free(bytes);
}

static int
apply(struct table *t, enum change_what what, const char *service,
    const char *server, int64_t value)
{
	struct change c;

	next_change(t, what, service, server, value, &c);
	return table_apply(t, &c);
}

static void
refused(struct table *t, int want, enum change_what what, const char *service,
    const char *server, const char *why)
{
	struct table before;

	copy_table(t, &before);
	is_int(apply(t, what, service, server, 0), want, "%s: %s",
	    change_name(what), why);
	ok(same(t, &before), "%s: nothing happened", why);
	table_done(&before);
}

static void
test_apply(void)
{
	const struct server *v;
	struct table t;

	table_init(&t);
	is_int(apply(&t, CHANGE_EPOCH, "", "", 0), 0, "epoch");
	ok(t.epoch == 1 && t.seq == 1, "epoch and seq move");
	is_int(apply(&t, CHANGE_SERVICE_SET, "web", "", 4), 0, "service");
	is_int(apply(&t, CHANGE_SERVER_SET, "web", "b", 10), 0, "server b");
	is_int(apply(&t, CHANGE_SERVER_SET, "web", "a", 20), 0, "server a");
	v = service_server(table_service(&t, "web"), "b");
	ok(v != NULL && v == table_service(&t, "web")->servers[1], "sorted");
	ok(server_weight(v) == 11, "weight as configured");
	is_str(server_weight_source(v), "configured", "says so");
	is_int(apply(&t, CHANGE_POLICY, "web", "b", 30), 0, "policy");
	is_int(server_weight(v), 30, "policy's weight");
	is_int(apply(&t, CHANGE_OVERRIDE, "web", "b", 0), 0, "by hand");
	is_int(server_weight(v), 0, "weight 0 by hand");
	is_str(server_weight_source(v), "by hand", "says so");
	is_int(apply(&t, CHANGE_OVERRIDE, "web", "b", WEIGHT_NONE), 0, "none");
	is_int(server_weight(v), 30, "the policy's again");
	is_int(apply(&t, CHANGE_DRAIN, "web", "b", 1), 0, "drain");
	is_int(server_weight(v), 0, "drained");
	is_int(apply(&t, CHANGE_HEALTH, "web", "b", HEALTH_DOWN), 0, "down");
	is_str(server_weight_source(v), "down", "down counts before drained");
	ok(v->changed == 1700000000000000 + t.seq - 1 &&
	       strstr(v->cause, "test said so") != NULL,
	    "cause and time of the last change");
	is_int(apply(&t, CHANGE_SERVER_SET, "web", "b", 50), 0, "edit b");
	ok(v->def.weight == 51 && v->drain && v->health == HEALTH_DOWN &&
	       v->policy == 30,
	    "an edit keeps the state");
	is_int(apply(&t, CHANGE_SERVICE_SET, "web", "", 8), 0, "edit web");
	ok(table_service(&t, "web")->n_servers == 2 && t.n_servers == 2,
	    "an edit keeps the servers");
	is_int(apply(&t, CHANGE_SERVER_DEL, "web", "a", 0), 0, "remove a");
	ok(t.n_servers == 1 &&
	       service_server(table_service(&t, "web"), "a") == NULL,
	    "gone");
	is_int(apply(&t, CHANGE_SERVICE_DEL, "web", "", 0), 0, "remove web");
	ok(t.n_services == 0 && t.n_servers == 0, "and its servers");
	table_done(&t);
}

static void
test_refusals(void)
{
	struct table t, before;
	struct change c;
	unsigned what;

	random_table(11, 200, &t);
	copy_table(&t, &before);
	next_change(&t, CHANGE_SERVICE_SET, "new", "", 1, &c);
	c.seq--;
	is_int(table_apply(&t, &c), -ERR_STALE, "seen already");
	c.seq += 2;
	is_int(table_apply(&t, &c), -ERR_STALE, "one is missing");
	c.seq--;
	c.epoch--;
	is_int(table_apply(&t, &c), -ERR_STALE, "of an older epoch");
	next_change(&t, CHANGE_EPOCH, "", "", 0, &c);
	c.epoch = t.epoch;
	is_int(table_apply(&t, &c), -ERR_STALE, "the same epoch again");
	next_change(&t, CHANGE_NONE, "", "", 0, &c);
	is_int(table_apply(&t, &c), -EINVAL, "no kind");
	next_change(&t, CHANGE__LAST, "", "", 0, &c);
	is_int(table_apply(&t, &c), -EINVAL, "unknown kind");
	ok(same(&t, &before), "none of them did anything");
	table_done(&before);
	(void)apply(&t, CHANGE_SERVICE_SET, "known", "", 4);
	refused(&t, -ERR_NO_SERVICE, CHANGE_SERVICE_DEL, "nosuch", "",
	    "unknown service");
	for (what = CHANGE_SERVER_SET; what < CHANGE__LAST; what++)
		refused(&t, -ERR_NO_SERVICE, what, "nosuch", "a",
		    "unknown service");
	for (what = CHANGE_SERVER_DEL; what < CHANGE__LAST; what++)
		refused(&t, -ERR_NO_SERVER, what, "known", "nosuch",
		    "unknown server");
	table_done(&t);
}

/* A peer that follows by bytes alone has the same table at every step. */
static void
test_random(uint64_t seed)
{
	struct rng r = { seed };
	uint8_t mem[CHANGE_BYTES_MAX];
	struct table t, u;
	struct change c, d;
	struct buf b;
	int i, wrong = 0;

	table_init(&t);
	table_init(&u);
	for (i = 0; i < 1500; i++) {
		random_change(&r, &t, &c);
		b = buf_writer(mem, sizeof(mem));
		change_pack(&b, &c);
		b = buf_reader(mem, b.bad ? 0 : b.pos);
		if (change_unpack(&b, &d) < 0 || table_apply(&t, &c) < 0 ||
		    table_apply(&u, &d) < 0)
			wrong++;
		if (i % 100 == 0 && !same(&t, &u))
			wrong++;
	}
	ok(wrong == 0 && same(&t, &u), "seed %llu: equal after %d changes",
	    (unsigned long long)seed, i);
	table_done(&u);
	copy_table(&t, &u);
	ok(same(&t, &u), "seed %llu: and through a snapshot",
	    (unsigned long long)seed);
	table_done(&t);
	table_done(&u);
}

/* ---- bytes of a table ---- */

/* Never touches ret on failure; what is accepted packs to the same bytes. */
static int
unpack(const uint8_t *bytes, size_t len)
{
	struct table t = { .seq = 4711 };
	uint8_t *again = NULL, *exact = malloc(len > 0 ? len : 1);
	size_t n = 0;
	int rc;

	memcpy(exact, bytes, len); /* so that ASan sees one byte too far */
	rc = table_unpack(exact, len, &t);
	if (rc < 0) {
		rc = t.seq == 4711 && t.services == NULL ? rc : 1;
	} else {
		if (table_pack(&t, &again, &n) < 0 || n != len ||
		    memcmp(again, exact, n) != 0)
			rc = 2;
		free(again);
		table_done(&t);
	}
	free(exact);
	return rc;
}

static void
test_table_bytes(void)
{
	struct rng r = { 77 };
	struct table t;
	uint8_t *bytes, *more;
	size_t len, i, at;
	int wrong = 0, refusals = 0, rc;

	random_table(3, 150, &t);
	is_int(table_pack(&t, &bytes, &len), 0, "packed");
	is_int(unpack(bytes, len), 0, "canonical");
	for (i = 0; i < len; i++)
		wrong += unpack(bytes, i) != -EBADMSG;
	is_int(wrong, 0, "each of %zu truncations is refused", len);
	for (i = 0; i < 20000; i++) {
		at = rng_below(&r, (uint32_t)len);
		bytes[at] ^= (uint8_t)(1 << i % 8);
		rc = unpack(bytes, len);
		wrong += rc > 0 || (rc < 0 && rc != -EBADMSG &&
				       rc != -ERR_VERSION);
		refusals += rc < 0;
		bytes[at] ^= (uint8_t)(1 << i % 8);
	}
	is_int(wrong, 0, "20000 flipped bits: refused (%d) or canonical",
	    refusals);
	more = mem_zalloc(len + 1);
	memcpy(more, bytes, len);
	free(bytes);
	bytes = more;
	is_int(unpack(bytes, len + 1), -EBADMSG, "a byte too many");
	bytes[2]++;
	is_int(unpack(bytes, len), -ERR_VERSION, "of another version");
	bytes[2]--;
	bytes[0]++;
	is_int(unpack(bytes, len), -EBADMSG, "of another kind");
	free(bytes);
	table_done(&t);
}

/* A pair that is being upgraded: 0.1.0 knew no policies and reads version 1. */
static void
test_versions(void)
{
	struct table t, u = { 0 };
	uint8_t *bytes;
	size_t len, with, i, j;

	random_table(5, 60, &t);
	for (i = 0; i < t.n_services; i++)
		for (j = 0; j < t.services[i]->n_servers; j++)
			t.services[i]->servers[j]->policy_cause[0] = '\0';
	if (table_pack(&t, &bytes, &len) < 0)
		abort();
	is_int(bytes[2], 1, "no policies: the oldest version");
	is_int(unpack(bytes, len), 0, "which is read");
	free(bytes);
	for (i = 0; i < t.n_services && t.services[i]->n_servers == 0; i++)
		;
	if (i == t.n_services)
		abort();
	(void)strcpy(t.services[i]->servers[0]->policy_cause, "load 40%");
	if (table_pack(&t, &bytes, &with) < 0)
		abort();
	is_int(bytes[2], 2, "a policy's cause: the next one");
	ok(with > len && table_unpack(bytes, with, &u) == 0 &&
	    table_equal(&t, &u), "which is read too");
	free(bytes);
	table_done(&t);
	table_done(&u);
}

/* Packs t with its rows as they are, sorted or not. */
static void
rows_refused(const struct table *t, const char *what)
{
	uint8_t *bytes;
	size_t len;

	if (table_pack(t, &bytes, &len) < 0)
		abort();
	is_int(unpack(bytes, len), -EBADMSG, "%s", what);
	free(bytes);
}

static void
test_rows(void)
{
	struct service *s, *keep;
	struct server *v;
	struct table t;

	large_table(205, &t);
	s = t.services[1];
	keep = t.services[0];
	t.services[0] = t.services[1];
	rows_refused(&t, "a service twice");
	t.services[1] = keep;
	rows_refused(&t, "services out of order");
	t.services[0] = keep;
	t.services[1] = s;
	v = s->servers[4];
	s->servers[4] = s->servers[5];
	rows_refused(&t, "a server twice");
	s->servers[5] = v;
	rows_refused(&t, "servers out of order");
	s->servers[5] = s->servers[4];
	s->servers[4] = v;
	v->health = HEALTH__LAST;
	rows_refused(&t, "no such health");
	v->health = HEALTH_UP;
	v->override = WEIGHT_MAX + 1;
	rows_refused(&t, "weight too large");
	v->override = WEIGHT_NONE;
	v->policy = -2;
	rows_refused(&t, "weight below none");
	v->policy = WEIGHT_NONE;
	strcpy(v->cause, "two\nlines");
	rows_refused(&t, "control bytes in a cause");
	strcpy(v->cause, "");
	strcpy(v->def.name, "rs00103/x");
	rows_refused(&t, "a name that no configuration could give");
	table_done(&t);
}

/* Counts that promise more rows than there are bytes cost no memory. */
static void
test_counts(void)
{
	uint8_t mem[400] = { 'Y', 'T', 1 };
	struct buf b = buf_writer(mem + 19, sizeof(mem) - 19);
	struct table t;

	put_u32(&b, UINT32_MAX);
	is_int(table_unpack(mem, sizeof(mem), &t), -EBADMSG, "4G services");
	b = buf_writer(mem + 19, sizeof(mem) - 19);
	put_u32(&b, (uint32_t)(sizeof(mem) - 23));
	is_int(table_unpack(mem, sizeof(mem), &t), -EBADMSG, "one per byte");
}

/* ---- bytes of a change ---- */

/* An accepted change packs to the same bytes, and a table with all names in it
 * stays one that can be packed and unpacked. */
static int
unpack_change(const uint8_t *bytes, size_t len)
{
	uint8_t mem[CHANGE_BYTES_MAX], *exact = malloc(len > 0 ? len : 1);
	struct buf b;
	struct change c = { .seq = 4711 };
	struct table t, u;
	int rc;

	memcpy(exact, bytes, len);
	b = buf_reader(exact, len);
	rc = change_unpack(&b, &c);
	if (rc < 0)
		rc = c.seq == 4711 && c.what == CHANGE_NONE ? rc : 1;
	free(exact);
	if (rc != 0)
		return rc;
	b = buf_writer(mem, sizeof(mem));
	change_pack(&b, &c);
	if (b.bad || b.pos != len || memcmp(mem, bytes, len) != 0)
		return 2;
	random_table(3, 150, &t);
	c.seq = t.seq + 1;
	c.epoch = t.epoch + 1;
	if (table_apply(&t, &c) == 0) {
		uint8_t *whole;
		size_t n;

		if (table_pack(&t, &whole, &n) < 0)
			abort();
		rc = table_unpack(whole, n, &u) < 0 ? 3 : 0;
		free(whole);
		if (rc == 0)
			table_done(&u);
	}
	table_done(&t);
	return rc;
}

static void
test_change_bytes(unsigned what)
{
	struct rng r = { 5 };
	uint8_t mem[CHANGE_BYTES_MAX + 1] = { 0 };
	struct buf b = buf_writer(mem, CHANGE_BYTES_MAX);
	struct table t;
	struct change c;
	size_t i, at;
	char text[256];
	int rc, wrong = 0;
	bool server = what >= CHANGE_SERVER_SET;

	random_table(3, 150, &t);
	next_change(&t, what, what == CHANGE_EPOCH ? "" : "vs01",
	    server ? "rs01" : "", what >= CHANGE_DRAIN, &c);
	change_pack(&b, &c);
	ok(!b.bad && unpack_change(mem, b.pos) == 0, "%s: round trip",
	    change_name(what));
	ok(strstr(change_format(&c, text, sizeof(text)), change_name(what)) &&
	       strstr(text, "cause=\"test said so"),
	    "%s", text);
	for (i = 0; i < b.pos; i++)
		wrong += unpack_change(mem, i) != -EBADMSG;
	is_int(wrong, 0, "%s: %zu truncations refused", change_name(what),
	    b.pos);
	is_int(unpack_change(mem, b.pos + 1), -EBADMSG, "%s: a byte too many",
	    change_name(what));
	for (i = 0; i < 1000; i++) {
		at = rng_below(&r, (uint32_t)b.pos);
		mem[at] ^= (uint8_t)(1 << i % 8);
		rc = unpack_change(mem, b.pos);
		wrong += rc > 0;
		mem[at] ^= (uint8_t)(1 << i % 8);
	}
	is_int(wrong, 0, "%s: 1000 flipped bits", change_name(what));
	table_done(&t);
}

static int
repack(const struct change *c)
{
	uint8_t mem[CHANGE_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));

	change_pack(&b, c);
	return unpack_change(mem, b.pos);
}

/* What would poison every table it reached. */
static void
test_change_sense(void)
{
	struct table t;
	struct change c;

	table_init(&t);
	next_change(&t, CHANGE_SERVICE_SET, "web", "", 4, &c);
	strcpy(c.service_def.name, "other");
	is_int(repack(&c), -EBADMSG, "a definition of another service");
	next_change(&t, CHANGE_SERVICE_SET, "web", "", 4, &c);
	strcpy(c.server, "a");
	is_int(repack(&c), -EBADMSG, "a service's change with a server");
	next_change(&t, CHANGE_SERVER_SET, "web", "a", 4, &c);
	strcpy(c.server_def.name, "b");
	is_int(repack(&c), -EBADMSG, "a definition of another server");
	next_change(&t, CHANGE_HEALTH, "web", "", 1, &c);
	is_int(repack(&c), -EBADMSG, "health of no server");
	next_change(&t, CHANGE_HEALTH, "web/x", "a", 1, &c);
	is_int(repack(&c), -EBADMSG, "a name that cannot be");
	next_change(&t, CHANGE_EPOCH, "web", "", 1, &c);
	is_int(repack(&c), -EBADMSG, "an epoch with a service");
	next_change(&t, CHANGE_HEALTH, "web", "a", HEALTH__LAST, &c);
	is_int(repack(&c), -EBADMSG, "no such health");
	next_change(&t, CHANGE_OVERRIDE, "web", "a", WEIGHT_MAX + 1, &c);
	is_int(repack(&c), -EBADMSG, "weight too large");
	next_change(&t, CHANGE_DRAIN, "web", "a", 2, &c);
	is_int(repack(&c), -EBADMSG, "drained twice over");
	next_change(&t, CHANGE_SERVER_SET, "web", "a", 1, &c);
	c.server_def.method = METHOD__LAST;
	is_int(repack(&c), -EBADMSG, "no such method");
	next_change(&t, CHANGE_SERVICE_SET, "web", "", 4, &c);
	c.service_def.fwmark = 9;
	is_int(repack(&c), -EBADMSG, "protocol and fwmark");
}

/* What becomes of a server that is down shares a byte with the method, which
 * from before it means what it meant. */
static void
test_down_bytes(void)
{
	struct server_def d = { .name = "r1", .port = 80, .weight = 7 }, got;
	uint8_t mem[128], was;
	struct buf b;
	unsigned m, k, bad = 0;

	(void)addr_parse("10.0.0.1", &d.addr);
	for (m = 0; m < METHOD__LAST; m++)
		for (k = 0; k < 16; k++) {
			d.method = (uint8_t)m;
			d.down = (uint8_t)k;
			b = buf_writer(mem, sizeof(mem));
			server_def_pack(&b, &d);
			b = buf_reader(mem, b.pos);
			server_def_unpack(&b, &got);
			bad += (k < DOWN__LAST) == b.bad ||
			    (!b.bad && (got.method != m || got.down != k));
		}
	is_int(bad, 0, "what becomes of a server comes back, or is refused");
	d.method = METHOD_TUN;
	d.down = DOWN_QUIESCE;
	b = buf_writer(mem, sizeof(mem));
	server_def_pack(&b, &d);
	was = mem[b.pos - 13];
	is_int(was, METHOD_TUN, "the default leaves the method's byte as it was");
}

static void
test_age(void)
{
	ok(table_age_cmp(2, 1, 1, 9) > 0 && table_age_cmp(1, 9, 2, 1) < 0,
	    "epoch first");
	ok(table_age_cmp(2, 1, 2, 2) < 0 && table_age_cmp(2, 2, 2, 1) > 0,
	    "then seq");
	is_int(table_age_cmp(UINT64_MAX, 3, UINT64_MAX, 3), 0, "equal");
}

int
main(void)
{
	unsigned what;
	uint64_t seed;

	test_apply();
	test_refusals();
	for (seed = 1; seed <= 5; seed++)
		test_random(seed);
	test_table_bytes();
	test_versions();
	test_rows();
	test_counts();
	for (what = CHANGE_EPOCH; what < CHANGE__LAST; what++)
		test_change_bytes(what);
	test_change_sense();
	test_down_bytes();
	test_age();
	return done();
}
