/*
 * lvs_fake: the kernel's table in memory, behind the same port (struct
 * lvs_ops), with ip_vs's error numbers. Look into `table` and `sync` at will;
 * both are what the "kernel" has, whoever put it there.
 */
#ifndef TEST_FAKE_LVS_FAKE_H
#define TEST_FAKE_LVS_FAKE_H

#include "ha/lvs.h"

struct lvs_fake {
	struct lvs_table table;	 /* sorted */
	struct lvs_sync sync[2]; /* [role - 1]; role 0: not running */

	/* Failure injection, counted down; 0: never. */
	size_t fail_op;	  /* this operation of apply, from 1, fails ... */
	int fail_rc;	  /* ... with this (-errno) */
	size_t fail_read; /* this read fails with fail_rc */

	/* For tests to look at. */
	size_t reads, applies, ops, changes; /* changes: that did something */
};

extern const struct lvs_ops lvs_fake_ops; /* ctx: struct lvs_fake * */

/* A zeroed struct is an empty kernel. */
void lvs_fake_done(struct lvs_fake *f);

/* The kernel's own operation, not idempotent: -EEXIST, -ESRCH (no service),
 * -ENOENT (no server, or a scheduler named "none"), -EINVAL, -ERANGE. */
int lvs_fake_kernel(
    struct lvs_fake *f, enum lvs_verb verb, const struct lvs_op *op);

#endif
