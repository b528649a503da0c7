/*
 * test_weigh: each rail of a policy by itself, the ratio rule of P2, events
 * out of range, and records: written, read, played again.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/weigh_text.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "weigh_world.h"

static void
took(struct world *w, size_t i, int ms)
{
	world_feed(w, i, WEIGH_TOOK, ms * 1000);
}

static void
tick(struct world *w)
{
	(void)weigh_feed(&w->weigh,
	    &(struct weigh_event){ .at = w->now, .what = WEIGH_TICK });
	w->now += USEC_S;
}

/* Both servers answer in a and b ms, for n decisions. */
static void
ticks(struct world *w, int n, int a, int b)
{
	while (n-- > 0) {
		took(w, 0, a);
		took(w, 1, b);
		tick(w);
	}
}

static void
load(struct world *w, size_t i, unsigned memory, bool overloaded, unsigned scale)
{
	struct weigh_event e = { .at = w->now, .what = WEIGH_LOAD };

	e.load.has[LOAD_MEMORY] = true;
	e.load.metric[LOAD_MEMORY] = (uint16_t)memory;
	e.load.overloaded = overloaded;
	e.load.scale = (uint16_t)scale;
	(void)snprintf(e.server, sizeof(e.server), "rs%zu", i + 1);
	if (weigh_feed(&w->weigh, &e) < 0)
		abort();
}

static void
begin(struct world *w, const char *keys, size_t n)
{
	struct policy p = world_policy(keys);

	world_init(w, &p, n, 100);
}

static void
test_response(void)
{
	struct world w;

	begin(&w, "type=response-time step=30", 2);
	ticks(&w, 6, 10, 30);
	ok(w.v[1].weight < 100 && w.v[1].weight >= 70,
	    "one step at most: %d", (int)w.v[1].weight);
	ticks(&w, 30, 10, 30);
	ok(w.v[0].weight > 3 * w.v[1].weight - 15 &&
	    w.v[0].weight < 3 * w.v[1].weight + 15,
	    "inverse to the time: %d and %d", (int)w.v[0].weight,
	    (int)w.v[1].weight);
	ok(strstr(w.cause[1], "response-time 30.0ms, mean 15.0ms") != NULL,
	    "cause: %s", w.cause[1]);
	world_done(&w);
	begin(&w, "type=response-time min=40 max=120", 2);
	ticks(&w, 40, 10, 100);
	is_int(w.v[0].weight, 120, "no more than max");
	is_int(w.v[1].weight, 40, "no less than min");
	ok(strstr(w.cause[1], "; min") != NULL, "and says so: %s", w.cause[1]);
	world_done(&w);
	begin(&w, "type=response-time hysteresis=10", 2);
	ticks(&w, 40, 10, 10);
	ticks(&w, 40, 10, 11);
	is_int(w.v[0].changes + w.v[1].changes, 0, "hysteresis: no change");
	world_done(&w);
}

static void
test_stale(void)
{
	struct world w;
	int i, was;

	begin(&w, "type=response-time stale=5s step=20", 2);
	ticks(&w, 30, 10, 30);
	was = w.v[1].weight;
	for (i = 0; i < 5; i++) {
		took(&w, 0, 10);
		tick(&w);
	}
	is_int(w.v[1].weight, was, "silent, not for long: stays");
	for (i = 0; i < 40; i++) {
		took(&w, 0, 10);
		tick(&w);
	}
	ok(w.v[1].weight >= 97 && w.v[1].weight <= 103,
	    "stale: back to the configured weight: %d", (int)w.v[1].weight);
	ok(strstr(w.cause[1], "no news; back to configured") != NULL,
	    "and says so: %s", w.cause[1]);
	world_done(&w);
}

static void
test_load(void)
{
	struct world w;
	int i;

	begin(&w, "type=load cpu=0 memory=1 smoothing=0", 2);
	for (i = 0; i < 40; i++) {
		load(&w, 0, 200, false, 100);
		load(&w, 1, 600, false, 100);
		tick(&w);
	}
	ok(w.v[0].weight > 128 && w.v[0].weight < 138 &&
	    w.v[1].weight > 62 && w.v[1].weight < 72,
	    "as the memory available, 80 to 40: %d and %d",
	    (int)w.v[0].weight, (int)w.v[1].weight);
	ok(strstr(w.cause[1], "load 60%, mean 40%") != NULL, "cause: %s",
	    w.cause[1]);
	for (i = 0; i < 30; i++) {
		load(&w, 0, 200, false, 50);
		load(&w, 1, 200, false, 100);
		tick(&w);
	}
	ok(w.v[0].weight > 46 && w.v[0].weight < 54,
	    "an agent asks for 50%%: %d", (int)w.v[0].weight);
	world_done(&w);
}

