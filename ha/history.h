/*
 * history: changes of role as they are kept beyond the life of a manager: in
 * the checkpoint, where `yoke checkpoint history` and others find them. Words
 * instead of numbers, so that a later version reads what an earlier one wrote.
 */
#ifndef HA_HISTORY_H
#define HA_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "ha/transition.h"

#define HISTORY_KEPT 200 /* records, over all terms */
#define HISTORY_WORD 24
#define HISTORY_BYTES_MAX 768

struct history_step {
	char name[HISTORY_WORD];
	usec_t took;
};

struct history_record {
	uint64_t epoch; /* of the table afterwards */
	usec_t at;      /* wall clock of the director that changed */
	uint32_t node;
	char from[HISTORY_WORD], to[HISTORY_WORD];
	char event[HISTORY_WORD], why[HISTORY_WORD];
	usec_t silence; /* takeover: since the active was last heard; 0: n/a */
	struct history_step steps[STEPS_MAX];
	uint8_t n_steps;
};

void history_record_of(
    const struct transition *t, uint32_t node, struct history_record *ret);

/* STORE_ROLE's body, and a row's. unpack: 0 or -EBADMSG, *ret untouched. */
void history_record_pack(struct buf *b, const struct history_record *r);
int history_record_unpack(struct buf *b, struct history_record *ret);

/* The active one fell silent, was killed or died: a failure in the sense of
 * the mean time between failures, as opposed to a wish. */
bool history_is_failure(const struct history_record *r);

/* The newest HISTORY_KEPT, oldest first. Order: term, then time within it, so
 * that a clock set back moves nothing across terms. */
struct history {
	size_t n;
	struct history_record v[HISTORY_KEPT];
};

/* A copy of r where it belongs; the oldest gives way. False: it was there, or
 * is older than all of a full history. */
bool history_add(struct history *h, const struct history_record *r);

/* Failures in it, and for how long it was watched: from the first record to
 * now, in usec; 0 without records or when clocks make no sense. */
unsigned history_failures(
    const struct history *h, usec_t now, usec_t *ret_watched);

#endif
