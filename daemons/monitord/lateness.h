/*
 * lateness: how late our own timers fire, as a histogram with steps of an
 * eighth. A monitor that is late itself must not blame the servers for it.
 */
#ifndef MONITORD_LATENESS_H
#define MONITORD_LATENESS_H

#include "common/usec.h"

#define LATENESS_BUCKETS 256

struct lateness {
	uint32_t buckets[LATENESS_BUCKETS];
	uint64_t n;
	usec_t max;
};

void lateness_add(struct lateness *l, usec_t late);

/* The lateness that permille of all stayed within, at most an eighth too
 * large; 0 if there were none. */
usec_t lateness_quantile(const struct lateness *l, unsigned permille);

#endif
