/*
 * lvs_diff: the operations that lead from what the kernel has to what is
 * wanted. Pure. A service in the kernel that is neither wanted nor owned is
 * somebody else's and is never touched.
 */
#ifndef HA_LVS_DIFF_H
#define HA_LVS_DIFF_H

#include "ha/lvs.h"

/* Services we programmed, or answer for: the only ones a diff may delete. */
struct lvs_owned {
	struct lvs_key *keys; /* sorted */
	size_t n, cap;
};

int lvs_owned_add(struct lvs_owned *o, const struct lvs_key *k); /* -ENOMEM */
int lvs_owned_add_table(struct lvs_owned *o, const struct lvs_table *t);
void lvs_owned_del(struct lvs_owned *o, const struct lvs_key *k);
bool lvs_owned_has(const struct lvs_owned *o, const struct lvs_key *k);
void lvs_owned_done(struct lvs_owned *o); /* empty and usable again */

typedef void (*lvs_emit_fn)(void *arg, const struct lvs_op *op);

/* Both tables sorted. Ops borrow from the tables. Order: per service itself,
 * then its new and changed servers, then those to go, so that it never is
 * empty in between; whole services to go come last. Counters don't count. */
void lvs_diff(const struct lvs_table *want, const struct lvs_table *have,
    const struct lvs_owned *owned, lvs_emit_fn emit, void *arg);

/* The same as an array; caller lvs_plan_done()s. 0 or -ENOMEM. */
struct lvs_plan {
	struct lvs_op *ops;
	size_t n;
};
int lvs_plan_make(const struct lvs_table *want, const struct lvs_table *have,
    const struct lvs_owned *owned, struct lvs_plan *ret);
void lvs_plan_done(struct lvs_plan *p);

/* Equal as far as the kernel can be told: counters and hashed ignored. */
bool lvs_service_same(const struct lvs_service *a, const struct lvs_service *b);
bool lvs_dest_same(const struct lvs_dest *a, const struct lvs_dest *b);

#endif
