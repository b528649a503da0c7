/*
 * hear: a member of the sync group beside the kernel's backup thread: what that
 * one is told enters our map too. Datagrams are counted by the port they come
 * from: the sender of a whole list says how many it sent from which one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/syncd/syncd.h"

#define RCVBUF (8 << 20)
#define BATCH 64
#define ACK_EVERY 8
#define ACK_LATER USEC_MS

static void
put(void *arg, const struct sync_conn *c)
{
	struct syncd *s = arg;

	(void)conn_map_put(&s->map, c, false, loop_turn(s->loop));
}

static struct hear_port *
port_of(struct hear *h, const struct sockaddr_in *from)
{
	size_t i;

	for (i = 0; i < HEAR_PORTS - 1; i++) {
		if (h->ports[i].from.sin_port == 0)
			h->ports[i].from = *from;
		if (h->ports[i].from.sin_port == from->sin_port)
			break;
	}
	return &h->ports[i];
}

/* So that the sender may go on; when the kernel has not taken them, later. */
static void
send_ack(struct syncd *s, struct hear_port *p)
{
	struct hear *h = &s->hear;
	uint8_t mem[SYNC_ACK_BYTES];
	struct buf b = buf_writer(mem, sizeof(mem));
	unsigned long waiting, drops;

	if (sync_sock_backlog(h->inode, &waiting, &drops) == 0 && waiting > 0) {
		h->due = p;
		timer_in(&h->ack, ACK_LATER);
		return;
	}
	p->acked = p->datagrams;
	put_u32(&b, SYNC_ACK_MAGIC);
	put_u32(&b, p->datagrams);
	(void)sendto(h->fd, mem, b.pos, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&p->from, sizeof(p->from));
}

static void
on_ack_due(void *arg)
{
	struct syncd *s = arg;

	if (s->hear.due != NULL)
		send_ack(s, s->hear.due);
}

/* The kernel's own datagrams hold one connection, or two. */
static void
on_datagram(struct syncd *s, const uint8_t *bytes, size_t len,
    const struct sockaddr_in *from)
{
	struct hear_port *p = port_of(&s->hear, from);
	uint8_t id;
	int n;

	if (len < 2 || bytes[1] != s->peer_id)
		return; /* another pair's */
	n = sync_msg_unpack(bytes, len, &id, put, s);
	s->hear.datagrams++;
	p->datagrams++;
	if (n > 2 && s->role.role == SYNC_STANDBY &&
	    p->datagrams - p->acked >= ACK_EVERY && !timer_armed(&s->hear.ack))
		send_ack(s, p);
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct syncd *s = arg;
	struct sockaddr_in from = { 0 };
	socklen_t from_len;
	uint8_t bytes[2048];
	ssize_t n;
	int i;

	(void)revents;
	for (i = 0; i < BATCH; i++) {
		from_len = sizeof(from);
		n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &from_len);
		if (n < 0)
			return;
		on_datagram(s, bytes, (size_t)n, &from);
	}
}

static int
join_group(int fd, const char *device)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(SYNC_PORT) };
	struct ip_mreqn m = { 0 };
	int one = 1, size = RCVBUF;

	(void)inet_pton(AF_INET, SYNC_GROUP, &at.sin_addr);
	m.imr_multiaddr = at.sin_addr;
	m.imr_ifindex = (int)if_nametoindex(device);
	if (m.imr_ifindex == 0)
		return -ENODEV;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		(socklen_t)strlen(device)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

int
hear_start(struct syncd *s)
{
	struct hear *h = &s->hear;
	struct stat st;
	int rc;

	timer_init(&h->ack, s->loop, on_ack_due, s);
	h->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->fd < 0)
		return -errno;
	rc = join_group(h->fd, s->device);
	if (rc == 0)
		rc = watch_new(
		    s->loop, h->fd, POLLIN, on_readable, s, &h->watch);
	if (rc == 0 && fstat(h->fd, &st) == 0)
		h->inode = (unsigned long)st.st_ino;
	return rc;
}

void
hear_stop(struct syncd *s)
{
	timer_stop(&s->hear.ack);
	watch_free(s->hear.watch);
	s->hear.watch = NULL;
	if (s->hear.fd >= 0)
		(void)close(s->hear.fd);
	s->hear.fd = -1;
}

void
hear_begin(struct hear *h)
{
	timer_stop(&h->ack);
	h->due = NULL;
	memset(h->ports, 0, sizeof(h->ports));
}

uint32_t
hear_count(const struct hear *h, uint16_t port)
{
	size_t i;

	for (i = 0; i < HEAR_PORTS; i++)
		if (h->ports[i].from.sin_port == htons(port))
			return h->ports[i].datagrams;
	return 0;
}