static void
test_overload(void)
{
	struct world w;

	begin(&w, "type=load in_service=50 slow_start=0", 4);
	load(&w, 0, 900, true, 100);
	load(&w, 1, 950, true, 100);
	load(&w, 2, 800, true, 100);
	load(&w, 3, 100, false, 100);
	tick(&w);
	ok(w.v[0].weight == 0 && w.v[1].weight == 0,
	    "two overloaded go out at once");
	ok(w.v[2].weight > 0, "the third stays: half is kept in service");
	ok(strstr(w.cause[0], "overloaded: out") != NULL, "cause: %s",
	    w.cause[0]);
	load(&w, 0, 100, false, 100);
	tick(&w);
	ok(w.v[0].weight > 0 && w.v[0].weight <= 30,
	    "recovered: back, a step: %d", (int)w.v[0].weight);
	is_int(w.v[2].weight, 0, "and makes room for the third to go");
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_DOWN);
	world_feed(&w, 3, WEIGH_HAND, 0);
	load(&w, 1, 900, true, 100);
	load(&w, 2, 900, true, 100);
	tick(&w);
	ok(w.v[1].weight > 0 || w.v[2].weight > 0,
	    "with one down and one at 0 by hand, overloaded ones must serve");
	world_done(&w);
}

/* The loads of both, then a decision. */
static void
loads(struct world *w, unsigned a, unsigned b)
{
	load(w, 0, a, false, 100);
	load(w, 1, b, false, 100);
	tick(w);
}

static void
test_full(void)
{
	struct world w;
	int i;

	begin(&w, "type=load cpu=0 memory=1 full=70 in_service=50", 2);
	loads(&w, 820, 560);
	ok(w.v[0].weight > 0 && w.v[1].weight > 0, "69%% together: all serve");
	loads(&w, 700, 700);
	ok(w.v[0].weight == 0 && w.v[1].weight == 0,
	    "70%%: nobody does, whatever in_service says");
	ok(strstr(w.cause[0], "all together full: out") != NULL, "cause: %s",
	    w.cause[0]);
	loads(&w, 600, 600);
	is_int(w.v[0].weight, 0, "60%%: not yet");
	loads(&w, 550, 550);
	ok(w.v[0].weight > 0 && w.v[1].weight > 0, "55%%: all at once");
	loads(&w, 650, 650);
	is_int(w.v[0].weight, 0, "65%%: it was full a moment ago");
	for (i = 0; i < 60; i++)
		loads(&w, 550, 550);
	loads(&w, 650, 650);
	ok(w.v[0].weight > 95 && w.v[0].weight < 105 && w.v[1].weight > 95,
	    "a minute later it may, and weights are as before: %d",
	    (int)w.v[0].weight);
	for (i = 0; i < 12; i++) {
		load(&w, 0, 990, false, 100);
		tick(&w);
	}
	ok(w.v[1].weight > 0, "one is silent: nobody knows how full it is");
	world_done(&w);
	begin(&w, "type=load cpu=0 memory=1 full=70", 2);
	world_feed(&w, 0, WEIGH_SERVER, 300);
	loads(&w, 600, 950);
	ok(w.v[0].weight > 0, "by configured weight: 69%%");
	loads(&w, 630, 950);
	is_int(w.v[0].weight, 0, "71%%");
	world_done(&w);
	begin(&w, "type=load cpu=0 memory=1 full=70", 4);
	load(&w, 2, 500, false, 100);
	load(&w, 3, 500, false, 100);
	loads(&w, 500, 500);
	load(&w, 0, 500, true, 100);
	ok(w.v[0].weight == 0 && w.v[1].weight > 0,
	    "overloaded: out at once, without a tick");
	load(&w, 1, 650, true, 100);
	ok(w.v[1].weight == 0 && w.v[2].weight == 0 && w.v[3].weight == 0,
	    "who is out counts as full: 75%%");
	world_done(&w);
	begin(&w, "type=load cpu=0 memory=1 full=70 sorry=rs3", 3);
	loads(&w, 900, 900);
	is_int(w.v[2].weight, 100, "the sorry server serves while it is full");
	world_done(&w);
}

