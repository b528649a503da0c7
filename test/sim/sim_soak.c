/*
 * sim_soak: random faults from a seed, and what must hold whatever they are.
 *
 *	sim_soak [SEEDS [SECONDS [FIRST]]]	200 seeds of 20 seconds each
 *	sim_soak -v SEED [SECONDS]		one, with what happened
 * From 1000 seeds on there is a process for each processor.
 *
 * While anything is broken two may hold the addresses only as long as a lease
 * lasts, unless the paths between them are cut (a split), or a manager that
 * does not hear is the reason. When everything was healed for five seconds the
 * pair is well: one active that holds alone, the other in step, both kernels
 * right.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "test/sim/sim.h"
#include "test/tap.h"

#define SETTLE (5 * USEC_S)
#define NOBODY_MAX (6 * USEC_S) /* start_wait, storage that hangs, and some */
#define TWO_MAX (VIP_LEASE_S * USEC_S + 200 * USEC_MS)

struct soak {
	struct sim *s;
	bool hung[2], out[2]; /* stopped; of no use for another reason */
	bool split; /* beats were lost on purpose since the last heal */
	usec_t usable_since[2], held; /* when somebody last held */
};

static unsigned
upto(struct sim *s, unsigned n)
{
	return (unsigned)(fake_random(&s->rng) % n);
}

static void
heal_all(struct soak *k)
{
	struct sim *s = k->s;
	unsigned side, p;

	sim_cut(s, -1, -1, false);
	for (side = 0; side < 2; side++) {
		for (p = 0; p < CONF_PATHS_MAX; p++) {
			s->net.wires[side][p].loss = 0;
			s->net.wires[side][p].duplicate = 0;
			s->net.wires[side][p].jitter = 200;
		}
		if (k->hung[side])
			sim_hang(s, side, false);
		k->hung[side] = false;
		s->nodes[side].lvs_fails = false;
		s->nodes[side].vip.fail_rc = 0;
		s->nodes[side].store.absent = false;
		s->nodes[side].store.silent = false;
		s->nodes[side].store.fail_rc = 0;
		s->nodes[side].store.answer = 5 * USEC_MS;
		k->out[side] = false;
		sim_uplink(s, side, true);
		link_fake_linkd(&s->link, side, true);
		link_fake_corosync(&s->link, side, true);
		sim_start(s, side);
		sim_store_up(s, side);
		(void)sim_maintain(s, side, false);
	}
	s->link.full = false;
	s->link.delay = 300;
	s->link.drop_next = 0;
}

static void
do_power(struct soak *k, unsigned n)
{
	k->hung[n] = false;
	sim_kill(k->s, n);
}

static void
do_crash(struct soak *k, unsigned n)
{
	k->hung[n] = false;
	sim_crash(k->s, n);
}

static void
do_start(struct soak *k, unsigned n)
{
	sim_start(k->s, n);
}

static void
do_hang(struct soak *k, unsigned n)
{
	if (!k->s->nodes[n].runs)
		return;
	k->hung[n] = !k->hung[n];
	sim_hang(k->s, n, k->hung[n]);
}

static void
do_cut(struct soak *k, unsigned n)
{
	int path = (int)upto(k->s, 4) - 1;
	int from = (int)upto(k->s, 3) - 1;

	(void)n;
	sim_cut(k->s, path > 1 ? -1 : path, from, true);
	k->split = true;
}

static void
do_heal(struct soak *k, unsigned n)
{
	(void)n;
	sim_cut(k->s, -1, -1, false);
}

static void
do_loss(struct soak *k, unsigned n)
{
	struct path_wire *w = &k->s->net.wires[n][upto(k->s, 2)];

	w->loss = upto(k->s, 60) / 100.0;
	w->duplicate = upto(k->s, 30) / 100.0;
	w->jitter = 200 + upto(k->s, 20000);
	k->split |= w->loss > 0;
}

static void
do_link(struct soak *k, unsigned n)
{
	bool up = upto(k->s, 2) != 0;

	sim_note(k->s, "link part of d%u %s", n + 1, up ? "up" : "down");
	if (upto(k->s, 2) != 0)
		link_fake_linkd(&k->s->link, n, up);
	else
		link_fake_corosync(&k->s->link, n, up);
}

