/*
 * path_udp: beats as UDP unicast, bound to one NIC.
 *
 * The socket is bound to the device and to this node's address on it
 * (IP_FREEBIND: the address may come later), and connected to the peer's, so
 * that the kernel drops what comes from elsewhere. A NIC that is missing or
 * was replaced is tried again every second.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/path.h"

#define RETRY USEC_S
#define BATCH 8	    /* frames read at a time */
#define ROUNDS 32   /* and in one go so many times that */
#define FRAME_MAX 2048

struct path_udp {
	struct path path;
	struct loop *loop;
	struct conf_path own, peer; /* copies: a reload frees the originals */
	int fd;
	struct watch *watch;
	struct timer retry;
};

static void
udp_shut(struct path_udp *u)
{
	watch_free(u->watch);
	u->watch = NULL;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

static void
udp_drain(struct path *p)
{
	struct path_udp *u = (struct path_udp *)p;
	uint8_t frames[BATCH][FRAME_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	unsigned round, i;
	int n;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ frames[i], FRAME_MAX };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (round = 0; round < ROUNDS && u->fd >= 0; round++) {
		n = recvmmsg(u->fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; n > 0 && i < (unsigned)n; i++)
			p->on_frame(
			    p->index, frames[i], m[i].msg_len, p->arg);
		if ((n < 0 && errno == EAGAIN) || (n >= 0 && n < BATCH))
			return;
		/* other errors here are ICMP's word about the peer */
	}
}

static void
on_readable(int fd, int revents, void *arg)
{
	(void)fd;
	(void)revents;
	udp_drain(arg);
}

static int
udp_options(struct path_udp *u)
{
	int one = 1, tos = IPTOS_CLASS_CS6, prio = 6;
	bool v6 = u->own.address.family == AF_INET6;

	if (setsockopt(u->fd, SOL_SOCKET, SO_BINDTODEVICE, u->own.device,
		(socklen_t)strlen(u->own.device)) < 0)
		return -errno;
	if (setsockopt(u->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		v6 ? IPV6_FREEBIND : IP_FREEBIND, &one, sizeof(one)) < 0)
		return -errno;
	(void)setsockopt(u->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(u->fd, SOL_SOCKET, SO_PRIORITY, &prio, sizeof(prio));
	(void)setsockopt(u->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return 0;
}

static int
udp_try(struct path_udp *u)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int rc;

	u->fd = socket(u->own.address.family,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return -errno;
	rc = udp_options(u);
	if (rc < 0)
		return rc;
	len = addr_to_sock(&u->own.address, u->own.port, &ss);
	if (bind(u->fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	len = addr_to_sock(&u->peer.address, u->peer.port, &ss);
	if (connect(u->fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	return watch_new(u->loop, u->fd, POLLIN, on_readable, u, &u->watch);
}

static void
udp_up(void *arg)
{
	struct path_udp *u = arg;
	int rc;

	udp_shut(u);
	rc = udp_try(u);
	u->path.problem = rc < 0 ? strerror(-rc) : NULL;
	if (rc < 0) {
		udp_shut(u);
		timer_in(&u->retry, RETRY);
	}
}

static int
udp_send(struct path *p, const void *bytes, size_t len)
{
	struct path_udp *u = (struct path_udp *)p;
	int tries;

	/* The first send after an ICMP error only reports that error. */
	for (tries = 0; u->fd >= 0 && tries < 2; tries++) {
		if (send(u->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
			p->problem = NULL;
			return 0;
		}
		if (errno != ECONNREFUSED)
			break;
	}
	if (u->fd < 0)
		return -ENOTCONN;
	p->problem = strerror(errno);
	if (errno == ENODEV || errno == ENXIO) /* the NIC went away */
		timer_in(&u->retry, 0);
	return -errno;
}

static void
udp_close(struct path *p)
{
	struct path_udp *u = (struct path_udp *)p;

	timer_stop(&u->retry);
	udp_shut(u);
	free(u);
}

static const struct path_ops udp_ops = {
	.send = udp_send,
	.drain = udp_drain,
	.close = udp_close,
};

int
path_udp_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret)
{
	struct path_udp *u = mem_new(struct path_udp);

	u->path = (struct path){ .ops = &udp_ops,
		.index = index,
		.on_frame = fn,
		.arg = arg };
	u->loop = l;
	u->own = *own;
	u->peer = *peer;
	u->fd = -1;
	timer_init(&u->retry, l, udp_up, u);
	udp_up(u);
	*ret = &u->path;
	return 0;
}
