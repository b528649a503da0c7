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
#include "common/mem.h"
#include "test/tap.h"
#include "test/unit/ipc_server.h"

#define NOBODY 65534

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
	is_int(as_user(NOBODY, IPC_GROUP, 0, try_reader), 0,
	    "primary group: may ask, is known as a reader");
	is_int(as_user(NOBODY, NOBODY, IPC_GROUP, try_reader), 0,
	    "supplementary group: the same");
	is_int(as_user(NOBODY, NOBODY, IPC_GROUP + 1, try_open), EACCES,
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
	is_int(as_user(NOBODY + 1, IPC_GROUP, 0, try_reader), 0, "so are readers");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < 150; i++)
		if (as_user(NOBODY, NOBODY, IPC_GROUP, try_reader) != 0)
			break;
	is_int(i, 150, "who leaves makes room again, every time");
	ipcc_free(c);
	close(p[0]);
	close(p[1]);
	is_int(server_end(server, SIGTERM), 0, "server ends well");
}

int
main(void)
{
	struct ipcc *c = NULL;
	pid_t server;

	alarm(60);
	instance_name();
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
	return done();
}
