/*
 * test_ipc_keep: a client that keeps a connection (ipcc_keep), and what is left
 * when a server or both sides are killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/ipcc.h"
#include "common/usec.h"
#include "test/tap.h"
#include "test/unit/ipc_server.h"

struct keeper {
	struct loop *loop;
	struct ipcc_keep *keep;
	struct timer limit, kick;
	unsigned up, down, events, errors;
	uint32_t expect, total;
	usec_t when_down;
	pid_t victim;
	bool flood;
};

static void
keeper_on_up(void *arg)
{
	struct keeper *k = arg;

	k->up++;
	if (k->flood)
		timer_in(&k->kick, 0);
}

static void
keeper_on_down(void *arg)
{
	struct keeper *k = arg;

	k->down++;
	k->when_down = usec_mono();
	loop_stop(k->loop);
}

static void
keeper_on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct keeper *k = arg;
	struct buf b = buf_reader(body, len);

	k->events++;
	if (id == MSG_PROBE_ON) {
		if (get_u32(&b) != 77)
			k->errors++;
		if (!k->flood)
			loop_stop(k->loop);
	} else if (get_u32(&b) != k->expect++) {
		k->errors++;
	}
	if (k->flood && k->expect == k->total)
		loop_stop(k->loop);
}

static void
keeper_limit(void *arg)
{
	struct keeper *k = arg;

	k->errors += 1000;
	loop_stop(k->loop);
}

/* Sends as fast as the queue takes it. */
static void
keeper_kick(void *arg)
{
	struct keeper *k = arg;
	uint8_t mem[200] = { 0 };
	struct buf b;
	static uint32_t n;

	for (; n < k->total; n++) {
		b = buf_writer(mem, sizeof(mem));
		put_u32(&b, n);
		if (ipcc_keep_send(k->keep, MSG_HEALTH, mem, sizeof(mem)) !=
		    0) {
			timer_in(&k->kick, USEC_MS);
			return;
		}
	}
}

static void
keeper_run(struct keeper *k, usec_t limit)
{
	timer_in(&k->limit, limit);
	loop_run(k->loop);
	timer_stop(&k->limit);
}

static void
keeper_kill(void *arg)
{
	struct keeper *k = arg;

	kill(k->victim, SIGKILL);
}

static const struct ipcc_ops keeper_ops = { .on_up = keeper_on_up,
	.on_down = keeper_on_down, .on_event = keeper_on_event };

static void
test_keep(void)
{
	struct keeper k = { .loop = NULL };
	usec_t t;
	pid_t pid;

	is_int(loop_new(&k.loop), 0, "loop");
	timer_init(&k.limit, k.loop, keeper_limit, &k);
	timer_init(&k.kick, k.loop, keeper_kill, &k);
	is_int(ipcc_keep_new(
		   k.loop, instance, WHO_MONITOR, &keeper_ops, &k, &k.keep),
	    0, "keep without a server");
	keeper_run(&k, 400 * USEC_MS);
	is_int(k.errors, 1000, "nothing happens");
	is_int(ipcc_keep_error(k.keep), -ECONNREFUSED, "and it says why");
	is_int(ipcc_keep_send(k.keep, MSG_HEALTH, "x", 1), -ENOTCONN,
	    "sending needs a connection");
	k.errors = 0;
	pid = server_start();
	keeper_run(&k, 2 * USEC_S);
	ok(k.up == 1 && k.events == 1 && k.errors == 0, "connects and greets");
	k.victim = pid;
	timer_in(&k.kick, 10 * USEC_MS);
	t = usec_mono();
	keeper_run(&k, 2 * USEC_S);
	ok(k.down == 1 && k.errors == 0, "killed server noticed");
	ok(k.when_down - t < 100 * USEC_MS, "within %llu us",
	    (unsigned long long)(k.when_down - t));
	waitpid(pid, NULL, 0);
	pid = server_start();
	keeper_run(&k, 2 * USEC_S);
	ok(k.up == 2 && k.events == 2 && k.errors == 0, "reconnects");
	kill(pid, SIGSTOP);
	for (t = 0; t < 2000; t++)
		if (ipcc_keep_send(k.keep, MSG_HEALTH, "stop", 4) != 0)
			break;
	is_int(t, 2000, "a stopped server does not block its client");
	k.victim = pid;
	timer_in(&k.kick, 10 * USEC_MS);
	keeper_run(&k, 2 * USEC_S);
	is_int(k.down, 2, "its death is noticed too");
	waitpid(pid, NULL, 0);
	ipcc_keep_free(k.keep);
	loop_free(k.loop);
}

static void
test_flood(void)
{
	struct keeper k = { .flood = true, .total = 20000 };
	pid_t pid = server_start();

	(void)loop_new(&k.loop);
	timer_init(&k.limit, k.loop, keeper_limit, &k);
	timer_init(&k.kick, k.loop, keeper_kick, &k);
	(void)ipcc_keep_new(
	    k.loop, instance, WHO_MONITOR, &keeper_ops, &k, &k.keep);
	keeper_run(&k, 60 * USEC_S);
	is_int(k.expect, k.total, "20000 messages and echoes, in order");
	is_int(k.errors, 0, "none wrong");
	timer_stop(&k.kick);
	ipcc_keep_free(k.keep);
	loop_free(k.loop);
	is_int(server_end(pid, SIGTERM), 0, "server ends well");
}

/* A client and its server killed together leave rings; the next server
 * removes them, and a second server is told off. */
static void
test_restart(void)
{
	pid_t server = server_start(), client;
	struct ipcc *c = NULL;
	int p[2], rc = -1;

	is_int(server_start(), -EADDRINUSE, "second server refused");
	if (pipe(p) != 0)
		abort();
	client = child();
	if (client == 0) {
		rc = ipcc_open(instance, WHO_CLI, &c);
		(void)!write(p[1], &rc, sizeof(rc));
		pause();
		_exit(0);
	}
	(void)!read(p[0], &rc, sizeof(rc));
	is_int(rc, 0, "client connected");
	kill(server, SIGSTOP);
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	server_end(server, SIGKILL);
	is_int(rings_left(), 6, "both killed: six files left");
	server = server_start();
	ok(server > 0, "restart works");
	is_int(rings_left(), 0, "and cleans up");
	is_int(server_end(server, SIGTERM), 0, "server ends well");
	close(p[0]);
	close(p[1]);
}

static void
test_dead_server_call(void)
{
	pid_t server = server_start();
	struct ipcc *c = NULL;
	usec_t t;

	is_int(ipcc_open(instance, WHO_CLI, &c), 0, "open");
	server_end(server, SIGKILL);
	t = usec_mono();
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 3000),
	    -ENOTCONN, "call to a dead server");
	ok(usec_mono() - t < USEC_S, "fails at once");
	is_int(ipcc_event(c, NULL, 0, NULL, 1000), -ENOTCONN, "event too");
	ipcc_free(c);
	is_int(rings_left(), 0, "the client cleaned up");
	server = server_start();
	kill(server, SIGSTOP);
	t = usec_mono();
	is_int(ipcc_open(instance, WHO_CLI, &c), -ETIMEDOUT,
	    "open with a stopped server times out");
	ok(usec_mono() - t < 4 * USEC_S, "as promised");
	kill(server, SIGCONT);
	is_int(server_end(server, SIGTERM), 0, "server ends well");
}

int
main(void)
{
	alarm(60);
	instance_name();
	test_keep();
	test_flood();
	test_restart();
	test_dead_server_call();
	return done();
}
