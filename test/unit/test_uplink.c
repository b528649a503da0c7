/*
 * test_uplink: the verdict on the uplink, on a fake clock.
 */
#include "ha/uplink.h"
#include "test/fake/loop_fake.h"
#include "test/fake/uplink_fake.h"
#include "test/tap.h"

#define INTERVAL (200 * USEC_MS)
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
	s->conf.uplink_need = 1;
	s->conf.uplink_interval = INTERVAL;
	s->conf.uplink_misses = 3;
	s->fake.uplink = &s->uplink;
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

/* Two witnesses that answer. */
static void
ask_two(struct scene *s, unsigned need)
{
	s->conf.witnesses.n = 2;
	s->conf.witnesses.list[0] = (struct conf_witness){ .gateway = true };
	s->conf.witnesses.list[1] = (struct conf_witness){
		.addr = { .family = AF_INET, .bytes = { 10, 9, 0, 1 } }
	};
	s->conf.uplink_need = need;
	s->fake.answers[0] = s->fake.answers[1] = true;
	(void)uplink_reload(&s->uplink, &s->conf);
}

static void
test_witnesses(void)
{
	struct scene s;

	scene_init(&s);
	ask_two(&s, 1);
	pass(&s, 10 * USEC_S);
	ok(s.told == 0 && s.fake.asked >= 100 && s.fake.asked <= 104,
	    "each is asked each interval: %u", s.fake.asked);
	s.fake.answers[0] = false;
	pass(&s, 10 * USEC_S);
	ok(s.well && !s.uplink.witnesses[0].up && s.uplink.witnesses[1].up,
	    "one of two is enough when one must answer");
	s.fake.answers[1] = false;
	pass(&s, 3 * INTERVAL);
	ok(s.uplink.well, "not before three were missed");
	pass(&s, INTERVAL + FALL);
	ok(!s.well, "then it is lost");
	is_str(s.uplink.why, "0 of 2 witnesses answer, 1 must", "says why");
	s.fake.answers[0] = true;
	pass(&s, INTERVAL + UPLINK_RISE);
	ok(s.well && s.told == 2, "one answer brings it back, in a second");
	s.conf.uplink_need = 2;
	(void)uplink_reload(&s.uplink, &s.conf);
	pass(&s, FALL);
	ok(!s.well, "a reload may need more");
	is_str(s.uplink.why, "1 of 2 witnesses answers, 2 must", "says so");
	s.conf.witnesses.n = 0;
	(void)uplink_reload(&s.uplink, &s.conf);
	pass(&s, UPLINK_RISE);
	s.fake.asked = 0;
	pass(&s, 10 * USEC_S);
	ok(s.well && s.fake.asked == 0, "or none, and nobody is asked");
	scene_done(&s);
}

static void
test_witness_unknown(void)
{
	struct scene s;

	scene_init(&s);
	ask_two(&s, 2);
	s.fake.answers[0] = false;
	pass(&s, 3 * INTERVAL - 1);
	ok(s.uplink.well, "a new witness counts until it missed three");
	pass(&s, INTERVAL + FALL);
	ok(!s.well, "not longer");
	s.fake.answers[0] = true;
	pass(&s, INTERVAL + UPLINK_RISE);
	ok(s.well, "answers");
	s.fake.answers[0] = false;
	pass(&s, 2 * INTERVAL);
	s.fake.answers[0] = true;
	pass(&s, 10 * USEC_S);
	is_int(s.told, 2, "two misses are no loss");
	uplink_on_answer(&s.uplink, 7);
	ok(s.well, "an answer of nobody is nothing");
	scene_done(&s);
}

/* Our own process stood still: the answers could not be read. */
static void
test_stopped(void)
{
	struct scene s;
	usec_t since;
	unsigned i;

	scene_init(&s);
	s.conf.uplink_misses = 1;
	ask_two(&s, 1);
	s.conf.witnesses.n = 1;
	(void)uplink_reload(&s.uplink, &s.conf);
	pass(&s, USEC_S);
	since = s.uplink.witnesses[0].since;
	for (i = 0; i < 5; i++) {
		s.fake.answers[0] = false; /* it comes while we are stopped */
		pass(&s, INTERVAL);
		loop_fake_pause(s.loop, true);
		pass(&s, 3 * USEC_S);
		s.fake.answers[0] = true;
		loop_fake_pause(s.loop, false);
		pass(&s, USEC_S);
	}
	ok(s.told == 0 && s.uplink.witnesses[0].since == since,
	    "who stood still itself blames nobody");
	scene_done(&s);
}

/* Silence of the peer: was the outside seen since? */
static void
test_sure(void)
{
	struct scene s;
	usec_t then;

	scene_init(&s);
	then = loop_now(s.loop);
	ok(uplink_sure(&s.uplink, then), "without witnesses a carrier is proof");
	device(&s, "eth0", UPLINK_NO_CARRIER);
	ok(!uplink_fine(&s.uplink) && s.uplink.well,
	    "a lost carrier counts before the verdict");
	ok(!uplink_sure(&s.uplink, then), "and is no proof");
	device(&s, "eth0", UPLINK_FINE);
	ask_two(&s, 1);
	pass(&s, 10 * INTERVAL + INTERVAL / 2);
	then = loop_now(s.loop);
	s.fake.asked = 0;
	ok(!uplink_sure(&s.uplink, then), "an older answer is no proof");
	is_int(s.fake.asked, 2, "so both are asked at once");
	ok(uplink_sure(&s.uplink, then), "and their answer is");
	s.fake.answers[0] = s.fake.answers[1] = false;
	pass(&s, USEC_MS);
	s.fake.asked = 0;
	ok(!uplink_sure(&s.uplink, then + 1), "nobody answers");
	ok(!uplink_sure(&s.uplink, then + 1), "still nobody");
	is_int(s.fake.asked, 0, "who was asked just now is not asked again");
	pass(&s, 5 * USEC_MS);
	ok(!uplink_sure(&s.uplink, then + 1) && s.fake.asked == 2,
	    "but soon");
	scene_done(&s);
}

int
main(void)
{
	test_sure();
	test_witnesses();
	test_witness_unknown();
	test_stopped();
	test_carrier();
	test_start();
	test_reload();
	return done();
}
