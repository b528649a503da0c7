/*
 * test_urgent: what the kernel says of a thread that asked for real-time
 * priority or a deadline, of its children and of other threads.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/urgent.h"
#include "test/tap.h"

#define DEADLINE 6
#define PRIORITY 7

static int
policy(void)
{
	return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
}

static int
priority(void)
{
	struct sched_param sp = { 0 };

	return sched_getparam(0, &sp) < 0 ? -errno : sp.sched_priority;
}

/* The policy of a child, as the child sees it. */
static int
child_policy(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(policy());
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void *
as_it_began(void *arg)
{
	*(int *)arg = policy();
	return NULL;
}

static void *
asks_too(void *arg)
{
	urgent_too();
	*(int *)arg = policy() == SCHED_RR ? priority() : -1;
	return NULL;
}

static int
thread_says(void *(*fn)(void *arg))
{
	pthread_t t;
	int said = -2;

	if (pthread_create(&t, NULL, fn, &said) != 0 ||
	    pthread_join(t, NULL) != 0)
		return -3;
	return said;
}

static void
real_time(void)
{
	is_int(urgent_real_time(PRIORITY), 0, "real-time is granted");
	is_int(policy(), SCHED_RR, "it is");
	is_int(priority(), PRIORITY, "with that priority");
	is_int(child_policy(), SCHED_OTHER, "a child is not");
	is_int(thread_says(as_it_began), SCHED_OTHER, "nor a new thread");
	is_int(thread_says(asks_too), PRIORITY, "until that asks for it too");
	is_int(urgent_real_time(1000), -EINVAL, "no such priority");
	is_int(priority(), PRIORITY, "changes nothing");
}

static void
deadline(void)
{
	is_int(
	    urgent_deadline(USEC_MS, 20 * USEC_MS), 0, "a deadline is granted");
	is_int(policy(), DEADLINE, "there is one");
	is_int(child_policy(), SCHED_OTHER, "a child is started, without");
	is_int(thread_says(asks_too), PRIORITY,
	    "a thread that asks is real-time meanwhile");
	is_int(urgent_deadline(20 * USEC_MS, USEC_MS), -EINVAL,
	    "more than there is");
	is_int(policy(), DEADLINE, "changes nothing");
	is_int(urgent_real_time(PRIORITY), 0, "back to real-time");
	is_int(policy(), SCHED_RR, "it is");
}

static bool
all_cpus(void)
{
	cpu_set_t ours;

	return sched_getaffinity(0, sizeof(ours), &ours) == 0 &&
	       CPU_COUNT(&ours) == sysconf(_SC_NPROCESSORS_ONLN);
}

/* sched(7): only with all CPUs of the machine. */
static void
some_cpus(void)
{
	cpu_set_t all, one;
	int i = 0;

	(void)sched_getaffinity(0, sizeof(all), &all);
	if (CPU_COUNT(&all) < 2) {
		ok(1, "some CPUs # SKIP there is one only");
		return;
	}
	while (!CPU_ISSET(i, &all))
		i++;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	is_int(urgent_deadline(USEC_MS, 20 * USEC_MS), -EPERM,
	    "no deadline for who may not use all CPUs");
	is_int(policy(), SCHED_RR, "it is real-time as before");
	(void)sched_setaffinity(0, sizeof(all), &all);
}

int
main(void)
{
	if (geteuid() != 0 || urgent_real_time(1) < 0) {
		printf("1..0 # SKIP needs CAP_SYS_NICE\n");
		return 0;
	}
	real_time();
	if (all_cpus())
		deadline();
	else
		ok(1, "deadline # SKIP not all CPUs are ours");
	some_cpus();
	is_int(urgent_real_time(0), 0, "and as everybody else again");
	is_int(policy(), SCHED_OTHER, "it is");
	is_int(thread_says(asks_too), -1, "and so is a thread that asks");
	return done();
}
