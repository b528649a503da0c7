/*
 * test_monitor: monitord's engine against real servers on loopback: what it
 * says of all kinds of replies, rise and fall, sharing, reload, its limits, and
 * that faults of its own machine are not blamed on servers.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/http_match.h"
#include "daemons/monitord/lateness.h"
#include "daemons/monitord/monitor.h"
#include "test/tap.h"
#include "test/unit/test_monitor_server.h"

#define DEADLINE (10 * USEC_S)
#define REPORTS_MAX 4096
#define SERVICES_MAX 64
#define WEIGHTS_MAX 1024

struct test {
	struct farm *farm;
	struct loop *loop;
	struct monitor *monitor;
	struct health_msg reports[REPORTS_MAX];
	size_t n_reports;
	struct weight_msg weights[WEIGHTS_MAX];
	size_t n_weights;
	int refuse; /* so many reports are turned away */
	struct timer poll;
	bool (*cond)(struct test *t);
	usec_t until;
	bool met;
	bool serve; /* answer on port_shut ourselves, see serve_here() */
	int conns[16];
	/* arguments of conditions */
	size_t want_reports;
	int want_count;
	uint64_t want_started;
};

/* ---- a server in this process ---- */

/* Is the connection done with? */
static bool
answer(int fd)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\n\r\n";
	char request[1024];
	ssize_t n = recv(fd, request, sizeof(request), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0)
		(void)!send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
	close(fd);
	return true;
}

static void
serve_here(struct test *t)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(t->conns); i++) {
		if (t->conns[i] <= 0)
			t->conns[i] = accept4(
			    t->farm->fd_shut, NULL, NULL, SOCK_NONBLOCK);
		if (t->conns[i] > 0 && answer(t->conns[i]))
			t->conns[i] = 0;
	}
}

/* ---- waiting ---- */

static void
on_poll(void *arg)
{
	struct test *t = arg;

	if (t->serve)
		serve_here(t);
	t->met = t->cond != NULL && t->cond(t);
	if (t->met || loop_now(t->loop) >= t->until)
		loop_stop(t->loop);
	else
		timer_in(&t->poll, USEC_MS);
}

static bool
wait_for(struct test *t, bool (*cond)(struct test *t))
{
	t->cond = cond;
	t->until = loop_now(t->loop) + DEADLINE;
	timer_in(&t->poll, 0);
	loop_run(t->loop);
	return t->met;
}

static void
run_for(struct test *t, usec_t time)
{
	t->cond = NULL;
	t->until = loop_now(t->loop) + time;
	timer_in(&t->poll, 0);
	loop_run(t->loop);
}

static bool
enough_reports(struct test *t)
{
	return t->n_reports >= t->want_reports;
}

static bool
enough_started(struct test *t)
{
	return monitor_counts(t->monitor).prober.started >= t->want_started;
}

/* n more probes begin. */
static bool
wait_probes(struct test *t, uint64_t n)
{
	t->want_started = monitor_counts(t->monitor).prober.started + n;
	return wait_for(t, enough_started);
}

static bool
wait_reports(struct test *t, size_t n)
{
	t->want_reports = n;
	return wait_for(t, enough_reports);
}

/* ---- the monitor under test ---- */

static int
on_health(const struct health_msg *m, void *arg)
{
	struct test *t = arg;

	if (t->refuse > 0) {
		t->refuse--;
		return -ENOBUFS;
	}
	if (t->n_reports < REPORTS_MAX)
		t->reports[t->n_reports++] = *m;
	return 0;
}

static void
on_minute(const struct prober_minute *m, void *arg)
{
	(void)m;
	(void)arg;
}

static int
on_weight(const struct weight_msg *m, void *arg)
{
	struct test *t = arg;

	t->weights[t->n_weights++ % WEIGHTS_MAX] = *m;
	return 0;
}

static const struct monitor_ops ops = { on_health, on_weight, on_minute };

static void
begin(struct test *t, unsigned max_running, const struct conf *c)
{
	t->n_reports = 0;
	t->refuse = 0;
	if (monitor_new(t->loop, max_running, &ops, t, &t->monitor) < 0 ||
	    monitor_set_conf(t->monitor, c) < 0)
		abort();
}

static void
end(struct test *t)
{
	monitor_free(t->monitor);
	t->monitor = NULL;
}

static const struct health_msg *
last_report(const struct test *t, const char *service, const char *server)
{
	size_t i = t->n_reports;

	while (i-- > 0)
		if (strcmp(t->reports[i].service, service) == 0 &&
		    strcmp(t->reports[i].server, server) == 0)
			return &t->reports[i];
	return NULL;
}

