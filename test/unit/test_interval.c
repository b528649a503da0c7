/*
 * test_interval: Daly's own numbers, what the formula is the minimum of, and
 * the bounds.
 */
#include <math.h>

#include "common/mem.h"
#include "daemons/checkpointd/interval.h"
#include "test/tap.h"

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0

/* J. T. Daly, FGCS 22 (2006), figures 3 to 5: a dump takes 5 minutes; "the new
 * model predicts" 117, 57 and 9.1 minutes for a failure each 24 h, 6 h, 15 min.
 * And where a dump takes longer than two failures are apart, M. */
static void
test_published(void)
{
	static const struct {
		double cost, mtbf, want, digits;
	} rows[] = {
		{ 5 * MINUTE, 24 * HOUR, 117, 1 },
		{ 5 * MINUTE, 6 * HOUR, 57, 1 },
		{ 5 * MINUTE, 15 * MINUTE, 9.1, 10 },
		{ 5 * MINUTE, 2 * MINUTE, 2, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		double got = interval_daly(rows[i].cost, rows[i].mtbf) / MINUTE;

		ok(round(got * rows[i].digits) ==
			round(rows[i].want * rows[i].digits),
		    "M = %.2f h: %.2f min, published %.1f",
		    rows[i].mtbf / HOUR, got, rows[i].want);
	}
}

/* The interval of least loss by trying all, a thousandth apart. */
static double
best(const struct interval_in *in)
{
	double tc, at = 0, least = INFINITY;

	for (tc = 1e-3; tc < 1e9; tc *= 1.001)
		if (interval_loss(in, tc) < least) {
			least = interval_loss(in, tc);
			at = tc;
		}
	return at;
}

/* Not by the formula: lives of an active director, failure after failure, each
 * at a moment of a fine grid; the mean loss per second of life. */
static double
lived(const struct interval_in *in, double tc)
{
	double spent = 0, life = 0, at;
	int i, grid = 20000;

	for (i = 0; i < grid; i++) { /* lives of M (1/2 to 3/2) */
		at = in->mtbf * (0.5 + (i + 0.5) / grid);
		spent += floor(at / tc) * in->cost +
		    fmod(at, tc) * in->rate * in->replay;
		life += at;
	}
	return spent / life;
}

static void
test_minimum(void)
{
	static const double costs[] = { 0.0005, 0.02, 0.5 };
	static const double rates[] = { 0.01, 1, 50 };
	static const double replays[] = { 2e-6, 2e-5, 1e-3 };
	struct interval_out out;
	unsigned i, bad = 0, worse = 0;
	double b;

	for (i = 0; i < 27; i++) {
		struct interval_in in = { costs[i % 3], replays[i / 3 % 3],
			rates[i / 9], DAY, INFINITY };

		interval_choose(&in, &out);
		b = best(&in);
		if (fabs(out.optimum - b) > 0.01 * b)
			printf("# %u: %g, best %g\n", i, out.optimum, b);
		bad += fabs(out.optimum - b) > 0.01 * b;
		worse += lived(&in, out.optimum) >
		    fmin(lived(&in, out.optimum * 2),
			lived(&in, out.optimum / 2));
	}
	is_int(bad, 0, "27 cases: within 1%% of the best of all intervals");
	is_int(worse, 0, "lives played out cost more with half or twice of it");
}

static void
test_papers(void)
{
	struct interval_in in = { 300, 0.01, 100, DAY, INFINITY };
	struct interval_out out;

	interval_choose(&in, &out);
	ok(out.optimum == out.daly,
	    "where replaying takes as long as living, it is Daly's");
	ok(out.young == sqrt(2 * 300 * DAY), "Young's");
	in.cost = 0.02;
	in.replay = 1e-5;
	in.rate = 10;
	interval_choose(&in, &out);
	ok(fabs(out.optimum - out.young / sqrt(1e-4)) < 0.001 * out.optimum,
	    "else close to Young's over the root of the share of replay");
}

static void
test_bounds(void)
{
	static const struct {
		struct interval_in in;
		usec_t want;
		enum tc_bound bound;
	} rows[] = {
		/* cost  replay rate   mtbf       rows */
		{ { 0.02, 1e-5, 0, 30 * DAY, 20000 }, INTERVAL_HIGHEST,
			TC_HIGHEST },
		{ { 0.02, 0, 5, 30 * DAY, 2e9 }, INTERVAL_HIGHEST,
			TC_HIGHEST },
		{ { 0.02, 0, 5000, 30 * DAY, 20000 }, 4 * USEC_S, TC_ROWS },
		{ { 0.02, 1e-5, 1e6, 30 * DAY, 20000 }, INTERVAL_LOWEST,
			TC_LOWEST },
		{ { 0, 1e-5, 1, DAY, 20000 }, INTERVAL_LOWEST, TC_LOWEST },
		{ { 0, 0, 0, 0, 20000 }, INTERVAL_HIGHEST, TC_HIGHEST },
	};
	struct interval_out out;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		interval_choose(&rows[i].in, &out);
		ok(out.chosen == rows[i].want && out.bound == rows[i].bound,
		    "row %zu: %llu us, bound %d", i,
		    (unsigned long long)out.chosen, (int)out.bound);
	}
}

static void
test_mtbf(void)
{
	ok(interval_mtbf(30 * DAY, 0, 900 * DAY) == 30 * DAY,
	    "no failure: as configured");
	ok(interval_mtbf(30 * DAY, 1, 0) == 15 * DAY, "one on the first day");
	ok(interval_mtbf(30 * DAY, 1, -5) == 15 * DAY, "a clock set back");
	ok(interval_mtbf(30 * DAY, 9, 70 * DAY) == 10 * DAY, "ten in 100 days");
}

int
main(void)
{
	test_published();
	test_minimum();
	test_papers();
	test_bounds();
	test_mtbf();
	return done();
}
