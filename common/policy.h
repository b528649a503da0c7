/*
 * policy: what an operator says about how the weights of a service follow its
 * servers. Plain data, filled by the configuration (schema/config.def has the
 * keys and their defaults), used by ha/weigh.c.
 */
#ifndef COMMON_POLICY_H
#define COMMON_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

#define POLICY_FILE_LEN 256

enum policy_type {
	POLICY_FIXED,    /* as configured; only the guard rails act */
	POLICY_RESPONSE, /* by the time that checks take */
	POLICY_LOAD,     /* by what agents say */
	POLICY_BOTH,
	POLICY__TYPES
};

/* What an agent can say of its server, each from 0, idle, to 1000, full. */
enum load_metric {
	LOAD_CPU,
	LOAD_MEMORY, /* what is not available any more */
	LOAD_NETWORK,
	LOAD_DISK,
	LOAD_RUN,      /* load average by processor */
	LOAD_PRESSURE, /* PSI: time that something waited */
	LOAD_HITS,     /* requests a second of what it can take */
	LOAD_ERRORS,   /* requests that failed, of all */
	LOAD__METRICS
};

const char *policy_name(unsigned type);      /* "response-time", or "?" */
const char *load_metric_name(unsigned which); /* "memory", or "?" */

struct policy {
	bool given; /* false: weights are as configured, all else is void */
	enum policy_type type;
	char sorry[64];      /* server that serves when no other does; "" */
	char check[64];      /* whose time counts; "": the first */
	usec_t interval;     /* between two decisions */
	uint32_t share[LOAD__METRICS]; /* of each metric in the load */
	unsigned min, max;   /* bounds, in percent of the configured weight */
	unsigned step;       /* most that a decision changes, likewise */
	unsigned gain;       /* percent of the way in a decision; 0: adapted */
	unsigned hysteresis; /* a smaller difference (percent) is none */
	usec_t smoothing;    /* time constant of what is measured */
	usec_t stale;        /* older samples count no more */
	usec_t slow_start;   /* from a tenth to all of its weight */
	unsigned at_full;    /* weight under full load, percent of it at none */
	unsigned in_service; /* percent of the servers never taken out */
	unsigned full;       /* percent of load of all: no more; 0: never */
	bool ratio;          /* weights divided by the smallest, as in P2 */
	char record[POLICY_FILE_LEN]; /* where samples are kept; "": nowhere */
};

/* One key of a policy's section by its name: "interval", "2s". 0, or -EINVAL
 * and what is wrong in why. */
int policy_set(
    struct policy *p, const char *key, const char *value, char *why, size_t len);
void policy_defaults(struct policy *ret); /* as when nothing is said */

/* Calls fn for every key that means something, with its value as text. */
typedef void (*policy_key_fn)(const char *key, const char *value, void *arg);
void policy_keys(const struct policy *p, policy_key_fn fn, void *arg);

#endif
