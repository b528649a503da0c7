/*
 * test_store_files: one directory of checkpoints, for the tests of the store.
 */
#ifndef TEST_STORE_FILES_H
#define TEST_STORE_FILES_H

#include "store/store.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

extern struct store_id id; /* whose files are written, and where */

void begin(uint64_t epoch); /* id, with a directory of its own */
struct store *open_ok(const struct table *t); /* NULL: says why */
bool same(const struct table *a, const struct table *b);

/* Is want what is stored? text: the remarks. */
bool loads_same(const struct table *want, char *text, size_t len);

/* The same as two tests, which must be counted by who includes this. */
static inline void
loads(const struct table *want, const char *what)
{
	char text[STORE_TEXT_LEN];

	ok(loads_same(want, text, sizeof(text)), "%s: loaded as it was", what);
	is_str(text, "", "%s: no remarks", what);
}

/* n random changes, on t and into s. */
void more(struct store *s, struct table *t, struct rng *r, unsigned n);

void sql(const char *path, const char *text);

#endif
