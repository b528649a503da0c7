/*
 * vip_nl: the virtual addresses over rtnetlink, in one batch per call.
 *
 * An address is added with valid_lft = preferred_lft = VIP_LEASE_S and
 * NLM_F_REPLACE, which both creates and renews it. The kernel answers while it
 * carries the request out, so nothing here waits for anything but the kernel;
 * the renewals, which are many, leave that to a thread (vip_renew.h).
 * IPv6 addresses are added as deprecated (preferred_lft 0): they serve, but the
 * director's own connections, health checks first of all, do not come from
 * them; a real server with the VIP on its lo would answer to itself.
 * Source: net/ipv4/devinet.c, net/ipv6/addrconf.c, rtnetlink(7).
 */
#include "ha/vip.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/announce.h"
#include "ha/vip_renew.h"

#define BATCH_BYTES 16384
#define MSG_BYTES 256 /* more than one request needs */

struct rtnl {
	int fd;
	uint32_t seq;
};

struct vip_nl {
	struct rtnl now;
	struct announce *announce;
	struct vip_renew *renew; /* with a socket of its own */
	bool stale; /* neighbour entries of the addresses may be left */
};

static void
attr_put(struct nlmsghdr *h, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)h +
	    NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	h->nlmsg_len = (uint32_t)(NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static void
ask_neighbour(struct nlmsghdr *h, const struct conf_vip *v, unsigned ifindex)
{
	struct ndmsg *m = NLMSG_DATA(h);

	h->nlmsg_len = NLMSG_LENGTH(sizeof(*m));
	m->ndm_family = (uint8_t)v->addr.family;
	m->ndm_ifindex = (int)ifindex;
	attr_put(h, NDA_DST, v->addr.bytes, addr_len(&v->addr));
}

static void
ask_address(struct nlmsghdr *h, const struct conf_vip *v, unsigned ifindex)
{
	struct ifaddrmsg *m = NLMSG_DATA(h);
	struct ifa_cacheinfo ci = { .ifa_prefered = VIP_LEASE_S,
		.ifa_valid = VIP_LEASE_S };
	uint32_t flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;

	h->nlmsg_len = NLMSG_LENGTH(sizeof(*m));
	m->ifa_family = v->addr.family;
	m->ifa_prefixlen = (uint8_t)v->bits;
	m->ifa_index = ifindex;
	attr_put(h, IFA_LOCAL, v->addr.bytes, addr_len(&v->addr));
	attr_put(h, IFA_ADDRESS, v->addr.bytes, addr_len(&v->addr));
	if (h->nlmsg_type != RTM_NEWADDR)
		return;
	h->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	if (v->addr.family == AF_INET)
		flags = 0;
	else
		ci.ifa_prefered = 0;
	attr_put(h, IFA_FLAGS, &flags, sizeof(flags));
	attr_put(h, IFA_CACHEINFO, &ci, sizeof(ci));
}

static void
request(struct nlmsghdr *h, uint16_t type, uint32_t seq,
    const struct conf_vip *v, unsigned ifindex)
{
	memset(h, 0, MSG_BYTES);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = seq;
	if (type == RTM_DELNEIGH)
		ask_neighbour(h, v, ifindex);
	else
		ask_address(h, v, ifindex);
}

/* Reads the ACKs of n requests; the first failure that is not forgiven. */
static int
acks(const struct rtnl *nl, size_t n, int forgive)
{
	char buf[8192];
	struct nlmsghdr *h;
	ssize_t len;
	int rc = 0;

	while (n > 0) {
		len = recv(nl->fd, buf, sizeof(buf), 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (h = (struct nlmsghdr *)buf; NLMSG_OK(h, (size_t)len);
		    h = NLMSG_NEXT(h, len)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR || n == 0)
				continue;
			n--;
			if (e->error != 0 && e->error != forgive && rc == 0)
				rc = e->error;
		}
	}
	return rc;
}

static int
send_batch(struct rtnl *nl, uint16_t type, const struct conf_vip *vips,
    size_t n, size_t *ret_done)
{
	_Alignas(struct nlmsghdr) char buf[BATCH_BYTES];
	size_t i, off = 0, sent = 0;
	unsigned ifindex;
	int rc = 0, rc2;

	for (i = 0; i < n && off + MSG_BYTES <= sizeof(buf); i++) {
		ifindex = if_nametoindex(vips[i].device);
		if (ifindex == 0) {
			rc = rc != 0 ? rc : -ENODEV;
			continue;
		}
		request((struct nlmsghdr *)(buf + off), type, ++nl->seq,
		    &vips[i], ifindex);
		off += NLMSG_ALIGN(((struct nlmsghdr *)(buf + off))->nlmsg_len);
		sent++;
	}
	*ret_done = i;
	if (sent == 0)
		return rc;
	if (send(nl->fd, buf, off, 0) < 0)
		return -errno;
	rc2 = acks(nl, sent, type == RTM_DELADDR ? -EADDRNOTAVAIL : 0);
	return rc != 0 ? rc : rc2;
}

static int
change_all(struct rtnl *nl, uint16_t type, const struct conf_vip *vips,
    size_t n)
{
	size_t done;
	int rc = 0, one;

	while (n > 0) {
		one = send_batch(nl, type, vips, n, &done);
		rc = rc != 0 ? rc : one;
		vips += done;
		n -= done;
	}
	return rc;
}

/* A renewal that is under way is waited for: it must not undo this. */
static int
change_now(
    struct vip_nl *vn, uint16_t type, const struct conf_vip *vips, size_t n)
{
	vip_renew_settle(vn->renew);
	return change_all(&vn->now, type, vips, n);
}

static int
nl_hold(void *ctx, const struct conf_vip *vips, size_t n)
{
	struct vip_nl *vn = ctx;

	vn->stale = true;
	return change_now(vn, RTM_NEWADDR, vips, n);
}

static int
nl_drop(void *ctx, const struct conf_vip *vips, size_t n)
{
	return change_now(ctx, RTM_DELADDR, vips, n);
}

/* In vip_renew's thread. */
static int
renew_all(void *ctx, const struct conf_vip *vips, size_t n)
{
	return change_all(ctx, RTM_NEWADDR, vips, n);
}

static int
nl_renew(void *ctx, const struct conf_vip *vips, size_t n)
{
	const struct vip_nl *vn = ctx;

	return vip_renew(vn->renew, vips, n);
}

/* Where this director thought the addresses to be before it held them. When it
 * lets go of them and nobody takes them, it would forward there what still
 * comes in for them; and if that is the other director, which thinks the same
 * of this one, each packet goes to and fro until its TTL is used up. Not before
 * the announcement: clients wait for that. */
static void
forget(struct vip_nl *vn, const struct conf_vip *vips, size_t n)
{
	if (vn->stale)
		(void)change_all(&vn->now, RTM_DELNEIGH, vips, n);
	vn->stale = false;
}

static int
nl_announce(void *ctx, const struct conf_vip *vips, size_t n)
{
	struct vip_nl *vn = ctx;
	size_t i;
	int rc = 0, one;

	for (i = 0; i < n; i++) {
		one = announce_send(vn->announce, &vips[i]);
		rc = rc != 0 ? rc : one;
	}
	forget(vn, vips, n);
	return rc;
}

const struct vip_ops vip_nl = {
	.hold = nl_hold,
	.renew = nl_renew,
	.drop = nl_drop,
	.announce = nl_announce,
};

static int
rtnl_open(struct rtnl *nl)
{
	struct timeval tv = { .tv_sec = 1 };

	nl->seq = 0;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (nl->fd < 0)
		return -errno;
	(void)setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return 0;
}

static void
rtnl_free(void *arg)
{
	struct rtnl *nl = arg;

	if (nl->fd >= 0)
		close(nl->fd);
	free(nl);
}

static int
renew_open(struct vip_nl *vn)
{
	struct rtnl *nl = mem_new(struct rtnl);
	int rc = rtnl_open(nl);

	if (rc == 0)
		rc = vip_renew_start(renew_all, rtnl_free, nl, &vn->renew);
	if (rc < 0)
		rtnl_free(nl);
	return rc;
}

int
vip_nl_open(struct vip_nl **ret)
{
	struct vip_nl *vn = mem_new(struct vip_nl);
	int rc = rtnl_open(&vn->now);

	if (rc == 0)
		rc = announce_open(&vn->announce);
	if (rc == 0)
		rc = renew_open(vn);
	if (rc < 0)
		vip_nl_close(vn);
	else
		*ret = vn;
	return rc;
}

void
vip_nl_close(struct vip_nl *vn)
{
	if (vn == NULL)
		return;
	vip_renew_stop(vn->renew);
	announce_close(vn->announce);
	if (vn->now.fd >= 0)
		close(vn->now.fd);
	free(vn);
}
