/*
 * test_lvs_diff: from the kernel's table to the wanted one, checked by carrying
 * the plan out on the twin of the kernel. The random rounds print their seed;
 * test_lvs_diff SEED repeats one run.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>

#include "common/err.h"
#include "ha/lvs_diff.h"
#include "test/fake/lvs_fake.h"
#include "test/tap.h"

static struct lvs_service
service(const char *addr, uint16_t port)
{
	struct lvs_service s = { .scheduler = "wlc" };

	(void)addr_parse(addr, &s.key.addr);
	s.key.port = port;
	s.key.protocol = IPPROTO_TCP;
	return s;
}

static struct lvs_dest
server(const char *addr, uint16_t port, int weight)
{
	struct lvs_dest d = { .method = LVS_DR, .weight = weight };

	(void)addr_parse(addr, &d.addr);
	d.port = port;
	return d;
}

static struct lvs_service *
put(struct lvs_table *t, const char *addr, uint16_t port)
{
	struct lvs_service s = service(addr, port);

	return lvs_table_add(t, &s);
}

static void
put_server(struct lvs_service *s, const char *addr, int weight)
{
	struct lvs_dest d = server(addr, s->key.port, weight);

	(void)lvs_service_add_dest(s, &d);
}

/* The plan as text, "op; op", for comparing. */
static const char *
plan_text(const struct lvs_table *want, const struct lvs_table *have,
    const struct lvs_owned *owned)
{
	static char all[4096];
	char one[LVS_OP_TEXT_MAX];
	struct lvs_plan p;
	size_t i, len = 0;

	all[0] = '\0';
	if (lvs_plan_make(want, have, owned, &p) < 0)
		return "no memory";
	for (i = 0; i < p.n; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
		    i > 0 ? "; " : "",
		    lvs_op_format(&p.ops[i], 0, one, sizeof(one)));
	lvs_plan_done(&p);
	return all;
}

static void
test_order(void)
{
	struct lvs_table want = { 0 }, have = { 0 };
	struct lvs_owned owned = { 0 };
	struct lvs_service *s;

	s = put(&want, "10.0.0.1", 80);
	put_server(s, "10.1.0.1", 1);
	put_server(s, "10.1.0.2", 1);
	is_str(plan_text(&want, &have, &owned),
	    "add service tcp 10.0.0.1:80; "
	    "add server 10.1.0.1:80 to tcp 10.0.0.1:80; "
	    "add server 10.1.0.2:80 to tcp 10.0.0.1:80",
	    "a new service comes before its servers");
	s = put(&have, "10.0.0.1", 80);
	put_server(s, "10.1.0.1", 5);
	put_server(s, "10.1.0.0", 1);
	strcpy(s->scheduler, "rr");
	(void)lvs_table_sort(&have);
	is_str(plan_text(&want, &have, &owned),
	    "change service tcp 10.0.0.1:80; "
	    "change server 10.1.0.1:80 of tcp 10.0.0.1:80; "
	    "add server 10.1.0.2:80 to tcp 10.0.0.1:80; "
	    "delete server 10.1.0.0:80 from tcp 10.0.0.1:80",
	    "servers to go leave after the new ones came");
	is_str(plan_text(&have, &have, &owned), "", "no difference, no plan");
	lvs_table_done(&want);
	lvs_table_done(&have);
}

static void
test_foreign(void)
{
	struct lvs_table want = { 0 }, have = { 0 };
	struct lvs_owned owned = { 0 };
	struct lvs_key key;

	key = put(&have, "10.0.0.1", 80)->key;
	(void)put(&have, "10.0.0.2", 80);
	is_str(plan_text(&want, &have, &owned), "", "foreign: not touched");
	is_int(lvs_owned_add(&owned, &key), 0, "own one");
	is_int(lvs_owned_add(&owned, &key), 0, "own it twice");
	is_int(owned.n, 1, "which counts once");
	is_str(plan_text(&want, &have, &owned),
	    "delete service tcp 10.0.0.1:80", "owned: deleted");
	lvs_owned_del(&owned, &key);
	lvs_owned_del(&owned, &key);
	is_str(plan_text(&want, &have, &owned), "", "disowned: not touched");
	is_int(lvs_owned_add_table(&owned, &have), 0, "own all");
	ok(lvs_owned_has(&owned, &key), "has the first");
	is_str(plan_text(&want, &have, &owned),
	    "delete service tcp 10.0.0.1:80; delete service tcp 10.0.0.2:80",
	    "all deleted");
	lvs_owned_done(&owned);
	lvs_table_done(&have);
}

/* Each row changes one field of a server or of a service. */
static void
test_fields(void)
{
	const struct lvs_service a = service("10.0.0.1", 80);
	const struct lvs_dest d = server("10.1.0.1", 80, 1);
	struct lvs_service b = a;
	struct lvs_dest e = d;

	b.flags = LVS_HASHED;
	b.prefix = 32;
	b.stats.conns = 7;
	ok(lvs_service_same(&a, &b), "hashed, /32, counters: the same");
	b.flags = LVS_SCHED1;
	ok(!lvs_service_same(&a, &b), "flags differ");
	b = a;
	b.timeout_s = 300;
	ok(!lvs_service_same(&a, &b), "timeout differs");
	b = a;
	b.prefix = 24;
	ok(!lvs_service_same(&a, &b), "prefix differs");
	b = a;
	strcpy(b.pe, "sip");
	ok(!lvs_service_same(&a, &b), "engine differs");
	e.active = 9;
	e.tun_port = 6080;
	ok(lvs_dest_same(&d, &e), "counters, tun port without tun: the same");
	e = d;
	e.upper = 10;
	ok(!lvs_dest_same(&d, &e), "threshold differs");
	e = d;
	e.method = LVS_NAT;
	ok(!lvs_dest_same(&d, &e), "method differs");
}

