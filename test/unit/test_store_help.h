/*
 * test_store_help: seeded random changes, and tables made of them, for the
 * tests of table, change and store.
 */
#ifndef TEST_STORE_HELP_H
#define TEST_STORE_HELP_H

#include "ha/table.h"

struct rng {
	uint64_t state;
};

uint32_t rng_below(struct rng *r, uint32_t n); /* 0 to n - 1 */

/* A change that t accepts. */
void random_change(struct rng *r, const struct table *t, struct change *ret);

/* Changes 1 to n of the seed, in epoch 1; caller table_done()s. */
void random_table(uint64_t seed, unsigned n, struct table *ret);

/* n servers in services of 100, everyone with a cause. */
void large_table(unsigned n, struct table *ret);

/* Fills c as the next change of t. */
void next_change(const struct table *t, enum change_what what,
    const char *service, const char *server, int64_t value,
    struct change *ret);

#endif
