/*
 * rt_parse: messages of rtnetlink as plain values. Attributes are found by
 * libnl's functions, which check their bounds; lengths are checked here.
 * Source: rtnetlink(7), net/core/rtnetlink.c, net/ipv4/fib_frontend.c.
 */
#include "ha/rt_parse.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

/* An address of that family in an attribute; none if it is no such thing. */
static struct addr
addr_of(const struct nlattr *a, uint8_t family)
{
	struct addr r = { .family = family };

	if (a == NULL || addr_len(&r) == 0 || nla_len(a) != (int)addr_len(&r))
		return (struct addr){ 0 };
	memcpy(r.bytes, nla_data(a), addr_len(&r));
	return r;
}

int
rt_link_read(struct nlmsghdr *h, struct rt_link *ret)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct rt_link l;

	if (nlmsg_parse(h, sizeof(*m), tb, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	/* a bridge tells of its ports' lives as ports, too */
	if (m->ifi_family != AF_UNSPEC)
		return -ENOENT;
	l = (struct rt_link){ .index = m->ifi_index,
		.up = (m->ifi_flags & IFF_UP) != 0,
		.carrier = (m->ifi_flags & IFF_LOWER_UP) != 0,
		.ether = m->ifi_type == ARPHRD_ETHER };
	if (tb[IFLA_IFNAME] != NULL)
		(void)nla_strlcpy(l.name, tb[IFLA_IFNAME], sizeof(l.name));
	if (tb[IFLA_ADDRESS] != NULL && nla_len(tb[IFLA_ADDRESS]) == 6)
		memcpy(l.mac, nla_data(tb[IFLA_ADDRESS]), 6);
	else
		l.ether = false;
	*ret = l;
	return 0;
}

int
rt_addr_read(struct nlmsghdr *h, struct rt_addr *ret)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct ifa_cacheinfo ci = { .ifa_valid = UINT32_MAX };
	struct rt_addr a;

	if (nlmsg_parse(h, sizeof(*m), tb, IFA_MAX, NULL) < 0)
		return -EBADMSG;
	a = (struct rt_addr){ .index = (int)m->ifa_index,
		.addr = addr_of(tb[IFA_LOCAL], m->ifa_family),
		.bits = m->ifa_prefixlen,
		.port = h->nlmsg_pid };
	if (addr_is_none(&a.addr))
		a.addr = addr_of(tb[IFA_ADDRESS], m->ifa_family);
	if (addr_is_none(&a.addr))
		return -ENOENT;
	if (tb[IFA_CACHEINFO] != NULL &&
	    nla_len(tb[IFA_CACHEINFO]) >= (int)sizeof(ci))
		memcpy(&ci, nla_data(tb[IFA_CACHEINFO]), sizeof(ci));
	a.valid_s = ci.ifa_valid;
	*ret = a;
	return 0;
}

/* The first next hop of a route with several. */
static void
first_hop(struct nlattr *multi, struct rt_route *r)
{
	const struct rtnexthop *nh = nla_data(multi);
	struct nlattr *tb[RTA_MAX + 1];

	if (nla_len(multi) < (int)sizeof(*nh) || nh->rtnh_len < sizeof(*nh) ||
	    nh->rtnh_len > nla_len(multi))
		return;
	r->index = nh->rtnh_ifindex;
	if (nla_parse(tb, RTA_MAX, (struct nlattr *)RTNH_DATA(nh),
		nh->rtnh_len - (int)sizeof(*nh), NULL) == 0)
		r->gateway = addr_of(tb[RTA_GATEWAY], r->family);
}

int
rt_route_read(struct nlmsghdr *h, struct rt_route *ret)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	struct nlattr *tb[RTA_MAX + 1];
	uint32_t table = m->rtm_table;

	if (nlmsg_parse(h, sizeof(*m), tb, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (tb[RTA_TABLE] != NULL && nla_len(tb[RTA_TABLE]) == 4)
		table = nla_get_u32(tb[RTA_TABLE]);
	if (m->rtm_dst_len != 0 || table != RT_TABLE_MAIN ||
	    m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED) != 0)
		return -ENOENT;
	*ret = (struct rt_route){ .family = m->rtm_family };
	if (tb[RTA_OIF] != NULL && nla_len(tb[RTA_OIF]) == 4)
		ret->index = (int)nla_get_u32(tb[RTA_OIF]);
	if (tb[RTA_PRIORITY] != NULL && nla_len(tb[RTA_PRIORITY]) == 4)
		ret->metric = nla_get_u32(tb[RTA_PRIORITY]);
	ret->gateway = addr_of(tb[RTA_GATEWAY], ret->family);
	if (tb[RTA_MULTIPATH] != NULL)
		first_hop(tb[RTA_MULTIPATH], ret);
	return 0;
}

int
rt_reach_read(struct nlmsghdr *h, uint32_t seq, struct rt_reach *ret)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	struct nlattr *tb[RTA_MAX + 1];

	if (h->nlmsg_seq != seq)
		return -EAGAIN;
	if (h->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	if (h->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(h, sizeof(*m), tb, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (m->rtm_type != RTN_UNICAST)
		return m->rtm_type == RTN_LOCAL ? -EADDRINUSE : -ENETUNREACH;
	*ret = (struct rt_reach){ 0 };
	if (tb[RTA_OIF] != NULL && nla_len(tb[RTA_OIF]) == 4)
		ret->index = (int)nla_get_u32(tb[RTA_OIF]);
	ret->via = addr_of(tb[RTA_GATEWAY], m->rtm_family);
	ret->source = addr_of(tb[RTA_PREFSRC], m->rtm_family);
	return 0;
}
