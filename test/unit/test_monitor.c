/*
 * test_monitor: monitord's engine against real servers on loopback: what it
 * says of all kinds of replies, rise and fall, sharing, reload, its limits, and
 * that faults of its own machine are not blamed on servers.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "test/may_mark.h"
#include "test/tap.h"
#include "test/unit/test_monitor_help.h"

/* ---- tests ---- */

static const struct {
	const char *path;
	unsigned status;
	const char *body, *host;
	unsigned timeout_ms;
	enum health health;
	const char *cause;
} replies[] = {
	{ "/ok", 0, "", "", 2000, HEALTH_UP, "http: ok" },
	{ "/ok", 200, "lo wor", "", 2000, HEALTH_UP, "http: ok" },
	{ "/ok", 0, "absent", "", 2000, HEALTH_DOWN,
	    "http: body lacks \"absent\"" },
	{ "/ok", 0, "ab\nse", "", 2000, HEALTH_DOWN,
	    "http: body lacks \"ab?se\"" },
	{ "/ok", 204, "", "", 2000, HEALTH_DOWN, "http: 200, expected 204" },
	{ "/chunked", 0, "hello world", "", 2000, HEALTH_UP, "http: ok" },
	{ "/moved", 0, "", "", 2000, HEALTH_UP, "http: ok" },
	{ "/moved", 200, "", "", 2000, HEALTH_DOWN,
	    "http: 302, expected 200" },
	{ "/broken", 500, "no", "", 2000, HEALTH_UP, "http: ok" },
	{ "/broken", 0, "", "", 2000, HEALTH_DOWN,
	    "http: 500, expected 2xx or 3xx" },
	{ "/broken", 200, "", "", 2000, HEALTH_DOWN,
	    "http: 500, expected 200" },
	{ "/host", 0, "", "www.example.com", 2000, HEALTH_UP, "http: ok" },
	{ "/garbage", 0, "", "", 2000, HEALTH_DOWN,
	    "http: not an HTTP reply" },
	{ "/zeros", 0, "", "", 2000, HEALTH_DOWN, "http: not an HTTP reply" },
	{ "/empty", 0, "", "", 2000, HEALTH_DOWN,
	    "http: closed without a reply" },
	{ "/short", 0, "", "", 2000, HEALTH_DOWN, NULL },
	{ "/never", 0, "", "", 60, HEALTH_DOWN, "http: timeout after 60ms" },
	{ "/huge", 0, "", "", 2000, HEALTH_UP, "http: ok" },
	{ "/huge", 0, "xxx", "", 2000, HEALTH_UP, "http: ok" },
	{ "/huge", 0, "y", "", 2000, HEALTH_DOWN,
	    "http: body lacks \"y\" (64 KiB)" },
	{ "/hugehead", 0, "", "", 2000, HEALTH_DOWN,
	    "http: headers over 64 KiB" },
	{ "/hugeline", 0, "", "", 2000, HEALTH_DOWN,
	    "http: header line too long" },
	{ "/continues", 0, "", "", 2000, HEALTH_DOWN,
	    "http: headers over 64 KiB" },
	{ "/driphead", 0, "", "", 60, HEALTH_DOWN,
	    "http: timeout after 60ms" },
	{ "/dripbody", 0, "", "", 60, HEALTH_DOWN,
	    "http: timeout after 60ms" },
	{ "/dripbody", 0, "xxx", "", 2000, HEALTH_UP, "http: ok" },
	{ "/dripbroken", 0, "", "", 2000, HEALTH_DOWN,
	    "http: 503, expected 2xx or 3xx" },
};

static void
test_replies(struct test *t)
{
	static struct builder b;
	const struct health_msg *m;
	struct conf_check *c;
	char name[NAME_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(replies); i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		c = add(&b, name, CHECK_HTTP, t->farm->port);
		c->status = replies[i].status;
		c->timeout = replies[i].timeout_ms * USEC_MS;
		(void)snprintf(c->path, CONF_TEXT_LEN, "%s", replies[i].path);
		(void)snprintf(c->body, CONF_TEXT_LEN, "%s", replies[i].body);
		(void)snprintf(c->host, CONF_TEXT_LEN, "%s", replies[i].host);
	}
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, ARRAY_LEN(replies)), "every server is judged");
	for (i = 0; i < ARRAY_LEN(replies); i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		m = last_report(t, name, "r1");
		if (!ok(m != NULL && m->health == replies[i].health,
			"%s is %s", replies[i].path,
			health_name(replies[i].health)) ||
		    replies[i].cause == NULL)
			continue;
		is_str(m->cause, replies[i].cause, "and the cause says so");
	}
	is_int(atomic_load(&t->farm->rude), 0, "requests have their headers");
	end(t);
}

