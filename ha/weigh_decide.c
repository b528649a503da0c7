/*
 * weigh_decide: one decision of a policy; weigh.c has the whole in words.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ha/weigh_impl.h"

#define GAIN_MIN 0.04
#define GAIN_MAX 0.6
#define GAIN_UP 1.5
#define GAIN_DOWN 0.6
#define TREND 3        /* decisions one way, before the gain grows */
#define SAMPLES_RESUMED 10
#define SAMPLES 4      /* of a new server, before they count */
#define ROOM_MIN 0.01  /* a full server keeps a little */
#define RATIO_TURN 0.6 /* more than half: no flicker at the edge */

static bool
by_time(const struct weigh *w)
{
	return w->policy.type == POLICY_RESPONSE ||
	    w->policy.type == POLICY_BOTH;
}

static bool
by_load(const struct weigh *w)
{
	return w->policy.type == POLICY_LOAD || w->policy.type == POLICY_BOTH;
}

bool
weigh_fresh(const struct weigh *w, usec_t at, usec_t now)
{
	return at != 0 && now - at <= w->policy.stale;
}

static bool
time_fresh(const struct weigh *w, const struct weigh_server *s, usec_t now)
{
	unsigned need = s->resumed ? SAMPLES_RESUMED : SAMPLES;

	return by_time(w) && s->took > 0 && weigh_fresh(w, s->took_at, now) &&
	    (s->samples >= need || !weigh_fresh(w, s->since, now));
}

bool
weigh_load_fresh(const struct weigh *w, const struct weigh_server *s, usec_t now)
{
	return by_load(w) && s->loaded && weigh_fresh(w, s->load_at, now);
}

enum weigh_known
weigh_known(const struct weigh *w, const struct weigh_server *s, usec_t now)
{
	if (w->policy.type == POLICY_FIXED || time_fresh(w, s, now) ||
	    weigh_load_fresh(w, s, now))
		return KNOWN_FRESH;
	return weigh_fresh(w, s->since, now) ? KNOWN_NOT : KNOWN_STALE;
}

/* Those that the policy moves: the others neither move nor count. */
bool
weigh_moves(const struct weigh_server *s)
{
	return weigh_in_rotation(s) && s->override == WEIGHT_NONE &&
	    s->configured > 0 && !s->sorry;
}

/* What part of its weight without load a server should have with the load that
 * it has. */
static double
room(const struct weigh *w, const struct weigh_server *s)
{
	double at_full = (double)w->policy.at_full / WEIGH_PERCENT;

	return fmax(1 - (1 - at_full) * s->load, ROOM_MIN);
}

/* Means such that the targets add up to what the configured weights do; while
 * somebody is still waited for, to what the weights of the others are. */
static void
find_means(struct weigh *w, usec_t now)
{
	double sum_t = 0, per_t = 0, sum_l = 0, per_l = 0, sum = 0, is = 0;
	double load = 0;
	const struct weigh_server *s;
	bool waiting = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (!weigh_moves(s))
			continue;
		if (weigh_known(w, s, now) == KNOWN_NOT)
			waiting = true;
		if (weigh_known(w, s, now) == KNOWN_FRESH) {
			sum += s->configured;
			is += s->weight;
		}
		if (time_fresh(w, s, now)) {
			sum_t += s->configured;
			per_t += s->configured / s->took;
		}
		if (weigh_load_fresh(w, s, now)) {
			sum_l += s->configured;
			per_l += s->configured * room(w, s);
			load += s->configured * s->load;
		}
	}
	w->mean_took = per_t > 0 ? sum_t / per_t : 0;
	w->mean_room = sum_l > 0 ? per_l / sum_l : 0;
	w->mean_load = sum_l > 0 ? load / sum_l : 0;
	w->scale = waiting && sum > 0 ? is / sum : 1;
}

static double
wanted(const struct weigh *w, struct weigh_server *s, usec_t now)
{
	double t = s->configured;

	switch (weigh_known(w, s, now)) {
	case KNOWN_NOT:
		s->rails |= RAIL_WAIT;
		return s->weight;
	case KNOWN_STALE:
		s->rails |= RAIL_STALE;
		break;
	default:
		if (time_fresh(w, s, now))
			t *= w->mean_took / s->took;
		if (weigh_load_fresh(w, s, now) && w->mean_room > 0)
			t *= room(w, s) / w->mean_room;
		t *= w->scale;
	}
	if (weigh_fresh(w, s->load_at, now))
		t *= s->last.scale / (double)WEIGH_PERCENT;
	return t * s->effect / WEIGH_PERCENT;
}

/* Grows while the weight goes one way, shrinks when it turns. */
static void
adapt_gain(struct weigh_server *s, double way)
{
	int sign = way > 0 ? 1 : -1;

	if (s->trend != 0 && (s->trend > 0) != (sign > 0)) {
		s->gain *= GAIN_DOWN;
		s->trend = sign;
	} else {
		s->trend += sign;
		if (abs(s->trend) >= TREND)
			s->gain *= GAIN_UP;
	}
	if (s->gain < GAIN_MIN)
		s->gain = GAIN_MIN;
	if (s->gain > GAIN_MAX)
		s->gain = GAIN_MAX;
}

static double
gain_of(const struct weigh *w, const struct weigh_server *s)
{
	return w->policy.gain > 0 ? (double)w->policy.gain / WEIGH_PERCENT
	                          : s->gain;
}

