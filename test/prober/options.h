/*
 * options: what the prober was asked to do.
 */
#ifndef PROBER_OPTIONS_H
#define PROBER_OPTIONS_H

#include <stdbool.h>

#include "common/usec.h"
#include "test/prober/conn.h"

struct options {
	struct target target;
	usec_t duration; /* USEC_NEVER: until a signal */
	unsigned long rate;
	usec_t timeout;
	usec_t late;
	unsigned long established;
	usec_t busy[2]; /* least, most */
	unsigned long young_rate;
	usec_t young_life;
	usec_t hung;
	const char *json_path;       /* NULL: stdout */
	const char *timeseries_path; /* NULL: none */
	const char *ready_path;      /* NULL: none */
	bool progress;
};

/* 0, or -EINVAL after saying on stderr what is wrong; 1: help was printed. */
int options_parse(struct options *o, int argc, char **argv);

#endif
