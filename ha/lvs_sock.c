/*
 * lvs_sock: libnl makes the socket and finds the family (which makes the
 * kernel load ip_vs); sending and receiving is done here, with recvmmsg(2),
 * because a dump's last data and its end then take one call and not two.
 */
#include "ha/lvs_sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/ip_vs.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "common/err.h"
#include "common/mem.h"

#define RX_SLOTS 4
#define RX_BYTES 32768 /* the kernel fills no larger ones */
#define RX_BUFFER (4 << 20)
#define TX_BUFFER (512 << 10)

static const struct {
	int nle, rc;
} nl_errors[] = {
	{ NLE_OBJ_NOTFOUND, -ERR_NO_IPVS },
	{ NLE_PROTO_MISMATCH, -ERR_NO_IPVS },
	{ NLE_PERM, -EPERM },
	{ NLE_NOACCESS, -EACCES },
	{ NLE_NOMEM, -ENOMEM },
	{ NLE_AGAIN, -ETIMEDOUT },
	{ NLE_INTR, -EINTR },
};

static int
nl_rc(int nle)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(nl_errors); i++)
		if (nl_errors[i].nle == -nle)
			return nl_errors[i].rc;
	return -EIO;
}

/* The forced sizes need CAP_NET_ADMIN, as all of IPVS does. */
static void
set_buffers(int fd)
{
	const int rx = RX_BUFFER, tx = TX_BUFFER, on = 1;
	const struct timeval wait = { .tv_sec = LVS_WAIT_MS / 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rx, sizeof(rx)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rx, sizeof(rx));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &tx, sizeof(tx)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &tx, sizeof(tx));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
}

static int
sock_connect(struct lvs_sock *s)
{
	int rc;

	s->nl = nl_socket_alloc();
	if (s->nl == NULL)
		return -ENOMEM;
	rc = genl_connect(s->nl);
	if (rc == 0) {
		set_buffers(nl_socket_get_fd(s->nl));
		rc = genl_ctrl_resolve(s->nl, IPVS_GENL_NAME);
	}
	if (rc < 0) {
		nl_socket_free(s->nl);
		s->nl = NULL;
		return nl_rc(rc);
	}
	s->family = rc;
	s->stale = false;
	return 0;
}

int
lvs_sock_open(struct lvs_sock *s)
{
	*s = (struct lvs_sock){ .seq = 1 };
	s->rx = malloc((size_t)RX_SLOTS * RX_BYTES);
	if (s->rx == NULL)
		return -ENOMEM;
	return sock_connect(s);
}

void
lvs_sock_done(struct lvs_sock *s)
{
	if (s->nl != NULL)
		nl_socket_free(s->nl);
	free(s->rx);
	*s = (struct lvs_sock){ 0 };
}

static int
sock_refresh(struct lvs_sock *s)
{
	if (s->nl != NULL && !s->stale)
		return 0;
	if (s->nl != NULL)
		nl_socket_free(s->nl);
	s->nl = NULL;
	return sock_connect(s);
}

int
lvs_sock_send(struct lvs_sock *s, const void *data, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	ssize_t n;
	int rc;

	rc = sock_refresh(s);
	if (rc < 0)
		return rc;
	do
		n = sendto(nl_socket_get_fd(s->nl), data, len, 0,
		    (struct sockaddr *)&to, sizeof(to));
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	s->stale = true;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

/* Datagrams into rx; returns how many. */
static int
receive(struct lvs_sock *s, struct mmsghdr *m)
{
	struct iovec iov[RX_SLOTS];
	int i, n;

	for (i = 0; i < RX_SLOTS; i++) {
		iov[i].iov_base = s->rx + (size_t)i * RX_BYTES;
		iov[i].iov_len = RX_BYTES;
		m[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 },
		};
	}
	do
		n = recvmmsg(
		    nl_socket_get_fd(s->nl), m, RX_SLOTS, MSG_WAITFORONE, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n;
}

static int
feed(struct lvs_sock *s, int slot, const struct mmsghdr *m, lvs_sock_fn fn,
    void *arg)
{
	struct nlmsghdr *h;
	int left = (int)m->msg_len, rc = 0;

	if (m->msg_hdr.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	h = (struct nlmsghdr *)(void *)(s->rx + (size_t)slot * RX_BYTES);
	for (; rc == 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
		rc = fn(arg, h);
	return rc;
}

int
lvs_sock_wait(struct lvs_sock *s, lvs_sock_fn fn, void *arg)
{
	struct mmsghdr m[RX_SLOTS];
	int i, n, rc = 0;

	while (rc == 0) {
		n = receive(s, m);
		for (i = 0; i < n && rc == 0; i++)
			rc = feed(s, i, &m[i], fn, arg);
		if (n < 0)
			rc = n;
	}
	if (rc > 0)
		return 0;
	s->stale = true;
	return rc;
}

struct nl_msg *
lvs_sock_request(struct lvs_sock *s, uint8_t cmd, int flags)
{
	struct nl_msg *m = nlmsg_alloc();

	if (m != NULL && genlmsg_put(m, 0, ++s->seq, s->family, 0,
			     NLM_F_REQUEST | NLM_F_ACK | flags, cmd,
			     IPVS_GENL_VERSION) != NULL)
		return m;
	nlmsg_free(m);
	return NULL;
}

int
lvs_sock_error(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);

	if (nlmsg_datalen(h) < (int)sizeof(e->error))
		return -EBADMSG;
	return e->error;
}

struct answer {
	uint32_t seq;
	lvs_sock_fn fn;
	void *arg;
	int rc;
};

/* A failing fn does not end the exchange: the rest must be drained. */
static int
on_answer(void *arg, struct nlmsghdr *h)
{
	struct answer *a = arg;

	if (h->nlmsg_seq != a->seq)
		return 0;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		if (a->rc == 0)
			a->rc = lvs_sock_error(h);
		return 1;
	}
	if (a->fn != NULL && a->rc == 0)
		a->rc = a->fn(a->arg, h);
	return 0;
}

int
lvs_sock_ask(
    struct lvs_sock *s, struct nl_msg *m, int bad, lvs_sock_fn fn, void *arg)
{
	struct answer a = { .fn = fn, .arg = arg };
	struct nlmsghdr *h;
	int rc = m != NULL ? bad : -ENOMEM;

	if (rc == 0) {
		h = nlmsg_hdr(m);
		a.seq = h->nlmsg_seq;
		rc = lvs_sock_send(s, h, h->nlmsg_len);
	}
	if (rc == 0)
		rc = lvs_sock_wait(s, on_answer, &a);
	nlmsg_free(m);
	return rc < 0 ? rc : a.rc;
}
