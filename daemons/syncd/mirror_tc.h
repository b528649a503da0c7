/*
 * mirror_tc: a filter that copies packets into a device before they leave by a card
 * (the queue clsact, tc-bpf(8), tc-mirred(8)). It waits for the kernel as
 * mirror_nl.h does, and its results are the same.
 *
 * To add that queue to a card, or to take it away, stops the card for a moment, and
 * what would leave then is lost (dev_deactivate() in qdisc_graft(),
 * net/sched/sch_api.c, 5.x to 6.x). So it is made while the card is idle, stays, and
 * copies come and go beneath it. A filter that no packet meets marks it as used, and
 * tells whether it was made here.
 */
#ifndef SYNCD_MIRROR_TC_H
#define SYNCD_MIRROR_TC_H

#include <linux/filter.h>
#include <netlink/netlink.h>

/* The card has the queue, marked, and copies nothing, also if one that was killed
 * left it copying. What is as it should be is not touched. */
int mirror_tc_ready(struct nl_sock *k, int card);

/* Copies what the program says yes to from a card that is ready to device. */
int mirror_tc_copy(struct nl_sock *k, int card, int device,
    const struct sock_filter *code, unsigned n);

/* Ends that; the card is ready still. */
int mirror_tc_still(struct nl_sock *k, int card);

/* Nothing of ours is left: neither mark nor copies, nor the queue if it was made
 * here and nobody else uses it now. */
int mirror_tc_end(struct nl_sock *k, int card);

/* Drops all that comes in by a device that has no queue yet. */
int mirror_tc_deafen(struct nl_sock *k, int device);

#endif
