/*
 * mirror: while this director is active, the kernel itself sends the standby a
 * copy of each TCP connection's first packet, before the packet leaves for its
 * server: what a server has answered, the standby can know. early.c tells the same
 * after it; whoever comes first is believed, and where the one can't be, the other
 * is. copies.c is the standby's end.
 *
 * In this machine that is a device, and on each card a filter, beneath a queue that
 * is there on a standby too (mirror_tc.h says why); looked after once a second, and
 * never on the way of a takeover.
 */
#ifndef SYNCD_MIRROR_H
#define SYNCD_MIRROR_H

#include "daemons/syncd/cards.h"
#include "daemons/syncd/mirror_nl.h"

struct syncd;

struct mirror_card {
	int index; /* has the queue for copies */
	bool copies;
};

struct mirror {
	struct nl_sock *kernel; /* NULL: not yet */
	int fd;			/* that the servers' cards are told by */
	struct mirror_device device;
	int ifindex; /* of the device; 0: there is none */
	struct mirror_card cards[MIRROR_CARDS];
	unsigned n_cards;
	bool on;	 /* all of them copy */
	bool wanted;	 /* they should */
	bool cleaned;	 /* there is no device that one that was killed left */
	unsigned failed; /* so many looks to go until it is tried again */
	uint32_t list;	 /* of cards that was told last */
};

void mirror_init(struct mirror *m);
/* Once a second: makes it so, or looks that it is. */
void mirror_look(struct syncd *s);
/* Copies none until the next look; before another configuration. */
void mirror_rest(struct syncd *s);
/* Leaves nothing behind; on an active director its busy cards' queues. */
void mirror_stop(struct syncd *s);
bool mirror_on(const struct mirror *m);

/* Where copies go: the address of one of the two directors on the network of sync
 * datagrams, and its port. -ENOENT: there is no such network. */
int mirror_place(
    const struct syncd *s, bool own, struct addr *ret, uint16_t *ret_port);

#endif
