/*
 * targets: the services and servers of the configuration, in the order in which
 * packets and connections are looked up. Plain values of one thread.
 */
#ifndef SYNCD_TARGETS_H
#define SYNCD_TARGETS_H

#include "common/conf.h"
#include "ha/lvs_table.h"

struct target_server {
	struct addr addr;
	uint16_t port;
	uint32_t flags; /* of its connections: method, and what goes with it */
};

struct target {
	struct lvs_key key;
	struct target_server *servers; /* by address, then port */
	size_t n;
};

struct targets {
	struct target *all; /* by key */
	size_t n;
	uint32_t probe_marks; /* the first; connections of probes are nobody's */
	bool nat; /* some server is reached by nat */
	struct addr *vips;   /* of TCP services without a mark, in order, each once */
	size_t n_vips;
	struct addr *addrs; /* of servers, likewise */
	size_t n_addrs;
};

int targets_from(const struct conf *c, struct targets *ret); /* -ENOMEM */
void targets_done(struct targets *t);

/* The service that IPVS chooses for such a packet (mark, then address and port,
 * then address alone); NULL: none of ours. */
const struct target *target_find(const struct targets *t, uint8_t protocol,
    const struct addr *virt, uint16_t port, uint32_t mark);

/* The server of that address and port (0 as the server's own port: any); for
 * port 0 the first of that address. NULL: none. */
const struct target_server *target_server(
    const struct target *t, const struct addr *a, uint16_t port);

/* Some service has a server of this address. */
bool targets_serve(const struct targets *t, const struct addr *a);

/* The mark of the first service by mark that has this server, for connections
 * whose mark nobody knows; 0: none. */
const struct target *target_of_mark(
    const struct targets *t, const struct addr *server, uint16_t port);

#endif
