/*
 * sim_sweep: the same fault at many instants. Random faults seldom hit the one
 * microsecond that matters; these walk over whole beats and leases.
 */
#include <inttypes.h>
#include <stdio.h>

#include "test/sim/sim.h"
#include "test/tap.h"

#define STEPS 200

struct tally {
	unsigned good;
	uint64_t first_bad; /* the first step that was not good, + 1 */
	const char *why;
	usec_t most, sum;
};

static struct sim *
pair(uint64_t seed)
{
	struct sim *s = sim_new(seed, NULL);

	sim_start(s, 0);
	sim_start(s, 1);
	sim_run_for(s, 5 * USEC_S);
	return s;
}

static void
count(struct tally *t, uint64_t step, const char *bad)
{
	t->good += bad == NULL;
	if (bad == NULL || t->first_bad != 0)
		return;
	t->first_bad = step + 1;
	t->why = bad;
}

static void
verdict(const struct tally *t, const char *what)
{
	if (!ok(t->good == STEPS, "%s, at %u instants", what, STEPS))
		printf("#   step %" PRIu64 ": %s\n", t->first_bad - 1, t->why);
}

static usec_t
worst(const struct sim *s, bool none)
{
	usec_t a = none ? s->watch[0].none_max : s->watch[0].two_max;
	usec_t b = none ? s->watch[1].none_max : s->watch[1].two_max;

	return a > b ? a : b;
}

/* The second director comes at any time around the first one's start_wait. */
static const char *
cold_start(uint64_t i)
{
	struct sim *s = sim_new(i, NULL);
	const char *bad;

	sim_start(s, i % 2);
	sim_run_for(s, i < STEPS / 2 ? i * 777 :
		3 * USEC_S - 100 * USEC_MS + (i - STEPS / 2) * 2 * USEC_MS);
	sim_start(s, !(i % 2));
	sim_run_for(s, 6 * USEC_S);
	sim_watch_now(s);
	bad = worst(s, false) > 0 || s->watch[0].lost > 0 ? "two held an address, or it was let go of" :
		s->nodes[0].takes + s->nodes[1].takes != 1 ?
		"more than one takeover" : sim_well(s);
	sim_free(s);
	return bad;
}

/* Within n + 1 beats, whatever the phase. */
static const char *
power_cut(uint64_t i, struct tally *t)
{
	struct sim *s = pair(i);
	const char *bad;
	usec_t took;

	sim_run_for(s, i * 101);
	sim_mark(s);
	sim_kill(s, 0);
	sim_run_for(s, USEC_S);
	sim_watch_now(s);
	took = worst(s, true);
	t->sum += took;
	t->most = took > t->most ? took : t->most;
	bad = took > 80 * USEC_MS ? "took over n + 1 beats" :
		sim_holder(s) != 1 ? "did not take over" : NULL;
	sim_free(s);
	return bad;
}

/* Process death is known from the group: one missed beat is enough. */
static const char *
crash(uint64_t i, struct tally *t)
{
	struct sim *s = pair(i);
	const char *bad = NULL;
	usec_t at;

	s->nodes[0].vip.slack = 20 * USEC_MS; /* as measured */
	sim_run_for(s, i * 1301);
	sim_mark(s);
	sim_crash(s, 0);
	at = sim_now(s);
	sim_run_for(s, 50 * USEC_MS);
	t->sum += s->nodes[1].director.role_since - 7777 * USEC_S -
	    (at + s->start);
	if (!sim_is(s, 1, ROLE_ACTIVE))
		bad = "not within 50 ms";
	sim_run_for(s, 3 * USEC_S);
	sim_watch_now(s);
	if (bad == NULL &&
	    (worst(s, true) > 0 || worst(s, false) > 1020 * USEC_MS))
		bad = "a gap, or two for longer than a lease";
	if (bad == NULL && s->nodes[1].vip.announced < s->nodes[0].had)
		bad = "not announced after the dead one's lease had run out";
	sim_start(s, 0);
	sim_run_for(s, 2 * USEC_S);
	bad = bad != NULL ? bad : sim_well(s);
	sim_free(s);
	return bad;
}

/* Longer than its leases; its machine hears meanwhile, or (deaf) does not. */
static const char *
hang(uint64_t i, bool deaf)
{
	struct sim *s = pair(i);
	const char *bad = NULL;

	sim_run_for(s, i * 1777);
	sim_hang(s, 0, true);
	if (deaf)
		sim_cut(s, -1, -1, true);
	sim_run_for(s, 3 * USEC_S);
	sim_mark(s);
	if (deaf)
		sim_cut(s, -1, -1, false);
	sim_hang(s, 0, false);
	sim_run_for(s, 3 * USEC_S);
	sim_watch_now(s);
	if (worst(s, false) > 0)
		bad = "it took the addresses back for a moment";
	bad = bad != NULL ? bad : sim_well(s);
	sim_free(s);
	return bad;
}

