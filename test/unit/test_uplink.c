/*
 * test_uplink: the verdict on the uplink, on a fake clock.
 */
#include "ha/uplink.h"
#include "test/fake/loop_fake.h"
#include "test/fake/uplink_fake.h"
#include "test/tap.h"

#define FALL (60 * USEC_MS) /* beats of 20 ms, 3 of them */

struct scene {
	struct fake_clock clock;
	struct loop *loop;
	struct conf conf;
	struct conf_vip vips[3];
	struct uplink_fake fake;
	struct uplink uplink;
	unsigned told;
	bool well; /* as told */
};

static void
on_judged(bool well, void *arg)
{
	struct scene *s = arg;

	s->told++;
	s->well = well;
}

static void
scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	fake_clock_init(&s->clock, 0);
	s->loop = loop_fake_new(&s->clock, 1000 * USEC_S, NULL);
	s->conf.beat_interval = 20 * USEC_MS;
	s->conf.beat_misses = 3;
	s->conf.vips = s->vips;
	s->conf.n_vips = 3;
	s->well = true;
	memcpy(s->vips[0].device, "eth0", 5);
	memcpy(s->vips[1].device, "eth1", 5);
	memcpy(s->vips[2].device, "eth0", 5);
	uplink_fake_device(&s->fake, "eth0", UPLINK_FINE);
	uplink_fake_device(&s->fake, "eth1", UPLINK_FINE);
	(void)uplink_start(&s->uplink, s->loop, &s->conf, &uplink_fake_ops,
	    &s->fake, on_judged, s);
}

static void
scene_done(struct scene *s)
{
	uplink_stop(&s->uplink);
	loop_free(s->loop);
	fake_clock_done(&s->clock);
}

static void
device(struct scene *s, const char *name, enum uplink_device state)
{
	uplink_fake_device(&s->fake, name, state);
	uplink_on_devices(&s->uplink);
}

static void
pass(struct scene *s, usec_t time)
{
	fake_clock_run(&s->clock, s->clock.now + time);
}

static void
test_carrier(void)
{
	struct scene s;

	scene_init(&s);
	is_int(s.uplink.n_devices, 2, "each device once");
	pass(&s, 10 * USEC_S);
	is_int(s.told, 0, "well from the start, nothing to tell");
	device(&s, "eth1", UPLINK_NO_CARRIER);
	is_str(s.uplink.why, "eth1 has no carrier", "says why");
	pass(&s, FALL - 1);
	ok(s.uplink.well, "a carrier that was just lost is not judged yet");
	pass(&s, 1);
	ok(!s.well && s.told == 1, "then it is lost");
	is_int(s.uplink.losses, 1, "counted");
	device(&s, "eth1", UPLINK_FINE);
	is_str(s.uplink.why, "", "no reason is left");
	pass(&s, UPLINK_RISE - 1);
	device(&s, "eth1", UPLINK_DOWN);
	pass(&s, USEC_MS);
	device(&s, "eth1", UPLINK_FINE);
	pass(&s, UPLINK_RISE - 1);
	ok(!s.well && s.told == 1, "a carrier that flaps is not trusted");
	pass(&s, 1);
	ok(s.well && s.told == 2, "one that stays is");
	device(&s, "eth0", UPLINK_GONE);
	pass(&s, FALL / 2);
	device(&s, "eth0", UPLINK_FINE);
	pass(&s, 10 * USEC_S);
	is_int(s.told, 2, "a short fault is not told");
	scene_done(&s);
}

static void
test_start(void)
{
	struct scene s;

	scene_init(&s);
	device(&s, "eth0", UPLINK_UNKNOWN);
	pass(&s, 10 * USEC_S);
	ok(s.well && s.told == 0, "what is not known counts as well");
	device(&s, "eth0", UPLINK_DOWN);
	pass(&s, FALL);
	ok(!s.well, "but a device that is off at the start is told");
	scene_done(&s);
}

static void
test_reload(void)
{
	struct scene s;

	scene_init(&s);
	device(&s, "eth1", UPLINK_DOWN);
	pass(&s, FALL);
	ok(!s.well, "lost");
	s.conf.n_vips = 1;
	is_int(uplink_reload(&s.uplink, &s.conf), 0, "reload");
	pass(&s, UPLINK_RISE);
	ok(s.well, "a device that is no longer ours does not count");
	s.conf.n_vips = 3;
	(void)uplink_reload(&s.uplink, &s.conf);
	pass(&s, FALL);
	ok(!s.well, "a new one does at once");
	s.conf.n_vips = 0;
	(void)uplink_reload(&s.uplink, &s.conf);
	pass(&s, UPLINK_RISE);
	ok(s.well, "nothing to watch is well");
	scene_done(&s);
}

int
main(void)
{
	test_carrier();
	test_start();
	test_reload();
	return done();
}
