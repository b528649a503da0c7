/*
 * mirror_filter: which packets mirror.c has copied: the first packet of a TCP
 * connection to one of our addresses, as it leaves for a real server.
 */
#ifndef SYNCD_MIRROR_FILTER_H
#define SYNCD_MIRROR_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "common/addr.h"

/* Classic BPF over Ethernet frames for tc(8)'s "bpf": IPv4, IPv6, in a tunnel of
 * the same family too. Nothing but those to the n addresses. *ret_n instructions,
 * at most BPF_MAXINSNS, which ret has room for; -E2BIG: too many addresses. */
int mirror_filter(const struct addr *vips, size_t n, struct sock_filter *ret,
    unsigned *ret_n);

#endif
