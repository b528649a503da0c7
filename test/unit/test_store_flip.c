/*
 * test_store_flip: bits flip and files are cut short, in the database and in
 * its log. Whatever is loaded must be a state that the table really had: of
 * this epoch, or of the one before.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "store/store.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define CHANGES 400
#define FIRST 60 /* seq of the first table */

struct bytes {
	uint8_t *data;
	size_t len;
};

static struct store_id id;
static struct bytes states[FIRST + CHANGES + 1]; /* the table at each seq */
static struct bytes older, db, wal;
static struct bytes merged; /* the database after a clean end */
static char db_path[600], wal_path[610];

static struct bytes
slurp(const char *path)
{
	struct bytes b = { mem_zalloc(1 << 20), 0 };
	FILE *f = fopen(path, "r");

	if (f != NULL) {
		b.len = fread(b.data, 1, 1 << 20, f);
		fclose(f);
	}
	return b;
}

static void
spill(const char *path, const struct bytes *b)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(b->data, 1, b->len, f) != b->len)
		abort();
	fclose(f);
}

static struct bytes
packed(const struct table *t)
{
	struct bytes b;

	if (table_pack(t, &b.data, &b.len) < 0)
		abort();
	return b;
}

static bool
equals(const struct table *t, const struct bytes *want)
{
	struct bytes b = packed(t);
	bool same = b.len == want->len && memcmp(b.data, want->data, b.len) == 0;

	free(b.data);
	return same;
}

/* Two epochs; the second's files are kept as a sudden end would leave them,
 * with part of it in the log. */
static void
make(void)
{
	struct rng r = { 99 };
	struct store_err e;
	struct change c;
	struct table t;
	struct store *s;
	int i, rc;

	id = (struct store_id){ .instance = "main", .epoch = 1, .node = 1 };
	scratch_dir(id.dir, sizeof(id.dir));
	random_table(2, 30, &t);
	rc = store_open(&id, &t, false, &s, &e);
	store_close(s);
	older = packed(&t);
	table_done(&t);
	random_table(2, FIRST, &t);
	id.epoch = 2;
	rc |= store_open(&id, &t, false, &s, &e);
	states[t.seq] = packed(&t);
	for (i = 0; rc == 0 && i < CHANGES; i++) {
		random_change(&r, &t, &c);
		rc |= table_apply(&t, &c);
		rc |= store_add(s, &c, &e);
		rc |= store_commit(s, &e);
		if (i == 100 || i == 200)
			rc |= store_snapshot(s, &t, &e);
		if (i == 250) { /* merge the log */
			store_close(s);
			rc |= store_open(&id, &t, false, &s, &e);
		}
		states[t.seq] = packed(&t);
	}
	(void)snprintf(db_path, sizeof(db_path), "%s", store_path(s));
	(void)snprintf(wal_path, sizeof(wal_path), "%s-wal", db_path);
	db = slurp(db_path);
	wal = slurp(wal_path);
	ok(rc == 0 && db.len > 0 && wal.len > 0 && t.seq == FIRST + CHANGES,
	    "two epochs; database %zu, log %zu bytes", db.len, wal.len);
	store_close(s);
	merged = slurp(db_path);
	table_done(&t);
}

struct tally {
	unsigned same, shorter, silent, older, wrong;
};

static void
judge(struct tally *n)
{
	struct store_loaded l;
	int rc = store_load(id.dir, "main", NULL, &l);

	if (rc == 0 && equals(&l.table, &older))
		n->older++;
	else if (rc < 0 || l.table.seq > FIRST + CHANGES ||
	    states[l.table.seq].data == NULL ||
	    !equals(&l.table, &states[l.table.seq]))
		n->wrong++;
	else if (l.table.seq == FIRST + CHANGES)
		n->same++;
	else if (l.text[0] != '\0')
		n->shorter++;
	else
		n->silent++;
	table_done(&l.table);
}

/* A file cut at a page looks whole; all else must be noticed. */
static void
report(const struct tally *n, bool cut, const char *what)
{
	is_int(n->wrong + (cut ? 0 : n->silent), 0, "%s: whole %u, shorter and said so %u, "
	    "shorter in silence %u, older epoch %u", what, n->same,
	    n->shorter, n->silent, n->older);
}

static void
flip(struct bytes *b, struct rng *r, unsigned n)
{
	while (n-- > 0)
		b->data[rng_below(r, (uint32_t)b->len)] ^=
		    (uint8_t)(1 << rng_below(r, 8));
}

static void
test_flips(struct bytes *victim, unsigned bits, const char *what)
{
	struct rng r = { 6 + bits };
	struct bytes good = { mem_zalloc(victim->len), victim->len };
	struct tally n = { 0 };
	int i;

	memcpy(good.data, victim->data, good.len);
	for (i = 0; i < 100; i++) {
		flip(victim, &r, bits);
		spill(db_path, &db);
		spill(wal_path, &wal);
		judge(&n);
		memcpy(victim->data, good.data, good.len);
	}
	report(&n, false, what);
	free(good.data);
}

static void
test_cuts(struct bytes *victim, const char *what)
{
	struct rng r = { 8 };
	struct tally n = { 0 };
	size_t len = victim->len;
	int i;

	for (i = 0; i < 50; i++) {
		victim->len = rng_below(&r, (uint32_t)len);
		spill(db_path, &db);
		spill(wal_path, &wal);
		judge(&n);
	}
	victim->len = len;
	report(&n, true, what);
}

int
main(void)
{
	struct tally n = { 0 };
	struct bytes with_log, log;
	size_t i;

	make();
	with_log = db;
	log = wal;
	spill(db_path, &db);
	spill(wal_path, &wal);
	judge(&n);
	ok(n.same == 1, "unharmed, it loads whole");
	test_flips(&db, 1, "a bit in the database");
	test_flips(&db, 50, "50 bits in the database");
	test_flips(&wal, 1, "a bit in the log");
	test_flips(&wal, 50, "50 bits in the log");
	test_cuts(&db, "database cut short");
	test_cuts(&wal, "log cut short");
	wal = (struct bytes){ log.data, 0 };
	db = merged;
	test_flips(&db, 1, "a bit in the database without log");
	test_flips(&db, 50, "50 bits in the database without log");
	test_cuts(&db, "database without log cut short");
	for (i = 0; i < ARRAY_LEN(states); i++)
		free(states[i].data);
	free(older.data);
	free(with_log.data);
	free(merged.data);
	free(log.data);
	scratch_remove(id.dir);
	return done();
}
