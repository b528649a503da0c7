/*
 * test_vip_watch: addresses that others touch, on a fake clock and a fake
 * kernel that tells of what is done, as rtnetlink does: of an IPv6 address some
 * time after it was added.
 */
#include <stdlib.h>

#include "ha/vip.h"
#include "ha/vip_watch.h"
#include "test/fake/loop_fake.h"
#include "test/tap.h"

#define LATE (5 * USEC_MS)

struct scene {
	struct fake_clock clock;
	struct loop *loop;
	struct conf conf;
	struct conf_vip vips[2];
	struct vip_watch watch;
	struct timer late; /* the news of the IPv6 address */
	bool holding, careful;
	unsigned renews, drops, faults[VIP__FAULTS];
	unsigned dropped_bits;
};

static const struct rt_link eth0 = {
	.index = 2, .name = "eth0", .up = true, .carrier = true
};
static const struct rt_link lo = { .index = 1, .name = "lo", .up = true };

static void
told(struct scene *s, unsigned i, unsigned bits, uint32_t valid_s, bool gone)
{
	const struct rt_addr a = { .index = 2,
		.addr = s->vips[i].addr,
		.bits = bits,
		.valid_s = valid_s };

	vip_watch_on_addr(&s->watch, &a, &eth0, gone);
}

static void
on_late(void *arg)
{
	struct scene *s = arg;

	told(s, 1, 128, VIP_LEASE_S, false);
	vip_watch_settled(&s->watch);
}

static bool
holds(void *ctx)
{
	return ((struct scene *)ctx)->holding;
}

static bool
renew(void *ctx)
{
	struct scene *s = ctx;

	if (s->careful)
		return false;
	s->renews++;
	told(s, 0, 32, VIP_LEASE_S, false);
	timer_in(&s->late, LATE);
	return true;
}

static void
drop(void *ctx, const struct conf_vip *v)
{
	struct scene *s = ctx;

	s->drops++;
	s->dropped_bits = v->bits;
	told(s, v->addr.family == AF_INET6, v->bits, 0, true);
}

static bool
drain(void *ctx)
{
	(void)ctx;
	return true;
}

static void
fault(void *ctx, const struct vip_seat *seat, enum vip_fault f)
{
	struct scene *s = ctx;

	(void)seat;
	s->faults[f]++;
}

static const struct vip_watch_ops ops = {
	.holds = holds,
	.renew = renew,
	.drop = drop,
	.drain = drain,
	.fault = fault,
};

static void
pass(struct scene *s, usec_t time)
{
	fake_clock_run(&s->clock, s->clock.now + time);
}

/* A takeover or a release, as the director does them. */
static void
hold(struct scene *s, bool holding)
{
	s->holding = holding;
	if (holding) {
		told(s, 0, 32, VIP_LEASE_S, false);
		timer_in(&s->late, LATE);
	} else {
		told(s, 0, 32, 0, true);
		told(s, 1, 128, 0, true);
	}
	vip_watch_hold(&s->watch);
	vip_watch_settled(&s->watch);
	pass(s, USEC_S);
}

static void
scene_init(struct scene *s, bool holding)
{
	memset(s, 0, sizeof(*s));
	fake_clock_init(&s->clock, 0);
	s->loop = loop_fake_new(&s->clock, 1000 * USEC_S, NULL);
	timer_init(&s->late, s->loop, on_late, s);
	s->conf.vips = s->vips;
	s->conf.n_vips = 2;
	(void)addr_parse("192.0.2.10", &s->vips[0].addr);
	(void)addr_parse("2001:db8::10", &s->vips[1].addr);
	s->vips[0].bits = 32;
	s->vips[1].bits = 128;
	memcpy(s->vips[0].device, "eth0", 5);
	memcpy(s->vips[1].device, "eth0", 5);
	(void)vip_watch_start(&s->watch, s->loop, &s->conf, &ops, s);
	vip_watch_settled(&s->watch);
	if (holding)
		hold(s, true);
}

static void
scene_done(struct scene *s)
{
	vip_watch_stop(&s->watch);
	timer_stop(&s->late);
	loop_free(s->loop);
	fake_clock_done(&s->clock);
}

/* Nothing to complain of, ever. */
static bool
quiet(const struct scene *s)
{
	return s->renews + s->drops + s->faults[VIP_REMOVED] +
		   s->faults[VIP_CHANGED] + s->faults[VIP_INTRUDED] ==
	       0;
}

static void
test_own_doing(void)
{
	struct scene s;
	unsigned i;

	scene_init(&s, false);
	for (i = 0; i < 3; i++) {
		hold(&s, true);
		hold(&s, false);
	}
	ok(quiet(&s), "taking over and letting go is nobody's fault");
	hold(&s, true);
	vip_watch_restart(&s.watch);
	told(&s, 1, 128, VIP_LEASE_S, false);
	told(&s, 0, 32, VIP_LEASE_S, false);
	vip_watch_settled(&s.watch);
	ok(quiet(&s), "nor is a dump that has them all");
	scene_done(&s);
}

