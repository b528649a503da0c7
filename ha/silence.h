/*
 * silence: how long a path may be silent before it is down: until n of the
 * peer's beats are missing, after a hint half of them (one of three). Who
 * allows more misses has machines that stand still now and then, and a machine
 * does when its corosync ends.
 *
 * A beat is missing when it should be here and a margin has passed: as late as
 * beats have been on this path lately, at least a sixteenth of the interval,
 * at most a quarter. It comes on top of each outage, so it is no larger than
 * the network asks for. A serial line's lateness is of what it has to carry;
 * its margin is always the quarter.
 *
 * Pure: no clock. Times in microseconds.
 */
#ifndef HA_SILENCE_H
#define HA_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/usec.h"

struct silence {
	bool known;  /* late means something */
	usec_t late; /* the most, lately; forgotten by a 64th with each beat */
};

/* A path came up: nothing is known of its lateness, the margin is the quarter.
 */
void silence_forget(struct silence *s);

/* A beat came, gap after the one before, of a peer that sends every tb. What is
 * later than half of tb is an early one after one that is missing. */
void silence_note(struct silence *s, usec_t gap, usec_t tb);

/* speed: of a serial line, bit/s; 0: a network. tb: between two signs of life
 * on it. */
usec_t silence_margin(const struct silence *s, uint32_t speed, usec_t tb);

/* in_pace: the line speaks each tb, not in whole beats only. */
usec_t silence_patience(const struct silence *s, uint32_t speed, bool in_pace,
    usec_t tb, unsigned misses, bool hint);

#endif
