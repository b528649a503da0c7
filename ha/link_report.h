/*
 * link_report: what a director says of itself over corosync, every half second
 * and when its role changes. Corosync is too slow to notice a death by, but
 * when no beat arrives on any path it may still carry this: beats filtered by a
 * firewall, or another key. The report counts once it came after the paths had
 * fallen silent, and until no other has come for three periods; so it never
 * holds up a takeover, and two who hear each other in no other way do not both
 * stay active.
 */
#ifndef HA_LINK_REPORT_H
#define HA_LINK_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "common/timers.h"
#include "ha/beat.h"

#define LINK_REPORT_EVERY (500 * USEC_MS)
#define LINK_REPORT_STALE (3 * LINK_REPORT_EVERY)

struct director;

struct link_report {
	struct beat said; /* role, flags, epoch, table_epoch, seq only */
	usec_t heard;	  /* 0: nothing that counts */
	usec_t silent;	  /* since then no path is up; 0: since the start */
	struct timer tick;
};

void link_report_start(struct director *d);
void link_report_stop(struct director *d);
void link_report_send(struct director *d); /* now */
void link_report_forget(struct director *d);
/* A MSG_PEER_REPORT came. */
void link_report_on(struct director *d, const void *body, size_t len);
/* The peer is heard in this way only. */
bool link_report_counts(const struct director *d);

#endif