static void
test_tcp(struct test *t)
{
	static struct builder b;
	struct conf_check *c = add(&b, "four", CHECK_TCP, t->farm->port_shut);
	size_t n = 1;

	(void)snprintf(c->name, NAME_LEN, "%s", "alive");
	if (t->farm->port_shut6 != 0) {
		add(&b, "six", CHECK_TCP, t->farm->port_shut6);
		(void)addr_parse("::1", &b.servers[1][0].addr);
		n++;
	}
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, n), "ports nobody listens on are judged");
	is_int(last_report(t, "four", "r1")->health, HEALTH_DOWN, "down");
	is_str(last_report(t, "four", "r1")->cause,
	    "tcp alive: connection refused", "cause");
	farm_listen(t->farm);
	ok(wait_reports(t, 2 * n), "when somebody listens they are again");
	is_int(last_report(t, "four", "r1")->health, HEALTH_UP, "up");
	is_str(last_report(t, "four", "r1")->cause, "tcp alive: ok", "cause");
	if (n == 2) {
		is_str(t->n_reports > 0 ? last_report(t, "six", "r1")->cause
		                        : "", "tcp: ok", "IPv6 too");
	}
	end(t);
}

/* One more probe may be under way when the server changes its mind. */
static void
flip(struct test *t, int bad, unsigned need, enum health want)
{
	size_t n = t->n_reports;
	int at = atomic_load(&t->farm->flip_count), took;

	atomic_store(&t->farm->flip_bad, bad);
	ok(wait_reports(t, n + 1), "a change is reported");
	took = atomic_load(&t->farm->flip_count) - at;
	is_int(t->reports[n].health, want, "it is %s", health_name(want));
	ok(took >= (int)need && took <= (int)need + 2,
	    "after %u results in a row (%d asked)", need, took);
}

static void
test_rise_fall(struct test *t)
{
	static struct builder b;
	struct conf_check *c = add(&b, "web", CHECK_HTTP, t->farm->port);

	strcpy(c->path, "/flip");
	c->rise = 4;
	c->fall = 3;
	atomic_store(&t->farm->flip_bad, 0);
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 1), "the unknown server is judged");
	ok(monitor_counts(t->monitor).prober.started < 4,
	    "by the first good result, not by `rise`");
	flip(t, -1, 3, HEALTH_DOWN);
	flip(t, 0, 4, HEALTH_UP);
	atomic_store(&t->farm->flip_bad, 2);
	ok(wait_probes(t, 10), "two failures, then good ones");
	is_int(t->n_reports, 3, "are fewer than `fall`: nothing is said");
	end(t);
}

static void
test_unknown_bad(struct test *t)
{
	static struct builder b;

	strcpy(add(&b, "web", CHECK_HTTP, t->farm->port)->path, "/broken");
	b.checks[0][0].fall = 4;
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 1), "an unknown server that fails is judged");
	ok(monitor_counts(t->monitor).prober.started >= 4,
	    "after `fall` results, not before");
	end(t);
}

static void
test_go_on(struct test *t)
{
	static struct builder b;

	strcpy(add(&b, "up", CHECK_HTTP, t->farm->port)->path, "/ok");
	strcpy(add(&b, "down", CHECK_HTTP, t->farm->port)->path, "/chunked");
	b.checks[1][0].rise = 5;
	begin(t, 64, &b.conf);
	believe(t, "up", HEALTH_UP);
	believe(t, "down", HEALTH_DOWN);
	believe(t, "nobody", HEALTH_DOWN);
	run_for(t, 50 * USEC_MS);
	is_int(monitor_counts(t->monitor).prober.started, 0,
	    "nothing is asked before PROBE_ON");
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 1), "one report");
	is_str(t->reports[0].service, "down", "of the one believed down");
	ok(monitor_counts(t->monitor).prober.started >= 5,
	    "after its `rise` results");
	monitor_forget(t->monitor);
	believe(t, "up", HEALTH_UP);
	believe(t, "down", HEALTH_DOWN);
	monitor_on(t->monitor, true);
	is_int(t->n_reports, 2, "yoked is back with an old view");
	is_str(t->reports[1].service, "down", "it is told at once");
	is_int(t->reports[1].health, HEALTH_UP, "what we know");
	monitor_forget(t->monitor);
	monitor_on(t->monitor, true);
	is_int(t->n_reports, 4, "yoked is back with no view: told all");
	end(t);
}

