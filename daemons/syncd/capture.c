/*
 * capture: a packet socket on all interfaces, behind a filter. What passes:
 * our own kernel's sync datagrams as they leave, which say all of a connection
 * that the other kernel is told; and SYNs, which early.c tells it of at once.
 *
 * The mark that a packet has in the kernel comes with it (SO_RCVMARK), as it
 * chooses the service; older kernels than 5.19 do not say it.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemons/syncd/capture.h"
#include "daemons/syncd/syncd.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#define BATCH 32
#define ROUNDS 8
#define FRAME_MAX 1600
#define RCVBUF (8 << 20)
#define ETH 14
#define OWN_BYTES 128

struct capture_buf {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_ll from[BATCH];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][128];
	uint8_t frame[BATCH][FRAME_MAX];
};

static void
put(void *arg, const struct sync_conn *c)
{
	struct syncd *s = arg;

	(void)conn_map_put(&s->map, c, false, loop_turn(s->loop));
}

/* A datagram of our kernel's, which has one connection or two. Those full of
 * connections are of our own making and in the map already. */
static void
on_datagram(struct syncd *s, const uint8_t *frame, size_t len)
{
	size_t at = ETH + 4 * (size_t)(frame[ETH] & 15) + 8;
	uint8_t id;

	if (at + 2 <= len && frame[at + 1] == s->id &&
	    !(s->pass.on && len - at > OWN_BYTES))
		(void)sync_msg_unpack(frame + at, len - at, &id, put, s);
}

static void
read_control(struct msghdr *m, uint32_t *ret_mark, usec_t *ret_age)
{
	struct timeval tv;
	struct cmsghdr *c;
	usec_t then, now;

	*ret_mark = 0;
	*ret_age = 0;
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SO_MARK) {
			memcpy(ret_mark, CMSG_DATA(c), sizeof(*ret_mark));
		} else if (c->cmsg_type == SO_TIMESTAMP) {
			memcpy(&tv, CMSG_DATA(c), sizeof(tv));
			then = (usec_t)tv.tv_sec * USEC_S + (usec_t)tv.tv_usec;
			now = usec_real();
			*ret_age = now > then ? now - then : 0;
		}
	}
}

static bool
is_datagram(const uint8_t *frame, size_t len)
{
	return len > ETH + 20 && frame[12] == 0x08 && frame[13] == 0 &&
	       frame[ETH + 9] == IPPROTO_UDP;
}

static void
on_frame(struct syncd *s, unsigned i)
{
	struct capture_buf *b = s->capture.buf;
	const struct sockaddr_ll *from = &b->from[i];
	size_t len = b->msgs[i].msg_len;
	uint32_t mark;
	usec_t age;

	if (is_datagram(b->frame[i], len)) {
		on_datagram(s, b->frame[i], len);
		return;
	}
	if (s->role.role != SYNC_ACTIVE || s->early.fd < 0)
		return;
	read_control(&b->msgs[i].msg_hdr, &mark, &age);
	early_syn(s, b->frame[i], len, from->sll_ifindex, mark,
	    from->sll_pkttype == PACKET_OUTGOING, age);
}

static int
receive(struct syncd *s)
{
	struct capture_buf *b = s->capture.buf;
	unsigned i;

	for (i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->frame[i], FRAME_MAX };
		b->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
			.msg_namelen = sizeof(b->from[i]),
			.msg_iov = &b->iov[i],
			.msg_iovlen = 1,
			.msg_control = b->control[i],
			.msg_controllen = sizeof(b->control[i]) };
	}
	return recvmmsg(s->capture.fd, b->msgs, BATCH, MSG_DONTWAIT, NULL);
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct syncd *s = arg;
	int i, n, round;

	(void)fd;
	(void)revents;
	for (round = 0; round < ROUNDS; round++) {
		n = receive(s);
		for (i = 0; i < n; i++)
			on_frame(s, (unsigned)i);
		early_flush(s);
		if (n < BATCH)
			return;
	}
}

/* Bound last, so that nothing comes in that the filter did not see. */
static int
set_up(struct capture *c, bool inbound)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog prog = { .filter = code };
	struct sockaddr_ll all = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL) };
	int one = 1, size = RCVBUF;

	prog.len = (unsigned short)capture_filter(inbound, code);
	if (setsockopt(
		c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)) < 0)
		return -errno;
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) <
	    0)
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVMARK, &one, sizeof(one));
	return bind(c->fd, (struct sockaddr *)&all, sizeof(all)) < 0 ? -errno
								     : 0;
}

int
capture_start(struct syncd *s)
{
	struct capture *c = &s->capture;
	int rc;

	c->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	c->buf = mem_new(struct capture_buf);
	rc = set_up(c, s->targets.nat);
	if (rc == 0)
		rc = watch_new(
		    s->loop, c->fd, POLLIN, on_readable, s, &c->watch);
	return rc;
}

void
capture_stop(struct syncd *s)
{
	struct capture *c = &s->capture;

	watch_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	free(c->buf);
	c->buf = NULL;
}

uint64_t
capture_drops(struct syncd *s)
{
	struct tpacket_stats t = { 0 };
	socklen_t len = sizeof(t);

	if (s->capture.fd < 0 || getsockopt(s->capture.fd, SOL_PACKET,
				     PACKET_STATISTICS, &t, &len) < 0)
		return 0;
	return t.tp_drops;
}
