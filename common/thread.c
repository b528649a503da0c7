/*
 * thread: see thread.h.
 */
#include "common/thread.h"

#include <signal.h>
#include <time.h>

#define STACK (64 * 1024)

int
thread_start(void *(*fn)(void *arg), void *arg, pthread_t *ret)
{
	sigset_t all, was;
	pthread_attr_t a;
	pthread_t t;
	int rc = pthread_attr_init(&a);

	if (rc != 0)
		return -rc;
	(void)pthread_attr_setstacksize(&a, STACK);
	if (ret == NULL)
		(void)pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(ret != NULL ? ret : &t, &a, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	(void)pthread_attr_destroy(&a);
	return -rc;
}

void
thread_end(pthread_t thread, usec_t t)
{
	usec_t at = usec_mono() + t;
	struct timespec ts = { .tv_sec = (time_t)(at / USEC_S),
		.tv_nsec = (long)(at % USEC_S * 1000) };

	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &ts) != 0)
		(void)pthread_detach(thread);
}
