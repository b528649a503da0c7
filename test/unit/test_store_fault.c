/*
 * test_store_fault: the Nth call to the storage fails, for every N through the
 * whole life of checkpoints: made, changed, a snapshot, new terms, old files
 * removed, a rollback, a restart. It fails once or for a while, with an I/O
 * error, with half of a write done, or for want of room.
 *
 * What is driven is checkpointd's keeper on a fake clock, with real SQLite and
 * real files. At every step, whatever failed: a load, by another, healthy
 * director, has all that was acknowledged; "ok" is said only when everything is
 * acknowledged; what a failing rollback does not find it says. In the end, with
 * storage mended, everything is there.
 *
 * FAULT_STEP=1: every N; the default passes over most that have been seen to
 * be well, so that this stays short. FAULT_NTH=N: this one alone, with words.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons/checkpointd/keeper.h"
#include "test/scratch.h"
#include "test/fake/io_fault.h"
#include "test/fake/loop_fake.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define STATES 400 /* changes of a life at most */

struct life {
	struct fake_clock clock;
	struct loop *loop;
	struct keeper *keeper;
	struct conf conf;
	char dir[256], temp[256];
	struct rng rng;
	struct table t;               /* yoked's */
	struct { uint8_t *bytes; size_t len; } states[STATES]; /* at each seq */
	struct store_state state;
	uint64_t ack_epoch, ack_seq;
	unsigned bad;
	bool told; /* that something failed */
};

static bool words; /* say what happens */