/* 800 and 400 of 1000: what each has left, or a part of its whole. */
static void
test_at_full(void)
{
	static const struct {
		const char *keys;
		int a, b, a_after;
	} rows[] = {
		{ "gain=100", 50, 150, 100 },
		{ "gain=100 at_full=20", 69, 131, 100 },
		{ "gain=100 at_full=90", 98, 102, 100 },
		{ "gain=50 at_full=20", 85, 115, 96 },
	};
	struct world w;
	char keys[128];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(keys, sizeof(keys), "type=load cpu=0 memory=1 "
		    "step=1000 hysteresis=0 smoothing=0 %s", rows[i].keys);
		begin(&w, keys, 2);
		loads(&w, 800, 400);
		ok(w.v[0].weight == rows[i].a && w.v[1].weight == rows[i].b,
		    "%s: %d %d", rows[i].keys, (int)w.v[0].weight,
		    (int)w.v[1].weight);
		ok(strstr(w.cause[0], "80%, mean 60%") != NULL, "%s",
		    w.cause[0]);
		loads(&w, 500, 500);
		loads(&w, 500, 500);
		is_int(w.v[0].weight, rows[i].a_after,
		    "two decisions after they are equal");
		world_done(&w);
	}
}

static void
test_resumed_overload(void)
{
	struct world w;

	begin(&w, "type=load stale=5s", 4);
	world_feed(&w, 0, WEIGH_TABLE, 0);
	w.v[0].weight = 0;
	tick(&w);
	is_int(w.v[0].weight, 0, "out as the table had it");
	load(&w, 0, 100, false, 100);
	tick(&w);
	ok(w.v[0].weight > 0, "until its agent says otherwise");
	world_done(&w);
	begin(&w, "type=load stale=5s", 4);
	world_feed(&w, 0, WEIGH_TABLE, 0);
	w.v[0].weight = 0;
	w.now += 6 * USEC_S;
	tick(&w);
	ok(w.v[0].weight > 0, "or is silent for too long");
	world_done(&w);
}

static void
test_slow_start(void)
{
	struct world w;
	int i;

	begin(&w, "type=fixed slow_start=10s", 2);
	tick(&w);
	is_int(w.v[0].changes, 0, "fixed: nothing to say");
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_DOWN);
	tick(&w);
	is_int(w.v[0].weight, 10, "down: a tenth is ready for its return");
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_UP);
	for (i = 0; i < 5; i++)
		tick(&w);
	ok(w.v[0].weight > 30 && w.v[0].weight < 60, "half way: %d",
	    (int)w.v[0].weight);
	ok(strstr(w.cause[0], "slow start") != NULL, "cause: %s", w.cause[0]);
	for (i = 0; i < 10; i++)
		tick(&w);
	is_int(w.v[0].weight, 100, "all of it");
	world_done(&w);
}

static void
test_hand(void)
{
	struct world w;
	unsigned was;

	begin(&w, "type=response-time", 2);
	world_feed(&w, 0, WEIGH_HAND, 37);
	ticks(&w, 20, 100, 10);
	is_int(w.v[0].changes, 0, "by hand wins: no change");
	world_feed(&w, 0, WEIGH_HAND, WEIGHT_NONE);
	ticks(&w, 20, 100, 10);
	ok(w.v[0].changes > 0, "until it ends");
	(void)weigh_feed(&w.weigh, &(struct weigh_event){ .at = w.now,
	    .what = WEIGH_HAND, .server = "rs1", .value = WEIGHT_NONE,
	    .drained = true });
	tick(&w);
	was = w.v[0].changes;
	ticks(&w, 20, 10, 100);
	is_int(w.v[0].changes, was, "drained: no change");
	world_done(&w);
}

static void
test_effect(void)
{
	struct world w;
	int i;

	begin(&w, "type=fixed", 2);
	world_feed(&w, 0, WEIGH_EFFECT, 40);
	for (i = 0; i < 4; i++)
		tick(&w);
	is_int(w.v[0].weight, 40, "a check that fails leaves 40%%");
	ok(strstr(w.cause[0], "checks leave 40%") != NULL, "cause: %s",
	    w.cause[0]);
	world_done(&w);
}

