/*
 * tally: counts for standing.c, read by report.c.
 */
#include "test/prober/tally.h"

#include <stdlib.h>

void
tally_reset(struct tally *t, usec_t age)
{
	if (t->reset == t->reset_cap) {
		t->reset_cap = t->reset_cap > 0 ? t->reset_cap * 2 : 64;
		t->reset_ages =
		    realloc(t->reset_ages, t->reset_cap * sizeof(usec_t));
		if (t->reset_ages == NULL)
			abort();
	}
	t->reset_ages[t->reset++] = age;
	t->young_reset += age < TALLY_YOUNG;
}

void
tally_hung(struct tally *t, usec_t age)
{
	t->hung++;
	t->young_hung += age < TALLY_YOUNG;
}

void
tally_stall(struct tally *t, usec_t age, usec_t took)
{
	enum stall s = !t->marked ? STALL_BEFORE :
	    age < TALLY_YOUNG	  ? STALL_YOUNG :
				    STALL_OLD;

	if (took > t->stall[s])
		t->stall[s] = took;
	if (took > t->max_stall)
		t->max_stall = took;
}

void
tally_done(struct tally *t)
{
	free(t->reset_ages);
	*t = (struct tally){ 0 };
}