static void
do_queue(struct soak *k, unsigned n)
{
	(void)n;
	k->s->link.full = upto(k->s, 2) != 0;
	k->s->link.delay = upto(k->s, 3) != 0 ? 300 : upto(k->s, 300000);
	sim_note(k->s, "link full=%d delay=%" PRIu64, k->s->link.full,
	    k->s->link.delay);
}

static void
do_kernel(struct soak *k, unsigned n)
{
	if (upto(k->s, 2) != 0) {
		sim_kernel_spoil(k->s, n);
		return;
	}
	k->s->nodes[n].lvs_fails = !k->s->nodes[n].lvs_fails;
	sim_note(k->s, "kernel d%u %s", n + 1,
	    k->s->nodes[n].lvs_fails ? "fails" : "works");
}

static void
do_store(struct soak *k, unsigned n)
{
	struct store_fake *f = &k->s->nodes[n].store;

	f->absent = upto(k->s, 4) == 0;
	f->silent = upto(k->s, 4) == 0;
	f->fail_rc = upto(k->s, 4) == 0 ? -5 : 0;
	f->answer = upto(k->s, 3000000);
	sim_note(k->s, "store d%u absent=%d silent=%d rc=%d answer=%" PRIu64,
	    n + 1, f->absent, f->silent, f->fail_rc, f->answer);
}

static void
do_switch(struct soak *k, unsigned n)
{
	(void)n;
	if (sim_active(k->s) >= 0)
		(void)sim_switch(k->s, (unsigned)sim_active(k->s));
}

/* Beats are filtered, corosync is not. */
static void
do_filter(struct soak *k, unsigned n)
{
	sim_filter(k->s, upto(k->s, 2) ? (int)n : -1, true);
	k->split = true;
}

static void
do_uplink(struct soak *k, unsigned n)
{
	bool well = upto(k->s, 2) != 0;

	sim_uplink(k->s, n, well);
	k->out[n] = !well || k->s->nodes[n].director.maintain;
}

static void
do_maintain(struct soak *k, unsigned n)
{
	bool on = upto(k->s, 2) != 0;

	if (sim_maintain(k->s, n, on) == 0)
		k->out[n] = on || k->s->nodes[n].uplink_lost;
}

static void
do_leave(struct soak *k, unsigned n)
{
	sim_leave(k->s, n);
}

static void
do_change(struct soak *k, unsigned n)
{
	unsigned i;

	(void)n;
	for (i = upto(k->s, 20); i > 0; i--)
		(void)sim_change_random(k->s);
}

static void
do_reload(struct soak *k, unsigned n)
{
	(void)sim_reload(k->s, n, 2 + upto(k->s, 4), SIM_VIPS);
}

static void
do_vip(struct soak *k, unsigned n)
{
	if (k->s->nodes[n].conf != NULL)
		vip_fake_remove(
		    &k->s->nodes[n].vip, &k->s->nodes[n].conf->vips[0].addr);
}

static void (*const faults[])(struct soak *, unsigned) = {
	do_power,
	do_crash,
	do_start,
	do_start,
	do_start,
	do_hang,
	do_hang,
	do_cut,
	do_heal,
	do_heal,
	do_loss,
	do_link,
	do_link,
	do_queue,
	do_kernel,
	do_store,
	do_switch,
	do_switch,
	do_leave,
	do_change,
	do_change,
	do_change,
	do_reload,
	do_vip,
	do_filter,
	do_uplink,
	do_uplink,
	do_maintain,
	do_maintain,
};

static usec_t
two_max(const struct sim *s)
{
	return s->watch[0].two_max > s->watch[1].two_max ? s->watch[0].two_max
							 : s->watch[1].two_max;
}

/* What holds at any time. */
static const char *
always(struct soak *k)
{
	struct sim *s = k->s;
	usec_t now = sim_now(s), since = now;
	unsigned n;

	if (!sim_replica_true(s))
		return "a replica is not what it says it is";
	for (n = 0; n < 2; n++) {
		if (!s->nodes[n].runs || k->hung[n] || k->out[n])
			k->usable_since[n] = now;
		since = k->usable_since[n] < since ? k->usable_since[n] : since;
	}
	if (s->watch[0].holders > 0)
		k->held = now;
	if (now - since > NOBODY_MAX && now - k->held > NOBODY_MAX)
		return "nobody serves though somebody could";
	return NULL;
}

