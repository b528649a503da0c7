/*
 * tuner: measures what Tc depends on, for interval.c: what a snapshot costs,
 * what replaying a change costs, and how often the table changes. Means that
 * forget: a new sample counts for a quarter; the rate looks back 5 minutes.
 */
#ifndef CHECKPOINTD_TUNER_H
#define CHECKPOINTD_TUNER_H

#include <stdbool.h>

#include "daemons/checkpointd/interval.h"
#include "ha/history.h"
#include "ha/wire.h"

struct tuner {
	double cost;   /* of a snapshot, seconds; 0: none made yet */
	double replay; /* of a change, seconds; 0: not measured */
	bool loaded;   /* ... at a load; else by what writing one takes */
	double rate;   /* changes per second */
	bool rated;
	usec_t since;  /* monotonic; of n */
	uint64_t n;    /* changes since then */
};

void tuner_snapshot(struct tuner *t, usec_t took);
void tuner_change(struct tuner *t, usec_t took); /* one applied and written */
void tuner_load(struct tuner *t, uint32_t changes, usec_t took);
void tuner_rate(struct tuner *t, usec_t now); /* now and then; monotonic */

/* Tc from what was measured, and all of it into ret. real: wall clock. */
usec_t tuner_choose(const struct tuner *t, usec_t mtbf,
    const struct history *h, usec_t real, uint32_t rows,
    struct store_auto *ret);

#endif
