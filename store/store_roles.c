/*
 * store_roles: the history of roles in a file. A row is a packed record with a
 * sum; one that fails its checks is passed over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/store_db.h"

/* Files looked into: each has what those before it had, but for one whose
 * writer ended right after making it. */
#define FILES_MAX 8

int
role_bind(sqlite3_stmt *st, const struct history_record *r, uint8_t *mem,
    uint8_t sum[STORE_SUM_LEN])
{
	struct buf b = buf_writer(mem, HISTORY_BYTES_MAX);

	history_record_pack(&b, r);
	if (b.bad)
		return -EMSGSIZE;
	row_sum(r->node, r->epoch, r->at, mem, b.pos, sum);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)r->epoch);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)r->at);
	sqlite3_bind_int64(st, 3, r->node);
	sqlite3_bind_text(st, 4, r->from, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, r->to, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, r->event, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 7, r->why, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 8, (sqlite3_int64)r->silence);
	sqlite3_bind_blob(st, 9, sum, STORE_SUM_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(st, 10, mem, (int)b.pos, SQLITE_STATIC);
	return 0;
}

static int
role_row(sqlite3_stmt *st, struct history_record *ret)
{
	const void *bytes;
	struct buf b;
	size_t len;

	bytes = row_bytes(st, &len);
	if (bytes == NULL)
		return -ERR_CORRUPT;
	b = buf_reader(bytes, len);
	return history_record_unpack(&b, ret);
}

int
db_roles(sqlite3 *db, struct history *h, unsigned *ret_bad)
{
	struct history_record r;
	sqlite3_stmt *st = NULL;
	unsigned bad = 0;
	int src;

	src = sqlite3_prepare_v2(db,
	    "SELECT node, epoch, at_us, sum, body FROM roles "
	    "ORDER BY epoch, at_us",
	    -1, &st, NULL);
	if (src == SQLITE_OK)
		src = sqlite3_step(st);
	for (; src == SQLITE_ROW; src = sqlite3_step(st)) {
		if (role_row(st, &r) == 0)
			(void)history_add(h, &r);
		else
			bad++;
	}
	(void)sqlite3_finalize(st);
	*ret_bad = bad;
	return src;
}

static void
file_roles(const struct store_file *f, const char *instance, const char *temp,
    struct history *h)
{
	struct store_meta m;
	struct copy copy;
	sqlite3 *db = NULL;
	unsigned bad;

	if (copy_make(f->path, temp, &copy) < 0)
		return;
	if (db_open_copy(copy.path, &db) == SQLITE_OK &&
	    db_meta(db, &m) == 0 && strcmp(m.instance, instance) == 0 &&
	    db_migrate(db) == SQLITE_OK)
		(void)db_roles(db, h, &bad);
	(void)sqlite3_close(db);
	copy_remove(&copy);
}

int
store_history(const char *dir, const char *instance, const char *temp,
    uint64_t below, struct history *h)
{
	struct store_file *files = NULL;
	unsigned looked = 0;
	size_t i, n = 0;
	int rc = store_list(dir, instance, &files, &n);

	for (i = 0; rc == 0 && i < n && looked < FILES_MAX; i++) {
		if (files[i].epoch >= below)
			continue;
		looked++;
		file_roles(&files[i], instance, temp, h);
	}
	free(files);
	return rc;
}
