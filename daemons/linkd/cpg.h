/*
 * cpg: the process that calls corosync. Those calls wait when corosync does,
 * so a child of linkd makes them; it speaks frames with linkd over a
 * SOCK_SEQPACKET socket and has no loop, no log and no configuration.
 */
#ifndef LINKD_CPG_H
#define LINKD_CPG_H

#include <stddef.h>
#include <stdint.h>

#include "ha/link_msg.h"

/* The first byte of a frame; the rest is its body. */
enum frame {
	/* from linkd */
	FRAME_SEND = 1, /* a message for the group */
	FRAME_LEAVE,    /* leave in good order, then exit */
	/* to linkd */
	FRAME_RECV,     /* body of LINK_RECV */
	FRAME_MEMBERS,  /* body of LINK_MEMBERS */
	FRAME_ALIVE,    /* corosync answered just now */
	FRAME_FAIL,     /* str stage, u32 cs_error_t: not connected, retrying */
	FRAME__LAST
};

#define FRAME_MAX (1 + 4 + LINK_DATA_MAX)

/* Joins group and serves it until linkd or corosync is gone. */
_Noreturn void cpg_run(int ctl, const char *group);

#endif
