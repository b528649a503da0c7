/*
 * announce: tells the segment where an address lives now: gratuitous ARP for
 * IPv4 (both a request and a reply, as RFC 5227 section 3 and old gear want
 * it), unsolicited neighbour advertisement with the override flag for IPv6
 * (RFC 4861 section 7.2.6).
 */
#ifndef HA_ANNOUNCE_H
#define HA_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

struct announce;

int announce_open(struct announce **ret); /* 0 or -errno (-EPERM) */
void announce_close(struct announce *a);  /* NULL ok */

/* One announcement of v from its device's hardware address. 0 or -errno. */
int announce_send(struct announce *a, const struct conf_vip *v);

/* The frames themselves, for tests. Return the frame's length. */
#define ANNOUNCE_FRAME_MAX 128
size_t announce_arp(uint8_t *frame, const uint8_t mac[6],
    const uint8_t ip[4], uint16_t oper);
size_t announce_na(
    uint8_t *frame, const uint8_t mac[6], const uint8_t ip[16]);

#endif
