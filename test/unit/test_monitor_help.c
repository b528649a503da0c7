/*
 * test_monitor_help: see the header.
 */
#include "test/unit/test_monitor_help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"

#define DEADLINE (10 * USEC_S)

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

void
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

bool
wait_for(struct test *t, bool (*cond)(struct test *t))
{
	t->cond = cond;
	t->until = loop_now(t->loop) + DEADLINE;
	timer_in(&t->poll, 0);
	loop_run(t->loop);
	return t->met;
}

void
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
bool
wait_probes(struct test *t, uint64_t n)
{
	t->want_started = monitor_counts(t->monitor).prober.started + n;
	return wait_for(t, enough_started);
}

bool
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

void
begin(struct test *t, unsigned max_running, const struct conf *c)
{
	t->n_reports = 0;
	t->refuse = 0;
	if (monitor_new(t->loop, max_running, &ops, t, &t->monitor) < 0 ||
	    monitor_set_conf(t->monitor, c) < 0)
		abort();
}

void
end(struct test *t)
{
	monitor_free(t->monitor);
	t->monitor = NULL;
}

const struct health_msg *
last_report(const struct test *t, const char *service, const char *server)
{
	size_t i = t->n_reports;

	while (i-- > 0)
		if (strcmp(t->reports[i].service, service) == 0 &&
		    strcmp(t->reports[i].server, server) == 0)
			return &t->reports[i];
	return NULL;
}

void
believe(struct test *t, const char *service, enum health h)
{
	struct probe_state m = { .server = "r1", .health = (uint8_t)h,
		.override = WEIGHT_NONE, .policy = WEIGHT_NONE };

	(void)snprintf(m.service, sizeof(m.service), "%s", service);
	monitor_state(t->monitor, &m);
}

/* ---- configurations ---- */

/* A service of one server r1 on loopback with one check named as its type. */
struct conf_check *
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

void
add_server(struct builder *b, size_t service, const char *name)
{
	struct conf_service *s = &b->services[service];

	s->servers[s->n_servers] = s->servers[0];
	(void)snprintf(
	    s->servers[s->n_servers].name, NAME_LEN, "%s", name);
	s->n_servers++;
}

struct test *
test_start(void)
{
	struct test *t = mem_new(struct test);

	t->farm = farm_start();
	if (t->farm == NULL || loop_new(&t->loop) < 0)
		abort();
	timer_init(&t->poll, t->loop, on_poll, t);
	return t;
}

void
test_stop(struct test *t)
{
	timer_stop(&t->poll);
	loop_free(t->loop);
	farm_stop(t->farm);
	free(t);
}
