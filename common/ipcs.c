/*
 * ipcs: the serving end of libqb IPC.
 *
 * libqb reads a byte from the client's socket for every message it takes from
 * the client's ring, and waits for that byte. Taking several messages at once
 * would let a client that was stopped (or means harm) between ring and socket
 * hang the server, so one message is taken per readiness of the socket: libqb
 * does that at the priority behind QB_IPCS_RATE_SLOW, and dispatch_add() below
 * gives the watch an ordinary priority all the same.
 *
 * A ring is memory that the client can write at any time, so a message is
 * copied before it is checked.
 */
#include "common/ipcs.h"

#include <errno.h>
#include <poll.h>
#include <qb/qbdefs.h>
#include <qb/qbipcs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc_wire.h"
#include "common/mem.h"

#define LINGER_MS 100 /* see ipcs_free() */
#define OTHERS_MAX 256 /* sockets of all users but root */
#define OTHERS_OF_ONE 32

struct ipcs {
	qb_ipcs_service_t *service;
	gid_t gid;
	struct ipcs_ops ops;
	void *arg;
	uint64_t refused;
	uint8_t body[MSG_BODY_MAX]; /* of the message being handled */
};

struct ipcs_conn {
	struct ipcs *server;
	qb_ipcs_connection_t *qb;
	enum msg_who who; /* WHO_NONE until HELLO */
	enum msg_priv priv;
	pid_t pid;
	void *user;
	uint32_t seq;  /* of the request that waits for its answer */
	bool due;      /* there is one */
	bool by_event; /* answers go to the event ring: it is on a loop */
};

/* A socket of a user that is not root. */
struct other {
	int fd; /* 0: none */
	uid_t uid;
};

/* libqb's poll handlers get no context, so the loop is kept here. All servers
 * of a process share it; ipcs_new() refuses another one. */
static struct {
	struct qb_loop *qb;
	unsigned users;
	struct other others[OTHERS_MAX];
} the_loop;

/* Any local user may connect, and libqb keeps a socket that says nothing for as
 * long as it stays open: without a limit nobody else would be left one. */
static bool
admit(int fd)
{
	struct other *o, *slot = NULL;
	struct ucred who;
	socklen_t len = sizeof(who);
	unsigned of_one = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    who.uid == 0 || who.uid == geteuid())
		return true;
	for (o = the_loop.others; o < the_loop.others + OTHERS_MAX; o++) {
		if (o->fd == fd || o->fd == 0)
			slot = o;
		else
			of_one += o->uid == who.uid;
	}
	if (slot == NULL || of_one >= OTHERS_OF_ONE)
		return false;
	*slot = (struct other){ fd, who.uid };
	return true;
}

static void
forget(int fd)
{
	struct other *o;

	for (o = the_loop.others; o < the_loop.others + OTHERS_MAX; o++)
		if (o->fd == fd)
			o->fd = 0;
}

static int32_t
job_add(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(the_loop.qb, p, data, fn);
}

static int32_t
dispatch_add(enum qb_loop_priority p, int32_t fd, int32_t events, void *data,
    qb_ipcs_dispatch_fn_t fn)
{
	(void)p;
	if (!admit(fd))
		return -EMFILE; /* libqb closes it */
	return qb_loop_poll_add(the_loop.qb, QB_LOOP_MED, fd, events, data, fn);
}

static int32_t
dispatch_mod(enum qb_loop_priority p, int32_t fd, int32_t events, void *data,
    qb_ipcs_dispatch_fn_t fn)
{
	(void)p;
	return qb_loop_poll_mod(the_loop.qb, QB_LOOP_MED, fd, events, data, fn);
}

static int32_t
dispatch_del(int32_t fd)
{
	forget(fd);
	return qb_loop_poll_del(the_loop.qb, fd);
}

/* Is gid among the supplementary groups in the text of /proc/PID/status, and
 * does that process (still) belong to uid? */
static bool
status_has_group(FILE *f, uid_t uid, gid_t gid)
{
	char line[4096], *p, *end;
	unsigned long n;
	bool same = false;

	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Uid:", 4) == 0)
			same = strtoul(line + 4, NULL, 10) == uid;
		if (strncmp(line, "Groups:", 7) != 0)
			continue;
		for (p = line + 7; n = strtoul(p, &end, 10), end != p; p = end)
			if (n == gid)
				return same;
		return false;
	}
	return false;
}

/* The kernel's list of groups, not the group database: that may be on the
 * network, and nothing may block here. */
static bool
process_has_group(pid_t pid, uid_t uid, gid_t gid)
{
	char path[64];
	bool found;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	found = status_has_group(f, uid, gid);
	fclose(f);
	return found;
}

