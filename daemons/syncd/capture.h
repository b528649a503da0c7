/*
 * capture: the filter of packets.c's sockets, for tests too.
 */
#ifndef SYNCD_CAPTURE_H
#define SYNCD_CAPTURE_H

#include <linux/filter.h>

#define FILTER_MAX 64

enum capture_what { /* bits */
	CAPTURE_SYNC = 1,   /* sync datagrams that leave */
	CAPTURE_SYN = 2,    /* TCP SYNs that leave: IPv4, IPv6, in a tunnel of one
			       family */
	CAPTURE_SYN_IN = 4, /* and those that come in */
};

/* Classic BPF over Ethernet frames: lets pass what is wanted, nothing for 0.
 * Returns the number of instructions. */
unsigned capture_filter(unsigned what, struct sock_filter *ret);

#endif
