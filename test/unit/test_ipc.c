/*
 * test_ipc: ipcs and ipcc against each other, server and clients in processes
 * of their own. Works as root (then other users are tried too) or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <qb/qbdefs.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/ipc_wire.h"
#include "common/ipcc.h"
#include "common/ipcs.h"
#include "common/mem.h"
#include "common/usec.h"
#include "test/tap.h"

#define GROUP 54321 /* stands for the group yoke */
#define NOBODY 65534

static char instance[32];

/* ---- the server: does what the client's COMMAND says ---- */

struct server {
	struct loop *loop;
	struct ipcs *ipcs;
	struct ipcs_conn *stream; /* gets numbered events as room allows */
	uint32_t next, end;
	unsigned closed, hellos, health;
	struct timer more;
};

static int
send_number(struct ipcs_conn *c, enum msg_id id, uint32_t n, size_t len)
{
	uint8_t mem[1024] = { 0 };
	struct buf b = buf_writer(mem, sizeof(mem));

	put_u32(&b, n);
	return ipcs_event(c, id, mem, len);
}

static void
stream_more(void *arg)
{
	struct server *s = arg;

	while (s->stream != NULL && s->next < s->end) {
		if (send_number(s->stream, MSG_WATCH_LINE, s->next, 60) != 0) {
			timer_in(&s->more, USEC_MS);
			return;
		}
		s->next++;
	}
}

static void
reply_number(struct ipcs_conn *c, uint64_t n)
{
	uint8_t mem[8];
	struct buf b = buf_writer(mem, sizeof(mem));

	put_u64(&b, n);
	(void)ipcs_reply(c, 0, mem, sizeof(mem));
}

static void
on_command(struct server *s, struct ipcs_conn *c, const char *text)
{
	uint32_t n = 0;

	if (sscanf(text, "stream %u", &s->end) == 1) {
		s->stream = c;
		s->next = 0;
		(void)ipcs_reply(c, 0, NULL, 0);
		stream_more(s);
	} else if (strcmp(text, "fill") == 0) {
		while (send_number(c, MSG_WATCH_LINE, n, 900) == 0)
			n++;
		reply_number(c, n);
	} else if (strcmp(text, "refused") == 0) {
		reply_number(c, ipcs_refused(s->ipcs));
	} else if (strcmp(text, "closed") == 0) {
		reply_number(c, s->closed);
	} else if (strcmp(text, "health") == 0) {
		reply_number(c, s->health);
	} else if (strcmp(text, "priv") == 0) {
		reply_number(c, ipcs_priv(c));
	} else if (strcmp(text, "slow") == 0) {
		usleep(150 * 1000);
		reply_number(c, 150);
	} else if (strcmp(text, "twice") == 0) {
		reply_number(c, 1);
		if (ipcs_reply(c, 0, NULL, 0) != -EINVAL)
			_exit(9);
	} else {
		(void)ipcs_reply(c, -ENOENT, NULL, 0);
	}
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	struct server *s = arg;
	char text[MSG_BODY_MAX + 1];

	memcpy(text, body, len);
	text[len] = '\0';
	if (id == MSG_HELLO) {
		s->hellos++;
		if (ipcs_who(c) == WHO_MONITOR)
			(void)send_number(c, MSG_PROBE_ON, 77, 4);
	} else if (id == MSG_STATUS) {
		(void)ipcs_reply(c, 0, "fine", 4);
	} else if (id == MSG_HEALTH) {
		s->health++;
		/* Full: the other side reads when it gets a CPU. */
		while (ipcs_event(c, MSG_PROBE_STATE, body,
			   len > 256 ? 4 : len) == -EAGAIN)
			(void)usleep(100);
	} else if (id == MSG_COMMAND) {
		on_command(s, c, text);
	}
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	struct server *s = arg;

	s->closed++;
	if (s->stream == c)
		s->stream = NULL;
}

static int32_t
on_term(int32_t sig, void *arg)
{
	(void)sig;
	loop_stop(arg);
	return 0;
}