static void
test_off(struct test *t)
{
	static struct builder b;
	struct prober_counts was, now;

	strcpy(add(&b, "never", CHECK_HTTP, t->farm->port)->path, "/never");
	add(&b, "web", CHECK_HTTP, t->farm->port);
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_probes(t, 6), "probing");
	monitor_on(t->monitor, false);
	was = monitor_counts(t->monitor).prober;
	is_int(was.running, 0, "PROBE_ON 0 ends what is under way");
	run_for(t, 100 * USEC_MS);
	now = monitor_counts(t->monitor).prober;
	is_int(now.started, was.started, "and nothing more is asked");
	monitor_on(t->monitor, true);
	ok(wait_probes(t, 6), "on again");
	end(t);
}

static void
test_sharing(struct test *t)
{
	static struct builder b;
	size_t i;

	strcpy(add(&b, "one", CHECK_HTTP, t->farm->port)->path, "/flip");
	strcpy(add(&b, "two", CHECK_HTTP, t->farm->port)->path, "/flip");
	strcpy(b.checks[1][0].name, "other-name");
	add_server(&b, 1, "r2");
	add(&b, "three", CHECK_TCP, t->farm->port);
	add(&b, "four", CHECK_TCP, t->farm->port);
	strcpy(b.checks[3][0].path, "/tcp/does/not/care");
	atomic_store(&t->farm->flip_bad, 0);
	begin(t, 64, &b.conf);
	is_int(monitor_counts(t->monitor).targets, 5, "five servers");
	is_int(monitor_counts(t->monitor).uses, 5, "five uses of checks");
	is_int(monitor_counts(t->monitor).probes, 2, "two probes");
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 5), "every user hears");
	atomic_store(&t->farm->flip_bad, -1);
	ok(wait_reports(t, 8), "a fault too");
	for (i = 5; i < 8; i++)
		is_int(t->reports[i].health, HEALTH_DOWN, "%s/%s is down",
		    t->reports[i].service, t->reports[i].server);
	is_str(last_report(t, "one", "r1")->cause,
	    "http: 500, expected 2xx or 3xx", "by its own check's name");
	is_str(last_report(t, "two", "r2")->cause,
	    "http other-name: 500, expected 2xx or 3xx", "each");
	end(t);
}

static void
test_all_checks(struct test *t)
{
	static struct builder b;
	struct conf_check *c = add(&b, "web", CHECK_HTTP, t->farm->port);

	c[1] = c[0];
	strcpy(c[1].path, "/flip");
	strcpy(c[1].name, "deep");
	b.services[0].n_checks = 2;
	atomic_store(&t->farm->flip_bad, -1);
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 1), "two checks, one fails");
	is_int(t->reports[0].health, HEALTH_DOWN, "the server is down");
	is_str(t->reports[0].cause,
	    "http deep: 500, expected 2xx or 3xx", "for that one");
	ok(wait_probes(t, 10), "and stays");
	is_int(t->n_reports, 1, "nothing more is said");
	atomic_store(&t->farm->flip_bad, 0);
	ok(wait_reports(t, 2), "both pass");
	is_int(t->reports[1].health, HEALTH_UP, "the server is up");
	end(t);
}

static void
test_retell(struct test *t)
{
	static struct builder b;

	add(&b, "web", CHECK_HTTP, t->farm->port);
	begin(t, 64, &b.conf);
	t->refuse = 3;
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 1), "a report that was turned away comes again");
	ok(wait_probes(t, 5), "later");
	is_int(t->n_reports, 1, "once it was taken, no more");
	end(t);
}

static void
test_no_checks(struct test *t)
{
	static struct builder b;

	add(&b, "web", CHECK_HTTP, t->farm->port);
	add(&b, "idle", CHECK_HTTP, t->farm->port);
	b.services[0].n_checks = b.services[1].n_checks = 0;
	begin(t, 64, &b.conf);
	believe(t, "web", HEALTH_DOWN);
	monitor_on(t->monitor, true);
	is_int(t->n_reports, 1, "down, but nothing is checked any more");
	is_int(t->reports[0].health, HEALTH_UP, "it is up");
	is_str(t->reports[0].cause, "no checks", "and the cause says why");
	end(t);
}

