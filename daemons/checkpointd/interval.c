/*
 * interval: Young's and Daly's estimates, and ours; see interval.h.
 */
#include "daemons/checkpointd/interval.h"

#include <math.h>

double
interval_daly(double cost, double mtbf)
{
	double x = cost / (2 * mtbf);

	if (!(cost < 2 * mtbf))
		return mtbf;
	return sqrt(2 * cost * mtbf) * (1 + sqrt(x) / 3 + x / 9) - cost;
}

double
interval_loss(const struct interval_in *in, double tc)
{
	return in->cost / tc + in->replay * in->rate * tc / (2 * in->mtbf);
}

static double
seconds(usec_t t)
{
	return (double)t / USEC_S;
}

void
interval_choose(const struct interval_in *in, struct interval_out *ret)
{
	double share = in->replay * in->rate, tc;

	ret->young = sqrt(2 * in->cost * in->mtbf);
	ret->daly = interval_daly(in->cost, in->mtbf);
	ret->optimum = share > 0 ? interval_daly(in->cost, in->mtbf / share)
				 : INFINITY;
	ret->bound = TC_FREE;
	tc = ret->optimum;
	if (tc * in->rate > in->rows) {
		tc = in->rows / in->rate;
		ret->bound = TC_ROWS;
	}
	if (tc > seconds(INTERVAL_HIGHEST)) {
		tc = seconds(INTERVAL_HIGHEST);
		ret->bound = TC_HIGHEST;
	}
	if (!(tc >= seconds(INTERVAL_LOWEST))) {
		tc = seconds(INTERVAL_LOWEST);
		ret->bound = TC_LOWEST;
	}
	ret->chosen = (usec_t)(tc * USEC_S);
}

double
interval_mtbf(double configured, unsigned failures, double watched)
{
	if (failures == 0)
		return configured;
	return (configured + (watched > 0 ? watched : 0)) / (1.0 + failures);
}
