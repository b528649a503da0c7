/*
 * conn_map: the connections that the pair has told itself of in sync datagrams,
 * kept in user space with the time each of them runs out, as the kernel keeps
 * them. The kernel lists its own table in /proc only in time that grows with
 * the square of their number (10 s for 100 000 in a small machine); this one is
 * walked in milliseconds, and knows the flags and marks that /proc does not.
 * A plain value of one thread; time is the caller's.
 */
#ifndef HA_CONN_MAP_H
#define HA_CONN_MAP_H

#include <stdbool.h>

#include "common/usec.h"
#include "ha/sync_msg.h"

#define CONN_MAP_MAX (2U << 20) /* about 200 MB */

struct conn_map {
	struct conn_entry *entries;
	uint32_t *heads;    /* of chains; index + 1, 0: empty */
	uint32_t n_heads;   /* a power of two */
	uint32_t used, cap; /* of entries */
	uint32_t free;	    /* chain of free ones */
	uint32_t n;	    /* connections, those run out not yet swept too */
	uint32_t swept;	    /* where the next sweep goes on */
	uint64_t refused;   /* no memory, or more than CONN_MAP_MAX */
};

void conn_map_init(struct conn_map *m); /* allocates nothing */
void conn_map_done(struct conn_map *m);

/* Adds or replaces what the datagram's connection is known by (protocol,
 * client, virtual address and port; templates apart). only_new: leaves one
 * that is there. 0; -ENOMEM, -E2BIG counted in refused. */
int conn_map_put(
    struct conn_map *m, const struct sync_conn *c, bool only_new, usec_t now);

/* Steps over at most max entries from *at (0 to begin): fn for those that still
 * run, with timeout_s being what is left. False at the end. Entries that come
 * meanwhile may or may not be seen; fn must not change the map. */
bool conn_map_walk(struct conn_map *m, uint32_t *at, uint32_t max, usec_t now,
    sync_conn_fn fn, void *arg);

/* Forgets those that ran out, looking at no more than max entries. */
void conn_map_sweep(struct conn_map *m, uint32_t max, usec_t now);

#endif
