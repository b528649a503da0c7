/*
 * test_weigh_memory: P3's experiments in a closed loop, by seeds: what the
 * kernel's schedulers do with servers that run out of memory, what the load
 * policy does. All of it is exact: the same seeds give the same numbers.
 */
#include <stdio.h>

#include "test/tap.h"
#include "weigh_memory.h"
#include "weigh_world.h"

#define SEEDS 20
#define KEYS "type=load cpu=0 memory=1 in_service=0 interval=100ms "

static const struct memory_setup four_equal = {
	.kind = { { 50, 0, 5 }, { 40, 1, 2000 }, { 10, 3, 6000 } },
	.limit = { 44, 44, 44, 44 },
	.weight = { 100, 100, 100, 100 },
	.seconds = 40,
};
static const struct memory_setup mixed = {
	.kind = { { 50, 0, 5 }, { 30, 1, 2000 }, { 20, 2.5, 5000 } },
	.limit = { 66, 66, 33, 33 },
	.weight = { 200, 200, 100, 100 },
	.seconds = 40,
};

/* Means of all seeds. */
struct mean {
	double rate, killed, lost;
};

static struct mean
mean(const char *what, struct memory_setup s)
{
	struct memory_result r;
	struct mean m = { 0 };

	for (s.seed = 1; s.seed <= SEEDS; s.seed++) {
		r = memory_run(&s);
		m.rate += r.rate / SEEDS;
		m.killed += (double)r.killed / SEEDS;
		m.lost += (double)r.lost / SEEDS;
	}
	printf("# %-4s %3u connections: %4.1f/s, %5.2f killed, %5.1f lost\n",
	    what, s.connections, m.rate, m.killed, m.lost);
	return m;
}

static struct mean
kernel(const struct memory_setup *e, unsigned connections,
    enum memory_scheduler scheduler, const char *what)
{
	struct memory_setup s = *e;

	s.connections = connections;
	s.scheduler = scheduler;
	return mean(what, s);
}

static struct mean
yoke(const struct memory_setup *e, unsigned connections)
{
	struct policy p = world_policy(
	    KEYS "smoothing=500ms at_full=20 gain=100 step=1000 "
		  "hysteresis=0 full=88");
	struct memory_setup s = *e;

	s.connections = connections;
	s.scheduler = MEMORY_WLC;
	s.policy = &p;
	s.out = 0.92;
	return mean("yoke", s);
}

static void
test_enough(const struct memory_setup *e)
{
	struct mean wlc = kernel(e, 48, MEMORY_WLC, "wlc"), y = yoke(e, 48);

	ok(y.rate == wlc.rate && y.killed == 0,
	    "memory enough: nobody is turned away");
}

/* Nearly all of the memory is needed. */
static void
test_nearly_full(const struct memory_setup *e)
{
	struct mean rr = kernel(e, 80, MEMORY_RR, "rr"),
		    wlc = kernel(e, 80, MEMORY_WLC, "wlc"), y = yoke(e, 80);

	ok(y.rate > 0.97 * wlc.rate && y.rate > 1.5 * rr.rate,
	    "nearly full: as good as the best that the kernel has");
	ok(y.killed <= 0.15,
	    "and hardly a server is lost");
}

/* All together want a quarter more than there is. */
static void
test_too_many(const struct memory_setup *e)
{
	struct mean lc = kernel(e, 128, MEMORY_LC, "lc"),
		    wlc = kernel(e, 128, MEMORY_WLC, "wlc"), y = yoke(e, 128);

	ok(lc.killed > 8 && wlc.killed > 8, "too many: the kernel's lose all");
	ok(y.rate > 2.5 * wlc.rate && y.rate > 2.5 * lc.rate,
	    "yoke more than twice as good");
	ok(y.killed <= 0.3, "with hardly a server lost");
}

/* An agent's word acts when it is heard, not at the next decision. */
static void
test_albm(const struct memory_setup *e)
{
	struct policy p = world_policy(KEYS "smoothing=500ms");
	struct memory_setup s = *e;
	struct mean albm, wlc = kernel(e, 128, MEMORY_WLC, "wlc");

	s.connections = 128;
	s.scheduler = MEMORY_WRR;
	s.policy = &p;
	s.out = 0.7;
	albm = mean("albm", s);
	ok(albm.rate > 2 * wlc.rate && albm.killed < wlc.killed / 4,
	    "P3's own: none for a server that is overloaded");
}

int
main(void)
{
	static const struct memory_setup *const all[] = { &four_equal, &mixed };
	size_t i;

	for (i = 0; i < 2; i++) {
		test_enough(all[i]);
		test_nearly_full(all[i]);
		test_too_many(all[i]);
		test_albm(all[i]);
	}
	return done();
}
