/*
 * ping: a raw socket per family, opened when first needed. The kernel drops
 * everything but echo replies before they reach us.
 */
#include "ha/ping.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"

#define ECHO_LEN 16 /* type, code, checksum, id, sequence, 8 bytes of ours */
#define READS_MAX 32
#define ICMP_FILTER 1 /* raw(7); its header does not go with <netinet/in.h> */

struct ear {
	struct ping *ping;
	uint8_t family;
	int fd;
	struct watch *watch;
};

struct ping {
	struct loop *loop;
	ping_fn answered;
	void *arg;
	uint16_t id;
	struct ear ears[2];
	struct slot {
		struct addr to;
		uint64_t cookie;
		uint16_t seq;
	} slots[PING_SLOTS];
};

static void
on_echo(struct ping *p, const struct addr *from, const void *mem, size_t len)
{
	struct buf b = buf_reader(mem, len);
	uint8_t type = get_u8(&b);
	uint16_t id, seq;
	uint64_t cookie;
	unsigned i;

	(void)get_u8(&b);
	(void)get_u16(&b); /* the kernel has checked the sum */
	id = get_u16(&b);
	seq = get_u16(&b);
	cookie = get_u64(&b);
	if (b.bad || id != p->id ||
	    type !=
		(from->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY))
		return;
	for (i = 0; i < PING_SLOTS; i++)
		if (p->slots[i].cookie == cookie && p->slots[i].seq == seq &&
		    addr_cmp(&p->slots[i].to, from) == 0) {
			p->answered(i, p->arg);
			return;
		}
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct ear *e = arg;
	struct sockaddr_storage ss;
	socklen_t ss_len;
	struct addr from;
	uint16_t port;
	uint8_t mem[128];
	size_t skip;
	ssize_t n;
	unsigned i;

	(void)revents;
	for (i = 0; i < READS_MAX; i++) {
		ss_len = sizeof(ss);
		n = recvfrom(fd, mem, sizeof(mem), MSG_DONTWAIT,
		    (struct sockaddr *)&ss, &ss_len);
		if (n < 0 && errno == EAGAIN)
			return;
		/* IPv4 comes with its header */
		skip = e->family == AF_INET && n > 0 ? (mem[0] & 15U) * 4 : 0;
		if (n > 0 && skip < (size_t)n &&
		    addr_from_sock(&ss, &from, &port) == 0)
			on_echo(e->ping, &from, mem + skip, (size_t)n - skip);
	}
}

/* Only echo replies; nothing on a socket without a filter. */
static int
ear_filter(const struct ear *e)
{
	uint32_t v4 = ~(1U << ICMP_ECHOREPLY);
	struct icmp6_filter v6;
	int rc;

	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	rc = e->family == AF_INET
		 ? setsockopt(e->fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4))
		 : setsockopt(
		       e->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6));
	return rc < 0 ? -errno : 0;
}

static int
ear_open(struct ear *e)
{
	int rc;

	if (e->fd >= 0)
		return 0;
	e->fd = socket(e->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    e->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (e->fd < 0)
		return -errno;
	rc = ear_filter(e);
	if (rc == 0)
		rc = watch_new(
		    e->ping->loop, e->fd, POLLIN, on_readable, e, &e->watch);
	if (rc < 0) {
		close(e->fd);
		e->fd = -1;
	}
	return rc;
}

/* Of IPv4 the sum is ours to make, of IPv6 the kernel's. */
static void
make_echo(const struct ping *p, const struct slot *s, uint8_t *mem)
{
	struct buf b = buf_writer(mem, ECHO_LEN);
	uint32_t sum = 0;
	size_t i;

	put_u8(&b, s->to.family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
	put_u8(&b, 0);
	put_u16(&b, 0);
	put_u16(&b, p->id);
	put_u16(&b, s->seq);
	put_u64(&b, s->cookie);
	if (s->to.family != AF_INET)
		return;
	for (i = 0; i < ECHO_LEN; i += 2)
		sum += (uint32_t)mem[i] << 8 | mem[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	mem[2] = (uint8_t)(~sum >> 8);
	mem[3] = (uint8_t)~sum;
}

/* Source and link as a control message; returns its length. */
static size_t
put_source(void *mem, size_t room, const struct addr *to,
    const struct addr *source, int index)
{
	struct msghdr m = { .msg_control = mem, .msg_controllen = room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo v4 = { .ipi_ifindex = index };
	struct in6_pktinfo v6 = { .ipi6_ifindex = (unsigned)index };

	if (to->family == AF_INET) {
		memcpy(&v4.ipi_spec_dst, source->bytes, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(v4));
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
		return CMSG_SPACE(sizeof(v4));
	}
	memcpy(&v6.ipi6_addr, source->bytes, 16);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(v6));
	memcpy(CMSG_DATA(c), &v6, sizeof(v6));
	return CMSG_SPACE(sizeof(v6));
}

int
ping_send(struct ping *p, unsigned slot, const struct addr *to,
    const struct addr *source, int index)
{
	struct ear *e = &p->ears[to->family == AF_INET6];
	struct slot *s = &p->slots[slot];
	_Alignas(struct cmsghdr) uint8_t control[64] = { 0 };
	uint8_t mem[ECHO_LEN];
	struct sockaddr_storage ss;
	struct iovec iov = { mem, sizeof(mem) };
	struct msghdr m = { .msg_name = &ss,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control };
	int rc = ear_open(e);

	if (rc < 0)
		return rc;
	s->to = *to;
	s->seq++;
	if (getrandom(&s->cookie, sizeof(s->cookie), GRND_NONBLOCK) < 0)
		s->cookie = loop_now(p->loop);
	make_echo(p, s, mem);
	m.msg_namelen = addr_to_sock(to, 0, &ss);
	m.msg_controllen =
	    put_source(control, sizeof(control), to, source, index);
	if (sendmsg(e->fd, &m, MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

int
ping_open(struct loop *l, ping_fn answered, void *arg, struct ping **ret)
{
	struct ping *p = mem_new(struct ping);
	int i;

	p->loop = l;
	p->answered = answered;
	p->arg = arg;
	if (getrandom(&p->id, sizeof(p->id), GRND_NONBLOCK) < 0)
		p->id = (uint16_t)getpid();
	for (i = 0; i < 2; i++)
		p->ears[i] = (struct ear){ .ping = p,
			.family = i == 0 ? AF_INET : AF_INET6,
			.fd = -1 };
	*ret = p;
	return 0;
}

void
ping_close(struct ping *p)
{
	int i;

	if (p == NULL)
		return;
	for (i = 0; i < 2; i++) {
		watch_free(p->ears[i].watch);
		if (p->ears[i].fd >= 0)
			close(p->ears[i].fd);
	}
	free(p);
}
