/*
 * store_view: opens a private copy, brings it to our version, and reads it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "store/store_view_impl.h"

int
store_view_new(const char *path, const char *temp, struct store_view **ret,
    struct store_err *reterr)
{
	struct store_view *v = mem_new(struct store_view);
	int64_t version = 0;
	int rc;

	(void)snprintf(v->path, sizeof(v->path), "%s", path);
	rc = copy_make(path, temp, &v->copy);
	v->copied = rc == 0;
	if (rc == 0) {
		v->info.open = access(v->copy.wal, F_OK) == 0;
		v->log_lost = wal_look(v->copy.wal) == WAL_LOST;
		v->info.torn = wal_look(v->copy.wal) == WAL_TORN;
		if (db_open_copy(v->copy.path, &v->db) != SQLITE_OK)
			rc = -ERR_CORRUPT;
	}
	if (rc == 0)
		rc = db_meta(v->db, &v->meta);
	if (rc == 0) {
		(void)db_number(v->db, "PRAGMA user_version", &version);
		v->info.version = (unsigned)version;
		(void)db_migrate(v->db);
	}
	if (rc < 0) {
		(void)err_set(reterr, rc, path);
		store_view_free(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void
store_view_free(struct store_view *v)
{
	if (v == NULL)
		return;
	(void)sqlite3_close(v->db);
	if (v->copied)
		copy_remove(&v->copy);
	free(v);
}

/* 0 where it cannot be read. */
static uint64_t
number(const struct store_view *v, const char *sql)
{
	int64_t n = 0;

	return db_number(v->db, sql, &n) == SQLITE_ROW && n > 0 ? (uint64_t)n
								 : 0;
}

void
store_view_info(struct store_view *v, struct store_info *ret)
{
	struct store_info *i = &v->info;

	memcpy(i->instance, v->meta.instance, sizeof(i->instance));
	i->node = v->meta.node;
	i->epoch = v->meta.epoch;
	i->created = number(v, "SELECT created_us FROM meta");
	i->alive = number(v,
	    "SELECT max(at_us) FROM (SELECT at_us FROM alive UNION ALL "
	    "SELECT max(at_us) FROM snapshot UNION ALL "
	    "SELECT max(at_us) FROM journal)");
	i->snapshot_seq = number(v, "SELECT max(seq) FROM snapshot");
	i->seq = number(v, "SELECT max(seq) FROM journal");
	if (i->seq < i->snapshot_seq)
		i->seq = i->snapshot_seq;
	i->snapshots = (uint32_t)number(v, "SELECT count(*) FROM snapshot");
	i->rows = (uint32_t)number(v,
	    "SELECT count(*) FROM journal WHERE seq > "
	    "(SELECT max(seq) FROM snapshot)");
	i->roles = (uint32_t)number(v, "SELECT count(*) FROM roles");
	*ret = *i;
}

int
store_view_table(struct store_view *v, struct store_loaded *ret)
{
	*ret = (struct store_loaded){ 0 };
	(void)snprintf(ret->file, sizeof(ret->file), "%s", v->path);
	return db_load(v->db, ret);
}

void
store_view_journal(struct store_view *v, store_change_fn fn, void *arg)
{
	sqlite3_stmt *st = NULL;
	struct change c;

	if (sqlite3_prepare_v2(v->db, JOURNAL_SQL "ORDER BY seq", -1, &st,
		NULL) == SQLITE_OK)
		while (sqlite3_step(st) == SQLITE_ROW) {
			c = (struct change){ .seq = (uint64_t)
						 sqlite3_column_int64(st, 0) };
			(void)change_row(st, &c);
			fn(&c, arg);
		}
	(void)sqlite3_finalize(st);
}

void
store_view_roles(struct store_view *v, struct history *h)
{
	unsigned bad;

	(void)db_roles(v->db, h, &bad);
}
