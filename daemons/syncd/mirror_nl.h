/*
 * mirror_nl: the machine's cards, and a VXLAN device (RFC 7348) to the other
 * director that sends only: what comes in by it is dropped.
 *
 * All of it waits for the kernel, which may take some milliseconds: not for a
 * loop that must not wait. 0 or libnl's error, a negative NLE_*, in all of them.
 */
#ifndef SYNCD_MIRROR_NL_H
#define SYNCD_MIRROR_NL_H

#include <netlink/netlink.h>
#include <stdint.h>

#include "common/addr.h"

#define MIRROR_CARDS 32

struct mirror_device {
	char name[16];
	uint32_t vni;
	int below; /* ifindex that it sends by */
	struct addr local, remote;
	uint16_t port; /* where the other listens, and this one's own too */
};

/* Replaces one of that name. */
int mirror_nl_add(
    struct nl_sock *k, const struct mirror_device *d, int *ret_ifindex);
/* One that is not there is deleted already. */
int mirror_nl_delete(struct nl_sock *k, const char *name);

/* Ethernet cards that are up, in rising order; no parts of bonds or bridges, not
 * the device except. -NLE_RANGE: more than MIRROR_CARDS. */
int mirror_nl_cards(struct nl_sock *k, int except, int ret[MIRROR_CARDS],
    unsigned *ret_n);

#endif