static enum msg_priv
peer_priv(const struct ipcs *s, pid_t pid, uid_t uid, gid_t gid)
{
	if (uid == 0 || uid == geteuid())
		return PRIV_ADMIN;
	if (s->gid == (gid_t)-1)
		return PRIV_NONE;
	if (gid == s->gid || process_has_group(pid, uid, s->gid))
		return PRIV_READ;
	return PRIV_NONE;
}

static int32_t
on_accept(qb_ipcs_connection_t *qb, uid_t uid, gid_t gid)
{
	struct ipcs *s = qb_ipcs_connection_service_context_get(qb);
	struct qb_ipcs_connection_stats st = { 0 };
	struct ipcs_conn *c;
	enum msg_priv priv;

	(void)qb_ipcs_connection_stats_get(qb, &st, 0);
	priv = peer_priv(s, st.client_pid, uid, gid);
	if (priv == PRIV_NONE) {
		s->refused++;
		return -EACCES;
	}
	c = mem_new(struct ipcs_conn);
	c->server = s;
	c->qb = qb;
	c->priv = priv;
	c->pid = st.client_pid;
	qb_ipcs_context_set(qb, c);
	/* Its own rings only: members of the group do not share theirs. */
	qb_ipcs_connection_auth_set(qb, uid, gid, 0600);
	return 0;
}

static int
send_answer(struct ipcs_conn *c, int rc, const void *body, size_t len)
{
	struct ipc_answer a = { .seq = c->seq };
	struct iovec iov[2] = { { &a, sizeof(a) }, { (void *)body, len } };
	ssize_t n;

	a.qb.id = MSG_REPLY;
	a.qb.size = (int32_t)(sizeof(a) + len);
	a.qb.error = rc;
	if (c->by_event)
		n = qb_ipcs_event_sendv(c->qb, iov, len > 0 ? 2 : 1);
	else
		n = qb_ipcs_response_sendv(c->qb, iov, len > 0 ? 2 : 1);
	return n < 0 ? (int)n : 0;
}

/* Not one for the handler. Those who wait for an answer are told. */
static void
refuse(struct ipcs_conn *c, unsigned id, int rc)
{
	c->server->refused++;
	if (c->who == WHO_CLI || c->who == WHO_NONE || id == MSG_HELLO)
		(void)send_answer(c, rc, NULL, 0);
}

static int
hello_check(const struct ipcs_conn *c, const uint8_t *body, size_t len)
{
	unsigned who;

	if (len < IPC_HELLO_LEN || c->who != WHO_NONE)
		return -EBADMSG;
	if (body[IPC_HELLO_VERSION] != IPC_VERSION)
		return -EPROTONOSUPPORT;
	who = body[IPC_HELLO_WHO];
	if (who <= WHO_YOKED || who >= WHO_PEER)
		return -EBADMSG;
	return who == WHO_CLI || c->priv >= PRIV_ADMIN ? 0 : -EPERM;
}

static void
on_hello(struct ipcs_conn *c, const uint8_t *body, size_t len)
{
	struct ipcs *s = c->server;
	int rc = hello_check(c, body, len);

	c->by_event = len > IPC_HELLO_BY_EVENT && body[IPC_HELLO_BY_EVENT] == 1;
	if (rc < 0) {
		refuse(c, MSG_HELLO, rc);
	} else {
		c->who = body[IPC_HELLO_WHO];
		(void)send_answer(c, 0, NULL, 0);
		s->ops.on_msg(c, MSG_HELLO, body, len, s->arg);
	}
}

/* size is what the message itself claims; the ring is mapped twice in a row,
 * so that anything up to its length can be read. */
static int32_t
on_process(qb_ipcs_connection_t *qb, void *data, size_t size)
{
	struct ipcs_conn *c = qb_ipcs_context_get(qb);
	struct ipcs *s = c->server;
	struct ipc_request r;
	size_t len;
	int rc;

	memcpy(&r, data, sizeof(r));
	c->seq = r.seq;
	c->due = false;
	if (size < sizeof(r) || size > sizeof(r) + MSG_BODY_MAX) {
		refuse(c, MSG_NONE, -EMSGSIZE);
		return 0;
	}
	len = size - sizeof(r);
	memcpy(s->body, (const uint8_t *)data + sizeof(r), len);
	rc = msg_check((unsigned)r.qb.id, c->who, WHO_YOKED, c->priv, len);
	if (rc == 0 && c->who == WHO_NONE && r.qb.id != MSG_HELLO)
		rc = -EBADMSG;
	if (rc < 0) {
		refuse(c, (unsigned)r.qb.id, rc);
	} else if (r.qb.id == MSG_HELLO) {
		on_hello(c, s->body, len);
	} else {
		c->due = c->who == WHO_CLI;
		s->ops.on_msg(c, (enum msg_id)r.qb.id, s->body, len, s->arg);
	}
	return 0;
}

