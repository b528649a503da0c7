/*
 * rtwatch: a netlink socket for events and the dumps, another one to ask for a
 * route. Messages of other senders than the kernel are dropped; rt_parse.c
 * reads them.
 *
 * Three dumps follow one another (links, addresses, routes): the kernel makes
 * one at a time for a socket. Only default routes matter, so a filter in the
 * kernel keeps the news of all others away: a director may have many, and they
 * may change often.
 * Source: rtnetlink(7), net/core/rtnetlink.c, net/ipv4/fib_frontend.c.
 */
#include "ha/rtwatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/rt_parse.h"

#define RECV_BYTES 32768
#define READS_MAX 64	/* in one go; the loop comes back for the rest */
#define LINKS_MAX 65536 /* a director has a handful */
#define ROUTES_MAX 256
#define RESTART_WAIT (100 * USEC_MS)

enum stage { STAGE_LINKS, STAGE_ADDRS, STAGE_ROUTES, STAGE_KNOWN };

struct rtwatch {
	const struct rtwatch_listener *listener;
	void *arg;
	int fd, ask_fd;
	uint32_t seq, ask_seq;
	enum stage stage;
	unsigned generation;
	struct watch *watch;
	struct timer restart;
	struct rt_link *links;
	size_t n_links, cap_links;
	struct rt_route routes[ROUTES_MAX];
	size_t n_routes;
	_Alignas(struct nlmsghdr) char mem[RECV_BYTES];
};

const struct rt_link *
rtwatch_link_at(const struct rtwatch *w, int index)
{
	size_t i;

	for (i = 0; i < w->n_links; i++)
		if (w->links[i].index == index)
			return &w->links[i];
	return NULL;
}

const struct rt_link *
rtwatch_link(const struct rtwatch *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->n_links; i++)
		if (strcmp(w->links[i].name, name) == 0)
			return &w->links[i];
	return NULL;
}

const struct rt_route *
rtwatch_default(const struct rtwatch *w, uint8_t family, int index)
{
	const struct rt_route *best = NULL, *r;
	size_t i;

	for (i = 0; i < w->n_routes; i++) {
		r = &w->routes[i];
		if (r->family == family && (index == 0 || r->index == index) &&
		    (best == NULL || r->metric < best->metric))
			best = r;
	}
	return best;
}

bool
rtwatch_known(const struct rtwatch *w)
{
	return w->stage == STAGE_KNOWN;
}

static struct rt_link *
link_room(struct rtwatch *w, int index)
{
	struct rt_link *l = (struct rt_link *)rtwatch_link_at(w, index);
	size_t cap = w->cap_links * 2 + 16;

	if (l != NULL)
		return l;
	if (w->n_links == w->cap_links) {
		if (w->n_links >= LINKS_MAX)
			return NULL;
		l = realloc(w->links, cap * sizeof(*l));
		if (l == NULL)
			return NULL;
		w->links = l;
		w->cap_links = cap;
	}
	l = &w->links[w->n_links++];
	memset(l, 0, sizeof(*l));
	return l;
}

static void
drop_routes(struct rtwatch *w, int index)
{
	size_t i;

	for (i = 0; i < w->n_routes; i++)
		if (w->routes[i].index == index)
			w->routes[i--] = w->routes[--w->n_routes];
}

/* Of IPv4 routes that go with their link the kernel says nothing. */
static void
on_link(struct rtwatch *w, struct nlmsghdr *h)
{
	struct rt_link fresh, *l;

	if (rt_link_read(h, &fresh) < 0)
		return;
	l = h->nlmsg_type == RTM_DELLINK
		? (struct rt_link *)rtwatch_link_at(w, fresh.index)
		: link_room(w, fresh.index);
	if (!fresh.up || h->nlmsg_type == RTM_DELLINK)
		drop_routes(w, fresh.index);
	if (l == NULL)
		return;
	if (h->nlmsg_type == RTM_DELLINK) {
		*l = w->links[--w->n_links];
		return;
	}
	fresh.local6 = l->local6;
	*l = fresh;
}

