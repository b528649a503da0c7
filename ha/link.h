/*
 * link: ordered messages to the other director and the group's membership, as
 * corosync's CPG gives them. Implementations: daemons/yoked/yoked_link.c (by
 * way of yoke-linkd, so that a hung corosync hangs nothing here) and
 * test/fake/link_fake.c.
 */
#ifndef HA_LINK_H
#define HA_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "ha/decide.h"

struct link_members {
	bool connected;      /* our own end is in the group */
	bool peer;           /* so is the peer's */
	enum link_loss loss; /* how the peer left, if it just did */
};

struct link_ops {
	/* In order, to the peer. 0; -ENOTCONN; -ENOBUFS: the queue is full and
	 * the peer will have to ask for a snapshot. Never blocks. */
	int (*send)(void *ctx, enum msg_id id, const void *body, size_t len);
};

#endif
