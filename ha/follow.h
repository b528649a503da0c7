/*
 * follow: the changes of a reload that are still to be made, as a part of struct
 * director; see follow.c.
 */
#ifndef HA_FOLLOW_H
#define HA_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/loop.h"
#include "ha/change.h"

struct follow {
	struct change *v;
	size_t n, cap, at;
	bool full;  /* no memory: the rest follows at the next reload */
	bool again; /* the table was replaced: look anew */
	struct timer step;
};

#endif