static int32_t
on_closed(qb_ipcs_connection_t *qb)
{
	struct ipcs_conn *c = qb_ipcs_context_get(qb);

	if (c != NULL && c->who != WHO_NONE && c->server->ops.on_closed != NULL)
		c->server->ops.on_closed(c, c->server->arg);
	return 0;
}

static void
on_destroyed(qb_ipcs_connection_t *qb)
{
	free(qb_ipcs_context_get(qb));
	qb_ipcs_context_set(qb, NULL);
}

static struct qb_ipcs_service_handlers handlers = {
	.connection_accept = on_accept,
	.msg_process = on_process,
	.connection_closed = on_closed,
	.connection_destroyed = on_destroyed,
};

static struct qb_ipcs_poll_handlers poll_handlers = {
	.job_add = job_add,
	.dispatch_add = dispatch_add,
	.dispatch_mod = dispatch_mod,
	.dispatch_del = dispatch_del,
};

int
ipcs_new(struct loop *l, const char *instance, gid_t gid,
    const struct ipcs_ops *ops, void *arg, struct ipcs **ret)
{
	char name[IPC_NAME_LEN];
	struct ipcs *s;
	int rc;

	if (the_loop.users > 0 && the_loop.qb != loop_qb(l))
		return -EBUSY;
	s = mem_new(struct ipcs);
	s->gid = gid;
	s->ops = *ops;
	s->arg = arg;
	the_loop.qb = loop_qb(l);
	the_loop.users++;
	ipc_name(instance, name, sizeof(name));
	s->service = qb_ipcs_create(name, 0, QB_IPC_SHM, &handlers);
	if (s->service == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	qb_ipcs_service_context_set(s->service, s);
	qb_ipcs_poll_handlers_set(s->service, &poll_handlers);
	qb_ipcs_enforce_buffer_size(s->service, IPC_RING);
	qb_ipcs_request_rate_limit(s->service, QB_IPCS_RATE_SLOW);
	rc = qb_ipcs_run(s->service);
	if (rc < 0) {
		s->service = NULL; /* libqb destroyed it */
		goto out;
	}
	ipc_sweep(name);
	*ret = s;
	return 0;
out:
	ipcs_free(s);
	return rc;
}

/* Messages that clients have not read yet; goes with the connection. */
static unsigned
unread(struct ipcs *s)
{
	struct qb_ipcs_connection_stats_2 *st;
	qb_ipcs_connection_t *qb, *next;
	unsigned n = 0;

	for (qb = qb_ipcs_connection_first_get(s->service); qb != NULL;
	     qb = next) {
		st = qb_ipcs_connection_stats_get_2(qb, 0);
		if (st != NULL)
			n += st->event_q_length;
		free(st);
		next = qb_ipcs_connection_next_get(s->service, qb);
		qb_ipcs_connection_unref(qb);
	}
	return n;
}

void
ipcs_free(struct ipcs *s)
{
	int i;

	if (s == NULL)
		return;
	for (i = 0; s->service != NULL && i < LINGER_MS && unread(s) > 0; i++)
		(void)poll(NULL, 0, 1);
	qb_ipcs_destroy(s->service); /* disconnects all; NULL ok */
	the_loop.users--;
	free(s);
}

int
ipcs_reply(struct ipcs_conn *c, int rc, const void *body, size_t len)
{
	int sent;

	if (!c->due)
		return -EINVAL;
	if (len > msg_max(MSG_REPLY))
		return -EMSGSIZE;
	sent = send_answer(c, rc, body, len);
	if (sent == 0)
		c->due = false;
	return sent;
}

int
ipcs_event(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len)
{
	struct ipc_answer a = { .seq = 0 };
	struct iovec iov[2] = { { &a, sizeof(a) }, { (void *)body, len } };
	ssize_t n;
	int rc;

	if (c->who == WHO_NONE)
		return -ENOTCONN;
	rc = msg_check(id, WHO_YOKED, c->who, c->priv, len);
	if (rc < 0)
		return rc;
	a.qb.id = (int32_t)id;
	a.qb.size = (int32_t)(sizeof(a) + len);
	n = qb_ipcs_event_sendv(c->qb, iov, len > 0 ? 2 : 1);
	if (n >= 0)
		return 0;
	return n == -ETIMEDOUT ? -EAGAIN : (int)n;
}

enum msg_who
ipcs_who(const struct ipcs_conn *c)
{
	return c->who;
}

enum msg_priv
ipcs_priv(const struct ipcs_conn *c)
{
	return c->priv;
}

pid_t
ipcs_pid(const struct ipcs_conn *c)
{
	return c->pid;
}

void
ipcs_set_user(struct ipcs_conn *c, void *user)
{
	c->user = user;
}

void *
ipcs_user(const struct ipcs_conn *c)
{
	return c->user;
}

uint64_t
ipcs_refused(const struct ipcs *s)
{
	return s->refused;
}
