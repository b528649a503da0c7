/*
 * ipcc: the client end of libqb IPC, blocking with deadlines; and the steps
 * of connecting that ipcc_keep.c takes without blocking.
 */
#include "common/ipcc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc_wire.h"
#include "common/mem.h"
#include "common/usec.h"

#define OPEN_MS 3000
#define SLICE_MS 50 /* how often a waiting call looks whether yoked lives */

struct ipcc {
	qb_ipcc_connection_t *qb;
	int fd;
	uint32_t seq;
	uint8_t frame[IPC_FRAME_MAX] __attribute__((aligned(8)));
};

char *
ipc_name(const char *instance, char *buf, size_t len)
{
	(void)snprintf(buf, len, "yoke-%s", instance);
	return buf;
}

int
ipc_connect_start(const char *instance, qb_ipcc_connection_t **ret, int *ret_fd)
{
	char name[IPC_NAME_LEN];

	errno = 0;
	*ret = qb_ipcc_connect_async(
	    ipc_name(instance, name, sizeof(name)), IPC_FRAME_MAX, ret_fd);
	if (*ret != NULL)
		return 0;
	return errno > 0 ? -errno : -ENOMEM;
}

int
ipc_connect_finish(qb_ipcc_connection_t *qb)
{
	uid_t uid = (uid_t)-1;
	int rc = qb_ipcc_connect_continue(qb);

	if (rc != 0)
		return rc < 0 ? rc : -EIO;
	(void)qb_ipcc_auth_get(qb, NULL, &uid, NULL);
	if (uid != 0 && uid != geteuid()) {
		qb_ipcc_disconnect(qb);
		return -EACCES;
	}
	return 0;
}

void
ipc_connect_abort(qb_ipcc_connection_t *qb, int fd)
{
	/* libqb has no call for this: let its last step fail at once. */
	(void)shutdown(fd, SHUT_RDWR);
	if (qb_ipcc_connect_continue(qb) == 0)
		qb_ipcc_disconnect(qb);
}

int
ipc_send(qb_ipcc_connection_t *qb, int fd, unsigned id, uint32_t seq,
    const void *body, size_t len)
{
	struct ipc_request r = { .seq = seq };
	struct iovec iov[2] = { { &r, sizeof(r) }, { (void *)body, len } };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	if (len > MSG_BODY_MAX)
		return -EMSGSIZE;
	/* libqb would spin until the socket takes the byte that follows. */
	if (poll(&p, 1, 0) < 1 || (p.revents & (POLLOUT | POLLHUP)) == 0)
		return -EAGAIN;
	if (p.revents & (POLLHUP | POLLERR))
		return -ENOTCONN;
	r.qb.id = (int32_t)id;
	r.qb.size = (int32_t)(sizeof(r) + len);
	n = qb_ipcc_sendv(qb, iov, len > 0 ? 2 : 1);
	if (n >= 0)
		return 0;
	if (n == -EAGAIN || n == -ETIMEDOUT)
		return -EAGAIN;
	return n == -EMSGSIZE ? -EMSGSIZE : -ENOTCONN;
}

static int
ms_left(usec_t deadline)
{
	usec_t now = usec_mono();

	return now < deadline ? (int)((deadline - now + 999) / 1000) : 0;
}

static int
min_int(int a, int b)
{
	return a < b ? a : b;
}

/* Connects by deadline: 0 or -errno. */
static int
connect_by(struct ipcc *c, const char *instance, usec_t deadline)
{
	struct pollfd p = { .events = POLLIN };
	int rc;

	while ((rc = ipc_connect_start(instance, &c->qb, &c->fd)) == -EAGAIN) {
		if (ms_left(deadline) == 0)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 10);
	}
	if (rc < 0)
		return rc;
	p.fd = c->fd;
	do
		rc = poll(&p, 1, ms_left(deadline));
	while (rc < 0 && errno == EINTR);
	if (rc > 0)
		rc = ipc_connect_finish(c->qb);
	else {
		ipc_connect_abort(c->qb, c->fd);
		rc = -ETIMEDOUT;
	}
	if (rc < 0)
		c->qb = NULL;
	return rc;
}

