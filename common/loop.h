/*
 * loop: the one event loop of a process, over libqb's, with timers of
 * microsecond resolution (one timerfd). test/fake/loop_fake.c defines the same
 * symbols on a fake clock, so everything that waits can be simulated.
 *
 * Callbacks decode and call; they never block and may free their own watch or
 * timer. Not thread-safe: one loop, one thread.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <poll.h>

#include "common/timers.h"
#include "common/usec.h"

struct qb_loop;
struct watch;

int loop_new(struct loop **ret);  /* 0 or -errno; caller loop_free()s */
void loop_free(struct loop *l);   /* NULL ok; watches and timers freed before */
void loop_run(struct loop *l);    /* until loop_stop() */
void loop_stop(struct loop *l);
struct qb_loop *loop_qb(struct loop *l); /* borrowed, for libqb IPC; NULL fake */

usec_t loop_now(struct loop *l);        /* monotonic */
/* Likewise, but asked for once in a callback of the loop and then remembered
 * until its end, or until loop_now(): never before a time that was told
 * already. Cheaper where the kernel has no vDSO. Not for measuring what a
 * callback itself takes. */
usec_t loop_turn(struct loop *l);
usec_t loop_real(const struct loop *l); /* wall clock, for people */

/* A timer is the caller's memory, zeroed or timer_init()ed before first use.
 * Fires once; fn may arm it again. */
void timer_init(
    struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
void timer_at(struct timer *t, usec_t when);  /* monotonic; moves if armed */
void timer_in(struct timer *t, usec_t delay); /* from now */
void timer_stop(struct timer *t);             /* not armed or zeroed: no-op */
int timer_armed(const struct timer *t);

/* For what is nobody's any more but not done with: loop_free() takes it out of
 * its list and calls fn, while watches and timers still work. The caller's
 * memory, zeroed before first use. */
struct loop_end {
	struct loop_end *next, **at; /* at NULL: not in the list */
	void (*fn)(void *arg);
	void *arg;
};
void loop_end_add(
    struct loop *l, struct loop_end *e, void (*fn)(void *arg), void *arg);
void loop_end_del(struct loop_end *e); /* not in it: no-op */
void loop_end_all(struct loop *l);     /* what loop_free() does */
struct loop_end **loop_ends(struct loop *l); /* the list, for loop_end.c */

/* Calls fn(fd, revents, arg) when poll(2) events are there. 0 or -errno;
 * caller watch_free()s, before closing fd. */
typedef void (*watch_fn)(int fd, int revents, void *arg);
int watch_new(struct loop *l, int fd, int events, watch_fn fn, void *arg,
    struct watch **ret);
void watch_set(struct watch *w, int events);
void watch_free(struct watch *w); /* NULL ok */

#endif