/* How far this decision may go, up or down. */
static double
step_of(const struct weigh *w, const struct weigh_server *s)
{
	double base = s->weight > s->configured ? s->weight : s->configured;

	return base * w->policy.step / WEIGH_PERCENT;
}

static void
go(struct weigh *w, struct weigh_server *s)
{
	double way = s->target - s->weight, step = step_of(w, s);

	if (fabs(way) * WEIGH_PERCENT <= w->policy.hysteresis * s->weight ||
	    s->rails & RAIL_WAIT)
		return;
	adapt_gain(s, way);
	if (w->policy.type != POLICY_FIXED)
		way *= gain_of(w, s);
	if (fabs(way) > step) {
		way = way > 0 ? step : -step;
		s->rails |= RAIL_STEP;
	}
	s->weight += way;
}

/* From a tenth of the weight to all of it, in a straight line. */
static double
start_limit(const struct weigh *w, struct weigh_server *s, usec_t now)
{
	double part;

	if (s->started == 0 || now - s->started >= w->policy.slow_start) {
		s->started = 0;
		return WEIGHT_MAX;
	}
	part = (double)(now - s->started) / (double)w->policy.slow_start;
	return s->configured *
	    (WEIGH_START_PART + (1 - WEIGH_START_PART) * part);
}

static void
bound(struct weigh *w, struct weigh_server *s, usec_t now)
{
	double lo = s->configured * (double)w->policy.min / WEIGH_PERCENT;
	double hi = s->configured * (double)w->policy.max / WEIGH_PERCENT;
	double start = start_limit(w, s, now);

	if (lo < 1)
		lo = 1;
	if (hi > WEIGHT_MAX)
		hi = WEIGHT_MAX;
	if (s->weight > start) {
		s->weight = start;
		s->rails |= RAIL_START;
	}
	if (s->target < lo)
		s->rails |= RAIL_MIN;
	if (s->target > hi)
		s->rails |= RAIL_MAX;
	s->weight = fmin(fmax(s->weight, lo), hi);
}

static void
move(struct weigh *w, struct weigh_server *s, usec_t now)
{
	if (s->rails & RAIL_OUT) {
		s->weight = 0; /* at once: it cannot take more */
		return;
	}
	go(w, s);
	bound(w, s, now);
}

/* The one that serves while no other does. */
static void
judge_sorry(struct weigh *w)
{
	struct weigh_server *s, *sorry = NULL;
	bool any = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (s->sorry)
			sorry = s;
		else
			any = any || (weigh_serves(s) &&
			    !(s->rails & RAIL_OUT));
	}
	if (sorry == NULL)
		return;
	sorry->weight = any ? 0 : sorry->configured > 0 ? sorry->configured : 1;
	sorry->rails = RAIL_SORRY;
}

static double
smallest(const struct weigh *w)
{
	double least = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (weigh_moves(&w->servers[i]) && w->servers[i].weight > 0 &&
		    (least == 0 || w->servers[i].weight < least))
			least = w->servers[i].weight;
	return least;
}

int32_t
weigh_output(const struct weigh *w, const struct weigh_server *s)
{
	double least = w->policy.ratio ? w->least : 1, exact;

	if (s->weight <= 0)
		return 0;
	exact = s->weight / (least > 0 ? least : s->weight);
	if (exact < 1)
		return 1;
	if (!w->policy.ratio)
		return (int32_t)(exact + 0.5);
	if (s->told > 0 && fabs(exact - s->told) < RATIO_TURN)
		return s->told;
	return exact < WEIGHT_MAX ? (int32_t)(exact + 0.5) : WEIGHT_MAX;
}

/* Is the difference worth a change? */
static bool
differs(const struct weigh *w, const struct weigh_server *s, int32_t weight)
{
	int32_t was = s->told != WEIGHT_NONE ? s->told
	                                     : (int32_t)s->configured;

	if (weight == was)
		return false;
	if (weight == 0 || was == 0 || w->policy.ratio)
		return true;
	return abs(weight - was) * WEIGH_PERCENT >=
	    (int64_t)w->policy.hysteresis * was;
}

static void
tell(struct weigh *w, struct weigh_server *s)
{
	int32_t weight = weigh_output(w, s);
	char cause[CAUSE_LEN];

	if ((s->configured == 0 && !s->sorry) || s->override != WEIGHT_NONE ||
	    !differs(w, s, weight))
		return;
	(void)weigh_cause(w, s, cause);
	if (w->on_weight(s, weight, cause, w->arg) == 0)
		s->told = weight;
}

void
weigh_decide_out(struct weigh *w, usec_t now)
{
	struct weigh_server *s;
	size_t i;

	weigh_overload(w, now);
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (weigh_moves(s) && s->rails & RAIL_OUT)
			s->weight = 0;
	}
	judge_sorry(w);
	for (i = 0; i < w->n; i++)
		if (w->servers[i].rails & (RAIL_OUT | RAIL_SORRY))
			tell(w, &w->servers[i]);
}

void
weigh_decide(struct weigh *w, usec_t now)
{
	struct weigh_server *s;
	size_t i;

	find_means(w, now);
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		s->rails = 0;
		s->sorry = strcmp(s->name, w->policy.sorry) == 0;
		s->target = weigh_moves(s) ? wanted(w, s, now) : s->weight;
	}
	weigh_overload(w, now);
	for (i = 0; i < w->n; i++)
		if (weigh_moves(&w->servers[i]))
			move(w, &w->servers[i], now);
	judge_sorry(w);
	w->least = smallest(w);
	for (i = 0; i < w->n; i++)
		tell(w, &w->servers[i]);
	w->last = now;
}