static unsigned
upto(unsigned n)
{
	return (unsigned)random() % n;
}

static struct lvs_service
random_service(void)
{
	static const char *const scheds[] = { "rr", "wlc", "mh" };
	struct lvs_service s =
	    service(upto(4) ? "10.0.0.0" : "2001:db8::", (uint16_t)upto(2));

	s.key.addr.bytes[3] = (uint8_t)upto(3);
	if (upto(5) == 0) {
		s.key = (struct lvs_key){ .fwmark = 1 + upto(3),
			.addr.family = s.key.addr.family };
	}
	strcpy(s.scheduler, scheds[upto(3)]);
	s.timeout_s = upto(2) * 300;
	s.flags = upto(2) * LVS_PERSISTENT + upto(2) * LVS_SCHED1;
	s.prefix = upto(2) ? 0 : 24;
	return s;
}

static struct lvs_dest
random_dest(void)
{
	struct lvs_dest d = server(upto(3) ? "10.1.0.0" : "fd00::", 0, 1);

	d.addr.bytes[3] = (uint8_t)upto(6);
	d.port = (uint16_t)upto(3);
	d.method = LVS_TUN;
	d.weight = (int)upto(3);
	d.upper = upto(2) * 10;
	return d;
}

static void
random_table(struct lvs_table *t)
{
	struct lvs_service s, *to;
	struct lvs_dest d;
	unsigned i, k;

	for (i = upto(10); i > 0; i--) {
		s = random_service();
		(void)lvs_table_sort(t);
		if (lvs_table_find(t, &s.key) != NULL)
			continue;
		to = lvs_table_add(t, &s);
		for (k = upto(8); k > 0; k--) {
			d = random_dest();
			(void)lvs_table_sort(t);
			to = lvs_table_find(t, &s.key);
			if (lvs_service_find(to, &d.addr, d.port) == NULL)
				(void)lvs_service_add_dest(to, &d);
		}
	}
	(void)lvs_table_sort(t);
}

static int
load(struct lvs_fake *f, const struct lvs_table *t)
{
	const struct lvs_table none = { 0 };
	const struct lvs_owned nothing = { 0 };
	struct lvs_plan p;
	int rc;

	rc = lvs_plan_make(t, &none, &nothing, &p);
	if (rc < 0)
		return rc;
	rc = lvs_fake_ops.apply(f, p.ops, p.n, NULL, NULL);
	lvs_plan_done(&p);
	return rc;
}

static bool
same_service(const struct lvs_service *a, const struct lvs_service *b)
{
	size_t i;

	if (b == NULL || !lvs_service_same(a, b) || a->n_dests != b->n_dests)
		return false;
	for (i = 0; i < a->n_dests; i++)
		if (lvs_dest_cmp(&a->dests[i], &b->dests[i]) != 0 ||
		    !lvs_dest_same(&a->dests[i], &b->dests[i]))
			return false;
	return true;
}

/* got is want and, of what was there, what is neither wanted nor owned. */
static bool
as_wanted(const struct lvs_table *got, const struct lvs_table *want,
    const struct lvs_table *was, const struct lvs_owned *owned)
{
	const struct lvs_service *s;
	size_t i, n = want->n;

	for (i = 0; i < want->n; i++) {
		s = &want->services[i];
		if (!same_service(s, lvs_table_find(got, &s->key)))
			return false;
	}
	for (i = 0; i < was->n; i++) {
		s = &was->services[i];
		if (lvs_table_find(want, &s->key) != NULL ||
		    lvs_owned_has(owned, &s->key))
			continue;
		n++;
		if (!same_service(s, lvs_table_find(got, &s->key)))
			return false;
	}
	return got->n == n;
}

/* fail_at: that operation fails once; the second pass repairs. */
static bool
one_round(size_t fail_at)
{
	struct lvs_table want = { 0 }, was = { 0 }, have = { 0 };
	struct lvs_owned owned = { 0 };
	struct lvs_plan p = { 0 };
	struct lvs_fake f = { 0 };
	int rc, again = 0;
	size_t i;
	bool good;

	random_table(&want);
	random_table(&was);
	for (i = 0; i < was.n; i++)
		if (upto(2))
			(void)lvs_owned_add(&owned, &was.services[i].key);
	rc = load(&f, &was);
	f.fail_op = fail_at;
	f.fail_rc = -ENOMEM;
	for (i = 0; i < 2 && rc == 0; i++) {
		rc = lvs_fake_ops.read(&f, &have);
		if (rc == 0)
			rc = lvs_plan_make(&want, &have, &owned, &p);
		if (rc == 0) {
			again = lvs_fake_ops.apply(&f, p.ops, p.n, NULL, NULL);
			lvs_plan_done(&p);
		}
		lvs_table_done(&have);
	}
	good =
	    rc == 0 && again == 0 && as_wanted(&f.table, &want, &was, &owned);
	lvs_owned_done(&owned);
	lvs_table_done(&want);
	lvs_table_done(&was);
	lvs_fake_done(&f);
	return good;
}

int
main(int argc, char *argv[])
{
	unsigned seed =
	    argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)time(NULL);
	int i, good = 0;

	test_order();
	test_foreign();
	test_fields();
	printf("# seed %u\n", seed);
	srandom(seed);
	for (i = 0; i < 1000; i++)
		good += one_round(0);
	is_int(good, 1000, "random rounds, seed %u", seed);
	for (i = 0, good = 0; i < 500; i++)
		good += one_round(1 + upto(20));
	is_int(good, 500, "random rounds with a failure, seed %u", seed);
	return done();
}
