/*
 * early: tells the standby of a connection when its first packet leaves for a
 * server. The kernel does so only when the client's ACK has come, and then up
 * to 20 ms later, or 2 s on a quiet director; a power cut in between leaves a
 * connection that the standby gives to another server, unless its scheduler
 * hashes.
 *
 * The state told is SYN_RECV, which lasts a minute unless the kernel's own
 * datagram follows: a flood of SYNs costs the standby what it costs us. That
 * datagram must not be overtaken by ours, which would shorten the life of the
 * connection: a SYN that was captured long ago is not told of.
 *
 * What is told of here enters our own map when the datagram leaves (capture.c).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/syncd/syncd.h"

#define LATE (10 * USEC_MS)
#define SYN_TIMEOUT_S 60
#define RATE 20000 /* SYNs told in a second, at most */
#define BURST 4000
#define CARDS_AGAIN (2 * USEC_MS)
#define CARDS_SHARE 4 /* of the time at most for asking: one in so many */
#define ETH 14
#define FEW 2 /* connections: of IPv6 fit into SYNC_OWN_BYTES */

struct syn {
	struct addr client, dst, outer; /* outer: of a tunnel, or none */
	uint16_t client_port, dst_port;
	uint32_t seq;
};

static uint16_t
u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
addr_at(const uint8_t *p, uint8_t family, struct addr *ret)
{
	*ret = (struct addr){ .family = family };
	memcpy(ret->bytes, p, addr_len(ret));
}

/* The length of the IP header at p, its addresses and protocol; 0: none. */
static size_t
parse_ip(const uint8_t *p, size_t len, struct addr *src, struct addr *dst,
    uint8_t *ret_protocol)
{
	size_t head;

	if (len >= 20 && p[0] >> 4 == 4) {
		head = 4 * (size_t)(p[0] & 15);
		*ret_protocol = p[9];
		addr_at(p + 12, AF_INET, src);
		addr_at(p + 16, AF_INET, dst);
		return head >= 20 && head <= len ? head : 0;
	}
	if (len >= 40 && p[0] >> 4 == 6) {
		*ret_protocol = p[6];
		addr_at(p + 8, AF_INET6, src);
		addr_at(p + 24, AF_INET6, dst);
		return 40;
	}
	return 0;
}

static int
parse(const uint8_t *frame, size_t len, struct syn *ret)
{
	struct syn s = { 0 };
	size_t at = ETH, head;
	uint8_t protocol;

	if (len < ETH)
		return -EBADMSG;
	head = parse_ip(frame + at, len - at, &s.client, &s.dst, &protocol);
	at += head;
	if (head != 0 && protocol != IPPROTO_TCP) {
		s.outer = s.dst;
		head = parse_ip(
		    frame + at, len - at, &s.client, &s.dst, &protocol);
		at += head;
	}
	if (head == 0 || protocol != IPPROTO_TCP || at + 14 > len)
		return -EBADMSG;
	s.client_port = u16_at(frame + at);
	s.dst_port = u16_at(frame + at + 2);
	s.seq = (uint32_t)u16_at(frame + at + 4) << 16 | u16_at(frame + at + 6);
	*ret = s;
	return 0;
}

/* The one server of the service that has this card; NULL: several, or (then
 * *ret_unknown) none that we know of. */
static const struct target_server *
among(const struct cards *all, const struct target *g, int ifindex,
    const uint8_t *mac, bool *ret_unknown)
{
	const struct target_server *found = NULL, *v;
	size_t i, n;
	const struct card *k = cards_find(all, ifindex, mac, &n);

	*ret_unknown = false;
	for (i = 0; i < n; i++) {
		v = target_server(g, &k[i].addr, 0);
		if (v == NULL || v == found)
			continue;
		if (found != NULL)
			return NULL;
		found = v;
	}
	*ret_unknown = found == NULL;
	return found;
}

static const struct target_server *
by_card(struct early *e, const struct target *g, int ifindex,
    const uint8_t *mac, bool *ret_unknown)
{
	const struct target_server *v;

	(void)pthread_mutex_lock(&e->lock);
	v = among(&e->cards, g, ifindex, mac, ret_unknown);
	(void)pthread_mutex_unlock(&e->lock);
	return v;
}

/* One that failed (a dump may be interrupted) is done once more. */
void
early_cards(struct early *e)
{
	struct cards fresh = { 0 }, old;

	if (cards_read(&fresh) < 0 && cards_read(&fresh) < 0)
		return;
	(void)pthread_mutex_lock(&e->lock);
	old = e->cards;
	e->cards = fresh;
	(void)pthread_mutex_unlock(&e->lock);
	cards_done(&old);
}

