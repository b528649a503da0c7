/*
 * loop_fake: common/loop.h on a fake clock. Link loop_fake.o and the real loop
 * stays in its archive. Several loops, one for each simulated process, share a
 * clock; loop_new() makes one with a clock of its own.
 *
 * Each loop counts from its own origin, as two machines do. A paused loop runs
 * nothing; when it goes on, timers that are due come before what has arrived,
 * as in the real loop, where the timers have the higher priority.
 */
#ifndef TEST_FAKE_LOOP_FAKE_H
#define TEST_FAKE_LOOP_FAKE_H

#include <stdbool.h>

#include "common/loop.h"

struct fake_clock {
	usec_t now;      /* the world's time */
	uint64_t rng;    /* decides among what is due at one instant; 0: never */
	struct loop **loops;
	size_t n;
	uint64_t fired;
};

void fake_clock_init(struct fake_clock *c, uint64_t seed);
void fake_clock_done(struct fake_clock *c); /* loops freed before */

/* Fires everything that is due up to then, and leaves the clock there. */
void fake_clock_run(struct fake_clock *c, usec_t until);

/* origin: this loop's monotonic time when the clock shows 0. user: for the
 * fakes behind it, see loop_fake_user(). */
struct loop *loop_fake_new(struct fake_clock *c, usec_t origin, void *user);
void *loop_fake_user(const struct loop *l);
struct fake_clock *loop_fake_clock(const struct loop *l);

void loop_fake_pause(struct loop *l, bool paused); /* SIGSTOP, SIGCONT */
bool loop_fake_paused(const struct loop *l);
void loop_fake_set_real(struct loop *l, usec_t real); /* the wall clock jumps */

/* What arrives: like a timer, but after the timers. When is on the world's
 * clock. */
void io_at(struct timer *t, usec_t when);
void io_stop(struct timer *t);

/* Small and good enough: splitmix64. */
uint64_t fake_random(uint64_t *state);
double fake_chance(uint64_t *state); /* 0 to below 1 */

#endif
