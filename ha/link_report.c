/*
 * link_report: see link_report.h. Body, big-endian: u8 role, u16 flags, u64
 * epoch, table epoch, seq.
 */
#include "ha/link_report.h"

#include "common/buf.h"
#include "ha/director_impl.h"

#define REPORT_BYTES (1 + 2 + 3 * 8)

void
link_report_send(struct director *d)
{
	uint8_t mem[REPORT_BYTES];
	struct buf w = buf_writer(mem, sizeof(mem));
	struct beat b = { 0 };

	if (!d->members.connected || !d->members.peer)
		return;
	director_fill(&b, d);
	put_u8(&w, b.role);
	put_u16(&w, b.flags);
	put_u64(&w, b.epoch);
	put_u64(&w, b.table_epoch);
	put_u64(&w, b.seq);
	(void)d->ports.link->send(
	    d->ports.link_ctx, MSG_PEER_REPORT, mem, w.pos);
}

static void
on_tick(void *arg)
{
	struct director *d = arg;

	timer_in(&d->link_report.tick, LINK_REPORT_EVERY);
	link_report_send(d);
}

void
link_report_start(struct director *d)
{
	timer_init(&d->link_report.tick, d->loop, on_tick, d);
	timer_in(&d->link_report.tick, LINK_REPORT_EVERY);
}

void
link_report_stop(struct director *d)
{
	timer_stop(&d->link_report.tick);
}

void
link_report_forget(struct director *d)
{
	d->link_report.heard = 0;
	d->link_report.silent = loop_now(d->loop);
}

void
link_report_on(struct director *d, const void *body, size_t len)
{
	struct buf r = buf_reader(body, len);
	struct beat b = { 0 };

	b.role = get_u8(&r);
	b.flags = get_u16(&r);
	b.epoch = get_u64(&r);
	b.table_epoch = get_u64(&r);
	b.seq = get_u64(&r);
	if (r.bad || buf_left(&r) != 0 || b.role >= ROLE__LAST)
		return;
	d->link_report.said = b;
	d->link_report.heard = loop_now(d->loop);
	director_heard_of(d, &b);
}

bool
link_report_counts(const struct director *d)
{
	const struct link_report *r = &d->link_report;

	return r->heard != 0 && !beats_any_up(&d->beats) &&
	       d->members.connected && d->members.peer &&
	       r->heard > r->silent &&
	       loop_turn(d->loop) - r->heard < LINK_REPORT_STALE;
}
