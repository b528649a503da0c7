/*
 * send: the whole map to a standby that asked, in datagrams of many connections
 * each, at a pace that its backup thread keeps up with (its socket holds about
 * 90 of them). The socket is made for this one sending: by its port the standby
 * tells these datagrams from others, and counts them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/syncd/syncd.h"

#define RATE 80000 /* connections in a second */
#define RATE_MIN 2000
#define STEP (5 * USEC_MS)
#define BURST 1200    /* connections in one step */
#define CONN_BYTES 72 /* of the largest, IPv6 */

static void
add(void *arg, const struct sync_conn *c)
{
	struct pass *p = arg;

	if (sync_msg_add(&p->msg, c) == 0)
		p->done.conns++;
}

/* Fills the datagram; false: the map is at its end. */
static bool
fill(struct syncd *s)
{
	struct pass *p = &s->pass;
	bool more = true;

	while (more && p->msg.len + CONN_BYTES <= sizeof(p->msg.bytes))
		more = conn_map_walk(
		    &s->map, &p->at, 1, loop_now(s->loop), add, p);
	return more;
}

static void
finish(struct syncd *s)
{
	struct pass *p = &s->pass;

	p->on = false;
	(void)close(p->fd);
	p->fd = -1;
	p->done.type = SYNC_DONE;
	p->done.nonce = p->nonce;
	p->done.ms = (uint32_t)((loop_now(s->loop) - p->start) / USEC_MS);
	s->state.resyncs++;
	s->state.resync_conns = p->done.conns;
	s->state.resync_ms = p->done.ms;
	syncd_tell_peer(s, &p->done);
	syncd_phase(s, SYNC_PHASE_READY);
	log_notice("resync=sent connections=%llu datagrams=%u ms=%u",
	    (unsigned long long)p->done.conns, p->done.datagrams, p->done.ms);
}

/* One datagram. False: no more now. */
static bool
send_one(struct syncd *s)
{
	struct pass *p = &s->pass;
	bool more = fill(s);
	int rc = p->msg.n > 0 ? sync_sock_send(p->fd, &p->msg) : 0;

	if (rc == -EAGAIN)
		return false; /* with what is in it, later */
	if (rc < 0)
		log_warning("resync=failing why=\"%s\"", err_text(rc));
	p->done.datagrams += p->msg.n > 0; /* one not sent will be missed */
	sync_msg_begin(&p->msg, s->id);
	if (more)
		return true;
	finish(s);
	return false;
}

static void
on_step(void *arg)
{
	struct syncd *s = arg;
	struct pass *p = &s->pass;
	usec_t took = loop_now(s->loop) - p->start;
	uint64_t due = took * p->rate / USEC_S, from = p->done.conns;

	timer_in(&p->timer, STEP);
	while (p->on && p->done.conns <= due && p->done.conns - from < BURST)
		if (!send_one(s))
			break;
	/* What could not be sent in time is not made up for at once. */
	if (p->on && p->done.conns < due)
		p->start = loop_now(s->loop) - p->done.conns * USEC_S / p->rate;
	if (!p->on)
		timer_stop(&p->timer);
}

static unsigned
rate_of(uint32_t try_n)
{
	unsigned rate = try_n < 8 ? RATE >> try_n : 0;

	return rate < RATE_MIN ? RATE_MIN : rate;
}

void
pass_start(struct syncd *s, const struct sync_peer *want)
{
	struct pass *p = &s->pass;
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);

	if (want->nonce == p->nonce && want->nonce == p->done.nonce) {
		syncd_tell_peer(s, &p->done); /* it did not hear of the end */
		return;
	}
	if (p->on && want->nonce == p->nonce)
		return;
	pass_stop(s);
	p->fd = sync_sock_open(s->device, false);
	/* The port is chosen when it is connected. */
	if (p->fd < 0 ||
	    getsockname(p->fd, (struct sockaddr *)&own, &len) < 0) {
		log_warning("resync=failed why=\"%s\"",
		    err_text(p->fd < 0 ? p->fd : -errno));
		pass_stop(s);
		return;
	}
	p->nonce = want->nonce;
	p->rate = rate_of(want->try_n);
	p->at = 0;
	p->start = loop_now(s->loop);
	p->done = (struct sync_peer){ .port = ntohs(own.sin_port) };
	sync_msg_begin(&p->msg, s->id);
	p->on = true;
	s->state.again += want->try_n > 0;
	syncd_phase(s, SYNC_PHASE_SENDING);
	timer_init(&p->timer, s->loop, on_step, s);
	timer_in(&p->timer, 0);
}

void
pass_stop(struct syncd *s)
{
	struct pass *p = &s->pass;

	timer_stop(&p->timer);
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	p->on = false;
	p->nonce = 0;
}
