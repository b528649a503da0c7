/*
 * store_make: makes the file of an epoch, or finds that it is there and ours.
 *
 * A new file is built under a temporary name, snapshot and all, made durable,
 * and linked to its real name, which fails if another writer was first: so a
 * file that has its name can be loaded and has its owner in it, and an epoch
 * has one writer even on NFS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "store/store_db.h"

static const char schema[] =
#include "build/gen/checkpoint_sql.h"
    ;

static int
write_meta(sqlite3 *db, const struct store_id *id)
{
	sqlite3_stmt *st = NULL;
	int src = sqlite3_prepare_v2(
	    db, "INSERT INTO meta VALUES (?1, ?2, ?3, ?4)", -1, &st, NULL);

	if (src == SQLITE_OK) {
		sqlite3_bind_text(st, 1, id->instance, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, id->node);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)id->epoch);
		sqlite3_bind_int64(st, 4, (sqlite3_int64)usec_real());
		src = sqlite3_step(st);
	}
	(void)sqlite3_finalize(st);
	return src == SQLITE_DONE ? SQLITE_OK : src;
}

static int
write_table(sqlite3 *db, const struct table *t)
{
	uint8_t sum[STORE_SUM_LEN], *bytes;
	sqlite3_stmt *st = NULL;
	size_t len;
	int src;

	if (table_pack(t, &bytes, &len) < 0)
		return SQLITE_NOMEM;
	src = sqlite3_prepare_v2(db, SNAPSHOT_SQL, -1, &st, NULL);
	if (src == SQLITE_OK) {
		snapshot_bind(st, t, bytes, len, sum);
		src = sqlite3_step(st);
	}
	(void)sqlite3_finalize(st);
	free(bytes);
	return src == SQLITE_DONE ? SQLITE_OK : src;
}

/* Schema, owner and first snapshot in a file of a name nobody looks for. */
static int
build(const struct store_id *id, const struct table *t, const char *path,
    struct store_err *e)
{
	sqlite3 *db = NULL;
	int src, rc = 0;

	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(e, -errno, id->dir);
	src = db_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
	if (src == SQLITE_OK)
		src = db_exec(db,
		    "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL; BEGIN");
	if (src == SQLITE_OK)
		src = db_exec(db, schema);
	if (src == SQLITE_OK)
		src = write_meta(db, id);
	if (src == SQLITE_OK)
		src = write_table(db, t);
	if (src == SQLITE_OK)
		src = db_exec(db, "COMMIT");
	if (src != SQLITE_OK)
		rc = err_set_db(e, db, src, id->dir);
	(void)sqlite3_close(db);
	return rc;
}

/* -EEXIST if there is one already; then nothing changed. */
static int
give_name(const char *from, const char *to)
{
	if (link(from, to) == 0) {
		(void)unlink(from);
		return 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	/* no hard links here */
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0
	    ? -errno
	    : 0;
}

/* In the place of our own file: its log must not meet the new database. */
static int
take_place(const char *from, const char *to)
{
	char wal[STORE_PATH_LEN + 8];

	(void)snprintf(wal, sizeof(wal), "%s-wal", to);
	if (unlink(wal) < 0 && errno != ENOENT)
		return -errno;
	return rename(from, to) < 0 ? -errno : 0;
}

/* -EEXIST: another writer was first. */
static int
create(const struct store_id *id, const struct table *t, const char *path,
    bool replace, struct store_err *e)
{
	char temp[STORE_PATH_LEN + 32];
	int rc;

	(void)snprintf(temp, sizeof(temp), "%s.new-%u", path, id->node);
	rc = build(id, t, temp, e);
	if (rc == 0) {
		rc = replace ? take_place(temp, path) : give_name(temp, path);
		if (rc == 0)
			rc = dir_sync(id->dir);
		if (rc < 0)
			(void)err_set(e, rc, id->dir);
	}
	(void)unlink(temp);
	return rc;
}

/* The owner as the database file alone says it, without lock, log or any other
 * trace on it. Its row never changes; but after a sudden end, with half of the
 * log moved into the database, the file may not be readable without its log. */
static int
owner_quick(const char *path, struct store_meta *ret)
{
	char uri[STORE_PATH_LEN * 3 + 32] = "file:", *p = uri + 5;
	sqlite3 *db = NULL;
	int rc = -ERR_CORRUPT;

	for (; *path != '\0'; path++)
		if (strchr("%?#", *path) != NULL)
			p += sprintf(p, "%%%02x", (unsigned char)*path);
		else
			*p++ = *path;
	strcpy(p, "?immutable=1");
	if (db_open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db) ==
	    SQLITE_OK)
		rc = db_meta(db, ret);
	(void)sqlite3_close(db);
	return rc;
}

/* The same from a copy with its log, which costs reading all of it. */
static int
owner_copy(const char *path, struct store_meta *ret)
{
	struct copy copy;
	sqlite3 *db = NULL;
	int rc = copy_make(path, NULL, &copy);

	if (rc < 0)
		return rc;
	rc = -ERR_CORRUPT;
	if (db_open_copy(copy.path, &db) == SQLITE_OK)
		rc = db_meta(db, ret);
	(void)sqlite3_close(db);
	copy_remove(&copy);
	return rc;
}

static int
check_owner(const struct store_id *id, const char *path, struct store_err *e)
{
	struct store_meta m;
	int rc = owner_quick(path, &m);

	if (rc == -ERR_CORRUPT)
		rc = owner_copy(path, &m);
	if (rc == 0 && (strcmp(m.instance, id->instance) != 0 ||
			   m.epoch != id->epoch || m.node != id->node))
		rc = -ERR_FOREIGN;
	return rc < 0 ? err_set(e, rc, path) : 0;
}

int
file_make(const struct store_id *id, const struct table *t, bool renew,
    bool *ret_made, struct store_err *reterr)
{
	char path[STORE_PATH_LEN];
	struct stat st;
	int rc;

	file_path(id, path, sizeof(path));
	*ret_made = false;
	if (stat(path, &st) < 0) {
		rc = errno == ENOENT
		    ? create(id, t, path, false, reterr)
		    : err_set(reterr, -errno, id->dir);
		*ret_made = rc == 0;
		if (rc != -EEXIST)
			return rc;
	}
	rc = check_owner(id, path, reterr);
	if (renew && (rc == 0 || rc == -ERR_CORRUPT)) {
		rc = create(id, t, path, true, reterr);
		*ret_made = rc == 0;
	}
	return rc;
}

int
store_create(
    const struct store_id *id, const struct table *t, struct store_err *reterr)
{
	char path[STORE_PATH_LEN];

	file_path(id, path, sizeof(path));
	return create(id, t, path, false, reterr);
}
