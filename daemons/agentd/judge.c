/*
 * judge: thresholds and hysteresis.
 */
#include "daemons/agentd/judge.h"

#include <stdio.h>

#define PERCENT (SENSOR_FULL / 100)

/* The first metric above its limit less margin; LOAD__METRICS: none. */
static enum load_metric
above(const struct judge_conf *c, const struct load *l, unsigned margin)
{
	unsigned i, limit;

	for (i = 0; i < LOAD__METRICS; i++) {
		limit = c->limit[i] > margin ? c->limit[i] - margin : 0;
		if (c->limit[i] > 0 && l->has[i] &&
		    l->metric[i] >= limit * PERCENT)
			return i;
	}
	return LOAD__METRICS;
}

bool
judge_sample(struct judge *j, const struct judge_conf *c, const struct load *l)
{
	enum load_metric m = above(c, l, j->overloaded ? c->recover : 0);
	bool says = m != LOAD__METRICS;

	if (says == j->overloaded) {
		j->streak = 0;
		return false;
	}
	if (++j->streak < c->hold)
		return false;
	j->overloaded = says;
	j->streak = 0;
	j->why[0] = '\0';
	if (says)
		(void)snprintf(j->why, sizeof(j->why), "%s %u%% of %u%%",
		    load_metric_name(m), (unsigned)l->metric[m] / PERCENT,
		    (unsigned)c->limit[m]);
	return true;
}

unsigned
judge_percent(const struct load *l)
{
	unsigned i, most = 0;

	for (i = 0; i < LOAD__METRICS; i++)
		if ((i == LOAD_CPU || i == LOAD_MEMORY) && l->has[i] &&
		    l->metric[i] > most)
			most = l->metric[i];
	most = 100 - most / PERCENT;
	return most > 0 ? most : 1;
}
