/*
 * thread: a small thread beside the loop, for calls of which the kernel says
 * nobody knows when they return. Its stack is 64 KiB, of locked memory where the
 * process locks it; all signals are the loop's.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

#include "common/usec.h"

/* Runs fn(arg). ret: to be given to thread_end() once; NULL: nobody waits for its
 * end. 0 or -errno. */
int thread_start(void *(*fn)(void *arg), void *arg, pthread_t *ret);

/* Waits for the end of a thread that was told to, for t at most; one that the
 * kernel keeps longer ends alone. */
void thread_end(pthread_t thread, usec_t t);

#endif
