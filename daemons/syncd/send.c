/*
 * send: the whole map to a standby that asked, in datagrams of many connections
 * each, and few at a time: the other syncd says when its kernel has taken them.
 * The backup thread's socket holds only 90 of them or so, and that thread does
 * not give up the CPU before it is empty: on a machine with one CPU and a
 * kernel without preemption nothing else would run, no beats either. The socket
 * is made for this one sending: by its port the standby tells these datagrams
 * from others, and counts them.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/syncd/syncd.h"

#define RATE 50000 /* connections in a second */
#define RATE_MIN 2000
#define STEP (5 * USEC_MS)
#define BURST 450 /* connections in one step */
#define WINDOW 16     /* datagrams on the way */
#define SILENT (200 * USEC_MS)
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
		    &s->map, &p->at, 1, loop_turn(s->loop), add, p);
	return more;
}

static void
close_socket(struct pass *p)
{
	watch_free(p->watch);
	p->watch = NULL;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

/* Our map takes no large datagrams that leave meanwhile: early.c makes none. */
static void
set_on(struct syncd *s, bool on)
{
	s->pass.on = on;
	atomic_store(&s->early.small, on);
}

static void
finish(struct syncd *s)
{
	struct pass *p = &s->pass;

	close_socket(p);
	set_on(s, false);
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

/* Not more on the way than the other's backup thread holds. Who says nothing
 * for a while has lost them, or does not say it: go on, slowly. */
static bool
window_open(struct syncd *s)
{
	struct pass *p = &s->pass;
	usec_t now = loop_turn(s->loop);

	if (p->done.datagrams - p->acked < WINDOW)
		return true;
	if (now - p->acked_at < SILENT)
		return false;
	p->acked = p->done.datagrams;
	p->acked_at = now;
	return true;
}

static void
on_step(void *arg)
{
	struct syncd *s = arg;
	struct pass *p = &s->pass;
	usec_t took = loop_now(s->loop) - p->paced;
	uint64_t from = p->done.conns, due = from + took * p->rate / USEC_S;

	if (due > from + BURST)
		due = from + BURST; /* lost time is not made up for at once */
	p->paced += took;
	timer_in(&p->timer, STEP);
	while (p->on && p->done.conns <= due && window_open(s))
		if (!send_one(s))
			break;
	if (!p->on)
		timer_stop(&p->timer);
}

static void
on_ack(int fd, int revents, void *arg)
{
	struct syncd *s = arg;
	struct pass *p = &s->pass;
	uint8_t mem[SYNC_ACK_BYTES] = { 0 };
	struct buf b = buf_reader(mem, sizeof(mem));
	uint32_t n;

	(void)revents;
	if (recv(fd, mem, sizeof(mem), MSG_DONTWAIT) != sizeof(mem) ||
	    get_u32(&b) != SYNC_ACK_MAGIC)
		return;
	n = get_u32(&b);
	if (n <= p->acked || n > p->done.datagrams)
		return;
	p->acked = n;
	p->acked_at = loop_now(s->loop);
	on_step(s); /* at once: a timer may be a tick of 10 ms */
}

static unsigned
rate_of(uint32_t try_n)
{
	unsigned rate = try_n < 8 ? RATE >> try_n : 0;

	return rate < RATE_MIN ? RATE_MIN : rate;
}

void
pass_init(struct syncd *s)
{
	timer_init(&s->pass.timer, s->loop, on_step, s);
}

void
pass_start(struct syncd *s, const struct sync_peer *want)
{
	struct pass *p = &s->pass;
	uint16_t port = 0;
	int rc;

	if (want->nonce == p->nonce && want->nonce == p->done.nonce) {
		syncd_tell_peer(s, &p->done); /* it did not hear of the end */
		return;
	}
	if (p->on && want->nonce == p->nonce)
		return;
	pass_stop(s);
	rc = p->fd = sync_sock_open(s->device, false, &port);
	if (rc >= 0)
		rc = watch_new(s->loop, p->fd, POLLIN, on_ack, s, &p->watch);
	if (rc < 0) {
		log_warning("resync=failed why=\"%s\"", err_text(rc));
		pass_stop(s);
		return;
	}
	p->nonce = want->nonce;
	p->rate = rate_of(want->try_n);
	p->at = 0;
	p->start = p->paced = p->acked_at = loop_now(s->loop);
	p->acked = 0;
	p->done = (struct sync_peer){ .port = port };
	sync_msg_begin(&p->msg, s->id);
	set_on(s, true);
	s->state.again += want->try_n > 0;
	syncd_phase(s, SYNC_PHASE_SENDING);
	timer_in(&p->timer, 0);
}

void
pass_stop(struct syncd *s)
{
	struct pass *p = &s->pass;

	timer_stop(&p->timer);
	close_socket(p);
	set_on(s, false);
	p->nonce = 0;
}
