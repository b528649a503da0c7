/*
 * reactor: epoll and one absolute timerfd. The prober measures milliseconds, so
 * it uses the kernel's events directly and not the daemons' loop, whose
 * priorities and batches would be part of what is measured.
 *
 * Readable sockets are always served before timers fire: when the prober itself
 * was kept waiting by the machine, an answer that is already there wins over
 * a deadline that has passed meanwhile.
 */
#ifndef PROBER_REACTOR_H
#define PROBER_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/timers.h"
#include "common/usec.h"

struct reactor {
	int epoll_fd;
	int timer_fd;
	usec_t armed; /* what timer_fd is set to; USEC_NEVER: nothing */
	struct timers timers;
	bool stop;
};

/* Something with a file descriptor; on_events may free it. */
struct source {
	int fd;
	void (*on_events)(struct source *s, uint32_t events);
};

int reactor_init(struct reactor *r); /* 0 or -errno */
void reactor_done(struct reactor *r);
int reactor_run(struct reactor *r); /* until r->stop; 0 or -errno */

/* Borrows s until its fd is closed. events as for epoll_ctl(2). */
int reactor_watch(struct reactor *r, struct source *s, uint32_t events);
void reactor_change(struct reactor *r, struct source *s, uint32_t events);

/* t->fn and t->arg are set by the caller. Moves t if it is armed. */
void reactor_at(struct reactor *r, struct timer *t, usec_t when);
void reactor_cancel(struct reactor *r, struct timer *t);

#endif