static void
serve(int ready)
{
	static const struct ipcs_ops ops = { on_msg, on_closed };
	struct server s = { .loop = NULL };
	int rc;

	if (loop_new(&s.loop) != 0)
		_exit(3);
	(void)qb_loop_signal_add(
	    loop_qb(s.loop), QB_LOOP_HIGH, SIGTERM, s.loop, on_term, NULL);
	timer_init(&s.more, s.loop, stream_more, &s);
	rc = ipcs_new(s.loop, instance, GROUP, &ops, &s, &s.ipcs);
	(void)!write(ready, &rc, sizeof(rc));
	if (rc != 0)
		_exit(4);
	loop_run(s.loop);
	timer_stop(&s.more);
	ipcs_free(s.ipcs);
	loop_free(s.loop);
	exit(0);
}

/* fork(), but nothing outlives the test. */
static pid_t
child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Starts a server; its pid, or what ipcs_new() said. */
static pid_t
server_start(void)
{
	int p[2], rc = -EIO;
	pid_t pid;

	if (pipe(p) != 0)
		abort();
	fflush(stdout);
	pid = child();
	if (pid == 0)
		serve(p[1]);
	close(p[1]);
	(void)!read(p[0], &rc, sizeof(rc));
	close(p[0]);
	if (rc == 0)
		return pid;
	waitpid(pid, NULL, 0);
	return rc;
}

static int
server_end(pid_t pid, int sig)
{
	int st = -1;

	kill(pid, sig);
	waitpid(pid, &st, 0);
	return st;
}

/* ---- clients ---- */

static uint64_t
ask(struct ipcc *c, const char *text)
{
	uint8_t mem[8] = { 0 };
	struct buf b;
	size_t len = 0;
	int rc;

	rc = ipcc_call(
	    c, MSG_COMMAND, text, strlen(text), mem, sizeof(mem), &len, 2000);
	if (rc != 0 || len != 8)
		return UINT64_MAX;
	b = buf_reader(mem, len);
	return get_u64(&b);
}

static void
test_absent(void)
{
	struct ipcc *c = NULL;
	int rc = ipcc_open(instance, WHO_CLI, &c);

	ok(rc == -ECONNREFUSED || rc == -ENOENT, "no server: refused, %d", rc);
}

static void
test_calls(struct ipcc *c)
{
	char reply[64], big[MSG_BODY_MAX];
	size_t len = 0;
	uint64_t refused = ask(c, "refused");

	memset(big, 'x', sizeof(big));
	is_int(
	    ipcc_call(c, MSG_STATUS, NULL, 0, reply, sizeof(reply), &len, 1000),
	    0, "status answers");
	ok(len == 4 && memcmp(reply, "fine", 4) == 0, "with its body");
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, reply, 2, &len, 1000),
	    -ENOBUFS, "a reply too long for the caller is an error");
	is_int(len, 2, "and cut");
	is_int(ipcc_call(c, MSG_COMMAND, "what", 4, NULL, 0, NULL, 1000),
	    -ENOENT, "the handler's error code arrives");
	is_int(ask(c, "priv"), PRIV_ADMIN, "the server's own user is admin");
	is_int(ask(c, "twice"), 1, "a request is answered once only");
	is_int(ipcc_call(c, MSG_COMMAND, "slow", 4, NULL, 0, NULL, 50),
	    -ETIMEDOUT, "a slow answer times out");
	usleep(200 * 1000);
	is_int(
	    ipcc_call(c, MSG_STATUS, NULL, 0, reply, sizeof(reply), &len, 1000),
	    0, "the late answer is not taken for the next one");
	ok(len == 4 && memcmp(reply, "fine", 4) == 0, "which is right");

	is_int(ipcc_call(c, 9999, NULL, 0, NULL, 0, NULL, 1000), -EBADMSG,
	    "unknown message refused");
	is_int(ipcc_call(c, MSG_HEALTH, NULL, 0, NULL, 0, NULL, 1000), -EBADMSG,
	    "message of another daemon refused");
	is_int(ipcc_call(c, MSG_STATUS, big, 17, NULL, 0, NULL, 1000),
	    -EMSGSIZE, "oversize refused");
	is_int(ipcc_call(c, MSG_COMMAND, big, sizeof(big), NULL, 0, NULL, 1000),
	    -EMSGSIZE, "largest body refused by its row");
	is_int(ipcc_call(
		   c, MSG_COMMAND, big, sizeof(big) + 1, NULL, 0, NULL, 1000),
	    -EMSGSIZE, "more than any row is not sent");
	is_int(ipcc_call(c, MSG_HELLO, big, 3, NULL, 0, NULL, 1000), -EBADMSG,
	    "a second HELLO refused");
	is_int(ask(c, "refused") - refused, 5, "all counted");
}

