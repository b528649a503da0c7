/*
 * urgent: see urgent.h.
 */
#include "common/urgent.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEADLINE 6	   /* SCHED_DEADLINE, linux/sched.h */
#define RESET_ON_FORK 0x01 /* SCHED_FLAG_RESET_ON_FORK */
#define RECLAIM 0x02	   /* SCHED_FLAG_RECLAIM: what nobody reserved, too */

/* struct sched_attr of linux/sched/types.h, first version: that header and the
 * C library's sched.h exclude each other. Nanoseconds. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static atomic_int real_time; /* of the process */

static int
set_real_time(int priority)
{
	const struct sched_param sp = { .sched_priority = priority };
	int policy = priority > 0 ? SCHED_RR : SCHED_OTHER;

	if (sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &sp) < 0)
		return -errno;
	return 0;
}

int
urgent_real_time(int priority)
{
	int rc = set_real_time(priority);

	if (rc == 0)
		atomic_store(&real_time, priority);
	return rc;
}

int
urgent_deadline(usec_t runtime, usec_t period)
{
	struct attr a = { .size = sizeof(a),
		.policy = DEADLINE,
		.flags = RESET_ON_FORK | RECLAIM,
		.runtime = (uint64_t)runtime * 1000,
		.deadline = (uint64_t)period * 1000,
		.period = (uint64_t)period * 1000 };

	return syscall(SYS_sched_setattr, 0, &a, 0U) < 0 ? -errno : 0;
}

void
urgent_too(void)
{
	int priority = atomic_load(&real_time);

	if (priority > 0)
		(void)set_real_time(priority);
}
