/*
 * judge: is this server overloaded? By its own thresholds, with hysteresis:
 * above one for `hold` samples in a row it is, until it was `recover` below all
 * of them for as many.
 */
#ifndef AGENTD_JUDGE_H
#define AGENTD_JUDGE_H

#include "daemons/agentd/sensors.h"

struct judge_conf {
	unsigned limit[LOAD__METRICS]; /* percent; 0: none */
	unsigned recover;              /* points of percent */
	unsigned hold;                 /* samples */
};

struct judge {
	bool overloaded;
	unsigned streak;
	char why[64]; /* "memory 93% of 90%"; "": it is not */
};

/* One more sample. True: the judgement turned. */
bool judge_sample(struct judge *j, const struct judge_conf *c,
    const struct load *l);

/* Percent of its weight to ask for, what HAProxy is told: what is free of
 * processor or memory, the less of them. At least 1. */
unsigned judge_percent(const struct load *l);

#endif
