/*
 * test_store_flip: bits flip, pages are torn and files are cut short, in the
 * database and in its log. Whatever is loaded must be a state that the table really had: of
 * this epoch, or of the one before; of the history, records that were written.
 * What a load notices, verify does.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "store/store_view.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define CHANGES 400
#define FIRST 60 /* seq of the first table */
#define TEARS 40 /* of a kind: 4 kinds in 3 files, with the flips over 1000 */

struct bytes {
	uint8_t *data;
	size_t len;
};

static struct store_id id;
static struct bytes states[FIRST + CHANGES + 1]; /* the table at each seq */
static struct bytes older, db, wal;
static struct bytes merged; /* the database after a clean end */
static struct bytes db_then, wal_then; /* the files in the middle of it all */
static char db_path[600], wal_path[610];
static struct history roles;

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

/* Each 40th change comes with a change of role. */
static int
role(struct store *s, int i)
{
	struct history_record r = { .epoch = 2, .at = 1000 + (usec_t)i,
		.node = 1, .from = "standby", .to = "active", .event = "took",
		.why = "silence", .steps = { { "vips", 7 } }, .n_steps = 1 };
	struct store_err e;

	if (i % 40 != 0)
		return 0;
	(void)history_add(&roles, &r);
	return store_role(s, &r, &e);
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
		rc |= role(s, i);
		rc |= store_commit(s, &e);
		if (i == 100 || i == 200)
			rc |= store_snapshot(s, &t, &e);
		if (i == 240) {
			db_then = slurp(store_path(s));
			(void)snprintf(wal_path, sizeof(wal_path), "%s-wal",
			    store_path(s));
			wal_then = slurp(wal_path);
		}
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
	unsigned made_up; /* records that nobody wrote */
	unsigned missed;  /* by verify, but noticed by a load */
	unsigned faults;  /* files in which verify found some */
};

static void
judge_roles(struct tally *n)
{
	static struct history h;
	size_t i, k;

	h.n = 0;
	(void)store_history(id.dir, "main", NULL, UINT64_MAX, &h);
	for (i = 0; i < h.n; i++) {
		for (k = 0; k < roles.n; k++)
			if (memcmp(&roles.v[k], &h.v[i], sizeof(h.v[i])) == 0)
				break;
		n->made_up += k == roles.n;
	}
}

static void
no_fault(const char *text, void *arg)
{
	(void)text;
	(void)arg;
}

static void
judge_verify(struct tally *n, bool noticed)
{
	struct store_view *v;
	struct store_info i;
	struct store_err e;
	unsigned faults = 1;

	if (store_view_new(db_path, NULL, &v, &e) == 0) {
		store_view_info(v, &i);
		faults = store_view_check(v, no_fault, NULL) + i.torn;
		store_view_free(v);
	}
	n->faults += faults > 0;
	n->missed += noticed && faults == 0;
}

