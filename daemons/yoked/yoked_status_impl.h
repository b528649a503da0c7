/*
 * yoked_status_impl: what the files of the status share.
 */
#ifndef YOKED_STATUS_IMPL_H
#define YOKED_STATUS_IMPL_H

#include "common/out.h"
#include "daemons/yoked/yoked.h"

static inline usec_t
status_ago(usec_t now, usec_t then)
{
	return now > then ? now - then : 0;
}

/* Active, or on the way there or back. */
bool status_holds(const struct director *d);

/* The peer follows our table, or the active's, and is heard now. */
bool status_peer_in_step(const struct director *d);

/* How far `behind` is from `seq`; null unless it makes sense to ask. */
void status_lag(struct out *o, bool known, uint64_t seq, uint64_t behind);

/* yoked_status_alarms.c */
void status_alarms(const struct yoked *y, struct out *o);

/* yoked_status_pair.c: the other director, and the ways to it */
void status_peer(const struct yoked *y, struct out *o);
void status_replica(const struct yoked *y, struct out *o);
void status_beats(const struct yoked *y, struct out *o);
void status_paths(const struct yoked *y, struct out *o);
void status_link(const struct yoked *y, struct out *o);

#endif