__attribute__((format(printf, 2, 3))) static void
wrong(struct life *f, const char *fmt, ...)
{
	va_list ap;

	f->bad++;
	printf("# hit \"%s\": ", io_fault_hit());
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void
on_state(const struct store_state *st, void *arg)
{
	struct life *f = arg;

	if (words && (st->ok == 0 || f->state.ok == 0))
		printf("# ok=%d seq=%llu %s\n", st->ok,
		    (unsigned long long)st->seq, st->error);
	f->state = *st;
	if (st->ok == 0) {
		f->told = true;
		if (st->error[0] == '\0')
			wrong(f, "fails and does not say why");
		return;
	}
	f->ack_epoch = st->epoch;
	f->ack_seq = st->seq;
}

static void
remember(struct life *f)
{
	uint64_t seq = f->t.seq;

	if (seq >= STATES)
		abort();
	free(f->states[seq].bytes);
	if (table_pack(&f->t, &f->states[seq].bytes, &f->states[seq].len) < 0)
		abort();
}

static bool
was_ours(const struct life *f, const struct table *t)
{
	uint8_t *bytes;
	size_t len;
	bool same;

	if (t->seq >= STATES || f->states[t->seq].bytes == NULL ||
	    table_pack(t, &bytes, &len) < 0)
		return false;
	same = len == f->states[t->seq].len &&
	    memcmp(bytes, f->states[t->seq].bytes, len) == 0;
	free(bytes);
	return same;
}

/* What a healthy director finds now. */
static void
check_load(struct life *f, const char *when, uint64_t *ret_seq)
{
	struct store_loaded l;
	int rc;

	io_fault_pause(true);
	rc = store_load(f->dir, "main", NULL, &l);
	io_fault_pause(false);
	*ret_seq = rc == 0 ? l.table.seq : 0;
	if (f->ack_epoch > 0 && rc < 0)
		wrong(f, "%s: nothing to load: %s", when, l.text);
	else if (rc == 0 && !was_ours(f, &l.table))
		wrong(f, "%s: loaded what never was, at %llu", when,
		    (unsigned long long)l.table.seq);
	else if (rc == 0 && table_age_cmp(l.table.epoch, l.table.seq,
				f->ack_epoch, f->ack_seq) < 0)
		wrong(f, "%s: acknowledged %llu/%llu, loaded %llu/%llu: %s",
		    when, (unsigned long long)f->ack_epoch,
		    (unsigned long long)f->ack_seq,
		    (unsigned long long)l.table.epoch,
		    (unsigned long long)l.table.seq, l.text);
	table_done(&l.table);
}

static void
pass(struct life *f, usec_t time)
{
	fake_clock_run(&f->clock, f->clock.now + time);
}

/* After a step: time for a commit, then the books must agree. */
static void
settle(struct life *f, const char *when)
{
	uint64_t seq;

	pass(f, 20 * USEC_MS);
	if (f->state.ok && f->ack_seq != f->t.seq)
		wrong(f, "%s: says ok at %llu of %llu", when,
		    (unsigned long long)f->ack_seq,
		    (unsigned long long)f->t.seq);
	check_load(f, when, &seq);
	if (words)
		printf("# %s: ok=%d call %ld\n", when, f->state.ok,
		    io_fault_calls());
}

/* ---- what yoked does ---- */

static void
send_table(struct life *f)
{
	struct store_open m = { f->t.epoch, 1 };
	uint8_t *bytes;
	size_t total, off;
	struct chunk k;

	if (table_pack(&f->t, &bytes, &total) < 0)
		abort();
	keeper_open(f->keeper, &m);
	for (off = 0; off < total; off += k.len) {
		(void)chunk_cut(&k, bytes, total, off, f->t.epoch, f->t.seq);
		if (keeper_chunk(f->keeper, &k) < 0)
			abort();
	}
	free(bytes);
}

static void
new_term(struct life *f)
{
	struct history_record r = { .epoch = f->t.epoch + 1, .node = 1,
		.at = 1000000 + f->t.epoch, .from = "standby",
		.to = "active", .event = "took", .why = "silence" };
	struct change c;

	next_change(&f->t, CHANGE_EPOCH, "", "", 0, &c);
	if (table_apply(&f->t, &c) < 0)
		abort();
	remember(f);
	keeper_role(f->keeper, &r);
	send_table(f);
}

static void
changes(struct life *f, unsigned n)
{
	struct change c;

	while (n-- > 0) {
		do
			random_change(&f->rng, &f->t, &c);
		while (c.what == CHANGE_EPOCH);
		if (table_apply(&f->t, &c) < 0)
			abort();
		remember(f);
		if (keeper_change(f->keeper, &c) < 0)
			abort();
		if (n % 3 == 0)
			pass(f, 6 * USEC_MS);
	}
}

/* A rollback while storage fails: all of it, or it says what it lacks. */
static void
roll_back(struct life *f, const char *when)
{
	struct store_loaded l;
	uint64_t newest;
	int rc;

	settle(f, when);
	check_load(f, when, &newest);
	rc = keeper_load(f->keeper, &l);
	if (words)
		printf("# %s: rc=%d seq=%llu text=\"%s\"\n", when, rc,
		    (unsigned long long)l.table.seq, l.text);
	if (rc == 0 && !was_ours(f, &l.table))
		wrong(f, "%s: what never was", when);
	else if ((rc < 0 || l.table.seq < newest) && l.text[0] == '\0')
		wrong(f, "%s: found %llu of %llu and says nothing", when,
		    (unsigned long long)l.table.seq,
		    (unsigned long long)newest);
	table_done(&l.table);
	settle(f, when);
}

static void
begin(struct life *f)
{
	keeper_new(f->loop, on_state, f, &f->keeper);
	keeper_conf(f->keeper, &f->conf);
	f->state = (struct store_state){ 0 };
}

static void
live(struct life *f)
{
	begin(f);
	new_term(f);
	settle(f, "the first file");
	changes(f, 8);
	settle(f, "changes");
	pass(f, 1100 * USEC_MS);
	settle(f, "a snapshot and the chores");
	changes(f, 5);
	roll_back(f, "a rollback");
	new_term(f);
	changes(f, 6);
	settle(f, "the second term");
	pass(f, 1100 * USEC_MS);
	new_term(f);
	pass(f, 2200 * USEC_MS); /* the first file is removed */
	changes(f, 4);
	settle(f, "the third term");
	keeper_free(f->keeper);
	begin(f);
	roll_back(f, "a restart");
	new_term(f);
	changes(f, 5);
	settle(f, "the fourth term");
	pass(f, 1100 * USEC_MS);
	settle(f, "the end");
}

static void
life_init(struct life *f)
{
	unsigned i;
	struct change c;

	*f = (struct life){ .rng = { 77 } };
	scratch_dir(f->dir, sizeof(f->dir));
	scratch_dir(f->temp, sizeof(f->temp));
	(void)setenv("RUNTIME_DIRECTORY", f->temp, 1);
	fake_clock_init(&f->clock, 1);
	f->loop = loop_fake_new(&f->clock, USEC_S, f);
	(void)snprintf(f->conf.instance, sizeof(f->conf.instance), "main");
	(void)snprintf(f->conf.checkpoint_dir, sizeof(f->conf.checkpoint_dir),
	    "%s", f->dir);
	f->conf.checkpoint_interval = USEC_S;
	f->conf.checkpoint_keep = 2;
	f->conf.checkpoint_keep_age = 30ULL * 86400 * USEC_S;
	f->conf.checkpoint_mtbf = 30ULL * 86400 * USEC_S;
	f->conf.checkpoint_commit = 5 * USEC_MS;
	table_init(&f->t);
	for (i = 0; i < 40; i++) {
		do
			random_change(&f->rng, &f->t, &c);
		while (c.what == CHANGE_EPOCH);
		if (table_apply(&f->t, &c) < 0)
			abort();
	}
}

static void
life_done(struct life *f)
{
	size_t i;

	keeper_free(f->keeper);
	loop_free(f->loop);
	fake_clock_done(&f->clock);
	table_done(&f->t);
	for (i = 0; i < STATES; i++)
		free(f->states[i].bytes);
	scratch_remove(f->dir);
	scratch_remove(f->temp);
}

struct tally {
	unsigned lives, bad, told;
	long calls; /* of a life in which nothing failed */
};

/* One life, in which the nth call fails; false: there was none. */
static bool
life(const struct io_fault *fault, struct tally *n)
{
	static struct life f;
	uint64_t seq;
	bool hit;

	life_init(&f);
	io_fault_watch(f.dir, f.temp);
	io_fault_arm(fault);
	live(&f);
	n->calls = io_fault_calls();
	io_fault_off();
	hit = io_fault_hit()[0] != '\0';
	pass(&f, 3 * USEC_S);
	if (!f.state.ok || f.ack_seq != f.t.seq)
		wrong(&f, "storage is mended, yet ok=%d at %llu of %llu: %s",
		    f.state.ok, (unsigned long long)f.ack_seq,
		    (unsigned long long)f.t.seq, f.state.error);
	check_load(&f, "mended", &seq);
	if (seq != f.t.seq)
		wrong(&f, "mended: loaded %llu of %llu",
		    (unsigned long long)seq, (unsigned long long)f.t.seq);
	if (f.bad > 0)
		printf("# FAULT_NTH=%ld, times=%ld err=%d torn=%d\n",
		    fault->nth, fault->times, fault->err, fault->torn);
	n->lives++;
	n->bad += f.bad > 0;
	n->told += f.told;
	life_done(&f);
	return hit;
}

/* A healthy writer's files, and a rollback elsewhere in which each call fails:
 * few enough to try them all. */
static void
test_rollback(int err)
{
	struct io_fault fault = { .times = 1, .err = err };
	static struct life f;
	struct store_loaded l;
	unsigned older = 0, nothing = 0;
	int rc;

	life_init(&f);
	live(&f);
	pass(&f, USEC_S);
	io_fault_watch(f.dir, f.temp);
	do {
		fault.nth++;
		io_fault_arm(&fault);
		rc = store_load(f.dir, "main", NULL, &l);
		io_fault_off();
		if (rc == 0 && !was_ours(&f, &l.table))
			wrong(&f, "a table that never was");
		else if ((rc < 0 || l.table.seq < f.t.seq) && l.text[0] == '\0')
			wrong(&f, "rc=%d, %llu of %llu, and not a word", rc,
			    (unsigned long long)l.table.seq,
			    (unsigned long long)f.t.seq);
		older += rc == 0 && l.table.seq < f.t.seq;
		nothing += rc < 0;
		table_done(&l.table);
	} while (io_fault_hit()[0] != '\0' || fault.nth < io_fault_calls());
	is_int(f.bad, 0, "a rollback of %ld calls, %s: %u times an older "
	    "table, %u times none, and said so", fault.nth, strerror(err),
	    older, nothing);
	ok(fault.nth > 30 && (older > 0 || err == ENOSPC), "there were some");
	life_done(&f);
}

static long
number(const char *name, long other)
{
	const char *v = getenv(name);

	return v != NULL ? atol(v) : other;
}

int
main(void)
{
	static const struct {
		const char *what;
		struct io_fault f;
		long step; /* of N, unless FAULT_STEP says */
	} ways[] = {
		{ "an I/O error, once", { 0, 1, EIO, false }, 17 },
		{ "a torn write, once", { 0, 1, EIO, true }, 29 },
		{ "I/O errors, 20 in a row", { 0, 20, EIO, false }, 31 },
		{ "I/O errors for good", { 0, LONG_MAX, EIO, false }, 37 },
		{ "no room, once", { 0, 1, ENOSPC, false }, 31 },
		{ "no room for good, writes torn", { 0, LONG_MAX, ENOSPC, true },
		    41 },
	};
	long nth = number("FAULT_NTH", 0), step, i, to;
	struct io_fault f = { 0 };
	struct tally n = { 0 };
	size_t w;

	test_rollback(EIO);
	test_rollback(ENOSPC);
	(void)life(&f, &n);
	to = n.calls;
	ok(n.bad == 0 && n.told == 0 && to > 500,
	    "nothing fails: %ld calls, all is well", to);
	for (w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		n = (struct tally){ 0 };
		f = ways[w].f;
		step = number("FAULT_STEP", ways[w].step);
		words = nth > 0;
		for (i = nth > 0 ? nth : 1; i <= (nth > 0 ? nth : to);
		     i += step) {
			f.nth = i;
			(void)life(&f, &n);
		}
		is_int(n.bad, 0, "%s: %u lives of %ld calls, %u told of it",
		    ways[w].what, n.lives, to, n.told);
		ok(n.told > 0 || nth > 0, "some do tell");
	}
	return done();
}
