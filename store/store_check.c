/*
 * store_check: everything in a file that can be held against something else.
 *
 *   the log        frames after a bad one say that there was more
 *   the database   SQLite's own check of its pages
 *   the rows       each one's sum, its bytes, and the words that repeat them
 *   the numbers    none missing after the newest snapshot
 *   the whole      a snapshot is what the one before it and the changes between
 *                  them make, where all of these are there (a table that was
 *                  replaced as a whole leaves a gap before its snapshot)
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/err.h"
#include "store/store_view_impl.h"

#define PAGE_FAULTS 20 /* of SQLite's own, at most */

struct check {
	struct store_view *v;
	store_fault_fn fn;
	void *arg;
	unsigned faults;
	bool have;      /* table is what the rows so far make */
	struct table table;
	uint64_t newest; /* snapshot */
};

__attribute__((format(printf, 2, 3))) static void
fault(struct check *k, const char *fmt, ...)
{
	char text[STORE_TEXT_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	k->faults++;
	k->fn(text, k->arg);
}

static void
check_pages(struct check *k)
{
	sqlite3_stmt *st = NULL;
	const char *text;
	char sql[48];
	int src;

	(void)snprintf(sql, sizeof(sql), "PRAGMA integrity_check(%d)",
	    PAGE_FAULTS);
	src = sqlite3_prepare_v2(k->v->db, sql, -1, &st, NULL);
	if (src == SQLITE_OK)
		src = sqlite3_step(st);
	for (; src == SQLITE_ROW; src = sqlite3_step(st)) {
		text = (const char *)sqlite3_column_text(st, 0);
		if (text == NULL || strcmp(text, "ok") != 0)
			fault(k, "database: %.200s",
			    text != NULL ? text : "not readable");
	}
	if (src != SQLITE_DONE)
		fault(k, "database: %s", sqlite3_errmsg(k->v->db));
	(void)sqlite3_finalize(st);
}

/* The next snapshot; our table goes on from it. */
static void
check_snapshot(struct check *k, sqlite3_stmt *st)
{
	uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
	const void *bytes;
	struct table t;
	size_t len;

	bytes = row_bytes(st, &len);
	if (bytes == NULL) {
		fault(k, "snapshot %" PRIu64 ": its sum does not match", seq);
		return;
	}
	if (table_unpack(bytes, len, &t) < 0) {
		fault(k, "snapshot %" PRIu64 ": no table", seq);
		return;
	}
	if (t.seq != seq)
		fault(k, "snapshot %" PRIu64 ": is of change %" PRIu64, seq,
		    t.seq);
	else if (k->have && k->table.seq == seq && !table_equal(&k->table, &t))
		fault(k, "snapshot %" PRIu64
		    ": not what the changes before it make", seq);
	table_done(&k->table);
	table_move(&k->table, &t);
	k->have = true;
}

static bool
same_text(sqlite3_stmt *st, int column, const char *want)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text != NULL && strcmp(text, want) == 0;
}

/* Do the columns for people say what the bytes do? */
static bool
same_words(sqlite3_stmt *st, const struct change *c)
{
	return same_text(st, 5, change_name(c->what)) &&
	       same_text(st, 6, c->service) && same_text(st, 7, c->server) &&
	       sqlite3_column_int64(st, 8) == c->value &&
	       same_text(st, 9, c->cause);
}

static void
check_change(struct check *k, sqlite3_stmt *st)
{
	uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
	uint64_t want = k->table.seq + 1;
	struct change c;
	int rc;

	if (change_row(st, &c) < 0) {
		fault(k, "journal %" PRIu64 ": its sum does not match", seq);
		return;
	}
	if (!same_words(st, &c))
		fault(k, "journal %" PRIu64 ": its words are not its bytes'",
		    seq);
	if (c.seq != seq)
		fault(k, "journal %" PRIu64 ": is change %" PRIu64, seq, c.seq);
	if (!k->have || seq < want)
		return;
	rc = table_apply(&k->table, &c);
	if (rc == 0)
		return;
	if (seq > want && seq > k->newest)
		fault(k, "journal: changes %" PRIu64 " to %" PRIu64
		    " are missing", want, seq - 1);
	else if (seq == want)
		fault(k, "journal %" PRIu64 ": %s", seq, err_text(rc));
	k->have = false; /* until the next snapshot */
}

/* Snapshots and changes in one row of numbers; of one number, the change comes
 * first. */
static void
check_rows(struct check *k)
{
	sqlite3_stmt *snap = NULL, *row = NULL;
	int a = SQLITE_ERROR, b = SQLITE_ERROR;

	if (sqlite3_prepare_v2(k->v->db, SNAPSHOTS_SQL "ORDER BY seq", -1,
		&snap, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(k->v->db, JOURNAL_SQL "ORDER BY seq", -1, &row,
		NULL) == SQLITE_OK) {
		a = sqlite3_step(snap);
		b = sqlite3_step(row);
	}
	if (a == SQLITE_DONE)
		fault(k, "there is no snapshot");
	while (a == SQLITE_ROW || b == SQLITE_ROW) {
		if (b == SQLITE_ROW &&
		    (a != SQLITE_ROW || sqlite3_column_int64(row, 0) <=
			    sqlite3_column_int64(snap, 0))) {
			check_change(k, row);
			b = sqlite3_step(row);
		} else {
			check_snapshot(k, snap);
			a = sqlite3_step(snap);
		}
	}
	if (a != SQLITE_DONE || b != SQLITE_DONE)
		fault(k, "rows: %s", sqlite3_errmsg(k->v->db));
	(void)sqlite3_finalize(snap);
	(void)sqlite3_finalize(row);
}

/* What its name says, unless somebody gave it another. */
static void
check_name(struct check *k)
{
	const struct store_meta *m = &k->v->meta;
	struct store_id id = { .epoch = m->epoch };
	const char *name = strrchr(k->v->path, '/');
	char want[STORE_PATH_LEN];

	name = name != NULL ? name + 1 : k->v->path;
	if (strncmp(name, "checkpoint-", 11) != 0)
		return;
	memcpy(id.instance, m->instance, sizeof(id.instance));
	file_path(&id, want, sizeof(want));
	if (strcmp(strrchr(want, '/') + 1, name) != 0)
		fault(k, "meta: instance \"%s\", epoch %" PRIu64
		    ": not what the file's name says", m->instance, m->epoch);
}

unsigned
store_view_check(struct store_view *v, store_fault_fn fn, void *arg)
{
	struct check k = { .v = v, .fn = fn, .arg = arg };
	struct history h = { 0 };
	int64_t newest = 0;
	unsigned bad = 0;

	table_init(&k.table);
	if (v->log_lost)
		fault(&k, "log: damaged, its last changes are lost");
	check_name(&k);
	check_pages(&k);
	(void)db_number(v->db, "SELECT max(seq) FROM snapshot", &newest);
	k.newest = (uint64_t)newest;
	check_rows(&k);
	if (db_roles(v->db, &h, &bad) != SQLITE_DONE)
		fault(&k, "roles: %s", sqlite3_errmsg(v->db));
	if (bad > 0)
		fault(&k, "roles: %u whose sum does not match", bad);
	table_done(&k.table);
	return k.faults;
}
