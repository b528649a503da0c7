/*
 * ipc_server: see ipc_server.h.
 */
#include "test/unit/ipc_server.h"

#include <errno.h>
#include <glob.h>
#include <qb/qbdefs.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/ipcs.h"
#include "common/usec.h"

char instance[32];

void
instance_name(void)
{
	(void)snprintf(instance, sizeof(instance), "test-%d", (int)getpid());
}

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
	rc = ipcs_new(s.loop, instance, IPC_GROUP, &ops, &s, &s.ipcs);
	(void)!write(ready, &rc, sizeof(rc));
	if (rc != 0)
		_exit(4);
	loop_run(s.loop);
	timer_stop(&s.more);
	ipcs_free(s.ipcs);
	loop_free(s.loop);
	exit(0);
}

pid_t
child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

pid_t
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

int
server_end(pid_t pid, int sig)
{
	int st = -1;

	kill(pid, sig);
	waitpid(pid, &st, 0);
	return st;
}

/* ---- for clients ---- */

uint64_t
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

size_t
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