static void
test_removed(void)
{
	struct scene s;

	scene_init(&s, true);
	told(&s, 0, 32, 0, true);
	is_int(s.renews, 0, "not judged before all is read");
	vip_watch_settled(&s.watch);
	ok(s.renews == 1 && s.faults[VIP_REMOVED] == 1,
	    "removed: put back at once");
	is_int(vip_watch_seat(&s.watch, &s.vips[0])->removed, 1, "counted");
	pass(&s, USEC_S);
	told(&s, 1, 128, 0, true);
	vip_watch_settled(&s.watch);
	pass(&s, USEC_S);
	ok(s.renews == 2 && s.faults[VIP_REMOVED] == 2, "IPv6 too, once");
	vip_watch_restart(&s.watch);
	told(&s, 1, 128, VIP_LEASE_S, false);
	vip_watch_settled(&s.watch);
	is_int(s.renews, 3, "what a dump has not is missing");
	pass(&s, USEC_S);
	ok(vip_seat_recent(
	       vip_watch_seat(&s.watch, &s.vips[0]), loop_now(s.loop)),
	    "recent");
	pass(&s, VIP_RECENT);
	ok(!vip_seat_recent(
	       vip_watch_seat(&s.watch, &s.vips[0]), loop_now(s.loop)),
	    "but not for ever");
	s.careful = true;
	told(&s, 0, 32, 0, true);
	vip_watch_settled(&s.watch);
	is_int(s.faults[VIP_REMOVED], 3,
	    "a lease that may have run out is nobody's fault");
	scene_done(&s);
}

static void
test_changed(void)
{
	struct scene s;

	scene_init(&s, true);
	told(&s, 0, 32, UINT32_MAX, false);
	vip_watch_settled(&s.watch);
	ok(s.renews == 1 && s.faults[VIP_CHANGED] == 1 && s.drops == 0,
	    "for ever: renewed");
	pass(&s, USEC_S);
	told(&s, 0, 24, UINT32_MAX, false);
	vip_watch_settled(&s.watch);
	ok(s.drops == 1 && s.dropped_bits == 24 && s.faults[VIP_CHANGED] == 2,
	    "the same with another prefix: that one is taken away");
	pass(&s, USEC_S);
	told(&s, 1, 128, 0, true);
	told(&s, 1, 64, UINT32_MAX, false);
	vip_watch_settled(&s.watch);
	ok(s.drops == 2 && s.dropped_bits == 64 && s.renews == 3,
	    "IPv6 has one of them: taken away and put back");
	scene_done(&s);
}

static void
test_intruded(void)
{
	struct scene s;
	struct rt_addr a = { .index = 1, .bits = 32, .valid_s = UINT32_MAX };

	scene_init(&s, false);
	a.addr = s.vips[0].addr;
	vip_watch_on_addr(&s.watch, &a, &lo, false);
	vip_watch_settled(&s.watch);
	ok(quiet(&s), "the same address on another interface is not ours");
	told(&s, 0, 32, UINT32_MAX, false);
	told(&s, 1, 64, UINT32_MAX, false);
	vip_watch_settled(&s.watch);
	ok(s.drops == 2 && s.renews == 0 && s.faults[VIP_INTRUDED] == 2,
	    "added while not held: taken away");
	is_int(vip_watch_seat(&s.watch, &s.vips[1])->intruded, 1, "counted");
	vip_watch_settled(&s.watch);
	is_int(s.drops, 2, "once");
	scene_done(&s);
}

static void
test_unplugged(void)
{
	struct rt_link off = eth0;
	struct rt_addr a = { .index = 2, .bits = 128 };
	struct scene s;

	scene_init(&s, true);
	a.addr = s.vips[1].addr;
	off.up = off.carrier = false;
	vip_watch_on_addr(&s.watch, &a, &off, true);
	vip_watch_settled(&s.watch);
	ok(s.renews == 1 && s.faults[VIP_UNPLUGGED] == 1,
	    "what went with its interface is put back, and nobody blamed");
	scene_done(&s);
}

/* Somebody who removes it every 10 ms for five seconds. */
static void
test_fight(void)
{
	struct scene s;
	unsigned i;

	scene_init(&s, true);
	for (i = 0; i < 500; i++) {
		told(&s, 0, 32, 0, true);
		vip_watch_settled(&s.watch);
		pass(&s, 10 * USEC_MS);
	}
	ok(s.renews >= 20 && s.renews <= 27, "five a second: %u", s.renews);
	ok(vip_watch_seat(&s.watch, &s.vips[0])->recent >= VIP_FIGHT,
	    "that is a fight");
	scene_done(&s);
}

static void
test_reload(void)
{
	struct scene s;

	scene_init(&s, true);
	told(&s, 0, 32, 0, true);
	vip_watch_settled(&s.watch);
	s.conf.n_vips = 1;
	is_int(vip_watch_reload(&s.watch, &s.conf), 0, "reload");
	told(&s, 0, 32, VIP_LEASE_S, false);
	told(&s, 1, 128, 0, true);
	vip_watch_settled(&s.watch);
	is_int(s.faults[VIP_REMOVED], 1, "one that is no VIP any more may go");
	is_int(vip_watch_seat(&s.watch, &s.vips[0])->removed, 1,
	    "the other keeps its count");
	scene_done(&s);
}

int
main(void)
{
	test_own_doing();
	test_removed();
	test_changed();
	test_intruded();
	test_unplugged();
	test_fight();
	test_reload();
	return done();
}