static const struct target_server *
by_card_again(
    struct early *e, const struct target *g, int ifindex, const uint8_t *mac)
{
	const struct target_server *v;
	usec_t start;
	bool unknown;

	v = by_card(e, g, ifindex, mac, &unknown);
	if (!unknown || e->no_cards)
		return v;
	start = usec_mono();
	if (start - e->cards_missed < CARDS_AGAIN ||
	    start - e->cards_missed < e->cards_cost * CARDS_SHARE)
		return v;
	early_cards(e);
	e->cards_missed = usec_mono();
	e->cards_cost = e->cards_missed - start;
	return by_card(e, g, ifindex, mac, &unknown);
}

static struct early_in *
in_slot(struct early *e, const struct syn *y)
{
	uint32_t h = y->seq ^ (uint32_t)y->client_port << 16;

	h *= 2654435761U;
	return &e->in[h >> 20 & (EARLY_INBOUND - 1)];
}

static void
note_in(struct early *e, const struct syn *y, uint32_t mark)
{
	if (e->in == NULL || target_find(e->targets, IPPROTO_TCP,
				       &y->dst, y->dst_port, mark) == NULL)
		return;
	*in_slot(e, y) = (struct early_in){ .seq = y->seq,
		.client_port = y->client_port,
		.virt_port = y->dst_port,
		.client = y->client,
		.virt = y->dst };
}

/* By nat the destination is the server; where the client wanted to go was seen
 * when the SYN came in. */
static const struct target_server *
by_nat(struct early *e, struct syn *y, uint32_t mark)
{
	const struct early_in *in = e->in == NULL ? NULL : in_slot(e, y);
	const struct target *g;
	struct addr server = y->dst;
	uint16_t port = y->dst_port;

	if (in == NULL || in->seq != y->seq ||
	    in->client_port != y->client_port ||
	    addr_cmp(&in->client, &y->client) != 0)
		return NULL;
	y->dst = in->virt;
	y->dst_port = in->virt_port;
	g = target_find(e->targets, IPPROTO_TCP, &y->dst, y->dst_port, mark);
	return g == NULL ? NULL : target_server(g, &server, port);
}

static bool
allowed(struct early *e)
{
	usec_t now = e->now, more;

	if (now < e->refilled || now - e->refilled > USEC_S)
		e->refilled = now - USEC_S; /* or the clock was set */
	more = (now - e->refilled) * RATE / USEC_S;
	if (more > 0) {
		e->refilled = now;
		e->allowance = more + e->allowance > BURST
				   ? BURST
				   : e->allowance + (unsigned)more;
	}
	if (e->allowance == 0)
		return false;
	e->allowance--;
	return true;
}

static void
tell(struct early *e, const struct syn *y, const struct target_server *v,
    uint32_t mark)
{
	struct sync_conn c = { .protocol = IPPROTO_TCP,
		.state = SYNC_TCP_SYN_RECV,
		.timeout_s = SYN_TIMEOUT_S,
		.flags = v->flags,
		.fwmark = mark,
		.client = y->client,
		.client_port = y->client_port,
		.virt = y->dst,
		.virt_port = y->dst_port,
		.dest = v->addr,
		.dest_port = v->port != 0 ? v->port : y->dst_port };

	if (sync_msg_add(&e->msg, &c) == -ENOBUFS) {
		early_flush(e);
		(void)sync_msg_add(&e->msg, &c);
	}
	if (atomic_load(&e->small) && e->msg.n >= FEW)
		early_flush(e);
}

void
early_syn(struct early *e, const uint8_t *frame, size_t len, int ifindex,
    uint32_t mark, bool out, usec_t when)
{
	const struct target_server *v;
	const struct target *g;
	struct syn y;

	if (parse(frame, len, &y) < 0)
		return;
	if (!out) {
		note_in(e, &y, mark);
		return;
	}
	g = target_find(e->targets, IPPROTO_TCP, &y.dst, y.dst_port, mark);
	if (g == NULL)
		v = by_nat(e, &y, mark); /* or none of our services */
	else if (!addr_is_none(&y.outer))
		v = target_server(g, &y.outer, 0);
	else
		v = by_card_again(e, g, ifindex, frame);
	if (v == NULL) {
		atomic_fetch_add(&e->unsure, g != NULL);
		return;
	}
	if ((when != 0 && e->now > when + LATE) || !allowed(e))
		atomic_fetch_add(&e->lost, 1);
	else
		tell(e, &y, v, mark);
}

void
early_flush(struct early *e)
{
	if (e->msg.n == 0)
		return;
	if (sync_sock_send(e->fd, &e->msg) == 0)
		atomic_fetch_add(&e->sent, e->msg.n);
	else
		atomic_fetch_add(&e->lost, e->msg.n);
	sync_msg_begin(&e->msg, e->id);
}