/* From a to b and to c; a's and b's memory is wiped when not in use. */
static void
test_reload(struct test *t)
{
	static struct builder a, b, c;
	uint64_t started;

	add(&a, "web", CHECK_HTTP, t->farm->port);
	strcpy(add(&a, "bad", CHECK_HTTP, t->farm->port)->path, "/broken");
	strcpy(add(&a, "never", CHECK_HTTP, t->farm->port)->path, "/never");
	b = a;
	b.conf.services = b.services;
	b.services[0].servers = b.servers[0];
	b.services[0].checks = b.checks[0];
	b.services[1].servers = b.servers[1];
	b.services[1].checks = b.checks[1];
	b.conf.n_services = 2;
	add_server(&b, 0, "r2");
	strcpy(add(&c, "bad", CHECK_HTTP, t->farm->port)->path, "/chunked");
	begin(t, 64, &a.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 2), "judged");
	started = monitor_counts(t->monitor).prober.started;
	is_int(monitor_set_conf(t->monitor, &b.conf), 0, "reload");
	memset(&a, 0xee, sizeof(a));
	is_int(monitor_counts(t->monitor).probes, 2, "one probe went");
	is_int(monitor_counts(t->monitor).targets, 3, "a server came");
	is_int(t->n_reports, 3, "what is known of its address is told");
	is_str(t->reports[2].server, "r2", "of the new server only");
	ok(wait_probes(t, 20), "the rest goes on");
	ok(monitor_counts(t->monitor).prober.started > started, "uninterrupted");
	is_int(t->n_reports, 3, "nothing changed, nothing is said");
	is_int(monitor_set_conf(t->monitor, &c.conf), 0, "another check");
	memset(&b, 0xee, sizeof(b));
	is_int(monitor_counts(t->monitor).probes, 1, "one probe");
	is_int(t->n_reports, 3, "an open question: nothing is said");
	ok(wait_reports(t, 4), "then the check passes");
	is_int(t->reports[3].health, HEALTH_UP, "the server is up");
	end(t);
}

static void
test_limit(struct test *t)
{
	static struct builder b;
	char name[NAME_LEN];
	unsigned i;

	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "s%u", i);
		add(&b, name, CHECK_HTTP, t->farm->port);
		strcpy(b.checks[i][0].path, i % 2 ? "/never" : "/ok");
		b.checks[i][0].timeout =
		    (i % 2 ? 30 + i : 5000 + i) * USEC_MS;
	}
	begin(t, 4, &b.conf);
	is_int(monitor_counts(t->monitor).probes, 40, "40 probes");
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 40), "all are judged");
	is_int(monitor_counts(t->monitor).prober.most_running, 4,
	    "never more in flight than the limit");
	for (i = 0; i < 40; i++)
		if (t->reports[i].health !=
		    (atoi(t->reports[i].service + 1) % 2 ? HEALTH_DOWN
							 : HEALTH_UP))
			break;
	is_int(i, 40, "rightly");
	end(t);
}

static void
test_no_descriptors(struct test *t)
{
	static struct builder b;
	struct rlimit was, none;
	uint64_t unasked;

	add(&b, "web", CHECK_HTTP, t->farm->port);
	add(&b, "tcp", CHECK_TCP, t->farm->port);
	begin(t, 64, &b.conf);
	believe(t, "web", HEALTH_UP);
	believe(t, "tcp", HEALTH_UP);
	(void)getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = 3;
	(void)setrlimit(RLIMIT_NOFILE, &none);
	monitor_on(t->monitor, true);
	ok(wait_probes(t, 20), "no descriptors to be had");
	(void)setrlimit(RLIMIT_NOFILE, &was);
	is_int(t->n_reports, 0, "the servers are not blamed");
	unasked = monitor_counts(t->monitor).prober.unasked;
	ok(unasked >= 18, "but it is counted");
	ok(wait_probes(t, 6), "descriptors again");
	is_int(t->n_reports, 0, "and all is well");
	end(t);
}

/* Monitoring is held up while the server goes on. */
static void
hold_up(struct test *t)
{
	unsigned i;

	for (i = 0; i < 30; i++) {
		serve_here(t);
		usleep(10000);
	}
}

/* We are stopped while answers are due. The server is in this process, so that
 * a busy machine does not stop it alone. */
