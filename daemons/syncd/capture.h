/*
 * capture: the packet filter that capture.c puts on its socket, for tests.
 */
#ifndef SYNCD_CAPTURE_H
#define SYNCD_CAPTURE_H

#include <linux/filter.h>
#include <stdbool.h>

#define FILTER_MAX 64

/* Classic BPF over Ethernet frames: lets pass what leaves and is a TCP SYN
 * (IPv4, IPv6, or in a tunnel of one family) or a sync datagram; with inbound,
 * SYNs that come in as well. Returns the number of instructions. */
unsigned capture_filter(bool inbound, struct sock_filter *ret);

#endif