int
ipcc_open(const char *instance, enum msg_who who, struct ipcc **ret)
{
	const uint8_t hello[IPC_HELLO_LEN] = {
		[IPC_HELLO_VERSION] = IPC_VERSION,
		[IPC_HELLO_WHO] = (uint8_t)who,
	};
	usec_t deadline = usec_mono() + OPEN_MS * USEC_MS;
	struct ipcc *c = mem_new(struct ipcc);
	int rc;

	rc = connect_by(c, instance, deadline);
	if (rc == 0)
		rc = ipcc_call(c, MSG_HELLO, hello, sizeof(hello), NULL, 0,
		    NULL, ms_left(deadline));
	if (rc < 0) {
		ipcc_free(c);
		return rc == -EPERM ? -EACCES : rc;
	}
	*ret = c;
	return 0;
}

void
ipcc_free(struct ipcc *c)
{
	if (c == NULL)
		return;
	if (c->qb != NULL)
		qb_ipcc_disconnect(c->qb);
	free(c);
}

/* Copies the body of the n bytes in c->frame. -ENOBUFS: cut to cap. */
static int
take_body(
    const struct ipcc *c, size_t n, void *body, size_t cap, size_t *ret_len)
{
	size_t len = n - sizeof(struct ipc_answer);
	size_t copy = len < cap ? len : cap;

	if (copy > 0)
		memcpy(body, c->frame + sizeof(struct ipc_answer), copy);
	if (ret_len != NULL)
		*ret_len = copy;
	return copy < len && body != NULL ? -ENOBUFS : 0;
}

/* The answer to request c->seq; older ones come from calls that timed out. */
static int
wait_answer(struct ipcc *c, usec_t deadline, size_t *ret_n)
{
	const struct ipc_answer *a = (const struct ipc_answer *)c->frame;
	ssize_t n;
	int left;

	for (;;) {
		left = ms_left(deadline);
		n = qb_ipcc_recv(
		    c->qb, c->frame, sizeof(c->frame), min_int(left, SLICE_MS));
		if (n == -EAGAIN || n == -ETIMEDOUT || n == -EINTR) {
			if (left == 0)
				return -ETIMEDOUT;
			continue;
		}
		if (n < 0)
			return -ENOTCONN;
		if ((size_t)n < sizeof(*a))
			return -EBADMSG;
		if (a->seq != c->seq)
			continue;
		*ret_n = (size_t)n;
		return 0;
	}
}

int
ipcc_call(struct ipcc *c, enum msg_id id, const void *body, size_t len,
    void *reply, size_t cap, size_t *ret_len, int timeout_ms)
{
	const struct ipc_answer *a = (const struct ipc_answer *)c->frame;
	usec_t deadline = usec_mono() + (usec_t)timeout_ms * USEC_MS;
	size_t n = 0;
	int rc, answer;

	c->seq++;
	while (
	    (rc = ipc_send(c->qb, c->fd, id, c->seq, body, len)) == -EAGAIN) {
		if (ms_left(deadline) == 0)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 1);
	}
	if (rc == 0)
		rc = wait_answer(c, deadline, &n);
	if (rc < 0)
		return rc;
	answer = a->qb.error;
	rc = take_body(c, n, reply, cap, ret_len);
	return rc < 0 ? rc : answer;
}

int
ipcc_event(
    struct ipcc *c, void *body, size_t cap, size_t *ret_len, int timeout_ms)
{
	const struct ipc_answer *a = (const struct ipc_answer *)c->frame;
	ssize_t n;
	int rc;

	n = qb_ipcc_event_recv(c->qb, c->frame, sizeof(c->frame), timeout_ms);
	if (n == -EAGAIN || n == -ETIMEDOUT || n == -EINTR)
		return -EAGAIN;
	if (n < 0)
		return -ENOTCONN;
	if ((size_t)n < sizeof(*a))
		return -EBADMSG;
	rc = take_body(c, (size_t)n, body, cap, ret_len);
	return rc < 0 ? rc : a->qb.id;
}

int
ipcc_fd(const struct ipcc *c)
{
	return c->fd;
}
