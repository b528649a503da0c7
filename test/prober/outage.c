/*
 * outage: see the definitions in outage.h. Called once by report.c.
 */
#include "test/prober/outage.h"

#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"

static const char *const names[] = {
	[OUTCOME_NONE] = "unfinished",
	[OUTCOME_OK] = "ok",
	[OUTCOME_LATE] = "late",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_RESET] = "reset",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_UNREACH] = "unreachable",
	[OUTCOME_BAD] = "bad",
	[OUTCOME_LOCAL] = "local",
};
_Static_assert(ARRAY_LEN(names) == OUTCOME__LAST, "name every outcome");

const char *
outcome_name(enum outcome o)
{
	return names[o];
}

bool
outcome_fails(enum outcome o)
{
	return o != OUTCOME_NONE && o != OUTCOME_OK && o != OUTCOME_LOCAL;
}

static void
add_span(struct outage *r, usec_t when)
{
	struct outage_span *s;

	if (r->spans > 0 && r->spans <= OUTAGE_SPANS_MAX) {
		s = &r->span[r->spans - 1];
		if (when - s->last < OUTAGE_SPAN_APART) {
			s->last = when;
			s->failed++;
			return;
		}
	}
	if (r->spans < OUTAGE_SPANS_MAX)
		r->span[r->spans] = (struct outage_span){ when, when, 1 };
	r->spans++;
}

/* Start of the good attempt nearest to a[i], going by step; fallback: a[i]'s. */
static usec_t
good_beside(const struct attempt *a, size_t n, size_t i, int step)
{
	size_t k;

	for (k = i; k < n; k += (size_t)step) /* below 0 wraps to above n */
		if (a[k].outcome == OUTCOME_OK)
			return a[k].started;
	return a[step < 0 ? 0 : n - 1].started;
}

static void
span_all(const struct attempt *a, size_t n, usec_t interval, struct outage *r)
{
	size_t i, first = n, last = 0;

	for (i = 0; i < n; i++) {
		r->by_outcome[a[i].outcome]++;
		if (!outcome_fails(a[i].outcome))
			continue;
		r->failed++;
		first = first == n ? i : first;
		last = i;
		add_span(r, a[i].scheduled);
	}
	if (first == n)
		return;
	r->outage = a[last].scheduled - a[first].scheduled + interval;
	r->min = a[last].started - a[first].started;
	r->max = good_beside(a, n, last, 1) - good_beside(a, n, first, -1);
}

/* From the mark to the first good attempt after a[i]; -1: there is none. */
static int64_t
good_from_mark(const struct attempt *a, size_t n, size_t i, usec_t mark)
{
	for (; i < n; i++)
		if (a[i].outcome == OUTCOME_OK)
			return (int64_t)(a[i].started - mark);
	return -1;
}

static void
from_mark(const struct attempt *a, size_t n, usec_t mark, struct outage *r)
{
	size_t i, first = n, last = n;

	for (i = 0; i < n; i++) {
		if (a[i].started < mark || !outcome_fails(a[i].outcome))
			continue;
		first = first == n ? i : first;
		last = i;
	}
	if (mark == 0 || first == n)
		return;
	r->from_mark = good_from_mark(a, n, last, mark);
	r->first_ok = good_from_mark(a, n, first, mark);
}

static int
usec_order(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static int
longest_gap(const struct attempt *a, size_t n, usec_t *ret)
{
	usec_t *done = calloc(n + 2, sizeof(*done));
	usec_t gap = 0;
	size_t i, k = 0;

	if (done == NULL)
		return -ENOMEM;
	done[k++] = a[0].started;
	for (i = 0; i < n; i++)
		if (a[i].outcome == OUTCOME_OK)
			done[k++] = a[i].ended;
	done[k++] = a[n - 1].started;
	qsort(done, k, sizeof(*done), usec_order);
	for (i = 1; i < k; i++)
		gap = done[i] - done[i - 1] > gap ? done[i] - done[i - 1] : gap;
	free(done);
	*ret = gap;
	return 0;
}

int
outage_compute(const struct attempt *a, size_t n, usec_t interval, usec_t mark,
    struct outage *ret)
{
	*ret = (struct outage){ 0 };
	if (n == 0)
		return 0;
	span_all(a, n, interval, ret);
	from_mark(a, n, mark, ret);
	return longest_gap(a, n, &ret->gap);
}