static void
believe(struct test *t, const char *service, enum health h)
{
	struct probe_state m = { .server = "r1", .health = (uint8_t)h,
		.override = WEIGHT_NONE, .policy = WEIGHT_NONE };

	(void)snprintf(m.service, sizeof(m.service), "%s", service);
	monitor_state(t->monitor, &m);
}

/* ---- configurations ---- */

struct builder {
	struct conf conf;
	struct conf_service services[SERVICES_MAX];
	struct server_def servers[SERVICES_MAX][4];
	struct conf_check checks[SERVICES_MAX][2];
};

/* A service of one server r1 on loopback with one check named as its type. */
static struct conf_check *
add(struct builder *b, const char *name, enum check_type type, uint16_t port)
{
	size_t i = b->conf.n_services++;
	struct conf_service *s = &b->services[i];
	struct conf_check *c = &b->checks[i][0];
	struct server_def *d = &b->servers[i][0];

	b->conf.services = b->services;
	*s = (struct conf_service){ .servers = d, .n_servers = 1, .checks = c,
		.n_checks = 1 };
	(void)snprintf(s->def.name, NAME_LEN, "%s", name);
	*d = (struct server_def){ .name = "r1", .port = port };
	(void)addr_parse("127.0.0.1", &d->addr);
	*c = (struct conf_check){ .type = type, .interval = 20 * USEC_MS,
		.timeout = 2 * USEC_S, .rise = 2, .fall = 2, .path = "/ok" };
	(void)snprintf(c->name, NAME_LEN, "%s",
	    type == CHECK_HTTP ? "http" : "tcp");
	return c;
}

static void
add_server(struct builder *b, size_t service, const char *name)
{
	struct conf_service *s = &b->services[service];

	s->servers[s->n_servers] = s->servers[0];
	(void)snprintf(
	    s->servers[s->n_servers].name, NAME_LEN, "%s", name);
	s->n_servers++;
}

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

static void
test_match(void)
{
	static const struct {
		const char *want, *text;
		bool found;
	} rows_[] = {
		{ "", "", true },
		{ "a", "", false },
		{ "abab", "aababb", true },
		{ "aab", "aaab", true },
		{ "abcabd", "abcabcabd", true },
		{ "abcabd", "abcabcab", false },
	};
	struct http_match m;
	size_t i, k, len;

	for (i = 0; i < ARRAY_LEN(rows_); i++) {
		len = strlen(rows_[i].text);
		for (k = 0; k <= len; k++) {
			http_match_init(&m, rows_[i].want);
			(void)http_match_add(&m, rows_[i].text, k);
			(void)http_match_add(&m, rows_[i].text + k, len - k);
			if (http_match_found(&m) != rows_[i].found)
				break;
		}
		is_int(k, len + 1, "\"%s\" in \"%s\", cut anywhere",
		    rows_[i].want, rows_[i].text);
	}
}

static void
test_lateness(void)
{
	static struct lateness l;
	usec_t v, p;

	is_int(lateness_quantile(&l, 990), 0, "none: 0");
	for (v = 0; v < 1000; v++)
		lateness_add(&l, v);
	p = lateness_quantile(&l, 990);
	ok(p >= 989 && p <= 999, "p99 of 0..999 is %d", (int)p);
	p = lateness_quantile(&l, 500);
	ok(p >= 499 && p <= 499 + 499 / 8, "median is %d", (int)p);
	lateness_add(&l, UINT64_MAX);
	ok(l.max == UINT64_MAX, "the largest is kept");
	ok(lateness_quantile(&l, 1000) >= UINT32_MAX, "and found");
}

/* ---- policies ---- */

static bool
any_weight(struct test *t)
{
	return t->n_weights > 0;
}

static void
policy(struct builder *b, const char *record)
{
	struct policy *p = &b->services[0].policy;

	policy_defaults(p);
	p->given = true;
	p->type = POLICY_RESPONSE;
	p->interval = 100 * USEC_MS;
	p->smoothing = 100 * USEC_MS;
	(void)snprintf(p->record, sizeof(p->record), "%s", record);
	b->servers[0][0].weight = b->servers[0][1].weight = 100;
}

static void
state(struct test *t, const char *server, int32_t weight, int32_t hand)
{
	struct probe_state m = { .service = "web", .health = HEALTH_UP,
		.override = hand, .policy = weight };

	(void)snprintf(m.server, sizeof(m.server), "%s", server);
	monitor_state(t->monitor, &m);
}

