/*
 * packets: see packets.h.
 */
#include "daemons/syncd/packets.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/syncd/capture.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#define RCVBUF (8 << 20)

static int
set(int fd, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_SOCKET, option, value, len) < 0 ? -errno : 0;
}

int
packets_filter(struct packets *p, unsigned what)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog prog = { .filter = code };

	prog.len = (unsigned short)capture_filter(what, code);
	return set(p->fd, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int
options(struct packets *p, usec_t patience)
{
	const struct timeval wait = { .tv_sec = (time_t)(patience / USEC_S),
		.tv_usec = (suseconds_t)(patience % USEC_S) };
	int one = 1, size = RCVBUF, rc;

	rc = set(p->fd, SO_TIMESTAMP, &one, sizeof(one));
	if (rc == 0 && patience > 0)
		rc = set(p->fd, SO_RCVTIMEO, &wait, sizeof(wait));
	if (rc < 0)
		return rc;
	if (set(p->fd, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)set(p->fd, SO_RCVBUF, &size, sizeof(size));
	(void)set(p->fd, SO_RCVMARK, &one, sizeof(one));
	return 0;
}

/* Bound last, so that nothing comes in that the filter did not see. */
static int
set_up(struct packets *p, unsigned what, usec_t patience)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL) };
	int rc = packets_filter(p, what);

	if (rc == 0)
		rc = options(p, patience);
	if (rc < 0)
		return rc;
	return bind(p->fd, (struct sockaddr *)&all, sizeof(all)) < 0 ? -errno
								     : 0;
}

int
packets_open(struct packets *p, unsigned what, usec_t patience)
{
	int type = SOCK_RAW | SOCK_CLOEXEC | (patience > 0 ? 0 : SOCK_NONBLOCK);

	p->fd = socket(AF_PACKET, type, 0);
	return p->fd < 0 ? -errno : set_up(p, what, patience);
}

int
packets_open_udp(struct packets *p, const struct addr *own, uint16_t port,
    usec_t patience)
{
	struct sockaddr_storage at;
	socklen_t len = addr_to_sock(own, port, &at);
	int rc;

	p->fd = socket(own->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	rc = options(p, patience);
	if (rc < 0)
		return rc;
	return bind(p->fd, (struct sockaddr *)&at, len) < 0 ? -errno : 0;
}

void
packets_close(struct packets *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

unsigned
packets_read(struct packets *p)
{
	unsigned i;
	int n;

	for (i = 0; i < PACKETS_BATCH; i++) {
		p->iov[i] = (struct iovec){ p->frame[i], PACKETS_FRAME };
		p->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &p->from[i],
			.msg_namelen = sizeof(p->from[i]),
			.msg_iov = &p->iov[i],
			.msg_iovlen = 1,
			.msg_control = p->control[i],
			.msg_controllen = sizeof(p->control[i]) };
	}
	n = recvmmsg(p->fd, p->msgs, PACKETS_BATCH, MSG_WAITFORONE, NULL);
	return n > 0 ? (unsigned)n : 0;
}

size_t
packets_len(const struct packets *p, unsigned i)
{
	return p->msgs[i].msg_len;
}

bool
packets_out(const struct packets *p, unsigned i)
{
	return p->from[i].ll.sll_pkttype == PACKET_OUTGOING;
}

int
packets_card(const struct packets *p, unsigned i)
{
	return p->from[i].ll.sll_ifindex;
}

bool
packets_from(const struct packets *p, unsigned i, const struct addr *a)
{
	struct addr from;
	uint16_t port;

	return addr_from_sock(&p->from[i].udp, &from, &port) == 0 &&
	    addr_cmp(&from, a) == 0;
}

void
packets_control(
    struct packets *p, unsigned i, uint32_t *ret_mark, usec_t *ret_when)
{
	struct msghdr *m = &p->msgs[i].msg_hdr;
	struct timeval tv;
	struct cmsghdr *c;

	*ret_mark = 0;
	*ret_when = 0;
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SO_MARK) {
			memcpy(ret_mark, CMSG_DATA(c), sizeof(*ret_mark));
		} else if (c->cmsg_type == SO_TIMESTAMP) {
			memcpy(&tv, CMSG_DATA(c), sizeof(tv));
			*ret_when = (usec_t)tv.tv_sec * USEC_S +
			    (usec_t)tv.tv_usec;
		}
	}
}

uint64_t
packets_drops(struct packets *p)
{
	struct tpacket_stats t = { 0 };
	socklen_t len = sizeof(t);

	if (p->fd < 0 ||
	    getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &t, &len) < 0)
		return 0;
	return t.tp_drops;
}
