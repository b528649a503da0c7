/*
 * follow: the table follows a configuration that was read again. A thousand
 * changes take longer than a beat may wait, so many are made a few at a time;
 * IPVS waits until the last one, as if it had been one: a service that is only
 * renamed shall not be away from the kernel in between.
 *
 * A takeover needs all of it at once, and gets it.
 */
#include <stdlib.h>

#include "common/mem.h"
#include "ha/director_impl.h"
#include "ha/table_diff.h"

#define AT_ONCE 64 /* 10 us each, or 50 in a slow virtual machine */

static void
collect(const struct change *c, void *arg)
{
	struct follow *f = arg;
	struct change *more;

	if (f->n == f->cap && !f->full) {
		f->cap = f->cap > 0 ? f->cap * 2 : 64;
		more = realloc(f->v, f->cap * sizeof(*f->v));
		f->full = more == NULL;
		if (more != NULL)
			f->v = more;
	}
	if (!f->full)
		f->v[f->n++] = *c;
}

static void
forget(struct follow *f)
{
	timer_stop(&f->step);
	free(f->v);
	f->v = NULL;
	f->n = f->cap = f->at = 0;
	f->full = f->again = false;
}

/* What leads from our table to want. */
static void
look(struct director *d, const struct table *want)
{
	struct follow *f = &d->follow;

	forget(f);
	(void)table_diff(&d->table, want, "configuration", collect, f);
	if (f->full)
		director_note(d, NOTE_ERR, "out of memory while reloading: "
		    "%zu changes are made; reload again", f->n);
}

static void
look_again(struct director *d)
{
	struct table want;

	forget(&d->follow);
	if (table_from_conf(d->conf, &want) < 0)
		return;
	look(d, &want);
	table_done(&want);
}

bool
director_following(const struct director *d)
{
	return timer_armed(&d->follow.step);
}

static void
end(struct director *d)
{
	bool waited = director_following(d);

	forget(&d->follow);
	ipvs_hold(&d->ipvs, false);
	if (waited && d->listener->on_followed != NULL)
		d->listener->on_followed(d->arg);
}

static void
make(struct director *d, size_t most)
{
	struct follow *f = &d->follow;

	for (; f->at < f->n && most > 0; most--)
		(void)mutate(d, &f->v[f->at++]);
}

static void
on_step(void *arg)
{
	struct director *d = arg;
	struct follow *f = &d->follow;

	timer_in(&f->step, USEC_MS); /* end() sees by it that there are more */
	if (!role_holds(d->role)) {
		director_note(d, NOTE_WARNING, "the rest of a reload, %zu "
		    "changes, is left to the active director", f->n - f->at);
		end(d);
		return;
	}
	if (d->role != ROLE_ACTIVE)
		return; /* the peer may have taken over: it would not hear */
	if (f->again)
		look_again(d);
	make(d, AT_ONCE);
	if (f->at == f->n)
		end(d);
	else
		timer_in(&f->step, USEC_MS);
}

void
follow_start(struct director *d)
{
	timer_init(&d->follow.step, d->loop, on_step, d);
}

void
follow_stop(struct director *d)
{
	forget(&d->follow);
}

void
follow_again(struct director *d)
{
	if (director_following(d))
		d->follow.again = true;
}

size_t
table_follow(struct director *d, const struct table *want)
{
	struct follow *f = &d->follow;
	size_t n;

	end(d);
	look(d, want);
	n = f->n;
	if (n > AT_ONCE) {
		ipvs_hold(&d->ipvs, true);
		timer_in(&f->step, 0);
	} else {
		make(d, n);
		forget(f);
	}
	return n;
}

void
table_follow_conf(struct director *d)
{
	end(d);
	look_again(d);
	make(d, SIZE_MAX);
	forget(&d->follow);
}
