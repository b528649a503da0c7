/*
 * pace: see pace.h. Used by attempts.c and standing.c from their ticks.
 */
#include "test/prober/pace.h"

usec_t
pace_next(const struct pace *p)
{
	return p->start + p->slot * USEC_S / p->rate;
}

bool
pace_take(struct pace *p, usec_t now, usec_t *ret_scheduled)
{
	usec_t due, late;

	for (due = pace_next(p); due <= now; due = pace_next(p)) {
		late = now - due;
		p->slot++;
		p->max_late = late > p->max_late ? late : p->max_late;
		p->noisy += late > PACE_NOISE;
		if (late <= PACE_CATCH_UP) {
			*ret_scheduled = due;
			return true;
		}
		p->skipped++;
	}
	return false;
}
