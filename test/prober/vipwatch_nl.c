/*
 * vipwatch_nl: raw rtnetlink. Called by vipwatch.c.
 */
#include "test/prober/vipwatch_nl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

int
nl_open(bool events, int *ret_fd)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	int size = 1 << 20;
	int fd;

	fd = socket(AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | (events ? SOCK_NONBLOCK : 0),
	    NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (events)
		sa.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		(void)close(fd);
		return -errno;
	}
	*ret_fd = fd;
	return 0;
}

/* IFA_LOCAL is the address of a point-to-point IPv4 link; else IFA_ADDRESS. */
static void
take(struct nlmsghdr *h, nl_addr_fn fn, void *arg)
{
	struct ifaddrmsg *ifa = NLMSG_DATA(h);
	struct rtattr *rta = IFA_RTA(ifa);
	int left = (int)IFA_PAYLOAD(h);
	struct addr a = { 0 };
	bool local = false;

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return;
	a.family = ifa->ifa_family;
	for (; RTA_OK(rta, left); rta = RTA_NEXT(rta, left)) {
		if (RTA_PAYLOAD(rta) != addr_len(&a))
			continue;
		if (rta->rta_type == IFA_LOCAL)
			local = true;
		else if (rta->rta_type != IFA_ADDRESS || local)
			continue;
		memcpy(a.bytes, RTA_DATA(rta), addr_len(&a));
	}
	fn(arg, &a, ifa->ifa_index, h->nlmsg_type == RTM_NEWADDR);
}

/* One datagram's messages: 0 more may come, 1 the dump is over, or -errno. */
static int
take_all(void *data, size_t len, nl_addr_fn fn, void *arg)
{
	struct nlmsghdr *h = data;
	bool torn = false;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		torn = torn || (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (h->nlmsg_type == NLMSG_DONE)
			return torn ? -EINTR : 1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return -EIO;
		if (h->nlmsg_type == RTM_NEWADDR ||
		    h->nlmsg_type == RTM_DELADDR)
			take(h, fn, arg);
	}
	return torn ? -EINTR : 0;
}

int
nl_read_events(int fd, nl_addr_fn fn, void *arg)
{
	_Alignas(struct nlmsghdr) char data[32768];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		(void)take_all(data, (size_t)n, fn, arg);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

int
nl_dump(int fd, nl_addr_fn fn, void *arg)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg ifa;
	} req = { .h = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_GETADDR,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	_Alignas(struct nlmsghdr) char data[32768];
	bool torn = false;
	ssize_t n;
	int rc;

	if (send(fd, &req, sizeof(req), 0) < 0)
		return -errno;
	for (;;) {
		n = recv(fd, data, sizeof(data), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rc = take_all(data, (size_t)n, fn, arg);
		if (rc == 1 || rc == -EIO)
			return rc < 0 ? rc : torn ? -EINTR : 0;
		torn = torn || rc == -EINTR;
	}
}
