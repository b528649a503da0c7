/*
 * store_load: the newest table that can be trusted.
 *
 * Every row carries a checksum over its key and content, and changes are
 * numbered without a gap; so whatever is read is a state that the table really
 * had, even from a damaged file. Damage costs only what comes after it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/store_db.h"

/* Adds to the text what was skipped and why. */
__attribute__((format(printf, 2, 3))) static void
note(struct store_loaded *l, const char *fmt, ...)
{
	size_t n = strlen(l->text);
	va_list ap;

	if (n > 0 && n + 2 < sizeof(l->text)) {
		strcpy(l->text + n, "; ");
		n += 2;
	}
	va_start(ap, fmt);
	(void)vsnprintf(l->text + n, sizeof(l->text) - n, fmt, ap);
	va_end(ap);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

const void *
row_bytes(sqlite3_stmt *st, size_t *ret_len)
{
	uint8_t sum[STORE_SUM_LEN];
	const void *bytes = sqlite3_column_blob(st, 4);
	size_t len = (size_t)sqlite3_column_bytes(st, 4);

	if (bytes == NULL || sqlite3_column_bytes(st, 3) != STORE_SUM_LEN)
		return NULL;
	row_sum((uint64_t)sqlite3_column_int64(st, 0),
	    (uint64_t)sqlite3_column_int64(st, 1),
	    (uint64_t)sqlite3_column_int64(st, 2), bytes, len, sum);
	if (memcmp(sum, sqlite3_column_blob(st, 3), STORE_SUM_LEN) != 0)
		return NULL;
	*ret_len = len;
	return bytes;
}

/* The newest snapshot whose checksum holds. */
static int
load_snapshot(sqlite3 *db, struct store_loaded *l)
{
	sqlite3_stmt *st = NULL;
	int rc = -ERR_CORRUPT;
	const void *bytes;
	uint64_t seq;
	size_t len;

	if (sqlite3_prepare_v2(db, SNAPSHOTS_SQL "ORDER BY seq DESC", -1, &st,
		NULL) != SQLITE_OK)
		goto out;
	while (rc < 0 && sqlite3_step(st) == SQLITE_ROW) {
		seq = (uint64_t)sqlite3_column_int64(st, 0);
		bytes = row_bytes(st, &len);
		if (bytes != NULL)
			rc = table_unpack(bytes, len, &l->table);
		if (rc < 0)
			note(l, "%s: snapshot %llu damaged",
			    base_name(l->file), (unsigned long long)seq);
	}
	if (rc == 0)
		l->snapshot_seq = l->table.seq;
out:
	(void)sqlite3_finalize(st);
	return rc;
}

int
change_row(sqlite3_stmt *st, struct change *ret)
{
	const void *bytes;
	struct buf b;
	size_t len;

	bytes = row_bytes(st, &len);
	if (bytes == NULL)
		return -ERR_CORRUPT;
	b = buf_reader(bytes, len);
	return change_unpack(&b, ret) < 0 ? -ERR_CORRUPT : 0;
}

/* One journal row onto the table: 0, or why it cannot be. */
static int
replay_row(sqlite3_stmt *st, struct table *t)
{
	struct change c;
	int rc = change_row(st, &c);

	return rc == 0 ? table_apply(t, &c) : rc;
}

/* The journal as far as it is whole. What stops it is no failure. */
static void
load_journal(sqlite3 *db, struct store_loaded *l)
{
	sqlite3_stmt *st = NULL;
	int src, rc = 0;

	src = sqlite3_prepare_v2(
	    db, JOURNAL_SQL "WHERE seq > ?1 ORDER BY seq", -1, &st, NULL);
	if (src == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, (sqlite3_int64)l->table.seq);
		src = sqlite3_step(st);
	}
	for (; src == SQLITE_ROW && rc == 0; src = sqlite3_step(st)) {
		rc = replay_row(st, &l->table);
		if (rc < 0)
			break;
		l->changes++;
	}
	if (rc < 0 || src != SQLITE_DONE)
		note(l, "%s: journal damaged after change %llu",
		    base_name(l->file), (unsigned long long)l->table.seq);
	(void)sqlite3_finalize(st);
}

static bool
is_sound(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	bool sound;

	sound = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st,
		    NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	(void)sqlite3_finalize(st);
	return sound;
}

int
db_load(sqlite3 *db, struct store_loaded *l)
{
	usec_t began;
	int rc;

	if (!is_sound(db))
		note(l, "%s: damaged, read what is whole", base_name(l->file));
	rc = load_snapshot(db, l);
	began = usec_mono();
	if (rc == 0)
		load_journal(db, l);
	l->replay = usec_mono() - began;
	return rc;
}

/* Snapshot and journal from the copy of a file; its log is merged first. */
static int
load_copy(const char *path, const struct store_file *f, const char *instance,
    struct store_loaded *l)
{
	struct store_meta m;
	sqlite3 *db = NULL;
	int rc = -ERR_CORRUPT;

	if (db_open_copy(path, &db) != SQLITE_OK)
		goto out;
	rc = db_meta(db, &m);
	if (rc == 0 &&
	    (strcmp(m.instance, instance) != 0 || m.epoch != f->epoch))
		rc = -ERR_FOREIGN;
	if (rc < 0)
		goto out;
	(void)db_migrate(db); /* a damaged one says so below */
	rc = db_load(db, l);
out:
	(void)sqlite3_close(db);
	return rc;
}

static void
note_log(struct store_loaded *l, enum wal_end end)
{
	if (end == WAL_LOST)
		note(l, "%s: log damaged, its last changes are lost",
		    base_name(l->file));
	if (end == WAL_TORN)
		note(l, "%s: its last commit is torn or damaged",
		    base_name(l->file));
}

int
store_load_file(const struct store_file *f, const char *instance,
    const char *temp, struct store_loaded *l)
{
	struct copy copy;
	int rc;

	(void)snprintf(l->file, sizeof(l->file), "%s", f->path);
	rc = copy_make(f->path, temp, &copy);
	if (rc == 0) {
		note_log(l, wal_look(copy.wal));
		rc = load_copy(copy.path, f, instance, l);
		copy_remove(&copy);
	}
	if (rc < 0)
		note(l, "%s skipped: %s", base_name(f->path), err_text(rc));
	return rc;
}

int
store_load(const char *dir, const char *instance, const char *temp,
    struct store_loaded *ret)
{
	struct store_file *files = NULL;
	struct store_err e;
	size_t i, n = 0;
	int rc;

	*ret = (struct store_loaded){ 0 };
	rc = store_list(dir, instance, &files, &n);
	if (rc < 0) {
		(void)err_set(&e, rc, dir);
		note(ret, "%s", e.text);
		return rc;
	}
	if (n == 0)
		note(ret, "%.120s: no checkpoint of instance %s", dir, instance);
	else
		ret->highest_epoch = files[0].epoch;
	rc = n == 0 ? -ENOENT : -ERR_CORRUPT;
	for (i = 0; rc < 0 && i < n; i++)
		if (store_load_file(&files[i], instance, temp, ret) == 0)
			rc = 0;
	if (rc < 0)
		ret->file[0] = '\0';
	free(files);
	return rc;
}
