/*
 * mirror_tc: a filter that copies packets into a device before they leave by a card
 * (the queue clsact, tc-bpf(8), tc-mirred(8)). It waits for the kernel as
 * mirror_nl.h does, and its results are the same.
 */
#ifndef SYNCD_MIRROR_TC_H
#define SYNCD_MIRROR_TC_H

#include <linux/filter.h>
#include <netlink/netlink.h>

/* Copies what the program says yes to from card to device. Where the queue for
 * filters (clsact) was not there, the filter's number says so. */
int mirror_tc_copy(struct nl_sock *k, int card, int device,
    const struct sock_filter *code, unsigned n);

/* Ends it, also what one that was killed has left; with that queue if it was made
 * for it, unless somebody else uses it now. */
int mirror_tc_end(struct nl_sock *k, int card);

/* Drops all that comes in by a device that has no queue yet. */
int mirror_tc_deafen(struct nl_sock *k, int device);

#endif
