/*
 * vip_fake: addresses as leases on a fake clock.
 */
#include "test/fake/vip_fake.h"

#include <errno.h>

static struct fake_lease *
lease_of(const struct vip_fake *v, const struct addr *a)
{
	size_t i;

	for (i = 0; i < FAKE_VIPS; i++)
		if (addr_cmp(&v->leases[i].addr, a) == 0)
			return (struct fake_lease *)&v->leases[i];
	return NULL;
}

static void
lease_end(void *arg)
{
	struct fake_lease *l = arg;

	timer_stop(&l->end);
	l->addr = (struct addr){ 0 };
	if (l->owner->changed != NULL)
		l->owner->changed(l->owner->arg);
}

void
vip_fake_init(struct vip_fake *v, struct loop *world)
{
	size_t i;

	*v = (struct vip_fake){ .world = world };
	for (i = 0; i < FAKE_VIPS; i++) {
		v->leases[i].owner = v;
		timer_init(&v->leases[i].end, world, lease_end, &v->leases[i]);
	}
}

void
vip_fake_clear(struct vip_fake *v)
{
	size_t i;

	for (i = 0; i < FAKE_VIPS; i++)
		if (!addr_is_none(&v->leases[i].addr))
			lease_end(&v->leases[i]);
}

bool
vip_fake_has(const struct vip_fake *v, const struct addr *a)
{
	return lease_of(v, a) != NULL;
}

void
vip_fake_remove(struct vip_fake *v, const struct addr *a)
{
	struct fake_lease *l = lease_of(v, a);

	if (l != NULL)
		lease_end(l);
}

static int
fake_hold(void *ctx, const struct conf_vip *vips, size_t n)
{
	static const struct addr none;
	struct vip_fake *v = ctx;
	struct fake_lease *l;
	bool fresh;
	size_t i;

	v->holds++;
	if (v->fail_rc != 0)
		return v->fail_rc;
	for (i = 0; i < n; i++) {
		l = lease_of(v, &vips[i].addr);
		fresh = l == NULL;
		if (fresh)
			l = lease_of(v, &none);
		if (l == NULL)
			return -ENOSPC;
		l->addr = vips[i].addr;
		timer_in(&l->end, VIP_LEASE_S * USEC_S + v->slack);
		if (fresh && v->changed != NULL)
			v->changed(v->arg);
	}
	return 0;
}

static int
fake_drop(void *ctx, const struct conf_vip *vips, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		vip_fake_remove(ctx, &vips[i].addr);
	return 0;
}

static int
fake_announce(void *ctx, const struct conf_vip *vips, size_t n)
{
	struct vip_fake *v = ctx;

	(void)vips;
	(void)n;
	v->announces++;
	v->announced = loop_now(v->world);
	if (v->told != NULL)
		v->told(v->arg);
	return 0;
}

const struct vip_ops vip_fake_ops = {
	.hold = fake_hold,
	.renew = fake_hold,
	.drop = fake_drop,
	.announce = fake_announce,
};