static int
take_number(struct ipcc *c, uint32_t *ret, int ms)
{
	uint8_t mem[1024];
	size_t len;
	struct buf b;
	int rc = ipcc_event(c, mem, sizeof(mem), &len, ms);

	if (rc < 0)
		return rc;
	b = buf_reader(mem, len);
	*ret = get_u32(&b);
	return rc;
}

static void
test_stream(struct ipcc *c)
{
	enum { COUNT = 10000 };
	uint32_t i, n = 0;
	int rc = 0;

	is_int(ipcc_event(c, NULL, 0, NULL, 0), -EAGAIN, "no event yet");
	is_int(
	    ipcc_call(c, MSG_COMMAND, "stream 10000", 12, NULL, 0, NULL, 1000),
	    0, "asked for 10000 events");
	for (i = 0; i < COUNT; i++) {
		rc = take_number(c, &n, 2000);
		if (rc != MSG_WATCH_LINE || n != i)
			break;
	}
	is_int(i, COUNT, "all there, in order");
	is_int(ipcc_event(c, NULL, 0, NULL, 50), -EAGAIN, "and no more");
}

static void
test_slow_reader(struct ipcc *c)
{
	const uint64_t least = IPC_RING / 1000;
	uint64_t sent = ask(c, "fill"), i;
	uint32_t n;

	ok(sent > least && sent < UINT64_MAX, "ring full after %llu events",
	    (unsigned long long)sent);
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 1000), 0,
	    "calls go on beside a full event ring");
	for (i = 0; i < sent; i++)
		if (take_number(c, &n, 1000) != MSG_WATCH_LINE || n != i)
			break;
	is_int(i, sent, "nothing accepted was lost");
	is_int(ipcc_event(c, NULL, 0, NULL, 0), -EAGAIN, "nothing else came");
	ok(ask(c, "fill") > least, "and there is room again");
	while (take_number(c, &n, 100) == MSG_WATCH_LINE)
		;
}

static int
raw_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "yoke-%s", instance);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Messages that claim another size than they have, and sockets that speak
 * something else. */
static void
test_garbage(struct ipcc *c)
{
	static const int32_t sizes[] = { 0, -1, 7, 24 + MSG_BODY_MAX + 1,
		INT32_MAX, INT32_MIN };
	struct ipc_request r = { .seq = 1 };
	qb_ipcc_connection_t *qb = NULL;
	struct pollfd p = { .events = POLLIN };
	char junk[512];
	size_t i;
	int fd;

	is_int(ipc_connect_start(instance, &qb, &p.fd), 0, "raw connection");
	is_int(poll(&p, 1, 2000), 1, "is answered");
	is_int(ipc_connect_finish(qb), 0, "and made");
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		r.qb.id = MSG_HELLO;
		r.qb.size = sizes[i];
		(void)qb_ipcc_send(qb, &r, sizeof(r));
	}
	r.qb.size = sizeof(r);
	(void)qb_ipcc_send(qb, &r, sizeof(r));
	(void)qb_ipcc_send(qb, &r, 8);
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 1000), 0,
	    "server survives wrong sizes");
	/* more wake-up bytes than messages, then messages without any */
	memset(junk, 1, sizeof(junk));
	(void)!write(p.fd, junk, sizeof(junk));
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 1000), 0,
	    "server survives too many wake-ups");
	qb_ipcc_disconnect(qb);
	for (i = 0; i < 3; i++) {
		fd = raw_socket();
		(void)!write(fd, junk, i == 0 ? sizeof(junk) : i);
		usleep(20 * 1000);
		close(fd);
	}
	fd = raw_socket(); /* says nothing */
	is_int(ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 1000), 0,
	    "server survives foreign sockets");
	close(fd);
}

