/*
 * neigh_frame: questions and claims about addresses on an Ethernet segment.
 *
 * Every ARP packet with a sender's address claims that address, whatever else
 * it is for; of neighbour discovery only advertisements do. Lengths and options
 * are checked here: the kernel's filter saves work, it proves nothing.
 */
#include "ha/neigh_frame.h"

#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

#define ETH_LEN 14
#define ARP_LEN 28
#define ARP_SENDER (ETH_LEN + 14) /* the sender's address */
#define IP6_LEN 40
#define IP6_NEXT (ETH_LEN + 6)
#define ICMP6_AT (ETH_LEN + IP6_LEN)
#define ND_TARGET (ICMP6_AT + 8)
#define ND_LEN 24 /* a message without options */
#define ND_OPTION 8
#define HOPS 255 /* RFC 4861: what came through a router has less */

static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (; n > 1; p += 2, n -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return sum;
}

uint16_t
icmp6_sum(const uint8_t *src, const uint8_t *dst, const uint8_t *msg, size_t n)
{
	uint32_t sum = sum16(0, src, 16);

	sum = sum16(sum, dst, 16);
	sum = sum16(sum, msg, n);
	sum += (uint32_t)n + IPPROTO_ICMPV6;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t
arp_question(struct buf *b, const uint8_t mac[6], const struct addr *source,
    const struct addr *target, const uint8_t *to)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t none[6];

	put_bytes(b, to != NULL ? to : all, 6);
	put_bytes(b, mac, 6);
	put_u16(b, ETH_P_ARP);
	put_u16(b, ARPHRD_ETHER);
	put_u16(b, ETH_P_IP);
	put_u8(b, 6);
	put_u8(b, 4);
	put_u16(b, ARPOP_REQUEST);
	put_bytes(b, mac, 6);
	put_bytes(b, addr_is_none(source) ? none : source->bytes, 4);
	put_bytes(b, none, 6);
	put_bytes(b, target->bytes, 4);
	return b->pos;
}

/* To the target's solicited-node group, on whichever host it is. */
static size_t
nd_question(struct buf *b, const uint8_t mac[6], const struct addr *source,
    const struct addr *target, const uint8_t *to)
{
	static const uint8_t none[16];
	const uint8_t *src = addr_is_none(source) ? none : source->bytes;
	uint8_t group[16] = { 0xff, 0x02, [11] = 1, [12] = 0xff };
	uint8_t eth[6] = { 0x33, 0x33, 0xff }, *msg;
	size_t len = ND_LEN + (addr_is_none(source) ? 0 : ND_OPTION);
	uint16_t sum;

	memcpy(group + 13, target->bytes + 13, 3);
	memcpy(eth + 3, target->bytes + 13, 3);
	put_bytes(b, to != NULL ? to : eth, 6);
	put_bytes(b, mac, 6);
	put_u16(b, ETH_P_IPV6);
	put_u32(b, 6U << 28);
	put_u16(b, (uint16_t)len);
	put_u8(b, IPPROTO_ICMPV6);
	put_u8(b, HOPS);
	put_bytes(b, src, 16);
	put_bytes(b, group, 16);
	msg = b->data + b->pos;
	put_u8(b, ND_NEIGHBOR_SOLICIT);
	put_u8(b, 0);
	put_u16(b, 0);
	put_u32(b, 0);
	put_bytes(b, target->bytes, 16);
	if (len > ND_LEN) {
		put_u8(b, ND_OPT_SOURCE_LINKADDR);
		put_u8(b, 1);
		put_bytes(b, mac, 6);
	}
	sum = icmp6_sum(src, group, msg, len);
	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
	return b->pos;
}

size_t
neigh_question(uint8_t *frame, const uint8_t mac[6], const struct addr *source,
    const struct addr *target, const uint8_t *to)
{
	struct buf b = buf_writer(frame, NEIGH_FRAME_MAX);

	if (target->family == AF_INET6)
		return nd_question(&b, mac, source, target, to);
	return arp_question(&b, mac, source, target, to);
}

static bool
arp_read(struct buf *b, struct neigh_claim *c)
{
	static const uint8_t none[4];
	uint16_t hw = get_u16(b), proto = get_u16(b);
	uint8_t hw_len = get_u8(b), proto_len = get_u8(b);
	uint16_t oper = get_u16(b);

	get_bytes(b, c->mac, 6);
	c->addr.family = AF_INET;
	get_bytes(b, c->addr.bytes, 4);
	c->answer = oper == ARPOP_REPLY;
	return !b->bad && buf_left(b) >= 10 && hw == ARPHRD_ETHER &&
	       proto == ETH_P_IP && hw_len == 6 && proto_len == 4 &&
	       (oper == ARPOP_REQUEST || oper == ARPOP_REPLY) &&
	       memcmp(c->addr.bytes, none, 4) != 0;
}

