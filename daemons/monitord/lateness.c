/*
 * lateness: log-linear histogram, eight steps to each power of two.
 */
#include "daemons/monitord/lateness.h"

static unsigned
bucket_of(usec_t v)
{
	unsigned top;

	if (v > UINT32_MAX)
		v = UINT32_MAX;
	if (v < 8)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (top - 2) * 8 + ((unsigned)(v >> (top - 3)) & 7);
}

/* The largest value that falls into the bucket. */
static usec_t
bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < 8)
		return bucket;
	shift = bucket / 8 - 1;
	return (((usec_t)8 + bucket % 8 + 1) << shift) - 1;
}

void
lateness_add(struct lateness *l, usec_t late)
{
	l->buckets[bucket_of(late)]++;
	l->n++;
	if (late > l->max)
		l->max = late;
}

usec_t
lateness_quantile(const struct lateness *l, unsigned permille)
{
	uint64_t want = (l->n * permille + 999) / 1000, seen = 0;
	unsigned i;

	if (l->n == 0)
		return 0;
	for (i = 0; i < LATENESS_BUCKETS - 1; i++) {
		seen += l->buckets[i];
		if (seen >= want)
			break;
	}
	return bucket_end(i) < l->max ? bucket_end(i) : l->max;
}
