/*
 * link_msg: bodies of the messages between yoke-linkd and yoked.
 *
 *   LINK_SEND     opaque bytes for the peer, at most LINK_DATA_MAX
 *   LINK_RECV     u32 node, bytes as that node sent them
 *   LINK_MEMBERS  struct link_members_msg
 *   LINK_LEAVE    nothing
 *
 * A message is lost only when LINK_MEMBERS with connected = 0 comes in between:
 * what was not delivered by then may never be.
 */
#ifndef HA_LINK_MSG_H
#define HA_LINK_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define LINK_LIST_MAX 16
#define LINK_DATA_MAX (40960 - 4) /* so that LINK_RECV fits its row */

/* How a node came or went; numbers as in corosync's cpg_reason_t. */
enum link_reason {
	LINK_REASON_UNDEFINED,
	LINK_REASON_JOIN,
	LINK_REASON_LEAVE,    /* in good order */
	LINK_REASON_NODEDOWN, /* its corosync is gone */
	LINK_REASON_NODEUP,
	LINK_REASON_PROCDOWN, /* its linkd or yoked died, corosync lives */
	LINK_REASON__LAST
};

struct link_members_msg {
	bool connected; /* we are in the group */
	uint32_t own;   /* our id as corosync says; 0: not known yet */
	unsigned n_members;
	uint32_t members[LINK_LIST_MAX]; /* node ids, each once */
	unsigned n_left;
	struct link_left {
		uint32_t node;
		uint8_t reason; /* enum link_reason */
	} left[LINK_LIST_MAX];
};

void link_members_pack(struct buf *b, const struct link_members_msg *m);
/* 0, or -EBADMSG (short, long, too many) and *ret untouched. */
int link_members_unpack(struct buf *b, struct link_members_msg *ret);
bool link_members_have(const struct link_members_msg *m, uint32_t node);
const char *link_reason_name(unsigned reason);

#endif
