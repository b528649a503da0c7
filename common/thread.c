/*
 * thread: see thread.h.
 */
#include "common/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define STACK (64 * 1024)

int
thread_start(void *(*fn)(void *arg), void *arg)
{
	sigset_t all, was;
	pthread_attr_t a;
	pthread_t t;
	int rc = pthread_attr_init(&a);

	if (rc != 0)
		return -rc;
	(void)pthread_attr_setstacksize(&a, STACK);
	(void)pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(&t, &a, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	(void)pthread_attr_destroy(&a);
	return -rc;
}

void
thread_be_urgent(void)
{
	int policy = sched_getscheduler(getpid());
	struct sched_param sp;

	if (policy >= 0 && sched_getparam(getpid(), &sp) == 0 &&
	    sp.sched_priority > 0)
		(void)sched_setscheduler(0, policy, &sp);
}
