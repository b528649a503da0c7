/*
 * test_probe_path: a mark for each server, all of them different, and the same
 * whoever else comes and goes.
 */
#include <stdlib.h>

#include "common/conf.h"
#include "test/tap.h"

#define MANY 20000U
#define MARKS 70000U

static struct server_def servers[MANY];
static struct conf_check checks[2] = { { .through = THROUGH_SERVER },
	{ .through = THROUGH_VIP } };
static struct conf_service services[2] = {
	{ .servers = servers, .checks = checks, .n_checks = 2 },
	{ .servers = servers, .checks = checks, .n_checks = 1 },
};
static struct conf conf = {
	.services = services, .n_services = 2, .probe_marks = MARKS
};

static void
make(size_t n, struct probe_paths *ret)
{
	services[0].n_servers = services[1].n_servers = n;
	if (probe_paths_make(&conf, ret) < 0)
		abort();
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Are all marks ours, and each there once? */
static bool
distinct(const struct probe_paths *p)
{
	static uint32_t marks[MANY];
	size_t i;
	bool good = true;

	for (i = 0; i < p->n; i++) {
		marks[i] = p->all[i].mark;
		good = good && probe_mark_ours(&conf, marks[i]);
	}
	qsort(marks, p->n, sizeof(*marks), by_number);
	for (i = 1; i < p->n; i++)
		good = good && marks[i - 1] != marks[i];
	return good;
}

static void
test_many(void)
{
	struct probe_paths all, fewer;
	size_t i, moved = 0;

	make(MANY, &all);
	is_int(all.n, MANY, "20000 servers, each has a path");
	ok(distinct(&all), "with a mark of its own");
	make(MANY - MANY / 100, &fewer);
	for (i = 0; i < services[0].n_servers; i++)
		moved += probe_paths_mark(&all, &servers[i]) !=
			 probe_paths_mark(&fewer, &servers[i]);
	ok(moved <= MANY / 100, "without 200 of them %zu others have another",
	    moved);
	is_int(probe_paths_mark(&fewer, &servers[MANY - 1]), 0,
	    "who is not there has none");
	ok(all.id != fewer.id, "all together are told apart");
	probe_paths_done(&all);
	probe_paths_done(&fewer);
}

static void
test_few(void)
{
	struct probe_paths p, again;
	struct server_def tun = servers[0];

	make(3, &p);
	conf.probe_marks = MARKS + 1;
	make(3, &again);
	ok(p.id != again.id, "other marks are other paths");
	probe_paths_done(&again);
	conf.probe_marks = MARKS;
	servers[0] = servers[2];
	servers[2] = tun;
	services[1].checks = &checks[1]; /* both services need them */
	make(3, &again);
	is_int(again.n, 3, "a server of two services has one path");
	ok(p.id == again.id, "whatever their order");
	tun.method = METHOD_TUN;
	is_int(
	    probe_paths_mark(&p, &tun), 0, "by another method it is another");
	probe_paths_done(&again);
	services[0].checks = services[1].checks = checks;
	services[0].n_checks = 1;
	make(3, &again);
	ok(again.n == 0 && again.id == 0, "no check, no path");
	probe_paths_done(&again);
	probe_paths_done(&p);
}

/* Instances on one machine must not take each other's for left behind. */
static void
test_names(void)
{
	struct conf a = { .instance = "main" }, b = { .instance = "blue" };

	ok(!probe_mark_ours(&a, probe_marks_first(&b)) &&
	    !probe_mark_ours(&b, probe_marks_first(&a)),
	    "instances have marks of their own");
	ok(probe_marks_first(&a) >= 1U << 30 &&
	    probe_marks_first(&a) <= INT32_MAX - PROBE_MARKS + 1,
	    "in the range that the manual names");
	a.probe_marks = 7;
	is_int(probe_marks_first(&a), 7, "or as configured");
}

int
main(void)
{
	uint32_t i;

	for (i = 0; i < MANY; i++)
		servers[i].addr = (struct addr){ AF_INET,
			{ 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			    (uint8_t)i } };
	ok(!probe_mark_ours(&conf, MARKS - 1) &&
		probe_mark_ours(&conf, MARKS) &&
		probe_mark_ours(&conf, MARKS + PROBE_MARKS - 1) &&
		!probe_mark_ours(&conf, MARKS + PROBE_MARKS) &&
		!probe_mark_ours(&conf, 0),
	    "which marks are ours");
	test_names();
	test_many();
	test_few();
	return done();
}
