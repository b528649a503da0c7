/*
 * vip_fake: one machine's addresses, with leases that run out by themselves as
 * in the kernel (VIP_LEASE_S after the last hold, and `slack` later).
 */
#ifndef TEST_FAKE_VIP_FAKE_H
#define TEST_FAKE_VIP_FAKE_H

#include <stdbool.h>

#include "ha/vip.h"
#include "test/fake/loop_fake.h"

#define FAKE_VIPS 8

struct vip_fake {
	struct loop *world; /* whose timers take the leases away */
	usec_t slack;
	int fail_rc;        /* hold fails with this and adds nothing */
	struct fake_lease {
		struct vip_fake *owner;
		struct addr addr; /* none: a free place */
		struct timer end;
	} leases[FAKE_VIPS];
	uint64_t holds, announces;
	usec_t announced;   /* the last announcement, on the world's clock */
	void (*changed)(void *arg); /* an address came or went */
	void (*told)(void *arg);    /* an announcement */
	void *arg;
};

extern const struct vip_ops vip_fake_ops; /* ctx: struct vip_fake * */

void vip_fake_init(struct vip_fake *v, struct loop *world);
void vip_fake_clear(struct vip_fake *v); /* power cut: all gone */
bool vip_fake_has(const struct vip_fake *v, const struct addr *a);
void vip_fake_remove(struct vip_fake *v, const struct addr *a); /* by hand */

#endif
