/*
 * loop_fake: timers only, fired in order of time by fake_clock_run().
 */
#include "test/fake/loop_fake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"

#define REAL_START (1700000000 * USEC_S)

struct loop {
	struct fake_clock *clock;
	struct fake_clock own; /* of loop_new() */
	struct timers timers;
	struct timers io;
	struct loop_end *ends;
	usec_t origin;
	int64_t real; /* wall clock less the world's */
	bool paused, stop;
	void *user;
};

uint64_t
fake_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

double
fake_chance(uint64_t *state)
{
	return (double)(fake_random(state) >> 11) / 9007199254740992.0;
}

void
fake_clock_init(struct fake_clock *c, uint64_t seed)
{
	*c = (struct fake_clock){ .now = 1000 * USEC_S, .rng = seed };
}

void
fake_clock_done(struct fake_clock *c)
{
	assert(c->n == 0);
	free(c->loops);
	*c = (struct fake_clock){ 0 };
}

struct loop *
loop_fake_new(struct fake_clock *c, usec_t origin, void *user)
{
	struct loop *l = mem_new(struct loop);

	l->clock = c;
	l->origin = origin;
	l->real = REAL_START;
	l->user = user;
	c->loops = realloc(c->loops, (c->n + 1) * sizeof(*c->loops));
	if (c->loops == NULL)
		abort();
	c->loops[c->n++] = l;
	return l;
}

int
loop_new(struct loop **ret)
{
	struct fake_clock c;
	struct loop *l;

	fake_clock_init(&c, 0);
	l = loop_fake_new(&c, 0, NULL);
	l->own = c;
	l->clock = &l->own;
	*ret = l;
	return 0;
}

struct loop_end **
loop_ends(struct loop *l)
{
	return &l->ends;
}

void
loop_free(struct loop *l)
{
	struct fake_clock *c;
	size_t i;

	if (l == NULL)
		return;
	loop_end_all(l);
	c = l->clock;
	for (i = 0; c->loops[i] != l; i++)
		;
	c->loops[i] = c->loops[--c->n];
	timers_done(&l->timers);
	timers_done(&l->io);
	if (c == &l->own)
		fake_clock_done(c);
	free(l);
}

void *
loop_fake_user(const struct loop *l)
{
	return l->user;
}

struct fake_clock *
loop_fake_clock(const struct loop *l)
{
	return l->clock;
}

void
loop_fake_pause(struct loop *l, bool paused)
{
	l->paused = paused;
}

bool
loop_fake_paused(const struct loop *l)
{
	return l->paused;
}

/* When l has something to do, on the world's clock, and what. */
static struct timer *
next_of(const struct loop *l, usec_t *ret_when)
{
	struct timer *t = timers_first(&l->timers), *io = timers_first(&l->io);
	usec_t now = l->clock->now;
	usec_t at = USEC_NEVER, io_when = USEC_NEVER;

	if (l->paused)
		return NULL;
	if (t != NULL)
		at = t->when > now + l->origin ? t->when - l->origin : now;
	if (io != NULL)
		io_when = io->when > now ? io->when : now;
	*ret_when = at <= io_when ? at : io_when;
	return at <= io_when ? t : io;
}

static bool
fire_first(struct fake_clock *c, usec_t until)
{
	struct timer *t, *first = NULL;
	struct loop *l = NULL;
	usec_t when, best = USEC_NEVER;
	size_t i;

	for (i = 0; i < c->n; i++) {
		t = next_of(c->loops[i], &when);
		if (t == NULL || when > best)
			continue;
		if (when == best &&
		    (c->rng == 0 || (fake_random(&c->rng) & 1) == 0))
			continue;
		best = when;
		first = t;
		l = c->loops[i];
	}
	if (first == NULL || best > until)
		return false;
	c->now = best;
	c->fired++;
	if (first == timers_first(&l->timers))
		timers_del(&l->timers, first);
	else
		timers_del(&l->io, first);
	first->fn(first->arg);
	return true;
}

void
fake_clock_run(struct fake_clock *c, usec_t until)
{
	while (fire_first(c, until))
		;
	if (until > c->now)
		c->now = until;
}

void
loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop && fire_first(l->clock, USEC_NEVER - 1))
		;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

struct qb_loop *
loop_qb(struct loop *l)
{
	(void)l;
	return NULL;
}

usec_t
loop_now(struct loop *l)
{
	return l->clock->now + l->origin;
}

usec_t
loop_turn(struct loop *l)
{
	return loop_now(l);
}

usec_t
loop_real(const struct loop *l)
{
	return (usec_t)((int64_t)l->clock->now + l->real);
}

void
loop_fake_set_real(struct loop *l, usec_t real)
{
	l->real = (int64_t)real - (int64_t)l->clock->now;
}

void
timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .loop = l, .fn = fn, .arg = arg };
}

void
timer_at(struct timer *t, usec_t when)
{
	timers_del(&t->loop->timers, t);
	t->when = when;
	timers_add(&t->loop->timers, t);
}

void
timer_in(struct timer *t, usec_t delay)
{
	timer_at(t, loop_now(t->loop) + delay);
}

void
timer_stop(struct timer *t)
{
	if (t->slot != 0)
		timers_del(&t->loop->timers, t);
}

int
timer_armed(const struct timer *t)
{
	return t->slot != 0;
}

void
io_at(struct timer *t, usec_t when)
{
	timers_del(&t->loop->io, t);
	t->when = when;
	timers_add(&t->loop->io, t);
}

void
io_stop(struct timer *t)
{
	if (t->slot != 0)
		timers_del(&t->loop->io, t);
}

int
watch_new(struct loop *l, int fd, int events, watch_fn fn, void *arg,
    struct watch **ret)
{
	(void)l;
	(void)fd;
	(void)events;
	(void)fn;
	(void)arg;
	(void)ret;
	return -ENOSYS;
}

void
watch_set(struct watch *w, int events)
{
	(void)w;
	(void)events;
}

void
watch_free(struct watch *w)
{
	(void)w;
}
