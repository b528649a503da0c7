/*
 * weigh_memory: P3's experiments without a machine: servers whose requests take
 * memory for as long as they run and that die when there is none, clients in a
 * closed loop, the kernel's schedulers by their formulas, agents and checks
 * with the delays that they have. One millisecond is a step; chance is a seed's.
 * test/rack/bench_memory.py is the same with kernels and real memory.
 */
#ifndef TEST_WEIGH_MEMORY_H
#define TEST_WEIGH_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/policy.h"

#define MEMORY_SERVERS 4
#define MEMORY_KINDS 3

enum memory_scheduler { MEMORY_RR, MEMORY_LC, MEMORY_WLC, MEMORY_WRR };

struct memory_kind {
	unsigned percent; /* of all requests */
	double mb;
	unsigned ms;
};

struct memory_setup {
	struct memory_kind kind[MEMORY_KINDS];
	double limit[MEMORY_SERVERS]; /* MB */
	uint32_t weight[MEMORY_SERVERS];
	enum memory_scheduler scheduler;
	const struct policy *policy; /* NULL: none */
	double out;                  /* part used: an agent says overloaded */
	unsigned connections, seconds;
	uint64_t seed;
};

struct memory_result {
	double rate; /* answers a second, after the ramp */
	unsigned killed, lost, turned_away;
	double least; /* part of a server's memory that was left */
};

struct memory_result memory_run(const struct memory_setup *setup);

#endif
