/*
 * mirror: while this director is active, the kernel itself sends the standby a
 * copy of each TCP connection's first packet, before the packet leaves for its
 * server: what a server has answered, the standby can know. early.c tells the same
 * after it; whoever comes first is believed, and where the one can't be, the other
 * is. copies.c is the standby's end.
 *
 * In this machine that is a device, and on each card a filter; looked after once
 * a second, and never on the way of a takeover.
 */
#ifndef SYNCD_MIRROR_H
#define SYNCD_MIRROR_H

#include "daemons/syncd/cards.h"
#include "daemons/syncd/mirror_nl.h"

struct syncd;

struct mirror {
	struct nl_sock *kernel; /* NULL: not yet */
	int fd;			/* that the servers' cards are told by */
	struct mirror_device device;
	int ifindex; /* of the device; 0: there is none */
	int cards[MIRROR_CARDS]; /* that have a filter */
	unsigned n_cards;
	bool cleaned;	 /* nothing is there that one that was killed left */
	unsigned failed; /* so many looks to go until it is tried again */
	uint32_t list;	 /* of cards that was told last */
};

void mirror_init(struct mirror *m);
/* Once a second: makes it so, or looks that it is. */
void mirror_look(struct syncd *s);
void mirror_stop(struct syncd *s); /* nothing is left behind */
bool mirror_on(const struct mirror *m);

/* Where copies go: the address of one of the two directors on the network of sync
 * datagrams, and its port. -ENOENT: there is no such network. */
int mirror_place(
    const struct syncd *s, bool own, struct addr *ret, uint16_t *ret_port);

#endif
