/*
 * ping: ICMP echo (RFC 792, RFC 4443) over raw sockets, for hosts that are not
 * on the link. What comes back is checked: the sender, our id, and the random
 * number that went out last.
 */
#ifndef HA_PING_H
#define HA_PING_H

#include <stdint.h>

#include "common/addr.h"
#include "common/loop.h"

struct ping;

/* slot: as given to ping_send(). */
typedef void (*ping_fn)(unsigned slot, void *arg);

#define PING_SLOTS 8

int ping_open(struct loop *l, ping_fn answered, void *arg, struct ping **ret);
void ping_close(struct ping *p); /* NULL ok */

/* One request to `to` from source (none: the kernel's choice) through link
 * index; an answer to an earlier one of this slot counts no more. 0 or -errno.
 */
int ping_send(struct ping *p, unsigned slot, const struct addr *to,
    const struct addr *source, int index);

#endif
