/*
 * packets: a packet socket on all interfaces behind a filter, or a UDP socket, read
 * in batches.
 *
 * The mark that a packet has in the kernel comes with it (SO_RCVMARK), as it
 * chooses the service; older kernels than 5.19 do not say it.
 */
#ifndef SYNCD_PACKETS_H
#define SYNCD_PACKETS_H

#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/addr.h"
#include "common/usec.h"

#define PACKETS_BATCH 32
#define PACKETS_FRAME 1600 /* bytes that are kept of one */

struct packets {
	int fd; /* -1: not open */
	struct mmsghdr msgs[PACKETS_BATCH];
	struct iovec iov[PACKETS_BATCH];
	union {
		struct sockaddr_ll ll;
		struct sockaddr_storage udp;
	} from[PACKETS_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[PACKETS_BATCH][128];
	uint8_t frame[PACKETS_BATCH][PACKETS_FRAME];
};

/* what: bits of capture.h. patience: how long packets_read() may wait for a
 * first one; 0: not at all. 0 or -errno; packets_close() in either case. */
int packets_open(struct packets *p, unsigned what, usec_t patience);
/* At that address and port of ours. */
int packets_open_udp(struct packets *p, const struct addr *own, uint16_t port,
    usec_t patience);
void packets_close(struct packets *p);

/* What passes from now on. */
int packets_filter(struct packets *p, unsigned what);

/* How many came: 0 .. PACKETS_BATCH. */
unsigned packets_read(struct packets *p);

/* Of the i-th of those: its length, its mark, and when (by the wall clock) the
 * kernel had it, 0: not known. */
size_t packets_len(const struct packets *p, unsigned i);
void packets_control(
    struct packets *p, unsigned i, uint32_t *ret_mark, usec_t *ret_when);
bool packets_out(const struct packets *p, unsigned i); /* it left us */
int packets_card(const struct packets *p, unsigned i); /* ifindex */
/* Of UDP: that address sent it. */
bool packets_from(const struct packets *p, unsigned i, const struct addr *a);

uint64_t packets_drops(struct packets *p); /* since the last call */

#endif
