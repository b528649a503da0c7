/*
 * guard: a child of yoked that lets go of the VIPs when yoked cannot.
 *
 * The addresses are leases of a second, so a dead or hung manager loses them by
 * itself; until then two directors have them when the standby took over at
 * once. The guard makes that 40 ms: it hears the other director's announcements
 * on the segment, and if yoked is dead (its end of the socket closed) or has not
 * run for a while (a time in shared memory is old), removes them; not at once,
 * so that the kernel still serves what was on its way here. A claim of somebody
 * else while yoked runs is yoked's business. The guard believes what anybody on
 * the segment can send; but it acts only when yoked does not run, and whoever
 * can send that can take the addresses anyway.
 *
 * It is forked before yoked has grown, shares nothing with it but a page and a
 * socket, and outlives it for as long as a lease lasts.
 */
#ifndef YOKED_GUARD_H
#define YOKED_GUARD_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/usec.h"

struct guard;

/* Forks it. 0 or -errno; yoked works without it, with leases only. */
int guard_start(const struct conf *conf, int rt_priority, struct guard **ret);
/* An orderly end: it exits. NULL ok, here and below. */
void guard_stop(struct guard *g);
/* yoked runs, now (loop_now()); called each Tb. holding: it has the VIPs. */
void guard_alive(struct guard *g, usec_t now, bool holding);
/* The VIPs or the beat interval may be others now. Never blocks. */
void guard_reload(struct guard *g, const struct conf *conf);

#endif
