/*
 * timers: binary heap of armed timers. Called by loop.c and test/fake/.
 */
#include "common/timers.h"

#include <stdbool.h>
#include <stdlib.h>

void
timers_done(struct timers *q)
{
	free(q->heap);
	*q = (struct timers){ 0 };
}

static bool
before(const struct timer *a, const struct timer *b)
{
	return a->when < b->when || (a->when == b->when && a->order < b->order);
}

static void
set(struct timers *q, size_t i, struct timer *t)
{
	q->heap[i] = t;
	t->slot = i + 1;
}

static void
sift_up(struct timers *q, size_t i)
{
	struct timer *t = q->heap[i];

	for (; i > 0 && before(t, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		set(q, i, q->heap[(i - 1) / 2]);
	set(q, i, t);
}

static void
sift_down(struct timers *q, size_t i)
{
	struct timer *t = q->heap[i];
	size_t c;

	for (; (c = 2 * i + 1) < q->n; i = c) {
		if (c + 1 < q->n && before(q->heap[c + 1], q->heap[c]))
			c++;
		if (!before(q->heap[c], t))
			break;
		set(q, i, q->heap[c]);
	}
	set(q, i, t);
}

void
timers_add(struct timers *q, struct timer *t)
{
	if (q->n == q->cap) {
		q->cap = q->cap > 0 ? q->cap * 2 : 16;
		q->heap = realloc(q->heap, q->cap * sizeof(struct timer *));
		if (q->heap == NULL)
			abort();
	}
	t->order = q->order++;
	q->heap[q->n] = t;
	sift_up(q, q->n++);
}

void
timers_del(struct timers *q, struct timer *t)
{
	size_t i = t->slot;
	struct timer *last;

	if (i == 0)
		return;
	t->slot = 0;
	i--;
	last = q->heap[--q->n];
	if (last == t)
		return;
	set(q, i, last);
	sift_down(q, i);
	sift_up(q, last->slot - 1);
}

struct timer *
timers_first(const struct timers *q)
{
	return q->n > 0 ? q->heap[0] : NULL;
}
