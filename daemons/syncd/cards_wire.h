/*
 * cards_wire: the real servers' cards, told to the standby, which may never have
 * spoken to them: a copied packet names its server by its card only. The active
 * sends all of them once a second, in as many datagrams as they need, to where the
 * copies go (copies.h); the standby takes a list when it has all its parts.
 *
 *	"YKCD", u32 list, u16 part, u16 parts, u16 cards
 *	each: MAC, u8 4 or 6, address (4 or 16 bytes)
 *
 * Not signed, as sync datagrams are not.
 */
#ifndef SYNCD_CARDS_WIRE_H
#define SYNCD_CARDS_WIRE_H

#include <stdbool.h>

#include "daemons/syncd/cards.h"

#define CARDS_WIRE_MAX 1200 /* bytes of a datagram */
#define CARDS_WIRE_EACH 48  /* cards of one */
#define CARDS_WIRE_LIST 16384

/* One of cards_wire_parts() parts, from 0 on; returns its length. */
size_t cards_wire_pack(const struct cards *n, uint32_t list, uint16_t part,
    uint8_t out[CARDS_WIRE_MAX]);
uint16_t cards_wire_parts(const struct cards *n);

/* One list as it comes. */
struct cards_heard {
	struct cards cards;
	uint32_t list;
	uint16_t next; /* part */
};

bool cards_wire_is(const uint8_t *data, size_t len);
/* 1: the list is whole, in h->cards, which the caller takes out; 0: not yet, or
 * a part was missed; -EBADMSG, -ENOMEM: begins again. */
int cards_wire_take(struct cards_heard *h, const uint8_t *data, size_t len);
void cards_wire_done(struct cards_heard *h);

#endif