/* What a link asks its neighbours from. */
static void
local_addr(struct rtwatch *w, const struct rt_addr *a, bool gone)
{
	struct rt_link *l = (struct rt_link *)rtwatch_link_at(w, a->index);

	if (l == NULL || a->addr.family != AF_INET6 ||
	    a->addr.bytes[0] != 0xfe || (a->addr.bytes[1] & 0xc0) != 0x80)
		return;
	if (!gone)
		l->local6 = a->addr;
	else if (addr_cmp(&l->local6, &a->addr) == 0)
		l->local6 = (struct addr){ 0 };
}

static void
on_addr(struct rtwatch *w, struct nlmsghdr *h)
{
	bool gone = h->nlmsg_type == RTM_DELADDR;
	struct rt_addr a;

	if (rt_addr_read(h, &a) < 0)
		return;
	local_addr(w, &a, gone);
	w->listener->on_addr(&a, gone, w->arg);
}

static void
on_route(struct rtwatch *w, struct nlmsghdr *h)
{
	struct rt_route r, *o;
	size_t i;

	if (rt_route_read(h, &r) < 0)
		return;
	for (i = 0; i < w->n_routes; i++) {
		o = &w->routes[i];
		if (o->family == r.family && o->metric == r.metric &&
		    (h->nlmsg_flags & NLM_F_REPLACE ||
			(o->index == r.index &&
			    addr_cmp(&o->gateway, &r.gateway) == 0)))
			w->routes[i--] = w->routes[--w->n_routes];
	}
	if (h->nlmsg_type == RTM_NEWROUTE && w->n_routes < ROUTES_MAX)
		w->routes[w->n_routes++] = r;
}

static int
ask_dump(struct rtwatch *w)
{
	static const uint16_t types[] = {
		[STAGE_LINKS] = RTM_GETLINK,
		[STAGE_ADDRS] = RTM_GETADDR,
		[STAGE_ROUTES] = RTM_GETROUTE,
	};
	struct {
		struct nlmsghdr h;
		union {
			struct ifinfomsg link;
			struct ifaddrmsg addr;
			struct rtmsg route;
		} body;
	} req;
	static const size_t sizes[] = {
		[STAGE_LINKS] = sizeof(req.body.link),
		[STAGE_ADDRS] = sizeof(req.body.addr),
		[STAGE_ROUTES] = sizeof(req.body.route),
	};

	memset(&req, 0, sizeof(req));
	req.h.nlmsg_type = types[w->stage];
	req.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req.h.nlmsg_seq = ++w->seq;
	req.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(sizes[w->stage]);
	if (w->stage == STAGE_ROUTES)
		req.body.route.rtm_table = RT_TABLE_MAIN;
	if (send(w->fd, &req, req.h.nlmsg_len, MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

static void
dump_again(struct rtwatch *w)
{
	w->stage = STAGE_LINKS;
	w->n_links = w->n_routes = 0;
	w->listener->on_restart(w->arg);
	if (ask_dump(w) < 0)
		timer_in(&w->restart, RESTART_WAIT);
}

unsigned
rtwatch_generation(const struct rtwatch *w)
{
	return w->generation;
}

void
rtwatch_again(struct rtwatch *w)
{
	dump_again(w);
}

bool
rtwatch_own_mac(const struct rtwatch *w, const uint8_t mac[6])
{
	size_t i;

	for (i = 0; i < w->n_links; i++)
		if (w->links[i].ether && memcmp(w->links[i].mac, mac, 6) == 0)
			return true;
	return false;
}

static void
on_restart(void *arg)
{
	dump_again(arg);
}

/* A dump was interrupted, or refused: all of it again, in a while. */
static void
dump_failed(struct rtwatch *w)
{
	if (w->stage != STAGE_KNOWN)
		timer_in(&w->restart, RESTART_WAIT);
}

static void
dump_done(struct rtwatch *w, const struct nlmsghdr *h)
{
	if (w->stage == STAGE_KNOWN || h->nlmsg_seq != w->seq)
		return;
	if ((h->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
		dump_failed(w);
		return;
	}
	w->stage++;
	if (w->stage != STAGE_KNOWN && ask_dump(w) < 0)
		dump_failed(w);
}

static void
on_message(struct rtwatch *w, struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		w->generation++;
		on_link(w, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_addr(w, h);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		w->generation++;
		on_route(w, h);
		break;
	case NLMSG_DONE:
		dump_done(w, h);
		break;
	case NLMSG_ERROR:
		dump_failed(w);
		break;
	default:
		break;
	}
}

/* false: nothing more to be read. */
static bool
read_some(struct rtwatch *w)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { w->mem, sizeof(w->mem) };
	struct msghdr msg = { .msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	struct nlmsghdr *h;
	ssize_t n = recvmsg(w->fd, &msg, MSG_DONTWAIT);
	int left;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0) {
		if (errno == ENOBUFS)
			dump_again(w);
		return errno == ENOBUFS;
	}
	if (from.nl_pid != 0 || (msg.msg_flags & MSG_TRUNC) != 0)
		return true;
	left = (int)n;
	for (h = (struct nlmsghdr *)w->mem; nlmsg_ok(h, left);
	     h = nlmsg_next(h, &left))
		on_message(w, h);
	return true;
}

void
rtwatch_drain(struct rtwatch *w)
{
	unsigned i;

	for (i = 0; i < READS_MAX && read_some(w); i++)
		;
	if (i > 0 && i < READS_MAX) /* else there is more */
		w->listener->on_settled(w->stage == STAGE_KNOWN, w->arg);
}

static void
on_readable(int fd, int revents, void *arg)
{
	(void)fd;
	(void)revents;
	rtwatch_drain(arg);
}

/* Of single messages, routes other than default ones are dropped. The fields of
 * nlmsghdr are in host order, and a filter loads in network order. */
static int
set_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
		    offsetof(struct nlmsghdr, nlmsg_flags)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_MULTI), 5, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
		    offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
		    NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_LEN(code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) <
	    0)
		return -errno;
	return 0;
}