/* A stretch of faults, then peace. NULL, or what is wrong. */
static const char *
round_of(struct soak *k, usec_t length)
{
	struct sim *s = k->s;
	usec_t end = sim_now(s) + length;
	const char *bad = NULL;

	k->split = false;
	k->held = sim_now(s);
	sim_mark(s);
	while (sim_now(s) < end && bad == NULL) {
		faults[upto(s, (unsigned)ARRAY_LEN(faults))](k, upto(s, 2));
		sim_run_for(s, upto(s, 4) ? upto(s, 100000) : upto(s, 2000000));
		bad = always(k);
	}
	if (bad != NULL)
		return bad;
	sim_watch_now(s);
	if (!k->split && two_max(s) > TWO_MAX)
		return "two held an address for longer than a lease";
	sim_note(s, "heal everything");
	heal_all(k);
	sim_run_for(s, 2 * USEC_S);
	sim_start(s, 0); /* if it was about to leave */
	sim_start(s, 1);
	sim_run_for(s, SETTLE);
	bad = sim_well(s);
	if (bad != NULL)
		return bad;
	sim_mark(s);
	sim_run_for(s, USEC_S);
	sim_watch_now(s);
	if (two_max(s) > 0 || s->watch[0].none_max > 0)
		return "an address moved in peace";
	if (!sim_stored(s))
		return "storage does not have the table";
	return sim_well(s);
}

static bool
soak(uint64_t seed, usec_t length, bool verbose)
{
	struct sim_options o = sim_defaults;
	struct soak k = { 0 };
	const char *bad = NULL;
	usec_t done_at;

	o.private_store = seed % 5 == 1;
	o.no_replica = seed % 7 == 6;
	o.serial = seed % 3 == 1;
	o.fence = seed % 6 == 5;
	o.beat = seed % 4 == 3 ? 10 * USEC_MS : 20 * USEC_MS;
	k.s = sim_new(seed, &o);
	sim_start(k.s, 0);
	sim_start(k.s, 1);
	sim_run_for(k.s, SETTLE);
	for (done_at = length; bad == NULL && sim_now(k.s) < done_at;)
		bad = round_of(&k, 1 + upto(k.s, 4000000));
	if (bad != NULL)
		printf("# seed %" PRIu64 " at %" PRIu64 "us: %s\n", seed,
		    sim_now(k.s), bad);
	if (verbose)
		sim_print_notes(k.s);
	sim_free(k.s);
	return bad == NULL;
}

/* Every step-th seed from first on: how many are not well. */
static uint64_t
soaks(uint64_t first, uint64_t end, unsigned step, usec_t length)
{
	uint64_t i, bad = 0;

	for (i = first; i < end; i += step)
		bad += !soak(i, length, false);
	return bad;
}

/* A process for each processor; its exit status says how many were not well. */
static uint64_t
soaks_beside(uint64_t first, uint64_t end, usec_t length)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN), i;
	uint64_t bad = 0;
	int status;

	if (n < 2 || end - first < 1000)
		return soaks(first, end, 1, length);
	fflush(stdout);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			bad = soaks(
			    first + (uint64_t)i, end, (unsigned)n, length);
			fflush(stdout);
			_exit(bad > 100 ? 100 : (int)bad);
		}
		bad += pid < 0; /* its part was not run */
	}
	while (wait(&status) > 0)
		bad += WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 1;
	return bad;
}

int
main(int argc, char *argv[])
{
	bool one = argc > 2 && strcmp(argv[1], "-v") == 0;
	uint64_t seeds = argc > 1 && !one ? strtoull(argv[1], NULL, 10) : 200;
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1, bad;
	usec_t length =
	    (argc > 2 + one ? strtoull(argv[2 + one], NULL, 10) : 20) * USEC_S;

	if (one)
		return !soak(strtoull(argv[2], NULL, 10), length, true);
	bad = soaks_beside(first, first + seeds, length);
	ok(bad == 0,
	    "%" PRIu64 " of %" PRIu64 " seeds from %" PRIu64 " on are well",
	    seeds - bad, seeds, first);
	return done();
}