static void
test_held_up(struct test *t)
{
	static struct builder b;
	int i;

	farm_listen(t->farm);
	t->serve = true;
	add(&b, "web", CHECK_HTTP, t->farm->port_shut);
	add(&b, "tcp", CHECK_TCP, t->farm->port_shut);
	b.checks[0][0].timeout = b.checks[1][0].timeout = 150 * USEC_MS;
	b.checks[0][0].fall = b.checks[1][0].fall = 1;
	begin(t, 64, &b.conf);
	believe(t, "web", HEALTH_UP);
	believe(t, "tcp", HEALTH_UP);
	monitor_on(t->monitor, true);
	for (i = 0; i < 3; i++) {
		(void)wait_probes(t, 5);
		hold_up(t);
	}
	ok(wait_probes(t, 4), "held up far beyond the timeout");
	is_int(t->n_reports, 0, "the servers are not blamed");
	if (t->n_reports > 0)
		printf("#   %s\n", t->reports[0].cause);
	t->serve = false;
	end(t);
}

static bool
enough_unasked(struct test *t)
{
	return monitor_counts(t->monitor).prober.unasked >= t->want_started;
}

/* Three more probes cannot be made. */
static bool
wait_unasked(struct test *t)
{
	t->want_started = monitor_counts(t->monitor).prober.unasked + 3;
	return wait_for(t, enough_unasked);
}

/* Through the VIP: 127.0.0.1 here, where no IPVS looks at marks. */
static void
test_through_vip(struct test *t)
{
	static struct builder b;
	static struct conf_vip vip = { .device = "lo" };
	struct conf_check *c = add(&b, "tcp", CHECK_TCP, t->farm->port);
	uint64_t started;

	if (!may_mark()) {
		ok(true, "marks need CAP_NET_ADMIN # SKIP");
		return;
	}
	c->through = THROUGH_VIP;
	add(&b, "web", CHECK_HTTP, t->farm->port)->through = THROUGH_VIP;
	add(&b, "plain", CHECK_TCP, t->farm->port);
	b.services[0].def.addr = b.services[1].def.addr =
	    b.servers[0][0].addr;
	vip.addr = b.servers[0][0].addr;
	b.conf.vips = &vip;
	b.conf.n_vips = 1;
	b.conf.probe_marks = 1000;
	if (probe_paths_make(&b.conf, &b.conf.probe_paths) < 0)
		abort();
	begin(t, 64, &b.conf);
	is_int(monitor_counts(t->monitor).probes, 3,
	    "by another way it is another probe");
	monitor_on(t->monitor, true);
	ok(wait_probes(t, 10), "without a path");
	ok(last_report(t, "plain", "r1") != NULL && t->n_reports == 1,
	    "only what takes none is asked");
	is_int(monitor_counts(t->monitor).prober.unasked, 0, "nobody minds");
	monitor_paths(t->monitor, b.conf.probe_paths.id ^ 2);
	ok(wait_probes(t, 10) && t->n_reports == 1, "nor by paths of others");
	ok(wait_unasked(t), "which is counted when it lasts");
	monitor_paths(t->monitor, b.conf.probe_paths.id);
	ok(wait_reports(t, 3), "with a path they are");
	is_int(last_report(t, "web", "r1")->health, HEALTH_UP, "up, by http");
	is_int(last_report(t, "tcp", "r1")->health, HEALTH_UP, "up, by tcp");
	c->port = 1; /* nobody listens there */
	if (monitor_set_conf(t->monitor, &b.conf) < 0)
		abort();
	if (!probe_path_accepts("lo")) {
		ok(wait_unasked(t), "a kernel that drops answers");
		is_int(t->n_reports, 3, "is not held against the server");
	}
	monitor_forget(t->monitor);
	run_for(t, 50 * USEC_MS);
	started = monitor_counts(t->monitor).prober.started;
	b.conf.n_services = 2; /* without the plain one */
	if (monitor_set_conf(t->monitor, &b.conf) < 0)
		abort();
	run_for(t, 100 * USEC_MS);
	is_int(monitor_counts(t->monitor).prober.started - started, 0,
	    "without yoked there is no path");
	end(t);
	probe_paths_done(&b.conf.probe_paths);
}

int
main(void)
{
	struct test *t = test_start();

	test_replies(t);
	test_tcp(t);
	test_rise_fall(t);
	test_unknown_bad(t);
	test_go_on(t);
	test_off(t);
	test_sharing(t);
	test_all_checks(t);
	test_retell(t);
	test_no_checks(t);
	test_reload(t);
	test_limit(t);
	test_no_descriptors(t);
	test_held_up(t);
	test_through_vip(t);
	test_stop(t);
	return done();
}
