/*
 * check_talk: short talks that need no library: HAProxy's agent-check over TCP
 * (connect, read a line), UDP (send, wait for any answer or one with a text in
 * it) and DNS (ask for a name). A table of rows says how they differ.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/agent_reply.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/dns_talk.h"
#include "daemons/monitord/vip_path.h"

#define REPLY_MAX 4096

struct talk_run;

/* What happened; VERDICT_NONE with detail "": go on waiting. */
typedef enum verdict (*heard_fn)(struct talk_run *r, bool end, char *detail);

struct talk {
	int type; /* of the socket */
	size_t (*question)(struct talk_run *r, char *buf, size_t len);
	heard_fn heard;
};

struct talk_run {
	const struct talk *talk;
	struct poller *poller;
	const struct check_target *target;
	int fd;
	uint16_t id; /* of a DNS question */
	char reply[REPLY_MAX];
	size_t n;
	check_done_fn done;
	void *arg;
};

/* ---- what is asked, and what is an answer ---- */

static size_t
ask_nothing(struct talk_run *r, char *buf, size_t len)
{
	(void)r;
	(void)buf;
	(void)len;
	return 0;
}

static enum verdict
heard_agent(struct talk_run *r, bool end, char *detail)
{
	if (!end && memchr(r->reply, '\n', r->n) == NULL)
		return VERDICT_NONE;
	(void)snprintf(detail, DETAIL_LEN, "ok");
	return agent_reply_text(r->reply, r->n, r->target->load, detail,
	           DETAIL_LEN) == 0 ? VERDICT_OK : VERDICT_BAD;
}

static size_t
ask_text(struct talk_run *r, char *buf, size_t len)
{
	size_t n = strlen(r->target->check->send);

	n = n < len ? n : len;
	memcpy(buf, r->target->check->send, n);
	return n;
}

static enum verdict
heard_udp(struct talk_run *r, bool end, char *detail)
{
	const char *want = r->target->check->body;

	(void)end;
	if (want[0] != '\0' &&
	    memmem(r->reply, r->n, want, strlen(want)) == NULL) {
		(void)snprintf(detail, DETAIL_LEN, "answer lacks \"%.40s\"",
		    want);
		return VERDICT_BAD;
	}
	(void)snprintf(detail, DETAIL_LEN, "ok");
	return VERDICT_OK;
}

static size_t
ask_dns(struct talk_run *r, char *buf, size_t len)
{
	if (getrandom(&r->id, sizeof(r->id), GRND_NONBLOCK) < 0)
		r->id = (uint16_t)(uintptr_t)r;
	return dns_question(r->target->check->name_asked, r->id, buf, len);
}

static enum verdict
heard_dns(struct talk_run *r, bool end, char *detail)
{
	(void)end;
	return dns_answer(r->reply, r->n, r->id, detail);
}

static const struct talk talk_agent = { SOCK_STREAM, ask_nothing,
	heard_agent };
static const struct talk talk_udp = { SOCK_DGRAM, ask_text, heard_udp };
static const struct talk talk_dns = { SOCK_DGRAM, ask_dns, heard_dns };

/* ---- the talk ---- */

static int
talk_open(struct loop *l, struct poller *p, void **ret)
{
	(void)l;
	*ret = p;
	return 0;
}

static void
talk_close(void *shared)
{
	(void)shared;
}

static void
run_free(struct talk_run *r)
{
	const struct linger reset = { .l_onoff = 1 };

	poller_del(r->poller, r->fd);
	if (r->talk->type == SOCK_STREAM)
		(void)setsockopt(
		    r->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(r->fd);
	free(r);
}

static void
finish(struct talk_run *r, enum verdict v, const char *detail)
{
	check_done_fn done = r->done;
	void *arg = r->arg;

	run_free(r);
	done(v, detail, arg);
}

static void
on_event(int fd, unsigned events, void *arg)
{
	struct talk_run *r = arg;
	size_t room = sizeof(r->reply) - r->n;
	enum verdict v = VERDICT_NONE;
	char detail[DETAIL_LEN] = "";
	ssize_t n;

	(void)events;
	if (r->talk->type == SOCK_DGRAM) {
		r->n = 0;
		room = sizeof(r->reply);
	}
	n = recv(fd, r->reply + r->n, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		finish(r, check_errno_is_ours(errno) ? VERDICT_NONE
		                                     : VERDICT_BAD,
		    check_errno_text(errno, detail));
		return;
	}
	r->n += (size_t)n;
	v = r->talk->heard(r, n == 0 || r->n == sizeof(r->reply), detail);
	if (v != VERDICT_NONE)
		finish(r, v, detail);
}

static int
begin(struct talk_run *r)
{
	const struct check_target *t = r->target;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sock(&t->addr, t->port, &ss);
	char question[DNS_QUESTION_MAX];
	size_t n;
	int rc;

	r->fd = socket(ss.ss_family,
	    r->talk->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return -errno;
	rc = vip_path_take(r->fd, t);
	if (rc < 0)
		return rc;
	if (connect(r->fd, (struct sockaddr *)&ss, len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	n = r->talk->question(r, question, sizeof(question));
	if (r->talk->type == SOCK_DGRAM && send(r->fd, question, n, 0) < 0)
		return -errno;
	return poller_set(r->poller, r->fd, EPOLLIN, on_event, r);
}

static int
talk_start(const struct talk *talk, void *shared, const struct check_target *t,
    check_done_fn done, void *arg, void **ret_run)
{
	struct talk_run *r = mem_new(struct talk_run);
	int rc;

	r->talk = talk;
	r->poller = shared;
	r->target = t;
	r->fd = -1;
	r->done = done;
	r->arg = arg;
	rc = begin(r);
	if (rc < 0) {
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return rc;
	}
	*ret_run = r;
	return 0;
}

static void
talk_cancel(void *run)
{
	run_free(run);
}

/* All of ours is done at the start. */
static usec_t
talk_acted(const void *run)
{
	(void)run;
	return 0;
}

#define TALK(type) \
	static int \
	type##_start(void *shared, const struct check_target *t, \
	    check_done_fn done, void *arg, void **ret_run) \
	{ \
		return talk_start( \
		    &talk_##type, shared, t, done, arg, ret_run); \
	}
TALK(agent)
TALK(udp)
TALK(dns)

#define OPS(word, type) { .name = word, .open = talk_open, \
	.close = talk_close, .start = type##_start, .cancel = talk_cancel, \
	.acted = talk_acted }
const struct check_ops check_agent_text = OPS("agent-text", agent);
const struct check_ops check_udp = OPS("udp", udp);
const struct check_ops check_dns = OPS("dns", dns);