static const struct weight_msg *
last_weight(const struct test *t, const char *server)
{
	size_t i = t->n_weights;

	while (i-- > 0)
		if (strcmp(t->weights[i % WEIGHTS_MAX].server, server) == 0)
			return &t->weights[i % WEIGHTS_MAX];
	return NULL;
}

static bool
slow_one_fell(struct test *t)
{
	const struct weight_msg *m = last_weight(t, "r2");

	return m != NULL && m->weight < 30;
}

static bool
weight_gone(struct test *t)
{
	const struct weight_msg *m = last_weight(t, "r2");

	return m != NULL && m->weight == WEIGHT_NONE;
}

/* r1 answers at once, r2 (127.0.0.2) does not. */
static void
test_policy(struct test *t)
{
	char record[] = "/tmp/test_monitor.XXXXXX", cmd[256];
	const char *bin = getenv("YOKE_BIN");
	static struct builder b, without;
	int fd = mkstemp(record);

	close(fd);
	(void)unlink(record);
	(void)add(&b, "web", CHECK_HTTP, t->farm->port);
	add_server(&b, 0, "r2");
	policy(&b, record);
	(void)addr_parse("127.0.0.2", &b.servers[0][1].addr);
	(void)snprintf(b.checks[0][0].path, CONF_TEXT_LEN, "/slow2");
	t->n_weights = 0;
	begin(t, 64, &b.conf);
	state(t, "r1", WEIGHT_NONE, WEIGHT_NONE);
	state(t, "r2", WEIGHT_NONE, WEIGHT_NONE);
	monitor_on(t->monitor, true);
	ok(wait_for(t, slow_one_fell), "the slow server's weight goes down");
	ok(last_weight(t, "r2") != NULL &&
	    strstr(last_weight(t, "r2")->cause, "response-time ") != NULL,
	    "with its cause");
	state(t, "r2", last_weight(t, "r2")->weight, 5);
	t->n_weights = 0;
	run_for(t, 300 * USEC_MS);
	ok(last_weight(t, "r2") == NULL, "not while a hand is on it");
	end(t);
	(void)snprintf(cmd, sizeof(cmd), "%s/yoke replay %s",
	    bin != NULL ? bin : "build/bin", record);
	is_int(system(cmd), 0, "the record gives the same decisions");
	(void)unlink(record);

	(void)add(&without, "web", CHECK_HTTP, t->farm->port);
	add_server(&without, 0, "r2");
	t->n_weights = 0;
	begin(t, 64, &without.conf);
	state(t, "r2", 12, WEIGHT_NONE);
	ok(weight_gone(t), "a weight without a policy is taken back");
	end(t);
}

/* What a takeover begins with: the table, and nothing else. */
static void
test_policy_resumes(struct test *t)
{
	static struct builder b;

	(void)add(&b, "web", CHECK_HTTP, t->farm->port);
	add_server(&b, 0, "r2");
	policy(&b, "");
	(void)addr_parse("127.0.0.2", &b.servers[0][1].addr);
	(void)snprintf(b.checks[0][0].path, CONF_TEXT_LEN, "/slow2");
	b.services[0].policy.interval = 20 * USEC_MS;
	t->n_weights = 0;
	begin(t, 64, &b.conf);
	state(t, "r1", 180, WEIGHT_NONE);
	state(t, "r2", 20, WEIGHT_NONE);
	monitor_on(t->monitor, true);
	ok(wait_for(t, any_weight), "it goes on");
	ok(t->weights[0].weight < 70 || t->weights[0].weight > 130,
	    "from there: %d", (int)t->weights[0].weight);
	end(t);
}

int
main(void)
{
	static struct test t;

	t.farm = farm_start();
	if (t.farm == NULL || loop_new(&t.loop) < 0)
		return 1;
	timer_init(&t.poll, t.loop, on_poll, &t);
	test_match();
	test_lateness();
	test_replies(&t);
	test_tcp(&t);
	test_rise_fall(&t);
	test_unknown_bad(&t);
	test_go_on(&t);
	test_off(&t);
	test_sharing(&t);
	test_all_checks(&t);
	test_retell(&t);
	test_no_checks(&t);
	test_reload(&t);
	test_limit(&t);
	test_no_descriptors(&t);
	test_held_up(&t);
	test_policy(&t);
	test_policy_resumes(&t);
	timer_stop(&t.poll);
	loop_free(t.loop);
	farm_stop(t.farm);
	return done();
}
