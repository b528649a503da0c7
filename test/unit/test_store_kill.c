/*
 * test_store_kill: the writer dies by SIGKILL at random moments, also while it
 * makes the file or a snapshot. The next load must find a state that the table
 * had, and none older than the last change that was acknowledged.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define ROUNDS 60

static struct store_id id;

/* Opens, then changes and commits until killed; tells what is durable. */
static void
writer(struct table *t, uint64_t seed, int fd)
{
	struct rng r = { seed };
	struct store_err e;
	struct change c;
	struct store *s;
	uint64_t seq;
	unsigned i;

	if (store_open(&id, t, false, &s, &e) < 0) {
		printf("# %s\n", e.text);
		_exit(1);
	}
	for (i = 0;; i++) {
		seq = store_seq(s);
		if (!store_dirty(s) && write(fd, &seq, sizeof(seq)) < 0)
			_exit(1);
		random_change(&r, t, &c);
		if (table_apply(t, &c) < 0 || store_add(s, &c, &e) < 0 ||
		    (i % 3 == 0 && store_commit(s, &e) < 0) ||
		    (i % 40 == 39 && store_snapshot(s, t, &e) < 0))
			_exit(1);
	}
}

/* Takes acknowledgements for a while, kills, takes the rest; the last one. */
static uint64_t
let_live(pid_t pid, int fd, struct rng *r, int *ret_status)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned n = rng_below(r, 60);
	uint64_t last = 0;

	while (n > 0 && poll(&p, 1, 3000) == 1 &&
	       read(fd, &last, sizeof(last)) == sizeof(last))
		n--;
	(void)usleep(rng_below(r, 3000));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, ret_status, 0);
	while (read(fd, &last, sizeof(last)) == sizeof(last))
		;
	return last;
}

/* Is got the table that base and the seed's changes make at its seq? */
static bool
is_prefix(const struct table *got, struct table *base, uint64_t seed)
{
	struct rng r = { seed };
	struct change c;

	while (base->seq < got->seq) {
		random_change(&r, base, &c);
		if (table_apply(base, &c) < 0)
			return false;
	}
	return base->seq == got->seq && base->epoch == got->epoch &&
	    table_equal(base, got);
}

/* One life of the writer; t becomes what was found after it. */
static bool
round_of(struct table *t, unsigned n, struct rng *r, uint64_t *ret_written)
{
	struct store_loaded l;
	uint64_t ack, before = t->seq;
	int fds[2], status, rc;
	pid_t pid;
	bool good;

	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (pid == 0)
		writer(t, n + 1, fds[1]);
	(void)close(fds[1]);
	ack = let_live(pid, fds[0], r, &status);
	(void)close(fds[0]);
	rc = store_load(id.dir, id.instance, NULL, &l);
	if (rc < 0 && n == 0 && ack == 0)
		return true; /* killed before there was anything */
	good = WIFSIGNALED(status) && rc == 0 && l.table.seq >= ack &&
	    (l.text[0] == '\0' || strstr(l.text, "is torn or") != NULL) &&
	    is_prefix(&l.table, t, n + 1);
	if (!good)
		printf("# round %u: rc=%d ack=%llu got=%llu status=%d %s\n", n,
		    rc, (unsigned long long)ack,
		    (unsigned long long)l.table.seq, status, l.text);
	*ret_written += t->seq - before;
	table_done(t);
	table_move(t, &l.table);
	return good;
}

int
main(void)
{
	struct rng r = { 20 };
	uint64_t written = 0;
	struct table t;
	unsigned i, bad = 0;

	id = (struct store_id){ .instance = "main", .epoch = 1, .node = 1 };
	scratch_dir(id.dir, sizeof(id.dir));
	random_table(4, 100, &t);
	for (i = 0; i < ROUNDS && bad == 0; i++) {
		if (rng_below(&r, 4) == 0)
			id.epoch++;
		bad += !round_of(&t, i, &r, &written);
	}
	is_int(bad, 0, "%u lives, %llu changes: nothing acknowledged is lost",
	    i, (unsigned long long)written);
	ok(written > ROUNDS, "the writer got somewhere");
	table_done(&t);
	scratch_remove(id.dir);
	return done();
}
