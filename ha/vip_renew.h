/*
 * vip_renew: renews the leases of the virtual addresses beside everything else.
 * A change of an address waits for all other changes of the machine's network
 * (the kernel's rtnl lock): 66 ms were seen while somebody made and deleted
 * interfaces, six beats of a fast pair. So the renewal, four times a second, is a
 * thread's. Taking and dropping the addresses are not: what follows them must
 * know that they are done.
 */
#ifndef HA_VIP_RENEW_H
#define HA_VIP_RENEW_H

#include <stddef.h>

#include "common/conf.h"

struct vip_renew;

/* hold: adds or renews, in the thread; 0 or -errno. done: the thread has ended,
 * nobody uses ctx any more; called by it or by vip_renew_stop(). Both get ctx.
 * 0 or -errno; done is not called then. */
int vip_renew_start(
    int (*hold)(void *ctx, const struct conf_vip *vips, size_t n),
    void (*done)(void *ctx), void *ctx, struct vip_renew **ret);

/* Never waits; vips are copied. What became of the renewal before: 0, its error,
 * or -ETIMEDOUT: it is not done, and this one is left out. One that could not
 * begin within VIP_RENEW_STALE is left out too: whoever was stopped must listen
 * first whether the addresses are still its own. */
#define VIP_RENEW_STALE (50 * USEC_MS)
int vip_renew(struct vip_renew *r, const struct conf_vip *vips, size_t n);

/* Waits until no renewal is under way, so that it does not come after what the
 * caller does next. */
void vip_renew_settle(struct vip_renew *r);

/* Waits for the thread's end, 100 ms at most when it waits for the kernel. NULL:
 * no-op. */
void vip_renew_stop(struct vip_renew *r);

#endif