static int
open_events(struct rtwatch *w)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int bytes = 1 << 20;

	w->fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	w->ask_fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->fd < 0 || w->ask_fd < 0)
		return -errno;
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(w->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* only the kernel's answers */
	if (connect(w->ask_fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return set_filter(w->fd);
}

int
rtwatch_open(struct loop *l, const struct rtwatch_listener *listener, void *arg,
    struct rtwatch **ret)
{
	struct rtwatch *w = mem_new(struct rtwatch);
	int rc;

	w->listener = listener;
	w->arg = arg;
	w->fd = w->ask_fd = -1;
	timer_init(&w->restart, l, on_restart, w);
	rc = open_events(w);
	if (rc == 0)
		rc = watch_new(l, w->fd, POLLIN, on_readable, w, &w->watch);
	if (rc < 0) {
		rtwatch_close(w);
		return rc;
	}
	dump_again(w);
	*ret = w;
	return 0;
}

void
rtwatch_close(struct rtwatch *w)
{
	if (w == NULL)
		return;
	timer_stop(&w->restart);
	watch_free(w->watch);
	if (w->fd >= 0)
		close(w->fd);
	if (w->ask_fd >= 0)
		close(w->ask_fd);
	free(w->links);
	free(w);
}

int
rtwatch_reach(
    struct rtwatch *w, const struct addr *to, int index, struct rt_reach *ret)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct rtmsg m = { .rtm_family = to->family,
		.rtm_dst_len = (uint8_t)addr_bits(to) };
	_Alignas(struct nlmsghdr) char mem[4096];
	struct nlmsghdr *h;
	ssize_t n;
	int left, rc = -ENOMEM;

	if (msg == NULL ||
	    nlmsg_append(msg, &m, sizeof(m), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, RTA_DST, (int)addr_len(to), to->bytes) < 0 ||
	    (index != 0 && nla_put_u32(msg, RTA_OIF, (uint32_t)index) < 0))
		goto out;
	h = nlmsg_hdr(msg);
	h->nlmsg_seq = ++w->ask_seq;
	rc = -EIO;
	if (send(w->ask_fd, h, h->nlmsg_len, MSG_DONTWAIT) < 0)
		goto out;
	do { /* what else may wait is the answer to an earlier one */
		n = recv(w->ask_fd, mem, sizeof(mem), MSG_DONTWAIT);
		left = (int)n;
		h = (struct nlmsghdr *)mem;
		rc = n < 0 ? -errno : -EBADMSG;
		if (n > 0 && nlmsg_ok(h, left))
			rc = rt_reach_read(h, w->ask_seq, ret);
	} while (n > 0 && rc == -EAGAIN);
out:
	nlmsg_free(msg);
	return rc;
}
