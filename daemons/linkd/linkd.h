/*
 * linkd: between yoked and the corosync group of its instance.
 */
#ifndef LINKD_LINKD_H
#define LINKD_LINKD_H

#include "common/conf.h"
#include "common/ipcc.h"
#include "common/loop.h"
#include "daemons/linkd/worker.h"
#include "ha/link_msg.h"

struct linkd {
	struct loop *loop;
	uint32_t id; /* this node's, as configured */
	char group[NAME_LEN + 8];
	struct ipcc_keep *yoked;
	struct worker *worker;
	struct link_members_msg members; /* as corosync said last */
	bool up;      /* yoked is there */
	bool leaving; /* LINK_LEAVE came: no new worker until yoked is back */
	bool broken;  /* messages were dropped; see linkd.c */
	bool due;     /* yoked does not have the latest members yet */
	usec_t alive, ticked; /* when corosync last answered; last tick */
	struct timer tick, retry;
};

int linkd_start(struct linkd *k, struct loop *l, const struct conf *conf);
void linkd_stop(struct linkd *k); /* leaves the group; zeroed ok */

#endif
