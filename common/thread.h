/*
 * thread: a small thread beside the loop, for calls of which the kernel says
 * nobody knows when they return. Its stack is 64 KiB, of locked memory where the
 * process locks it; all signals are the loop's.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

/* Runs fn(arg), detached: nobody waits for its end. 0 or -errno. */
int thread_start(void *(*fn)(void *arg), void *arg);

/* Called by a thread for itself: as urgent as the process, which new threads
 * are not (SCHED_RESET_ON_FORK). */
void thread_be_urgent(void);

#endif