/* Power goes at any time within a switch, on one side or the other. */
static const char *
switch_cut(uint64_t i)
{
	struct sim *s = pair(i);
	const char *bad = NULL;
	unsigned victim = i % 2;

	sim_run_for(s, i * 177);
	(void)sim_change(s, 0, CHANGE_OVERRIDE, "web", "rs1", 37);
	sim_run_for(s, 30 * USEC_MS);
	sim_mark(s);
	(void)sim_switch(s, 0);
	sim_run_for(s, i * 13);
	sim_kill(s, victim);
	sim_run_for(s, 3 * USEC_S);
	sim_watch_now(s);
	if (worst(s, true) > 85 * USEC_MS || sim_holder(s) != (int)!victim)
		bad = "a gap, or nobody took over";
	sim_remember(s, !victim);
	sim_start(s, victim);
	sim_run_for(s, 3 * USEC_S);
	if (!table_equal(&s->remembered, &s->nodes[victim].director.table))
		bad = "the table is another";
	bad = bad != NULL ? bad : sim_well(s);
	sim_free(s);
	return bad;
}

static const char *
planned(uint64_t i)
{
	struct sim *s = pair(i);
	const char *bad = NULL;

	sim_run_for(s, i * 177);
	sim_mark(s);
	(void)sim_switch(s, 0);
	sim_run_for(s, 2 * USEC_S);
	sim_watch_now(s);
	if (s->watch[0].lost > 0 || worst(s, false) > 30 * USEC_MS)
		bad = "a gap, or two for long";
	if (sim_active(s) != 1)
		bad = "it did not switch";
	bad = bad != NULL ? bad : sim_well(s);
	sim_free(s);
	return bad;
}

/* Both leave the air for any time, and meet again. */
static const char *
split(uint64_t i)
{
	struct sim *s = pair(i);
	const char *bad;

	sim_run_for(s, i * 177);
	sim_cut(s, -1, i % 3 == 0 ? -1 : (int)(i % 2), true);
	sim_run_for(s, 1 + i * 1201);
	sim_cut(s, -1, -1, false);
	sim_run_for(s, 3 * USEC_S);
	bad = sim_well(s);
	sim_free(s);
	return bad;
}

/* The active restarts its manager in so short a time that it may pass. */
static const char *
restart(uint64_t i)
{
	struct sim *s = pair(i);
	const char *bad;

	(void)sim_change(s, 0, CHANGE_OVERRIDE, "web", "rs1", 37);
	sim_run_for(s, 30 * USEC_MS + i * 101);
	sim_remember(s, 0);
	sim_crash(s, 0);
	sim_run_for(s, i * 500);
	sim_start(s, 0);
	sim_run_for(s, 3 * USEC_S);
	bad = !table_equal(&s->remembered, &s->nodes[1].director.table) ?
	    "the table is another" : sim_well(s);
	sim_free(s);
	return bad;
}

/* A change, and the power goes: what was committed or sent must be there. */
static const char *
last_change(uint64_t i)
{
	struct sim *s = pair(i);
	struct service *web;
	const char *bad = NULL;

	s->link.delay = i % 2 ? 300 : 50 * USEC_MS;
	sim_run_for(s, i * 177);
	(void)sim_change(s, 0, CHANGE_OVERRIDE, "web", "rs1", 37);
	sim_run_for(s, 201 + i * 100);
	sim_kill(s, 0);
	sim_run_for(s, USEC_S);
	web = table_service(&s->nodes[1].director.table, "web");
	if (web == NULL || service_server(web, "rs1")->override != 37)
		bad = "a committed change is lost";
	sim_free(s);
	return bad;
}

#define SWEEP(what, call) \
	do { \
		struct tally t = { 0 }; \
		uint64_t i; \
		for (i = 0; i < STEPS; i++) \
			count(&t, i, call); \
		verdict(&t, what); \
		if (t.sum != 0) \
			printf("# mean %" PRIu64 "us, most %" PRIu64 "us\n", \
			    t.sum / STEPS, t.most); \
	} while (0)

int
main(void)
{
	SWEEP("cold start: one takeover, never two holders", cold_start(i));
	SWEEP("power cut: n + 1 beats", power_cut(i, &t));
	SWEEP("manager killed: no gap", crash(i, &t));
	SWEEP("hung and resumed: never two holders again", hang(i, false));
	SWEEP("paused machine: never two holders again", hang(i, true));
	SWEEP("planned switch: no gap", planned(i));
	SWEEP("power cut in a switch", switch_cut(i));
	SWEEP("split and healed", split(i));
	SWEEP("manager restarted", restart(i));
	SWEEP("the last change before a power cut", last_change(i));
	return done();
}
