/*
 * lvs_wire: one attribute per line, in both directions. Integers are in host
 * order but for ports of services and servers and the IPv4 netmask, which are
 * in network order; the "netmask" of an IPv6 service is a prefix length.
 */
#include "ha/lvs_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "common/mem.h"

static int
put_addr(struct nl_msg *m, int type, const struct addr *a)
{
	return nla_put(m, type, sizeof(a->bytes), a->bytes);
}

static int
put_key_attrs(struct nl_msg *m, const struct lvs_key *k)
{
	int bad = 0;

	bad |= nla_put_u16(m, IPVS_SVC_ATTR_AF, k->addr.family);
	if (k->fwmark != 0)
		return bad | nla_put_u32(m, IPVS_SVC_ATTR_FWMARK, k->fwmark);
	bad |= nla_put_u16(m, IPVS_SVC_ATTR_PROTOCOL, k->protocol);
	bad |= put_addr(m, IPVS_SVC_ATTR_ADDR, &k->addr);
	return bad | nla_put_u16(m, IPVS_SVC_ATTR_PORT, htons(k->port));
}

int
lvs_put_key(struct nl_msg *m, const struct lvs_key *k)
{
	struct nlattr *nest = nla_nest_start(m, IPVS_CMD_ATTR_SERVICE);

	if (nest == NULL || put_key_attrs(m, k) != 0)
		return -EMSGSIZE;
	return nla_nest_end(m, nest) == 0 ? 0 : -EMSGSIZE;
}

static uint32_t
netmask(const struct lvs_service *s)
{
	unsigned bits = s->prefix != 0 ? s->prefix : addr_bits(&s->key.addr);

	if (s->key.addr.family == AF_INET6)
		return bits;
	return htonl(bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits));
}

int
lvs_put_service(struct nl_msg *m, const struct lvs_service *s)
{
	struct nlattr *nest = nla_nest_start(m, IPVS_CMD_ATTR_SERVICE);
	const struct ip_vs_flags flags = {
		.flags = s->flags & LVS_FLAGS_SETTABLE,
		.mask = ~0U,
	};
	int bad = nest == NULL;

	bad = bad || put_key_attrs(m, &s->key) != 0;
	bad = bad ||
	      nla_put_string(m, IPVS_SVC_ATTR_SCHED_NAME, s->scheduler) != 0;
	bad = bad || (s->pe[0] != '\0' &&
			 nla_put_string(m, IPVS_SVC_ATTR_PE_NAME, s->pe) != 0);
	bad =
	    bad || nla_put(m, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags) != 0;
	bad = bad || nla_put_u32(m, IPVS_SVC_ATTR_TIMEOUT, s->timeout_s) != 0;
	bad = bad || nla_put_u32(m, IPVS_SVC_ATTR_NETMASK, netmask(s)) != 0;
	return bad || nla_nest_end(m, nest) != 0 ? -EMSGSIZE : 0;
}

static int
put_tunnel(struct nl_msg *m, const struct lvs_dest *d)
{
	int bad = 0;

	bad |= nla_put_u8(m, IPVS_DEST_ATTR_TUN_TYPE, (uint8_t)d->tun);
	bad |= nla_put_u16(m, IPVS_DEST_ATTR_TUN_PORT, htons(d->tun_port));
	return bad | nla_put_u16(m, IPVS_DEST_ATTR_TUN_FLAGS, d->tun_flags);
}

int
lvs_put_dest(struct nl_msg *m, const struct lvs_dest *d)
{
	struct nlattr *nest = nla_nest_start(m, IPVS_CMD_ATTR_DEST);
	int bad = 0;

	if (nest == NULL)
		return -EMSGSIZE;
	bad |= nla_put_u16(m, IPVS_DEST_ATTR_ADDR_FAMILY, d->addr.family);
	bad |= put_addr(m, IPVS_DEST_ATTR_ADDR, &d->addr);
	bad |= nla_put_u16(m, IPVS_DEST_ATTR_PORT, htons(d->port));
	bad |= nla_put_u32(m, IPVS_DEST_ATTR_FWD_METHOD, (uint32_t)d->method);
	bad |= nla_put_u32(m, IPVS_DEST_ATTR_WEIGHT, (uint32_t)d->weight);
	bad |= nla_put_u32(m, IPVS_DEST_ATTR_U_THRESH, d->upper);
	bad |= nla_put_u32(m, IPVS_DEST_ATTR_L_THRESH, d->lower);
	if (d->method == LVS_TUN)
		bad |= put_tunnel(m, d);
	return bad || nla_nest_end(m, nest) != 0 ? -EMSGSIZE : 0;
}

