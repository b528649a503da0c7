/*
 * store_db: SQLite handles, errors as text with advice, checksums of rows, and
 * whose file it is. SQLite's own codes end here: callers see -errno and err.h.
 */
#include "store/store_db.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"

static const struct advice {
	int code;
	const char *text;
} advices[] = {
	{ ENOSPC, "free space" },
	{ EDQUOT, "raise the quota" },
	{ EROFS, "mount it writable" },
	{ EACCES, "let yoke-checkpointd write there" },
	{ EPERM, "let yoke-checkpointd write there" },
	{ ENOENT, "make or mount it" },
	{ ENOTDIR, "make it a directory" },
	{ EIO, "look after the device or server" },
	{ ESTALE, "mount it again" },
	{ ENOLCK, "mount it with working locks, or local_lock=all" },
	{ EBUSY, "another process has it open: stop that" },
	{ ERR_CORRUPT, "move it away" },
	{ ERR_VERSION, "made by another version of yoke: move it away" },
	{ ERR_FOREIGN, "the file of this epoch has another writer" },
};

int
err_set(struct store_err *reterr, int rc, const char *path)
{
	const char *advice = "look at the storage";
	size_t i;

	for (i = 0; i < ARRAY_LEN(advices); i++)
		if (advices[i].code == -rc)
			advice = advices[i].text;
	if (reterr != NULL) {
		reterr->rc = rc;
		(void)snprintf(reterr->text, sizeof(reterr->text),
		    "%.120s: %s; %s", path, err_text(rc), advice);
	}
	return rc;
}

int
err_set_db(struct store_err *reterr, sqlite3 *db, int src, const char *path)
{
	int sys = db != NULL ? sqlite3_system_errno(db) : 0;

	switch (src & 0xff) {
	case SQLITE_FULL:
		return err_set(reterr, -ENOSPC, path);
	case SQLITE_READONLY:
		return err_set(reterr, -EROFS, path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(reterr, -EBUSY, path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* our SQL is right: the file lacks what it names */
		return err_set(reterr, -ERR_CORRUPT, path);
	case SQLITE_NOMEM:
		return err_set(reterr, -ENOMEM, path);
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(reterr, -EACCES, path);
	default:
		return err_set(reterr, sys != 0 ? -sys : -EIO, path);
	}
}

int
db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int
db_open(const char *path, int flags, sqlite3 **ret)
{
	int src = sqlite3_open_v2(path, ret,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (src != SQLITE_OK)
		return src;
	/* What a file says is data: no triggers, functions or odd schemas. */
	(void)sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return db_exec(*ret, "PRAGMA cell_size_check=ON");
}

int
db_open_copy(const char *path, sqlite3 **ret)
{
	int src = db_open(path, SQLITE_OPEN_READWRITE, ret);

	/* exclusive: the log needs no shared memory */
	if (src == SQLITE_OK)
		src = db_exec(*ret,
		    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF");
	return src;
}

int
db_number(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int src = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (src == SQLITE_OK)
		src = sqlite3_step(st);
	if (src == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return src;
}

static int
meta_row(sqlite3_stmt *st, struct store_meta *ret)
{
	const char *instance;

	if (sqlite3_step(st) != SQLITE_ROW)
		return -ERR_CORRUPT;
	instance = (const char *)sqlite3_column_text(st, 0);
	if (instance == NULL || strlen(instance) >= NAME_LEN)
		return -ERR_CORRUPT;
	strcpy(ret->instance, instance);
	ret->node = (uint32_t)sqlite3_column_int64(st, 1);
	ret->epoch = (uint64_t)sqlite3_column_int64(st, 2);
	return sqlite3_step(st) == SQLITE_DONE ? 0 : -ERR_CORRUPT;
}

int
db_meta(sqlite3 *db, struct store_meta *ret)
{
	sqlite3_stmt *st = NULL;
	int64_t app, version;
	int rc = -ERR_CORRUPT;

	if (db_number(db, "PRAGMA application_id", &app) != SQLITE_ROW ||
	    db_number(db, "PRAGMA user_version", &version) != SQLITE_ROW ||
	    app != STORE_APP_ID)
		return -ERR_CORRUPT;
	if (version < 1 || version > STORE_VERSION)
		return -ERR_VERSION;
	if (sqlite3_prepare_v2(db, "SELECT instance, node, epoch FROM meta", -1,
		&st, NULL) == SQLITE_OK)
		rc = meta_row(st, ret);
	(void)sqlite3_finalize(st);
	return rc;
}

void
row_sum(uint64_t seq, uint64_t epoch, uint64_t at_us, const void *bytes,
    size_t len, uint8_t ret[STORE_SUM_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t head[24];
	struct buf b = buf_writer(head, sizeof(head));

	put_u64(&b, seq);
	put_u64(&b, epoch);
	put_u64(&b, at_us);
	if (ctx == NULL || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(ctx, head, sizeof(head)) ||
	    !EVP_DigestUpdate(ctx, bytes, len) ||
	    !EVP_DigestFinal_ex(ctx, ret, NULL))
		abort(); /* out of memory: systemd starts us again */
	EVP_MD_CTX_free(ctx);
}

void
snapshot_bind(sqlite3_stmt *st, const struct table *t, const uint8_t *bytes,
    size_t len, uint8_t sum[STORE_SUM_LEN])
{
	uint64_t now = usec_real();

	row_sum(t->seq, t->epoch, now, bytes, len, sum);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)t->seq);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)t->epoch);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)now);
	sqlite3_bind_blob(st, 4, sum, STORE_SUM_LEN, SQLITE_STATIC);
	sqlite3_bind_blob64(st, 5, bytes, len, SQLITE_STATIC);
}
