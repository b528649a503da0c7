/*
 * pace: how often a path may speak. A network carries a beat each Tb. A serial
 * line of S bit/s carries S/10 bytes/s (8N1: ten bits a byte), of which yoke
 * takes a fifth at most, so that what it sends is never old in a queue. A whole
 * beat would take 65 ms of that fifth at 115200, longer than n beats of a
 * fast pair; so between beats a line carries pulses (pulse.h), and a beat when
 * there is news, or every so often. Pulses may take three quarters of the
 * fifth: one per 10 ms at 115200, one per 120 ms at 9600.
 *
 * A director that does not hear the line while it hears us elsewhere gets a beat
 * every so often and no more, news or not; so does one that was not heard for as
 * long anywhere. Its terminal may not be read at all (the kernel's worker that
 * does it waits behind real-time work there, or its manager hangs), and
 * what it holds unread must stay far from the 4 KiB at which it stops its
 * driver: that is never good, and User Mode Linux's never starts again.
 *
 * Both directors derive a line's interval from its speed (the configuration
 * holds it equal on both) and the sender's Tb, which each beat tells.
 * Pure: no clock.
 */
#ifndef HA_PACE_H
#define HA_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

#define PACE_BEAT_AGAIN (USEC_S / 2) /* a beat without news, at the latest */

enum pace_what { PACE_NOTHING, PACE_PULSE, PACE_BEAT };

/* Does the peer hear us? */
enum pace_heard {
	PACE_UNHEARD,	/* nobody knows: it may not know us yet */
	PACE_ELSEWHERE, /* on another path only, or nowhere for long */
	PACE_HERE	/* on this one: a pulse means something to it */
};

struct pace {
	uint32_t speed;	    /* bit/s; 0: a network */
	usec_t free_at;	    /* when all that was sent is within the fifth */
	usec_t spoke, beat; /* last frame, last beat */
};

/* Time between two signs of life: tb on a network, else a multiple of it. */
usec_t pace_interval(uint32_t speed, usec_t tb);

/* How long the line takes to carry a payload, frame included. 0: a network. */
usec_t pace_wire(uint32_t speed, size_t payload);

/* How long a beat can hold up the pulse behind it. 0: a network. */
usec_t pace_hold_up(uint32_t speed);

/* Time between two beats to a peer that may not know us yet, and to which no
 * pulse means anything. 0: a network. */
usec_t pace_beats_only(uint32_t speed, usec_t tb);

/* How many beats of tb an echo can be old that came on this line; 0: a
 * network's. */
uint64_t pace_echo_window(uint32_t speed, usec_t tb);

/* What to send now, a tick of tb or news. */
enum pace_what pace_choose(const struct pace *p, usec_t now, usec_t tb,
    bool news, enum pace_heard heard);

/* It was sent. */
void pace_sent(struct pace *p, usec_t now, enum pace_what what, size_t payload);

#endif
