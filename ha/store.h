/*
 * store: stable storage as yoked sees it: fire and forget towards
 * checkpointd, answers by callback. Nothing waits for it. Implementations:
 * daemons/yoked/yoked_store.c and test/fake/store_fake.c.
 */
#ifndef HA_STORE_H
#define HA_STORE_H

#include <stdint.h>

#include "ha/table.h"
#include "ha/wire.h"

struct store_ops {
	/* This node is active: begin the file of t->epoch with t. */
	void (*open)(void *ctx, const struct table *t);
	void (*change)(void *ctx, const struct change *c);
	void (*close)(void *ctx);
	/* Look for the newest stored table; director_on_found() follows with
	 * this token, or never. 0 or -ENOTCONN: nobody there to ask. */
	int (*load)(void *ctx, uint64_t token);
};

#endif