static void
test_sorry(void)
{
	struct world w;

	begin(&w, "type=fixed sorry=rs3", 3);
	tick(&w);
	is_int(w.v[2].weight, 0, "a sorry server rests");
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_DOWN);
	tick(&w);
	is_int(w.v[2].weight, 0, "while one of the others serves");
	world_feed(&w, 1, WEIGH_HAND, 0);
	tick(&w);
	is_int(w.v[2].weight, 100, "and serves when none does");
	ok(strstr(w.cause[2], "no other one serves") != NULL, "cause: %s",
	    w.cause[2]);
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_UP);
	tick(&w);
	is_int(w.v[2].weight, 0, "until one is back");
	world_done(&w);
	begin(&w, "type=load in_service=0 sorry=rs3", 3);
	load(&w, 0, 950, true, 100);
	load(&w, 1, 950, true, 100);
	tick(&w);
	ok(w.v[0].weight == 0 && w.v[1].weight == 0 && w.v[2].weight == 100,
	    "all overloaded: it serves");
	world_done(&w);
}

/* The weighted round robin of LVS: the highest first, then all from it down
 * by the greatest common divisor. */
static void
wrr(const struct world *w, char *buf, size_t n)
{
	int32_t most = 0, at = 0;
	size_t i = w->n - 1, k = 0, j;

	for (j = 0; j < w->n; j++)
		most = w->v[j].weight > most ? w->v[j].weight : most;
	while (k < n) {
		i = (i + 1) % w->n;
		if (i == 0 && --at <= 0)
			at = most;
		if (w->v[i].weight >= at)
			buf[k++] = (char)('A' + i);
	}
	buf[k] = '\0';
}

static void
test_ratio(void)
{
	char order[32];
	struct world w;

	begin(&w, "type=response-time ratio=true smoothing=0", 2);
	ticks(&w, 40, 70, 30);
	is_int(w.v[0].weight, 1, "30 : 70 is 1 ...");
	is_int(w.v[1].weight, 2, "... to 2");
	wrr(&w, order, 6);
	is_str(order, "BABBAB", "and goes A B B A B B, in its turn");
	world_done(&w);
	begin(&w, "type=response-time ratio=true smoothing=0", 2);
	ticks(&w, 40, 75, 25);
	is_int(w.v[0].weight * 10 + w.v[1].weight, 13, "25 : 75 is 1 to 3");
	world_done(&w);
}

static void
test_refused(void)
{
	struct weigh_event e = { .at = 1, .what = WEIGH_TOOK, .server = "rs1" };
	struct world w;

	begin(&w, "type=both", 1);
	e.value = -1;
	is_int(weigh_feed(&w.weigh, &e), -EINVAL, "a time before it began");
	e.value = INT64_MAX;
	is_int(weigh_feed(&w.weigh, &e), -EINVAL, "a time without end");
	e.what = WEIGH_HEALTH;
	is_int(weigh_feed(&w.weigh, &e), -EINVAL, "no such health");
	e.what = WEIGH_TABLE;
	is_int(weigh_feed(&w.weigh, &e), -EINVAL, "no such weight");
	e.what = WEIGH_LOAD;
	e.load.scale = 101;
	is_int(weigh_feed(&w.weigh, &e), -EINVAL, "101%%");
	e.what = WEIGH_TOOK;
	e.value = 1;
	memcpy(e.server, "rs9", 4);
	is_int(weigh_feed(&w.weigh, &e), -ENOENT, "no such server");
	world_done(&w);
}

