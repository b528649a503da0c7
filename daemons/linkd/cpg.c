/*
 * cpg: one membership in one corosync process group.
 *
 * Being killed is how linkd makes this process go abruptly: the kernel then
 * closes the connection to corosync, which tells the other node PROCDOWN. When
 * corosync goes, the process exits and linkd starts another one. Every
 * PING a round trip to corosync proves that it is not stopped.
 */
#include "daemons/linkd/cpg.h"

#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/usec.h"

#define RETRY_MS 200 /* between attempts to connect */
#define PING (100 * USEC_MS)
#define BUSY_MS 2 /* corosync said: try again */
#define LEAVE_TIME (300 * USEC_MS)
#define BATCH 32

_Static_assert((int)LINK_REASON_LEAVE == CPG_REASON_LEAVE, "as corosync's");
_Static_assert((int)LINK_REASON_NODEDOWN == CPG_REASON_NODEDOWN, "same");
_Static_assert((int)LINK_REASON_PROCDOWN == CPG_REASON_PROCDOWN, "same");

struct cpg {
	int ctl; /* to linkd */
	int fd;	 /* of the handle */
	cpg_handle_t handle;
	struct cpg_name group;
	uint32_t own, pid;
	bool leaving, left;
	cs_error_t told; /* failure that linkd knows */
	usec_t next_ping;
	size_t pending; /* length of the frame corosync did not take yet */
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
};

