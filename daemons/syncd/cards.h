/*
 * cards: which addresses a card has, from the kernel's neighbour tables: a
 * packet of direct routing tells its server by the destination's MAC address
 * only. Asked for as a whole; a dump of the kernel's answers at once.
 */
#ifndef SYNCD_CARDS_H
#define SYNCD_CARDS_H

#include <stddef.h>

#include "common/addr.h"

#define MAC_LEN 6
#define CARDS_MAX 65536

struct card {
	int ifindex;
	uint8_t mac[MAC_LEN];
	struct addr addr;
};

struct cards {
	struct card *all; /* by ifindex, MAC, address */
	size_t n;
};

int cards_read(struct cards *n); /* replaces; on -errno it stays as it was */
void cards_done(struct cards *n);

/* The first entry of that card; those that follow, up to the count returned
 * in *ret_n, are of it too. NULL: none. */
const struct card *cards_find(const struct cards *n, int ifindex,
    const uint8_t mac[MAC_LEN], size_t *ret_n);

/* For what has no interface: all of them as if on interface 0. */
void cards_anywhere(struct cards *n);

#endif
