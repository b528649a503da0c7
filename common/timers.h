/*
 * timers: the queue of pending timers, shared by the real loop and its fake
 * twin. A binary heap ordered by (when, order of arming).
 */
#ifndef COMMON_TIMERS_H
#define COMMON_TIMERS_H

#include "common/usec.h"

struct loop;

struct timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	usec_t when;
	uint64_t order;
	size_t slot; /* place in the heap + 1; 0: not armed */
};

struct timers {
	struct timer **heap;
	size_t n, cap;
	uint64_t order;
};

void timers_done(struct timers *q);                   /* borrows the timers */
void timers_add(struct timers *q, struct timer *t);   /* t->when is set */
void timers_del(struct timers *q, struct timer *t);   /* not armed: no-op */
struct timer *timers_first(const struct timers *q);   /* NULL if none */

#endif