/* The target's link-layer address, if the advertisement says it; an answer to
 * one who asked may leave it out, then it is the frame's sender's. */
static bool
nd_options(struct buf *b, size_t len, struct neigh_claim *c)
{
	uint8_t skip[8];
	unsigned type, units;

	memcpy(c->mac, c->from, 6);
	for (; len >= ND_OPTION; len -= units * 8) {
		type = get_u8(b);
		units = get_u8(b);
		if (units == 0 || units * 8 > len)
			return false;
		if (type == ND_OPT_TARGET_LINKADDR) {
			get_bytes(b, c->mac, 6);
			return !b->bad;
		}
		get_bytes(b, skip, 6);
		for (unsigned i = 1; i < units; i++)
			get_bytes(b, skip, 8);
	}
	return !b->bad && len == 0;
}

static bool
nd_read(struct buf *b, struct neigh_claim *c)
{
	uint8_t skip[32];
	size_t len;
	unsigned next, hops, type, code;

	(void)get_u32(b);
	len = get_u16(b);
	next = get_u8(b);
	hops = get_u8(b);
	get_bytes(b, skip, 32);
	type = get_u8(b);
	code = get_u8(b);
	get_bytes(b, skip, 6);
	c->addr.family = AF_INET6;
	get_bytes(b, c->addr.bytes, 16);
	c->answer = true;
	if (b->bad || next != IPPROTO_ICMPV6 || hops != HOPS ||
	    type != ND_NEIGHBOR_ADVERT || code != 0 || len < ND_LEN ||
	    len - ND_LEN > buf_left(b))
		return false;
	return nd_options(b, len - ND_LEN, c);
}

bool
neigh_claim_read(const uint8_t *frame, size_t len, struct neigh_claim *ret)
{
	struct buf b = buf_reader(frame, len);
	struct neigh_claim c = { 0 };
	uint16_t type;
	bool good = false;

	get_bytes(&b, c.to, 6);
	get_bytes(&b, c.from, 6);
	type = get_u16(&b);
	if (!b.bad && type == ETH_P_ARP)
		good = arp_read(&b, &c);
	else if (!b.bad && type == ETH_P_IPV6)
		good = nd_read(&b, &c);
	if (good)
		*ret = c;
	return good;
}

static struct sock_filter
stmt(unsigned code, uint32_t k)
{
	return (struct sock_filter)BPF_STMT((uint16_t)code, k);
}

static struct sock_filter
jump(uint32_t k, unsigned yes, unsigned no)
{
	return (struct sock_filter)BPF_JUMP(
	    BPF_JMP | BPF_JEQ | BPF_K, k, (uint8_t)yes, (uint8_t)no);
}

/* An address's last four bytes: all of it, or enough. */
static uint32_t
tail_of(const struct addr *a)
{
	const uint8_t *p = a->bytes + addr_len(a) - 4;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

size_t
neigh_filter(struct sock_filter *code, uint8_t family, const struct addr *addrs,
    size_t n)
{
	const struct sock_filter pass = stmt(BPF_RET | BPF_K, NEIGH_FRAME_MAX);
	const struct sock_filter drop = stmt(BPF_RET | BPF_K, 0);
	size_t at = 0, i, count = 0;

	if (family == AF_INET6) {
		code[at++] = stmt(BPF_LD | BPF_B | BPF_ABS, IP6_NEXT);
		code[at++] = jump(IPPROTO_ICMPV6, 1, 0);
		code[at++] = drop;
		code[at++] = stmt(BPF_LD | BPF_B | BPF_ABS, ICMP6_AT);
		code[at++] = jump(ND_NEIGHBOR_ADVERT, 1, 0);
		code[at++] = drop;
	}
	code[at++] = stmt(BPF_LD | BPF_W | BPF_ABS,
	    family == AF_INET6 ? ND_TARGET + 12 : ARP_SENDER);
	for (i = 0; i < n; i++)
		count += addrs[i].family == family;
	if (count > NEIGH_FILTER_ADDRS) {
		code[at++] = pass;
		return at;
	}
	for (i = 0; i < n; i++) {
		if (addrs[i].family != family)
			continue;
		code[at++] = jump(tail_of(&addrs[i]), 0, 1);
		code[at++] = pass;
	}
	code[at++] = drop;
	return at;
}
