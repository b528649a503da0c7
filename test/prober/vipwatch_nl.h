/*
 * vipwatch_nl: the kernel's addresses over rtnetlink: as events and as a dump.
 */
#ifndef PROBER_VIPWATCH_NL_H
#define PROBER_VIPWATCH_NL_H

#include <stdbool.h>

#include "common/addr.h"

/* One address on one device, present or gone. */
typedef void (*nl_addr_fn)(
    void *arg, const struct addr *a, unsigned ifindex, bool present);

int nl_open(bool events, int *ret_fd); /* 0 or -errno; caller close()s */

/* What events are waiting. 0, or -ENOBUFS: some were lost, so nl_dump(). */
int nl_read_events(int fd, nl_addr_fn fn, void *arg);

/* All addresses there are now; fd is of nl_open(false). 0, -errno, or -EINTR:
 * the kernel's table changed meanwhile, absence proves nothing. */
int nl_dump(int fd, nl_addr_fn fn, void *arg);

#endif
