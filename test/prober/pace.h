/*
 * pace: an absolute schedule of N slots a second. A late prober catches up on
 * slots at most PACE_CATCH_UP old and skips older ones: connections started in
 * a burst long after their time would say nothing about that time.
 */
#ifndef PROBER_PACE_H
#define PROBER_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/usec.h"

#define PACE_CATCH_UP (20 * USEC_MS)
#define PACE_NOISE (5 * USEC_MS)

struct pace {
	usec_t start;
	unsigned long rate; /* above 0 */
	uint64_t slot;      /* the next one */
	usec_t max_late;
	size_t noisy;   /* slots begun more than PACE_NOISE late */
	size_t skipped; /* never begun */
};

usec_t pace_next(const struct pace *p); /* when the next slot is due */

/* Takes the next slot if it is due; skips those too old. */
bool pace_take(struct pace *p, usec_t now, usec_t *ret_scheduled);

#endif
