/*
 * urgent: how soon the kernel lets us run. What is asked for here is for the
 * calling thread; children and new threads are as everybody else
 * (SCHED_RESET_ON_FORK).
 *
 * Real-time (SCHED_RR) goes before normal work, but all real-time work of a CPU
 * together has kernel.sched_rt_runtime_us of each second: beside a program that
 * never waits it is halted for 50 ms of each, nearly as long as a standby waits
 * by default.
 * Under a deadline (SCHED_DEADLINE, sched(7)) it is not, and goes before all
 * real-time work.
 *
 * Only for the calling thread, and for a reason: Linux 6.1 and 6.18 keep the
 * reservation of a sleeping thread that another one takes its deadline from.
 *
 * What returns an int returns 0 or -errno; then nothing has changed.
 */
#ifndef COMMON_URGENT_H
#define COMMON_URGENT_H

#include "common/usec.h"

/* 1 to 99; 0: as everybody else. */
int urgent_real_time(int priority);

/* At least runtime of each period, and most of a CPU where nobody else reserved
 * it. -EPERM: no CAP_SYS_NICE, or not all CPUs are allowed; -EBUSY: others
 * reserved too much. */
int urgent_deadline(usec_t runtime, usec_t period);

/* Called by a thread for itself: the real-time priority that this process last
 * asked for, if any. */
void urgent_too(void);

#endif
