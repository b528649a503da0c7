/*
 * transition: a ring of the last changes of role.
 */
#include "ha/transition.h"

#include <stddef.h>

const char *
restored_name(unsigned from)
{
	static const char *const names[] = { [FROM_CONFIG] = "configuration",
		[FROM_REPLICA] = "replica",
		[FROM_CHECKPOINT] = "checkpoint" };

	return from <= FROM_CHECKPOINT ? names[from] : "?";
}

struct transition *
transitions_add(struct transitions *t)
{
	struct transition *r = &t->ring[t->n++ % TRANSITIONS_KEPT];

	*r = (struct transition){ 0 };
	return r;
}

const struct transition *
transitions_get(const struct transitions *t, unsigned i)
{
	if (i >= TRANSITIONS_KEPT || i >= t->n)
		return NULL;
	return &t->ring[(t->n - 1 - i) % TRANSITIONS_KEPT];
}

void
transition_step(struct transition *t, const char *name, usec_t took)
{
	if (t->n_steps < STEPS_MAX)
		t->steps[t->n_steps++] = (struct step){ name, took };
}
