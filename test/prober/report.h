/*
 * report: what the run has shown, as JSON, and every attempt as CSV.
 */
#ifndef PROBER_REPORT_H
#define PROBER_REPORT_H

#include "test/prober/attempts.h"
#include "test/prober/standing.h"

struct run {
	struct options opt;
	struct reactor reactor;
	struct attempts attempts;
	struct standing standing;
	usec_t start;
	usec_t mark; /* 0: none */
};

int report_json(const struct run *run);       /* 0 or -errno */
int report_timeseries(const struct run *run); /* 0 or -errno */

#endif