/* Runs fn in a child of uid:gid with one supplementary group (0: none). */
static int
as_user(uid_t uid, gid_t gid, gid_t extra, int (*fn)(void))
{
	pid_t pid;
	int st = -1;

	fflush(stdout);
	pid = child();
	if (pid == 0) {
		if (setgroups(extra != 0, &extra) != 0 || setgid(gid) != 0 ||
		    setuid(uid) != 0)
			_exit(99);
		_exit(fn());
	}
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static int
try_open(void)
{
	struct ipcc *c = NULL;

	return -ipcc_open(instance, WHO_CLI, &c);
}

static int
try_reader(void)
{
	struct ipcc *c = NULL;

	if (ipcc_open(instance, WHO_MONITOR, &c) != -EACCES)
		return 101;
	if (ipcc_open(instance, WHO_CLI, &c) != 0)
		return 102;
	if (ipcc_call(c, MSG_STATUS, NULL, 0, NULL, 0, NULL, 1000) != 0)
		return 103;
	if (ask(c, "priv") != PRIV_READ)
		return 104;
	ipcc_free(c);
	return 0;
}

static void
test_users(void)
{
	if (geteuid() != 0) {
		ok(1, "other users # SKIP not root");
		return;
	}
	is_int(as_user(NOBODY, NOBODY, 0, try_open), EACCES,
	    "a stranger is refused");
	is_int(as_user(NOBODY, GROUP, 0, try_reader), 0,
	    "primary group: may ask, is known as a reader");
	is_int(as_user(NOBODY, NOBODY, GROUP, try_reader), 0,
	    "supplementary group: the same");
	is_int(as_user(NOBODY, NOBODY, GROUP + 1, try_open), EACCES,
	    "another group is no use");
}

/* Opens sockets and says nothing. */
static void
hog(int told)
{
	int i;

	if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
	    setuid(NOBODY) != 0)
		_exit(99);
	for (i = 0; i < 200; i++)
		(void)raw_socket();
	(void)!write(told, "", 1);
	for (;;)
		(void)pause();
}

/* Any user can connect to the socket; libqb keeps it until it has said who it
 * is, and has no limit. */
static void
test_hog(void)
{
	const struct rlimit few = { 100, 100 };
	struct ipcc *c = NULL;
	pid_t server, pid;
	int i, p[2];
	char told;

	if (geteuid() != 0) {
		ok(1, "other users # SKIP not root");
		return;
	}
	server = server_start();
	if (pipe(p) != 0 || prlimit(server, RLIMIT_NOFILE, &few, NULL) != 0)
		abort();
	pid = child();
	if (pid == 0)
		hog(p[1]);
	is_int(read(p[0], &told, 1), 1, "a stranger opens 200 sockets");
	is_int(ipcc_open(instance, WHO_CLI, &c), 0, "root is served");
	is_int(as_user(NOBODY + 1, GROUP, 0, try_reader), 0, "so are readers");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < 150; i++)
		if (as_user(NOBODY, NOBODY, GROUP, try_reader) != 0)
			break;
	is_int(i, 150, "who leaves makes room again, every time");
	ipcc_free(c);
	close(p[0]);
	close(p[1]);
	is_int(server_end(server, SIGTERM), 0, "server ends well");
}

/* ---- ipcc_keep ---- */

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

static size_t
rings_left(void)
{
	char pattern[128];
	glob_t g = { 0 };
	size_t n;

	snprintf(
	    pattern, sizeof(pattern), "/dev/shm/qb-*/*-yoke-%s-*", instance);
	(void)glob(pattern, 0, NULL, &g);
	n = g.gl_pathc;
	globfree(&g);
	return n;
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
	struct ipcc *c = NULL;
	pid_t server;

	alarm(60);
	snprintf(instance, sizeof(instance), "test-%d", (int)getpid());
	test_absent();
	server = server_start();
	ok(server > 0, "server runs");
	is_int(ipcc_open(instance, WHO_CLI, &c), 0, "hello");
	test_calls(c);
	test_stream(c);
	test_slow_reader(c);
	test_garbage(c);
	test_users();
	ipcc_free(c);
	is_int(ipcc_open(instance, WHO_CLI, &c), 0, "open again");
	is_int(ask(c, "closed"), geteuid() == 0 ? 3 : 1,
	    "each greeted connection's end was reported");
	ipcc_free(c);
	is_int(server_end(server, SIGTERM), 0, "server ends well");
	is_int(rings_left(), 0, "no rings left");
	test_hog();
	test_keep();
	test_flood();
	test_restart();
	test_dead_server_call();
	return done();
}
