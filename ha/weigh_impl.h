/*
 * weigh_impl: what the files of weigh share: weigh.c (events), weigh_measure.c
 * (samples), weigh_decide.c (a decision), weigh_overload.c (who gets nothing),
 * weigh_cause.c (its words). Nobody else includes this.
 */
#ifndef HA_WEIGH_IMPL_H
#define HA_WEIGH_IMPL_H

#include "ha/weigh.h"

#define WEIGH_GAIN_FIRST 0.3
#define WEIGH_GAIN_RESUMED 0.06 /* the weight was right a moment ago */
#define WEIGH_START_PART 0.1 /* of its weight at the beginning */

/* What the policy has to go by. */
enum weigh_known {
	KNOWN_NOT,   /* yet: hold */
	KNOWN_STALE, /* nor will it be soon: back to the configured weight */
	KNOWN_FRESH
};

/* Samples, smoothed: weigh_measure.c. 0 or -EINVAL. */
int weigh_on_took(
    struct weigh *w, struct weigh_server *s, const struct weigh_event *e);
int weigh_on_load(
    struct weigh *w, struct weigh_server *s, const struct weigh_event *e);

bool weigh_fresh(const struct weigh *w, usec_t at, usec_t now);
bool weigh_load_fresh(
    const struct weigh *w, const struct weigh_server *s, usec_t now);

/* The policy moves it: the others neither move nor count. */
bool weigh_moves(const struct weigh_server *s);
bool weigh_serves(const struct weigh_server *s); /* or would, if not out */
bool weigh_in_rotation(const struct weigh_server *s); /* up, not drained */
enum weigh_known weigh_known(
    const struct weigh *w, const struct weigh_server *s, usec_t now);

void weigh_decide(struct weigh *w, usec_t now);
void weigh_decide_out(struct weigh *w, usec_t now); /* nothing but who is out */
void weigh_overload(struct weigh *w, usec_t now); /* a part of that */

/* What is told to the table: whole numbers, or ratios. */
int32_t weigh_output(const struct weigh *w, const struct weigh_server *s);

#endif
