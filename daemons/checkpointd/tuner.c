/*
 * tuner: samples into means, and means into a choice.
 */
#include "daemons/checkpointd/tuner.h"

#include <math.h>

#define WEIGHT 0.25          /* of a new sample */
#define REPLAY_GUESS 1e-5    /* seconds, before anything was measured */
#define REPLAY_MOST USEC_MS  /* more was the storage's or another's doing */
#define LOAD_LEAST 100       /* changes that make a load worth believing */
#define RATE_OVER 300.0      /* seconds */
#define RATE_EVERY USEC_S

static double
seconds(usec_t t)
{
	return (double)t / USEC_S;
}

static void
mean(double *m, double sample)
{
	*m += *m == 0 ? sample : (sample - *m) * WEIGHT;
}

void
tuner_snapshot(struct tuner *t, usec_t took)
{
	mean(&t->cost, seconds(took > 0 ? took : 1));
}

/* Writing a change makes its sum and puts a row into a page; reading it checks
 * the sum and gets the row from there; both apply it to the table. */
void
tuner_change(struct tuner *t, usec_t took)
{
	t->n++;
	if (!t->loaded && took < REPLAY_MOST)
		t->replay += t->replay == 0
				 ? seconds(took)
				 : (seconds(took) - t->replay) / 64;
}

void
tuner_load(struct tuner *t, uint32_t changes, usec_t took)
{
	if (changes < LOAD_LEAST)
		return;
	if (!t->loaded)
		t->replay = 0;
	t->loaded = true;
	mean(&t->replay, seconds(took) / changes);
}

void
tuner_rate(struct tuner *t, usec_t now)
{
	double dt, sample;

	if (t->since != 0 && now - t->since < RATE_EVERY)
		return;
	if (t->since != 0) {
		dt = seconds(now - t->since);
		sample = (double)t->n / dt;
		t->rate += t->rated
			       ? (sample - t->rate) * (1 - exp(-dt / RATE_OVER))
			       : sample;
		t->rated = true;
	}
	t->since = now;
	t->n = 0;
}

/* Bounded, for the wire and for people. */
static uint64_t
whole(double v)
{
	return v > 0 ? (uint64_t)fmin(v, 1e15) : 0;
}

usec_t
tuner_choose(const struct tuner *t, usec_t mtbf, const struct history *h,
    usec_t real, uint32_t rows, struct store_auto *ret)
{
	usec_t watched;
	unsigned failures = history_failures(h, real, &watched);
	struct interval_in in = { .cost = t->cost,
		.replay = t->replay > 0 ? t->replay : REPLAY_GUESS,
		.rate = t->rate,
		.mtbf = interval_mtbf(
		    seconds(mtbf), failures, seconds(watched)),
		.rows = rows };
	struct interval_out out;

	interval_choose(&in, &out);
	*ret = (struct store_auto){ .cost_us = whole(in.cost * 1e6),
		.replay_ns = whole(in.replay * 1e9),
		.rate_hour = whole(in.rate * 3600 + 0.5),
		.mtbf_s = whole(in.mtbf),
		.failures = failures,
		.young_ms = whole(out.young * 1e3),
		.daly_ms = whole(out.daly * 1e3),
		.optimum_ms = whole(out.optimum * 1e3),
		.chosen_ms = out.chosen / USEC_MS,
		.bound = (uint8_t)out.bound,
		.loaded = t->loaded };
	return out.chosen;
}
