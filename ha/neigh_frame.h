/*
 * neigh_frame: questions and claims about addresses on an Ethernet segment, as
 * whole frames: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861).
 * Pure functions over bytes; ha/neigh.h sends and receives them.
 */
#ifndef HA_NEIGH_FRAME_H
#define HA_NEIGH_FRAME_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define NEIGH_FRAME_MAX 128

/* "addr is at mac", said in a frame that was sent to `to`. */
struct neigh_claim {
	struct addr addr;
	uint8_t mac[6], from[6], to[6]; /* claimed; of the frame */
	bool answer; /* an ARP reply or an advertisement, not a question */
};

/* "Who has target?", from mac and source. Source none: asked without an address
 * of one's own (an ARP probe, or duplicate address detection). To: whom to ask;
 * NULL: all. Returns the frame's length. */
size_t neigh_question(uint8_t *frame, const uint8_t mac[6],
    const struct addr *source, const struct addr *target, const uint8_t *to);

/* Is it a claim? Any bytes may be given. */
bool neigh_claim_read(
    const uint8_t *frame, size_t len, struct neigh_claim *ret);

/* A socket filter that lets claims of these addresses through, of the family
 * AF_INET or AF_INET6. At most NEIGH_FILTER_ADDRS of the family are looked for;
 * with more of them all claims pass. code has room for
 * NEIGH_FILTER_MAX. Returns how much of it is used. */
#define NEIGH_FILTER_ADDRS 250 /* more would pass net.core.optmem_max */
#define NEIGH_FILTER_MAX (2 * NEIGH_FILTER_ADDRS + 16)
size_t neigh_filter(struct sock_filter *code, uint8_t family,
    const struct addr *addrs, size_t n);

/* RFC 8200 section 8.1: over a pseudo header and an ICMPv6 message. */
uint16_t icmp6_sum(
    const uint8_t *src, const uint8_t *dst, const uint8_t *msg, size_t n);

#endif
