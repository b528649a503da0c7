/*
 * pace: see pace.h. What was sent fills a bucket that leaks at the rate of the
 * fifth: a beat is sent into an empty one only, a pulse while at most a beat
 * is in it.
 */
#include "ha/pace.h"

#include "ha/beat.h"
#include "ha/pulse.h"
#include "ha/serial_frame.h"

#define SHARE 5	      /* a fifth */
#define PULSE_PARTS 4 /* of which pulses take three quarters */
#define PULSE_PARTS_OF 3
#define BITS 10	     /* a byte on the line: start, 8, stop */
#define BEAT_LEN 180 /* a beat with a long instance name */
#define HANDSHAKE 6  /* beats on the line, one after the other */

usec_t
pace_wire(uint32_t speed, size_t payload)
{
	if (speed == 0)
		return 0;
	return (SERIAL_WIRE(payload) * BITS * USEC_S + speed - 1) / speed;
}

usec_t
pace_hold_up(uint32_t speed)
{
	return pace_wire(speed, BEAT_LEN);
}

static usec_t
fifth(uint32_t speed, size_t payload)
{
	return pace_wire(speed, payload) * SHARE;
}

usec_t
pace_interval(uint32_t speed, usec_t tb)
{
	usec_t least = fifth(speed, PULSE_BYTES) * PULSE_PARTS / PULSE_PARTS_OF;

	return least <= tb ? tb : (least + tb - 1) / tb * tb;
}

usec_t
pace_beats_only(uint32_t speed, usec_t tb)
{
	return speed == 0 ? 0 : fifth(speed, BEAT_LEN) + tb;
}

uint64_t
pace_echo_window(uint32_t speed, usec_t tb)
{
	uint64_t n = fifth(speed, BEAT_LEN) * HANDSHAKE / tb;

	return n > BEAT_ECHO_WINDOW ? n : 0;
}

/* Is it time for a beat? */
static bool
beat_due(const struct pace *p, usec_t now, bool news, enum pace_heard heard)
{
	if (p->beat == 0 || now - p->beat >= PACE_BEAT_AGAIN)
		return true;
	return heard == PACE_UNHEARD || (heard == PACE_HERE && news);
}

enum pace_what
pace_choose(const struct pace *p, usec_t now, usec_t tb, bool news,
    enum pace_heard heard)
{
	usec_t interval = pace_interval(p->speed, tb);

	if (p->speed == 0)
		return PACE_BEAT;
	if (p->free_at <= now && beat_due(p, now, news, heard))
		return PACE_BEAT;
	/* Ticks come a little early or late. */
	if (heard == PACE_HERE && now - p->spoke + tb / 2 >= interval &&
	    p->free_at <= now + fifth(p->speed, BEAT_LEN))
		return PACE_PULSE;
	return PACE_NOTHING;
}

void
pace_sent(struct pace *p, usec_t now, enum pace_what what, size_t payload)
{
	if (p->speed == 0)
		return;
	if (p->free_at < now)
		p->free_at = now;
	p->free_at += fifth(p->speed, payload);
	p->spoke = now;
	if (what == PACE_BEAT)
		p->beat = now;
}
