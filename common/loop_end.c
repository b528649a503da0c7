/*
 * loop_end: what a loop has to end before it is freed, whichever loop it is.
 */
#include "common/loop.h"

void
loop_end_add(
    struct loop *l, struct loop_end *e, void (*fn)(void *arg), void *arg)
{
	struct loop_end **list = loop_ends(l);

	*e = (struct loop_end){ *list, list, fn, arg };
	if (e->next != NULL)
		e->next->at = &e->next;
	*list = e;
}

void
loop_end_del(struct loop_end *e)
{
	if (e->at == NULL)
		return;
	*e->at = e->next;
	if (e->next != NULL)
		e->next->at = e->at;
	e->at = NULL;
}

void
loop_end_all(struct loop *l)
{
	struct loop_end *e;

	while ((e = *loop_ends(l)) != NULL) {
		loop_end_del(e);
		e->fn(e->arg);
	}
}
