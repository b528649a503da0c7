/*
 * tally: what became of the standing connections, counted.
 */
#ifndef PROBER_TALLY_H
#define PROBER_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/usec.h"

#define TALLY_YOUNG (500 * USEC_MS)

/*
 * Longest waits for an answer: of requests answered before the mark, and of those
 * answered after it (or never), by the connection's age when it asked.
 */
enum stall { STALL_BEFORE, STALL_OLD, STALL_YOUNG, STALL__LAST };

struct tally {
	size_t total, kept, reset, hung, bad;
	size_t young_total; /* younger than TALLY_YOUNG at the mark */
	size_t young_reset, young_hung;
	size_t not_opened; /* young ones whose handshake failed */
	size_t recycled;   /* old ones ended by the server's own rules */
	bool marked;
	usec_t max_stall; /* of all */
	usec_t stall[STALL__LAST];
	usec_t *reset_ages; /* `reset` of them */
	size_t reset_cap;
};

/* age: from the handshake to the last answer; 0 if there was none. */
void tally_reset(struct tally *t, usec_t age);
void tally_hung(struct tally *t, usec_t age);
/* age: of the connection when it asked; took: until the answer. */
void tally_stall(struct tally *t, usec_t age, usec_t took);
void tally_done(struct tally *t);

#endif
