/*
 * neigh: asks who has an address on an Ethernet segment and hears who says it
 * has one, by packet sockets (packet(7)): neither routes nor the kernel's
 * neighbour table play a part. A filter in the kernel lets only claims of the
 * addresses asked for through, and of those a bounded number is
 * read in a time: a flood of them costs little, and is lost.
 */
#ifndef HA_NEIGH_H
#define HA_NEIGH_H

#include "common/loop.h"
#include "ha/neigh_frame.h"

struct neigh;

/* A claim, heard on link index. */
typedef void (*neigh_fn)(int index, const struct neigh_claim *c, void *arg);

/* 0 or -errno (-EPERM). Hears nothing until told what to listen for. */
int neigh_open(struct loop *l, neigh_fn heard, void *arg, struct neigh **ret);
void neigh_close(struct neigh *n); /* NULL ok */

/* Whose claims to hear, in place of those before. 0 or -errno. */
int neigh_listen(struct neigh *n, const struct addr *addrs, size_t n_addrs);

/* See neigh_question(). 0 or -errno. */
int neigh_ask(struct neigh *n, int index, const uint8_t mac[6],
    const struct addr *source, const struct addr *target, const uint8_t *to);

#endif
