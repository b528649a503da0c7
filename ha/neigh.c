/*
 * neigh: two packet sockets, for ARP and for IPv6, open while there is an
 * address to listen for; what each lets through is neigh_filter()'s work. What
 * this machine sends itself does not come back on such sockets.
 */
#include "ha/neigh.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

/* So many claims are read in so long; a flood costs no more, and is lost. */
#define READS_MAX 20
#define WINDOW (50 * USEC_MS)
#define RCVBUF (1 << 16) /* a flood fills it and is dropped there */

struct ear {
	struct neigh *neigh;
	uint8_t family;
	int fd; /* -1: nothing to hear */
	struct watch *watch;
	struct timer rest;
	usec_t window;	/* began then */
	unsigned reads; /* in it */
};

struct neigh {
	struct loop *loop;
	neigh_fn heard;
	void *arg;
	int send_fd;
	struct ear ears[2];
};

/* false: nothing there. */
static bool
read_one(struct ear *e)
{
	struct neigh *n = e->neigh;
	struct neigh_claim c;
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	uint8_t frame[NEIGH_FRAME_MAX];
	ssize_t len = recvfrom(e->fd, frame, sizeof(frame), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &from_len);

	if (len < 0)
		return false;
	e->reads++;
	if (from.sll_pkttype != PACKET_OUTGOING &&
	    neigh_claim_read(frame, (size_t)len, &c))
		n->heard(from.sll_ifindex, &c, n->arg);
	return true;
}

/* Who is told may close the ear, or have it hear others. */
static void
on_readable(int fd, int revents, void *arg)
{
	struct ear *e = arg;
	usec_t now = loop_now(e->neigh->loop);

	(void)revents;
	if (now - e->window >= WINDOW) {
		e->window = now;
		e->reads = 0;
	}
	while (e->fd == fd && e->reads < READS_MAX)
		if (!read_one(e))
			return;
	if (e->fd != fd)
		return;
	watch_set(e->watch, 0);
	timer_at(&e->rest, e->window + WINDOW);
}

static void
on_rested(void *arg)
{
	struct ear *e = arg;

	if (e->watch != NULL)
		watch_set(e->watch, POLLIN);
}

static void
ear_close(struct ear *e)
{
	timer_stop(&e->rest);
	watch_free(e->watch);
	e->watch = NULL;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static int
ear_filter(int fd, uint8_t family, const struct addr *addrs, size_t n_addrs)
{
	struct sock_filter code[NEIGH_FILTER_MAX];
	struct sock_fprog prog = { .filter = code };

	prog.len = (uint16_t)neigh_filter(code, family, addrs, n_addrs);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) <
	    0)
		return -errno;
	return 0;
}

/* Filtered before it is bound: nothing gets in between. */
static int
ear_open(
    struct neigh *n, struct ear *e, const struct addr *addrs, size_t n_addrs)
{
	struct sockaddr_ll sa = { .sll_family = AF_PACKET,
		.sll_protocol =
		    htons(e->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_ARP) };
	int rc, bytes = RCVBUF;

	e->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->fd < 0)
		return -errno;
	rc = ear_filter(e->fd, e->family, addrs, n_addrs);
	if (rc < 0)
		return rc;
	(void)setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(e->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return watch_new(n->loop, e->fd, POLLIN, on_readable, e, &e->watch);
}

static int
ear_set(
    struct neigh *n, struct ear *e, const struct addr *addrs, size_t n_addrs)
{
	size_t i, count = 0;
	int rc;

	for (i = 0; i < n_addrs; i++)
		count += addrs[i].family == e->family;
	if (count == 0) {
		ear_close(e);
		return 0;
	}
	rc = e->fd >= 0 ? ear_filter(e->fd, e->family, addrs, n_addrs)
			: ear_open(n, e, addrs, n_addrs);
	if (rc < 0)
		ear_close(e);
	return rc;
}

int
neigh_listen(struct neigh *n, const struct addr *addrs, size_t n_addrs)
{
	int rc = ear_set(n, &n->ears[0], addrs, n_addrs);
	int rc2 = ear_set(n, &n->ears[1], addrs, n_addrs);

	return rc < 0 ? rc : rc2;
}

int
neigh_ask(struct neigh *n, int index, const uint8_t mac[6],
    const struct addr *source, const struct addr *target, const uint8_t *to)
{
	struct sockaddr_ll sa = {
		.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6
	};
	uint8_t frame[NEIGH_FRAME_MAX];
	size_t len = neigh_question(frame, mac, source, target, to);

	memcpy(sa.sll_addr, frame, 6);
	memcpy(&sa.sll_protocol, frame + 12, 2);
	if (sendto(n->send_fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&sa,
		sizeof(sa)) < 0)
		return -errno;
	return 0;
}

int
neigh_open(struct loop *l, neigh_fn heard, void *arg, struct neigh **ret)
{
	struct neigh *n = mem_new(struct neigh);
	int rc;

	n->loop = l;
	n->heard = heard;
	n->arg = arg;
	n->ears[0] = (struct ear){ n, .family = AF_INET, .fd = -1 };
	n->ears[1] = (struct ear){ n, .family = AF_INET6, .fd = -1 };
	timer_init(&n->ears[0].rest, l, on_rested, &n->ears[0]);
	timer_init(&n->ears[1].rest, l, on_rested, &n->ears[1]);
	n->send_fd =
	    socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->send_fd < 0) {
		rc = -errno;
		free(n);
		return rc;
	}
	*ret = n;
	return 0;
}

void
neigh_close(struct neigh *n)
{
	if (n == NULL)
		return;
	ear_close(&n->ears[0]);
	ear_close(&n->ears[1]);
	close(n->send_fd);
	free(n);
}