static int
put_group(struct nl_msg *m, const struct addr *group)
{
	int type = group->family == AF_INET6 ? IPVS_DAEMON_ATTR_MCAST_GROUP6
					     : IPVS_DAEMON_ATTR_MCAST_GROUP;

	return nla_put(m, type, (int)addr_len(group), group->bytes);
}

int
lvs_put_sync(struct nl_msg *m, const struct lvs_sync *s)
{
	struct nlattr *nest = nla_nest_start(m, IPVS_CMD_ATTR_DAEMON);
	int bad = 0;

	if (nest == NULL)
		return -EMSGSIZE;
	bad |= nla_put_u32(m, IPVS_DAEMON_ATTR_STATE, s->role);
	bad |= nla_put_string(m, IPVS_DAEMON_ATTR_MCAST_IFN, s->ifname);
	bad |= nla_put_u32(m, IPVS_DAEMON_ATTR_SYNC_ID, s->id);
	if (s->maxlen != 0)
		bad |= nla_put_u16(m, IPVS_DAEMON_ATTR_SYNC_MAXLEN, s->maxlen);
	if (!addr_is_none(&s->group))
		bad |= put_group(m, &s->group);
	if (s->port != 0)
		bad |= nla_put_u16(m, IPVS_DAEMON_ATTR_MCAST_PORT, s->port);
	if (s->ttl != 0)
		bad |= nla_put_u8(m, IPVS_DAEMON_ATTR_MCAST_TTL, s->ttl);
	return bad || nla_nest_end(m, nest) != 0 ? -EMSGSIZE : 0;
}

int
lvs_put_timeouts(struct nl_msg *m, const struct lvs_info *i)
{
	int bad = 0;

	if (i->tcp_s != 0)
		bad |= nla_put_u32(m, IPVS_CMD_ATTR_TIMEOUT_TCP, i->tcp_s);
	if (i->tcp_fin_s != 0)
		bad |=
		    nla_put_u32(m, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, i->tcp_fin_s);
	if (i->udp_s != 0)
		bad |= nla_put_u32(m, IPVS_CMD_ATTR_TIMEOUT_UDP, i->udp_s);
	return bad ? -EMSGSIZE : 0;
}

static const uint8_t commands[LVS__VERBS] = {
	[LVS_ADD_SERVICE] = IPVS_CMD_NEW_SERVICE,
	[LVS_SET_SERVICE] = IPVS_CMD_SET_SERVICE,
	[LVS_DEL_SERVICE] = IPVS_CMD_DEL_SERVICE,
	[LVS_ADD_DEST] = IPVS_CMD_NEW_DEST,
	[LVS_SET_DEST] = IPVS_CMD_SET_DEST,
	[LVS_DEL_DEST] = IPVS_CMD_DEL_DEST,
};

