/*
 * test_store_files: see test_store_files.h.
 */
#include "test/unit/test_store_files.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/scratch.h"

struct store_id id;

void
begin(uint64_t epoch)
{
	id = (struct store_id){ .instance = "main", .epoch = epoch, .node = 1 };
	scratch_dir(id.dir, sizeof(id.dir));
}

struct store *
open_ok(const struct table *t)
{
	struct store_err e = { 0 };
	struct store *s = NULL;

	if (store_open(&id, t, false, &s, &e) < 0)
		printf("# %s\n", e.text);
	return s;
}

bool
same(const struct table *a, const struct table *b)
{
	return a->epoch == b->epoch && a->seq == b->seq && table_equal(a, b);
}

bool
loads_same(const struct table *want, char *text, size_t len)
{
	struct store_loaded l;
	int rc = store_load(id.dir, id.instance, NULL, &l);
	bool good = rc == 0 && same(&l.table, want);

	(void)snprintf(text, len, "%s", l.text);
	table_done(&l.table);
	return good;
}

void
more(struct store *s, struct table *t, struct rng *r, unsigned n)
{
	struct store_err e;
	struct change c;

	while (n-- > 0) {
		random_change(r, t, &c);
		if (table_apply(t, &c) < 0 || store_add(s, &c, &e) < 0)
			abort();
		if (n % 7 == 0 && store_commit(s, &e) < 0)
			abort();
	}
}

void
sql(const char *path, const char *text)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		abort();
	sqlite3_close(db);
}