static void
judge(struct tally *n)
{
	struct store_loaded l;
	int rc = store_load(id.dir, "main", NULL, &l);

	judge_roles(n);
	judge_verify(n, l.text[0] != '\0');

	if (rc == 0 && equals(&l.table, &older) && l.text[0] != '\0')
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
	ok(n->made_up == 0 && n->missed == 0,
	    "verify found faults in %u, missed %u; records made up: %u",
	    n->faults, n->missed, n->made_up);
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

#define SECTOR 512
#define PAGE 4096

enum tear { TEAR_ZERO, TEAR_NOISE, TEAR_OTHER, TEAR_STALE, TEAR__LAST };

/* Some sectors of a page did not get there: the medium has zeros, noise, what
 * belongs elsewhere, or what was there before. */
static void
tear(struct bytes *b, const struct bytes *then, enum tear how, struct rng *r)
{
	size_t pages = b->len / PAGE, at, from, k;

	at = rng_below(r, (uint32_t)pages) * (size_t)PAGE;
	from = rng_below(r, (uint32_t)(b->len / SECTOR)) * (size_t)SECTOR;
	for (k = 0; k < PAGE / SECTOR; k++, at += SECTOR) {
		if (rng_below(r, 2) == 0 || at + SECTOR > b->len)
			continue;
		if (how == TEAR_ZERO)
			memset(b->data + at, 0, SECTOR);
		else if (how == TEAR_OTHER)
			memmove(b->data + at, b->data + from, SECTOR);
		else if (how == TEAR_STALE && at + SECTOR <= then->len)
			memcpy(b->data + at, then->data + at, SECTOR);
		else if (how == TEAR_NOISE)
			for (from = at; from < at + SECTOR; from++)
				b->data[from] = (uint8_t)rng_below(r, 256);
	}
}

static void
test_tears(struct bytes *victim, const struct bytes *then, const char *what)
{
	struct rng r = { 31 + victim->len };
	struct bytes good = { mem_zalloc(victim->len), victim->len };
	static const char *const hows[TEAR__LAST] = { "zeros", "noise",
		"others'", "stale" };
	struct tally n;
	char text[128];
	int how, i;

	memcpy(good.data, victim->data, good.len);
	for (how = 0; how < TEAR__LAST; how++) {
		n = (struct tally){ 0 };
		for (i = 0; i < TEARS; i++) {
			tear(victim, then, (enum tear)how, &r);
			spill(db_path, &db);
			spill(wal_path, &wal);
			judge(&n);
			memcpy(victim->data, good.data, good.len);
		}
		(void)snprintf(text, sizeof(text), "%s, sectors of a page %s",
		    what, hows[how]);
		report(&n, false, text);
	}
	free(good.data);
}

/* The last frame, bit by bit: all that a load can do is to say that it ends
 * there; but for a bit in the salts, which make it look like an older log's. */
static void
test_last_frame(void)
{
	struct tally n = { 0 };
	size_t frame = 24 + 4096, at = wal.len - frame, bit;

	for (bit = 0; bit < frame * 8; bit += bit < 24 * 8 ? 1 : 397) {
		if (bit / 8 >= 8 && bit / 8 < 16)
			continue;
		wal.data[at + bit / 8] ^= (uint8_t)(1 << bit % 8);
		spill(db_path, &db);
		spill(wal_path, &wal);
		judge(&n);
		wal.data[at + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ok(n.shorter > 200, "%u bits of the last frame", n.shorter);
	report(&n, false, "a bit in the last frame");
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

/* A rollback journal beside the file, which we never write: whose pages it has
 * nobody knows, and no load looks at it. */
static void
test_journal(void)
{
	static const uint8_t magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1,
		0x63, 0xd7 };
	struct bytes journal = { mem_zalloc(3 * PAGE), 3 * PAGE };
	struct rng r = { 12 };
	struct tally n = { 0 };
	char path[620];
	size_t i;
	int k;

	(void)snprintf(path, sizeof(path), "%s-journal", db_path);
	for (k = 0; k < 20; k++) {
		for (i = 0; i < journal.len; i++)
			journal.data[i] = (uint8_t)rng_below(&r, 256);
		if (k % 2 == 0) /* 0 pages, "the file had one" */
			memset(journal.data, 0, SECTOR);
		if (k % 2 == 0)
			memcpy(journal.data, magic, sizeof(magic));
		spill(db_path, &db);
		spill(wal_path, &wal);
		spill(path, &journal);
		judge(&n);
	}
	is_int(n.same, 20, "a foreign rollback journal changes nothing");
	(void)unlink(path);
	free(journal.data);
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
	ok(n.same == 1 && n.faults == 0, "unharmed, it loads whole");
	test_journal();
	test_flips(&db, 1, "a bit in the database");
	test_flips(&db, 50, "50 bits in the database");
	test_flips(&wal, 1, "a bit in the log");
	test_flips(&wal, 50, "50 bits in the log");
	test_last_frame();
	test_tears(&db, &db_then, "database");
	test_tears(&wal, &wal_then, "log");
	test_cuts(&db, "database cut short");
	test_cuts(&wal, "log cut short");
	wal = (struct bytes){ log.data, 0 };
	db = merged;
	test_flips(&db, 1, "a bit in the database without log");
	test_flips(&db, 50, "50 bits in the database without log");
	test_tears(&db, &db_then, "database without log");
	test_cuts(&db, "database without log cut short");
	for (i = 0; i < ARRAY_LEN(states); i++)
		free(states[i].data);
	free(older.data);
	free(with_log.data);
	free(merged.data);
	free(log.data);
	free(db_then.data);
	free(wal_then.data);
	scratch_remove(id.dir);
	return done();
}
