/*
 * transition: the record of a change of role: from, to, why, and what each
 * step of it cost; and where a term's table came from.
 */
#ifndef HA_TRANSITION_H
#define HA_TRANSITION_H

#include <stdint.h>

#include "common/usec.h"
#include "ha/decide.h"
#include "ha/role.h"
#include "ha/wire.h"

#define TRANSITIONS_KEPT 16
#define STEPS_MAX 8

struct step {
	const char *name; /* a literal */
	usec_t took;
};

struct transition {
	enum role from, to;
	enum role_event event;
	enum why why;
	uint64_t epoch;
	usec_t at;      /* monotonic */
	usec_t at_real; /* wall clock */
	usec_t silence; /* takeover: since the active was last heard; 0: n/a */
	struct step steps[STEPS_MAX];
	unsigned n_steps;
};

struct transitions {
	struct transition ring[TRANSITIONS_KEPT];
	uint64_t n; /* ever; the last is ring[(n - 1) % TRANSITIONS_KEPT] */
};

enum restored_from { FROM_CONFIG, FROM_REPLICA, FROM_CHECKPOINT };

struct restored {
	enum restored_from from;
	uint64_t epoch, seq;   /* of the table that was restored */
	uint64_t snapshot_seq; /* checkpoint: its snapshot's */
	uint32_t changes;      /* checkpoint: replayed; replica: since snapshot */
	usec_t took;           /* checkpoint: copy, open, verify, replay */
	char file[WIRE_TEXT_LEN];
	char text[WIRE_TEXT_LEN];
};

const char *restored_name(unsigned from);

/* A new record, zeroed, oldest overwritten. */
struct transition *transitions_add(struct transitions *t);
/* The i-th from the newest (0), NULL: not kept. */
const struct transition *transitions_get(
    const struct transitions *t, unsigned i);
void transition_step(struct transition *t, const char *name, usec_t took);

#endif