struct nl_msg *
lvs_op_encode(int family, uint32_t seq, int flags, enum lvs_verb verb,
    const struct lvs_op *op)
{
	struct nl_msg *m = nlmsg_alloc_size(LVS_MSG_MAX);
	int rc;

	if (m == NULL)
		return NULL;
	rc = genlmsg_put(m, 0, seq, family, 0, NLM_F_REQUEST | flags,
		 commands[verb], IPVS_GENL_VERSION) != NULL
		 ? 0
		 : -EMSGSIZE;
	if (rc == 0 && (verb == LVS_ADD_SERVICE || verb == LVS_SET_SERVICE))
		rc = lvs_put_service(m, op->service);
	else if (rc == 0)
		rc = lvs_put_key(m, &op->service->key);
	if (rc == 0 && op->dest != NULL)
		rc = lvs_put_dest(m, op->dest);
	if (rc == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* Attributes of the nest `type` of h. 0 or -EBADMSG. */
static int
parse_nest(struct nlmsghdr *h, int type, struct nlattr **ret, int max)
{
	struct nlattr *top[IPVS_CMD_ATTR_MAX + 1];

	if (genlmsg_parse(h, 0, top, IPVS_CMD_ATTR_MAX, NULL) < 0 ||
	    top[type] == NULL ||
	    nla_parse_nested(ret, max, top[type], NULL) < 0)
		return -EBADMSG;
	return 0;
}

static uint64_t
num(const struct nlattr *a)
{
	if (a == NULL)
		return 0;
	switch (nla_len(a)) {
	case 1:
		return nla_get_u8(a);
	case 2:
		return nla_get_u16(a);
	case 4:
		return nla_get_u32(a);
	case 8:
		return nla_get_u64(a);
	default:
		return 0;
	}
}

static uint16_t
port(const struct nlattr *a)
{
	return ntohs((uint16_t)num(a));
}

static void
text(const struct nlattr *a, char *buf, size_t len)
{
	if (a != NULL)
		(void)nla_strlcpy(buf, a, len);
	else
		buf[0] = '\0';
}

/* Only the bytes of its family: the rest may be anything. */
static int
address(const struct nlattr *a, uint8_t family, struct addr *ret)
{
	struct addr v = { .family = family };

	if (a == NULL || addr_len(&v) == 0 || nla_len(a) < (int)addr_len(&v))
		return -EBADMSG;
	memcpy(v.bytes, nla_data(a), addr_len(&v));
	*ret = v;
	return 0;
}

static void
get_stats(struct nlattr *wide, struct nlattr *narrow, struct lvs_stats *ret)
{
	struct nlattr *a[IPVS_STATS_ATTR_MAX + 1], *nest;

	nest = wide != NULL ? wide : narrow;
	if (nest == NULL ||
	    nla_parse_nested(a, IPVS_STATS_ATTR_MAX, nest, NULL) < 0)
		return;
	ret->conns = num(a[IPVS_STATS_ATTR_CONNS]);
	ret->in_packets = num(a[IPVS_STATS_ATTR_INPKTS]);
	ret->out_packets = num(a[IPVS_STATS_ATTR_OUTPKTS]);
	ret->in_bytes = num(a[IPVS_STATS_ATTR_INBYTES]);
	ret->out_bytes = num(a[IPVS_STATS_ATTR_OUTBYTES]);
	ret->conns_ps = num(a[IPVS_STATS_ATTR_CPS]);
	ret->in_pps = num(a[IPVS_STATS_ATTR_INPPS]);
	ret->out_pps = num(a[IPVS_STATS_ATTR_OUTPPS]);
	ret->in_bps = num(a[IPVS_STATS_ATTR_INBPS]);
	ret->out_bps = num(a[IPVS_STATS_ATTR_OUTBPS]);
}

static int
get_key(struct nlattr **a, struct lvs_key *ret)
{
	struct lvs_key k = { 0 };
	uint8_t family = (uint8_t)num(a[IPVS_SVC_ATTR_AF]);

	k.fwmark = (uint32_t)num(a[IPVS_SVC_ATTR_FWMARK]);
	k.addr.family = family;
	if (addr_len(&k.addr) == 0)
		return -EBADMSG;
	if (k.fwmark == 0) {
		k.protocol = (uint8_t)num(a[IPVS_SVC_ATTR_PROTOCOL]);
		k.port = port(a[IPVS_SVC_ATTR_PORT]);
		if (address(a[IPVS_SVC_ATTR_ADDR], family, &k.addr) < 0)
			return -EBADMSG;
	}
	*ret = k;
	return 0;
}

int
lvs_get_service(struct nlmsghdr *h, struct lvs_service *ret)
{
	struct nlattr *a[IPVS_SVC_ATTR_MAX + 1];
	struct lvs_service s = { 0 };
	struct ip_vs_flags flags = { 0 };
	uint32_t mask;

	if (parse_nest(h, IPVS_CMD_ATTR_SERVICE, a, IPVS_SVC_ATTR_MAX) < 0 ||
	    get_key(a, &s.key) < 0)
		return -EBADMSG;
	text(a[IPVS_SVC_ATTR_SCHED_NAME], s.scheduler, sizeof(s.scheduler));
	text(a[IPVS_SVC_ATTR_PE_NAME], s.pe, sizeof(s.pe));
	if (a[IPVS_SVC_ATTR_FLAGS] != NULL)
		(void)nla_memcpy(&flags, a[IPVS_SVC_ATTR_FLAGS], sizeof(flags));
	s.flags = flags.flags;
	s.timeout_s = (uint32_t)num(a[IPVS_SVC_ATTR_TIMEOUT]);
	mask = (uint32_t)num(a[IPVS_SVC_ATTR_NETMASK]);
	s.prefix = s.key.addr.family == AF_INET6
		       ? (uint8_t)mask
		       : (uint8_t)__builtin_popcount(mask);
	get_stats(a[IPVS_SVC_ATTR_STATS64], a[IPVS_SVC_ATTR_STATS], &s.stats);
	*ret = s;
	return 0;
}

int
lvs_get_dest(struct nlmsghdr *h, uint8_t default_family, struct lvs_dest *ret)
{
	struct nlattr *a[IPVS_DEST_ATTR_MAX + 1];
	struct lvs_dest d = { 0 };
	uint8_t family;

	if (parse_nest(h, IPVS_CMD_ATTR_DEST, a, IPVS_DEST_ATTR_MAX) < 0)
		return -EBADMSG;
	family = a[IPVS_DEST_ATTR_ADDR_FAMILY] != NULL
		     ? (uint8_t)num(a[IPVS_DEST_ATTR_ADDR_FAMILY])
		     : default_family;
	if (address(a[IPVS_DEST_ATTR_ADDR], family, &d.addr) < 0)
		return -EBADMSG;
	d.port = port(a[IPVS_DEST_ATTR_PORT]);
	d.method = num(a[IPVS_DEST_ATTR_FWD_METHOD]) & IP_VS_CONN_F_FWD_MASK;
	d.weight = (int)num(a[IPVS_DEST_ATTR_WEIGHT]);
	d.upper = (uint32_t)num(a[IPVS_DEST_ATTR_U_THRESH]);
	d.lower = (uint32_t)num(a[IPVS_DEST_ATTR_L_THRESH]);
	d.active = (uint32_t)num(a[IPVS_DEST_ATTR_ACTIVE_CONNS]);
	d.inactive = (uint32_t)num(a[IPVS_DEST_ATTR_INACT_CONNS]);
	d.persistent = (uint32_t)num(a[IPVS_DEST_ATTR_PERSIST_CONNS]);
	d.tun = (enum lvs_tun)num(a[IPVS_DEST_ATTR_TUN_TYPE]);
	d.tun_port = port(a[IPVS_DEST_ATTR_TUN_PORT]);
	d.tun_flags = (uint16_t)num(a[IPVS_DEST_ATTR_TUN_FLAGS]);
	get_stats(a[IPVS_DEST_ATTR_STATS64], a[IPVS_DEST_ATTR_STATS], &d.stats);
	*ret = d;
	return 0;
}

int
lvs_get_sync(struct nlmsghdr *h, struct lvs_sync *ret)
{
	struct nlattr *a[IPVS_DAEMON_ATTR_MAX + 1];
	struct lvs_sync s = { 0 };

	if (parse_nest(h, IPVS_CMD_ATTR_DAEMON, a, IPVS_DAEMON_ATTR_MAX) < 0)
		return -EBADMSG;
	s.role = (enum lvs_role)num(a[IPVS_DAEMON_ATTR_STATE]);
	text(a[IPVS_DAEMON_ATTR_MCAST_IFN], s.ifname, sizeof(s.ifname));
	s.id = (uint8_t)num(a[IPVS_DAEMON_ATTR_SYNC_ID]);
	s.maxlen = (uint16_t)num(a[IPVS_DAEMON_ATTR_SYNC_MAXLEN]);
	s.port = (uint16_t)num(a[IPVS_DAEMON_ATTR_MCAST_PORT]);
	s.ttl = (uint8_t)num(a[IPVS_DAEMON_ATTR_MCAST_TTL]);
	if (a[IPVS_DAEMON_ATTR_MCAST_GROUP] != NULL)
		(void)address(
		    a[IPVS_DAEMON_ATTR_MCAST_GROUP], AF_INET, &s.group);
	if (a[IPVS_DAEMON_ATTR_MCAST_GROUP6] != NULL)
		(void)address(
		    a[IPVS_DAEMON_ATTR_MCAST_GROUP6], AF_INET6, &s.group);
	*ret = s;
	return 0;
}

int
lvs_get_info(struct nlmsghdr *h, struct lvs_info *ret)
{
	struct nlattr *a[IPVS_INFO_ATTR_MAX + 1];

	if (genlmsg_parse(h, 0, a, IPVS_INFO_ATTR_MAX, NULL) < 0)
		return -EBADMSG;
	ret->version = (uint32_t)num(a[IPVS_INFO_ATTR_VERSION]);
	ret->conn_table_size = (uint32_t)num(a[IPVS_INFO_ATTR_CONN_TAB_SIZE]);
	return 0;
}

int
lvs_get_timeouts(struct nlmsghdr *h, struct lvs_info *ret)
{
	struct nlattr *a[IPVS_CMD_ATTR_MAX + 1];

	if (genlmsg_parse(h, 0, a, IPVS_CMD_ATTR_MAX, NULL) < 0)
		return -EBADMSG;
	ret->tcp_s = (uint32_t)num(a[IPVS_CMD_ATTR_TIMEOUT_TCP]);
	ret->tcp_fin_s = (uint32_t)num(a[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN]);
	ret->udp_s = (uint32_t)num(a[IPVS_CMD_ATTR_TIMEOUT_UDP]);
	return 0;
}