/* linkd always reads; when it is gone so are we. */
static void
tell(struct cpg *c, size_t len)
{
	if (send(c->ctl, c->out, len, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void
tell_alive(struct cpg *c)
{
	c->out[0] = FRAME_ALIVE;
	tell(c, 1);
}

static void
tell_failure(struct cpg *c, const char *stage, cs_error_t e)
{
	struct buf b = buf_writer(c->out, sizeof(c->out));

	if (c->told == e)
		return;
	c->told = e;
	put_u8(&b, FRAME_FAIL);
	put_str(&b, stage);
	put_u32(&b, (uint32_t)e);
	tell(c, b.pos);
}

/* corosync is of no use any more. Closing removes the rings that a killed
 * corosync leaves in /dev/shm. */
_Noreturn static void
give_up(struct cpg *c, const char *stage, cs_error_t e)
{
	tell_failure(c, stage, e);
	(void)cpg_finalize(c->handle);
	_exit(1);
}

static struct cpg *
of_handle(cpg_handle_t h)
{
	void *c = NULL;

	if (cpg_context_get(h, &c) != CS_OK || c == NULL)
		_exit(1);
	return c;
}

static void
on_deliver(cpg_handle_t h, const struct cpg_name *group, uint32_t node,
    uint32_t pid, void *msg, size_t len)
{
	struct cpg *c = of_handle(h);
	struct buf b = buf_writer(c->out, sizeof(c->out));

	(void)group;
	(void)pid;
	if (node == c->own)
		return;
	put_u8(&b, FRAME_RECV);
	put_u32(&b, node);
	put_bytes(&b, msg, len);
	if (!b.bad) /* else none of ours sent it */
		tell(c, b.pos);
}

static void
on_confchg(cpg_handle_t h, const struct cpg_name *group,
    const struct cpg_address *members, size_t n_members,
    const struct cpg_address *left, size_t n_left,
    const struct cpg_address *joined, size_t n_joined)
{
	struct cpg *c = of_handle(h);
	struct link_members_msg m = { .own = c->own };
	struct buf b = buf_writer(c->out, sizeof(c->out));
	size_t i;

	(void)group;
	(void)joined;
	(void)n_joined;
	for (i = 0; i < n_members && m.n_members < LINK_LIST_MAX; i++) {
		if (members[i].nodeid == c->own && members[i].pid == c->pid)
			m.connected = true;
		if (!link_members_have(&m, members[i].nodeid))
			m.members[m.n_members++] = members[i].nodeid;
	}
	for (i = 0; i < n_left && m.n_left < LINK_LIST_MAX; i++) {
		if (left[i].nodeid == c->own && left[i].pid == c->pid)
			c->left = true;
		m.left[m.n_left].node = left[i].nodeid;
		m.left[m.n_left++].reason = (uint8_t)left[i].reason;
	}
	put_u8(&b, FRAME_MEMBERS);
	link_members_pack(&b, &m);
	tell(c, b.pos);
}

/* NULL, or what failed with *ret_e. */
static const char *
try_join(struct cpg *c, cs_error_t *ret_e)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = on_deliver,
		.cpg_confchg_fn = on_confchg,
	};
	const char *stage = "connect";

	*ret_e = cpg_model_initialize(
	    &c->handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, c);
	if (*ret_e != CS_OK)
		return stage;
	stage = "node id";
	*ret_e = cpg_local_get(c->handle, &c->own);
	if (*ret_e == CS_OK)
		*ret_e = cpg_fd_get(c->handle, &c->fd);
	if (*ret_e == CS_OK) {
		stage = "join";
		*ret_e = cpg_join(c->handle, &c->group);
	}
	if (*ret_e == CS_OK)
		return NULL;
	(void)cpg_finalize(c->handle);
	return stage;
}

/* Whatever linkd says before we are in the group means: go. */
static void
join(struct cpg *c)
{
	struct pollfd p = { .fd = c->ctl, .events = POLLIN };
	const char *stage;
	cs_error_t e;

	while ((stage = try_join(c, &e)) != NULL) {
		tell_failure(c, stage, e);
		if (poll(&p, 1, RETRY_MS) > 0)
			_exit(0);
	}
}

static void
dispatch(struct cpg *c)
{
	cs_error_t e = CS_OK;
	int i;

	for (i = 0; i < BATCH && e == CS_OK; i++)
		e = cpg_dispatch(c->handle, CS_DISPATCH_ONE_NONBLOCKING);
	if (e != CS_OK && e != CS_ERR_TRY_AGAIN)
		give_up(c, "dispatch", e);
}

static void
try_send(struct cpg *c)
{
	struct iovec iov = { c->in + 1, c->pending - 1 };
	cs_error_t e;

	e = cpg_mcast_joined(c->handle, CPG_TYPE_AGREED, &iov, 1);
	if (e == CS_ERR_TRY_AGAIN)
		return;
	c->pending = 0;
	if (e != CS_OK)
		give_up(c, "send", e);
}

static void
read_frame(struct cpg *c)
{
	ssize_t n = recv(c->ctl, c->in, sizeof(c->in), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		_exit(0);
	if (c->in[0] == FRAME_LEAVE) {
		c->leaving = true;
	} else if (c->in[0] == FRAME_SEND) {
		c->pending = (size_t)n;
		try_send(c);
	}
}

static void
ping(struct cpg *c)
{
	uint32_t id;
	cs_error_t e;

	c->next_ping = usec_mono() + PING;
	e = cpg_local_get(c->handle, &id);
	if (e == CS_OK || e == CS_ERR_TRY_AGAIN) {
		tell_alive(c);
		return;
	}
	give_up(c, "ping", e);
}

static int
wait_ms(const struct cpg *c)
{
	usec_t now = usec_mono();

	if (c->pending > 0)
		return BUSY_MS;
	return now < c->next_ping ? (int)((c->next_ping - now) / 1000) + 1 : 0;
}

/* One turn: what corosync has for us, what linkd has, a ping when due. */
static void
turn(struct cpg *c)
{
	struct pollfd p[2] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->ctl, .events = c->pending > 0 ? 0 : POLLIN },
	};

	if (poll(p, ARRAY_LEN(p), wait_ms(c)) < 0 && errno != EINTR)
		_exit(1);
	if (p[1].revents & (POLLHUP | POLLERR))
		_exit(0);
	if (p[0].revents & (POLLHUP | POLLERR))
		give_up(c, "connection", CS_ERR_LIBRARY);
	if (p[0].revents & POLLIN)
		dispatch(c);
	if (c->pending > 0)
		try_send(c);
	else if (p[1].revents & POLLIN)
		read_frame(c);
	if (usec_mono() >= c->next_ping)
		ping(c);
}

_Noreturn static void
leave(struct cpg *c)
{
	usec_t deadline = usec_mono() + LEAVE_TIME;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	while (cpg_leave(c->handle, &c->group) == CS_ERR_TRY_AGAIN &&
	       usec_mono() < deadline)
		(void)poll(NULL, 0, BUSY_MS);
	while (!c->left && usec_mono() < deadline) {
		if (poll(&p, 1, BUSY_MS) > 0)
			dispatch(c);
	}
	_exit(0);
}

_Noreturn void
cpg_run(int ctl, const char *group)
{
	static struct cpg c;

	c.ctl = ctl;
	c.pid = (uint32_t)getpid();
	c.told = CS_OK;
	c.group.length = (uint32_t)snprintf(
	    c.group.value, sizeof(c.group.value), "%s", group);
	join(&c);
	while (!c.leaving)
		turn(&c);
	leave(&c);
}
