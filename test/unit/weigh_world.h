/*
 * weigh_world: servers and clients that a policy is let loose on, without
 * time or chance of this machine: queues by formula, noise from a seed.
 */
#ifndef TEST_WEIGH_WORLD_H
#define TEST_WEIGH_WORLD_H

#include <stdio.h>

#include "ha/weigh.h"

#define WORLD_SERVERS 4

struct world_server {
	double cost;     /* of a request, s */
	double capacity; /* requests at once */
	bool silent, down;
	double slow;     /* times slower than it was; 1: as ever */
	bool lies;       /* its agent says `lie`, whatever is true */
	struct load_sample lie;
	int32_t weight;  /* as the table has it */
	unsigned changes;
};

struct world {
	struct weigh weigh;
	struct world_server v[WORLD_SERVERS];
	size_t n;
	double rate;     /* requests/s in all */
	double overhead; /* of every request, s */
	double noise;    /* of what a probe measures; 0.3: a third */
	/* This machine has other work, now and then: about every so many
	 * seconds for so long all probes take up to so much longer, s. */
	double burst_every, burst_for, burst_add;
	usec_t burst_end;
	usec_t now, probe_every;
	uint64_t seed;
	char cause[WORLD_SERVERS][CAUSE_LEN];
	FILE *record;    /* of all that happens; NULL: none */
};

/* n servers rs1.. of that configured weight; p is copied. */
void world_init(struct world *w, const struct policy *p, size_t n,
    uint32_t configured);
void world_done(struct world *w);
void world_run(struct world *w, usec_t how_long);
double world_share(const struct world *w, size_t i); /* percent */
double world_used(const struct world *w, size_t i);  /* of its capacity */
double world_took(struct world *w, size_t i);        /* s, with noise */
int world_event(struct world *w, const struct weigh_event *e); /* feeds it */
void world_feed(struct world *w, size_t i, enum weigh_what what, int64_t value);
struct policy world_policy(const char *keys); /* "type=load step=10" */

/* Runs for so long, second by second; the widest range (points) of any
 * server's share in it, and the mean shares. */
double world_swing(struct world *w, usec_t how_long, double *ret_mean);

/* Seconds until all shares are within `points` of want and stay so for 5 s;
 * at most `limit`. */
double world_settle(struct world *w, const double *want, double points,
    unsigned limit);

#endif
