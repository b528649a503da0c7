/*
 * test_loop: the real loop's timers and times, and memory that is locked.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/lock_memory.h"
#include "common/loop.h"
#include "test/tap.h"

#define SPIN USEC_MS

struct world {
	struct loop *loop;
	struct timer first, second, end;
	usec_t fired[2];
	unsigned calls, reads;
	int pipe[2];
};

static void
spin(usec_t t)
{
	usec_t until = usec_mono() + t;

	while (usec_mono() < until)
		;
}

static void
on_first(void *arg)
{
	struct world *w = arg;
	usec_t turn = loop_turn(w->loop), now;

	spin(SPIN);
	is_int(loop_turn(w->loop), turn, "a turn has one time");
	now = loop_now(w->loop);
	ok(now >= turn + SPIN, "loop_now() goes on");
	is_int(loop_turn(w->loop), now, "and takes the turn with it");
	w->fired[0] = now;
	if (++w->calls < 3)
		timer_in(&w->first, USEC_MS);
}

static void
on_second(void *arg)
{
	struct world *w = arg;

	w->fired[1] = loop_turn(w->loop);
	ok(w->fired[1] >= w->fired[0],
	    "the next timer of the same turn asks for itself");
}

static void
on_end(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct world *w = arg;
	char c;

	(void)revents;
	w->reads += read(fd, &c, 1) == 1;
	timer_in(&w->end, 5 * USEC_MS);
}

static void
test_times(void)
{
	struct world w = { 0 };
	struct watch *watch;
	usec_t before;

	if (loop_new(&w.loop) < 0 || pipe(w.pipe) < 0 ||
	    watch_new(w.loop, w.pipe[0], POLLIN, on_readable, &w, &watch) < 0)
		abort();
	timer_init(&w.first, w.loop, on_first, &w);
	timer_init(&w.second, w.loop, on_second, &w);
	timer_init(&w.end, w.loop, on_end, &w);
	before = usec_mono();
	timer_at(&w.first, before);
	timer_at(&w.second, before);
	timer_in(&w.end, 10 * USEC_S);
	(void)!write(w.pipe[1], "x", 1);
	timer_stop(&w.end);
	loop_run(w.loop);
	ok(w.reads == 1 && w.calls >= 1, "timers and watches took turns");
	timer_in(&w.end, 20 * USEC_MS);
	loop_run(w.loop);
	is_int(w.calls, 3, "a timer that was armed again by itself fires again");
	before = usec_mono();
	ok(loop_turn(w.loop) >= before, "outside a turn it is asked anew");
	watch_free(watch);
	loop_free(w.loop);
}

/* A line of this process' own status, in kB. */
static long
status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f != NULL && kb < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			(void)sscanf(line + strlen(name), ": %ld", &kb);
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

/* Of this program's text: kB that are not in memory. */
static long
text_missing(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to, here = (unsigned long)text_missing;
	long size = 0, rss = -1;
	char line[512];
	bool mine = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			mine = here >= from && here < to;
		if (mine)
			(void)(sscanf(line, "Size: %ld", &size) == 1 ||
			       sscanf(line, "Rss: %ld", &rss) == 1);
	}
	if (f != NULL)
		(void)fclose(f);
	return size - rss;
}

static void
test_lock(void)
{
	long before, after;
	void *big;

	if (lock_memory() < 0 || status_kb("VmLck") == 0) {
		ok(true, "locking memory # SKIP not allowed, or a sanitizer");
		return;
	}
	is_int(text_missing(), 0, "the program is in memory as a whole");
	before = status_kb("VmRSS");
	big = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	after = status_kb("VmRSS");
	ok(big != MAP_FAILED && after - before < 4096,
	    "memory that nobody touched takes none: %ld kB of 16384",
	    after - before);
}

int
main(void)
{
	test_times();
	test_lock();
	return done();
}
