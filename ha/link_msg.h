/*
 * link_msg: body of LINK_MEMBERS: the group's membership as yoke-linkd saw it.
 */
#ifndef HA_LINK_MSG_H
#define HA_LINK_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

#define LINK_MEMBERS_MAX 8

/* cpg_reason_t of corosync's <corosync/cpg.h>. */
enum link_reason {
	LINK_REASON_JOIN = 1,
	LINK_REASON_LEAVE = 2,
	LINK_REASON_NODEDOWN = 3,
	LINK_REASON_NODEUP = 4,
	LINK_REASON_PROCDOWN = 5
};

struct link_members_msg {
	bool connected; /* corosync is there and we are in the group */
	uint32_t own;   /* our node id as corosync has it */
	uint16_t n_members;
	uint32_t members[LINK_MEMBERS_MAX];
	uint16_t n_left;
	struct {
		uint32_t node;
		uint8_t reason; /* enum link_reason */
	} left[LINK_MEMBERS_MAX];
};

void link_members_pack(struct buf *b, const struct link_members_msg *m);
/* 0 or -EBADMSG (short, long, too many) and *ret untouched. */
int link_members_unpack(struct buf *b, struct link_members_msg *ret);

#endif
