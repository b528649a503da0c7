/*
 * vip: the virtual addresses. Held as leases: the kernel removes them a second
 * after they were last renewed, so a hung or killed manager loses them with
 * nobody's help. Implementations: vip_nl.c and test/fake/vip_fake.c.
 */
#ifndef HA_VIP_H
#define HA_VIP_H

#include "common/conf.h"

#define VIP_LEASE_S 1              /* whole seconds: the kernel's unit */
#define VIP_RENEW (250 * USEC_MS)

struct vip_ops {
	/* Adds or renews n addresses in one batch. 0 or the first failure
	 * (-ENODEV: no such device, -EPERM ...); the others are tried all the
	 * same. */
	int (*hold)(void *ctx, const struct conf_vip *vips, size_t n);
	/* Renews them without waiting, in a while or at once. What became of the
	 * renewal before: as hold() says, or -ETIMEDOUT: it is not done. A hold()
	 * or drop() comes after it. */
	int (*renew)(void *ctx, const struct conf_vip *vips, size_t n);
	/* Removes them; those not there are no error. */
	int (*drop)(void *ctx, const struct conf_vip *vips, size_t n);
	/* Gratuitous ARP (RFC 5227 section 3) or unsolicited neighbour
	 * advertisement (RFC 4861 section 7.2.6), once for each. */
	int (*announce)(void *ctx, const struct conf_vip *vips, size_t n);
};

struct vip_nl;
extern const struct vip_ops vip_nl; /* ctx: struct vip_nl * */
int vip_nl_open(struct vip_nl **ret); /* 0 or -errno */
void vip_nl_close(struct vip_nl *v);  /* NULL ok */

#endif