static void
test_lines(void)
{
	static const char *const good[] = {
		"1000 server rs1 100", "1 gone rs1", "2 table rs1 none",
		"3 table rs1 37", "4 health rs1 down", "5 hand rs1 drained 12",
		"6 hand rs1 enabled none", "7 took rs1 1234",
		"8 load rs1 cpu=120 hits=1000 overloaded=1 scale=75",
		"9 effect rs1 40", "10 tick",
	};
	static const char *const bad[] = { "x", "1", "1 fly", "-1 tick",
		"1 tick rs1", "1 took rs1", "1 took rs1 x", "1 took /etc 1",
		"1 load rs1 cpu=1001", "1 load rs1 beer=3", "1 health rs1 ill",
		"1 hand rs1 away 3", "1 weight rs1 70000 x",
		"99999999999999999999 tick", "1 took rs1 1 1" };
	struct weigh_line l = { .what = LINE_POLICY };
	char text[WEIGH_LINE_MAX], why[256];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ok(weigh_line_parse(good[i], &l, why, sizeof(why)) == 0 &&
		    l.what == LINE_EVENT, "read: %s", good[i]);
		is_str(weigh_event_format(&l.event, text), good[i], "same");
	}
	l.what = LINE_POLICY;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why[0] = '\0';
		ok(weigh_line_parse(bad[i], &l, why, sizeof(why)) == -EINVAL &&
		    why[0] != '\0' && l.what == LINE_POLICY,
		    "refused: %s: %s", bad[i], why);
	}
	(void)weigh_weight_format(7, "rs1", 37, "load 3%; step", text);
	ok(weigh_line_parse(text, &l, why, sizeof(why)) == 0 &&
	    l.what == LINE_WEIGHT && l.weight == 37, "a weight: %s", text);
	is_str(l.cause, "load 3%; step", "with its cause");
	is_int(weigh_line_parse("# hello", &l, why, sizeof(why)), 0, "comment");
}

static void
record_key(const char *key, const char *value, void *arg)
{
	char text[WEIGH_LINE_MAX];

	fprintf(arg, "%s\n", weigh_policy_format(1, key, value, text));
}

/* Runs yoke replay; its exit status, and the last line of its output. */
static int
replay(const char *file, const char *more, char *last, size_t len)
{
	const char *bin = getenv("YOKE_BIN");
	char cmd[256];
	FILE *f;

	(void)snprintf(cmd, sizeof(cmd), "%s/yoke replay %s %s 2>&1",
	    bin != NULL ? bin : "build/bin", file, more);
	f = popen(cmd, "r");
	last[0] = '\0';
	while (f != NULL && fgets(last, (int)len, f) != NULL)
		;
	last[strcspn(last, "\n")] = '\0';
	return f != NULL ? WEXITSTATUS(pclose(f)) : -1;
}

static void
test_replay(void)
{
	char file[SCRATCH_LEN], last[512], cmd[512];
	struct policy p = world_policy("type=both step=20");
	struct world w;
	FILE *f;

	scratch_file(file, sizeof(file));
	f = fopen(file, "w");
	fprintf(f, "%s\n", WEIGH_HEAD);
	policy_keys(&p, record_key, f);
	fprintf(f, "1000000000 server rs1 100\n"
	    "1000000000 server rs2 100\n1000000000 server rs3 100\n");
	world_init(&w, &p, 3, 100);
	w.record = f;
	w.noise = 0.3;
	w.v[2].cost = 0.03;
	world_run(&w, 60 * USEC_S);
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_DOWN);
	world_run(&w, 5 * USEC_S);
	world_feed(&w, 0, WEIGH_HEALTH, HEALTH_UP);
	world_run(&w, 30 * USEC_S);
	fclose(f);
	world_done(&w);
	is_int(replay(file, "", last, sizeof(last)), 0, "%s", last);
	ok(strstr(last, "all as recorded") != NULL, "the same once more");
	is_int(replay(file, "step=5", last, sizeof(last)), 0, "%s", last);
	ok(strstr(last, "other settings") != NULL, "with other settings");
	is_int(replay(file, "step=0", last, sizeof(last)), 2, "%s", last);
	(void)snprintf(cmd, sizeof(cmd),
	    "sed -i 's/^\\([0-9]* weight rs3\\) [0-9]*/\\1 9/' %s", file);
	ok(system(cmd) == 0, "a record that was changed");
	is_int(replay(file, "", last, sizeof(last)), 1, "%s", last);
	(void)snprintf(cmd, sizeof(cmd), "sed -i '9s/.*/fly/' %s", file);
	ok(system(cmd) == 0, "and spoilt");
	is_int(replay(file, "", last, sizeof(last)), 2, "%s", last);
	ok(strstr(last, ":9: ") != NULL, "says the line");
}

int
main(void)
{
	test_response();
	test_stale();
	test_load();
	test_overload();
	test_full();
	test_at_full();
	test_resumed_overload();
	test_slow_start();
	test_hand();
	test_effect();
	test_sorry();
	test_ratio();
	test_refused();
	test_lines();
	test_replay();
	return done();
}
