/*
 * test_serial_help: see test_serial_help.h.
 */
#include "test/unit/test_serial_help.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

static void
on_bytes(int fd, int revents, void *arg)
{
	struct cable_end *e = arg;
	struct cable *c = e->cable;
	uint8_t bytes[1024];
	ssize_t n, i;

	(void)revents;
	n = read(fd, bytes, sizeof(bytes));
	if (n <= 0)
		return;
	c->bytes[e - c->ends] += (size_t)n;
	if ((size_t)n > c->most)
		c->most = (size_t)n;
	for (i = 0; c->garble && i < n; i++)
		bytes[i] = (uint8_t)(bytes[i] * 7 + 0x55);
	if (!c->cut && e->other->master >= 0)
		(void)!write(e->other->master, bytes, (size_t)n);
}

void
cable_plug(struct cable *c, unsigned end)
{
	struct cable_end *e = &c->ends[end];
	char name[64];

	if (openpty(&e->master, &e->slave, name, NULL, NULL) < 0)
		abort();
	(void)fcntl(e->master, F_SETFL, O_NONBLOCK);
	(void)unlink(e->link);
	if (symlink(name, e->link) < 0 ||
	    watch_new(c->loop, e->master, POLLIN, on_bytes, e, &e->watch) < 0)
		abort();
}

void
cable_hang_up(struct cable *c, unsigned end)
{
	struct cable_end *e = &c->ends[end];

	watch_free(e->watch);
	e->watch = NULL;
	/* Another process may be given a terminal of the old name. */
	(void)unlink(e->link);
	close(e->master);
	close(e->slave);
	e->master = e->slave = -1;
}

void
cable_lay(struct cable *c, struct loop *l)
{
	unsigned i;

	*c = (struct cable){ .loop = l };
	scratch_dir(c->dir, sizeof(c->dir));
	for (i = 0; i < 2; i++) {
		(void)snprintf(c->ends[i].link, sizeof(c->ends[i].link),
		    "%s/%u", c->dir, i);
		c->ends[i].other = &c->ends[!i];
		c->ends[i].cable = c;
		cable_plug(c, i);
	}
}

void
cable_remove(struct cable *c)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (c->ends[i].master >= 0)
			cable_hang_up(c, i);
		(void)unlink(c->ends[i].link);
	}
	scratch_remove(c->dir);
}

void
cable_write(struct cable *c, unsigned end, const void *p, size_t n)
{
	(void)!write(c->ends[end].master, p, n);
}

struct wait {
	struct loop *loop;
	bool (*fn)(void *arg);
	void *arg;
	usec_t end;
	bool met;
	struct timer timer;
};

static void
on_look(void *arg)
{
	struct wait *w = arg;

	w->met = w->fn(w->arg);
	if (w->met || loop_now(w->loop) >= w->end)
		loop_stop(w->loop);
	else
		timer_in(&w->timer, 500);
}

bool
run_until(struct loop *l, bool (*fn)(void *arg), void *arg, usec_t t)
{
	struct wait w = { l, fn, arg, loop_now(l) + t, false, { 0 } };

	timer_init(&w.timer, l, on_look, &w);
	timer_in(&w.timer, 0);
	loop_run(l);
	timer_stop(&w.timer);
	return w.met;
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

void
run_for(struct loop *l, usec_t t)
{
	(void)run_until(l, never, NULL, t);
}
