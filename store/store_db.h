/*
 * store_db: what writer and loader share: SQLite handles, errors as text,
 * checksums, and the few facts about a file that say whose it is.
 */
#ifndef CHECKPOINTD_STORE_DB_H
#define CHECKPOINTD_STORE_DB_H

#include <sqlite3.h>

#include "store/store.h"

#define STORE_APP_ID 0x796f6b65 /* as in schema/checkpoint.sql */
#define STORE_VERSION 2 /* and all before it, see store_migrate.c */
#define STORE_SUM_LEN 32

/* Fills reterr (NULL ok) for a negative code, with advice; returns rc. */
int err_set(struct store_err *reterr, int rc, const char *path);

/* The same from the last failure of db (NULL: src alone). */
int err_set_db(struct store_err *reterr, sqlite3 *db, int src, const char *path);

/* flags: SQLITE_OPEN_*. SQLite's result; *ret must be closed even on failure. */
int db_open(const char *path, int flags, sqlite3 **ret);

/* A private copy, with the log that came with it. */
int db_open_copy(const char *path, sqlite3 **ret);

int db_exec(sqlite3 *db, const char *sql); /* SQLite's result */

/* A number from a one-row query; SQLite's result, SQLITE_ROW if there is one. */
int db_number(sqlite3 *db, const char *sql, int64_t *ret);

/* Whose file is behind db. 0, -ERR_VERSION, -ERR_CORRUPT (not ours at all). */
struct store_meta {
	char instance[NAME_LEN];
	uint32_t node;
	uint64_t epoch;
};
int db_meta(sqlite3 *db, struct store_meta *ret);

/* store_migrate.c: to STORE_VERSION. db can be written to, and db_meta() took
 * it. SQLite's result. */
int db_migrate(sqlite3 *db);

/* SHA-256 over the key columns and the bytes. */
void row_sum(uint64_t seq, uint64_t epoch, uint64_t at_us, const void *bytes,
    size_t len, uint8_t ret[STORE_SUM_LEN]);

/* store_load.c: the checked content of a row (seq, epoch, at_us, sum, bytes);
 * NULL if it fails. Valid until the statement's next step. */
const void *row_bytes(sqlite3_stmt *st, size_t *ret_len);

/* Columns as row_bytes() wants them; those of the journal for people follow. */
#define SNAPSHOTS_SQL "SELECT seq, epoch, at_us, sum, bytes FROM snapshot "
#define JOURNAL_SQL "SELECT seq, epoch, at_us, sum, body, what, service, " \
	"server, value, cause FROM journal "

/* The change in a row of JOURNAL_SQL. 0, -ERR_CORRUPT: *ret untouched. */
int change_row(sqlite3_stmt *st, struct change *ret);

/* Snapshot and journal of an open database; l->file is set. As
 * store_load_file(). */
int db_load(sqlite3 *db, struct store_loaded *l);

/* The newest table in one file; l is zeroed before, the caller table_done()s
 * its table. 0 or a reason, which l->text then has too. */
int store_load_file(const struct store_file *f, const char *instance,
    const char *temp, struct store_loaded *l);

/* store_roles.c: a row of the table roles; mem has HISTORY_BYTES_MAX and stays,
 * as sum does, until the statement is reset. 0 or -EMSGSIZE. */
#define ROLE_SQL "INSERT OR IGNORE INTO roles VALUES " \
	"(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
int role_bind(sqlite3_stmt *st, const struct history_record *r, uint8_t *mem,
    uint8_t sum[STORE_SUM_LEN]);
/* Adds what is whole of them to h. SQLITE_DONE, or why it went no further. */
int db_roles(sqlite3 *db, struct history *h, unsigned *ret_bad);

/* A row of the table snapshot. The bytes and sum (filled here) must stay until
 * the statement is reset. */
#define SNAPSHOT_SQL "INSERT INTO snapshot VALUES (?1, ?2, ?3, ?4, ?5)"
void snapshot_bind(sqlite3_stmt *st, const struct table *t,
    const uint8_t *bytes, size_t len, uint8_t sum[STORE_SUM_LEN]);

/* store_make.c: the file of this epoch is there and ours. If it was made just
 * now, t is in it. renew: even if it is there, a new one takes its place; only
 * for a file that we had open and that failed. 0 or as store_open(). */
int file_make(const struct store_id *id, const struct table *t, bool renew,
    bool *ret_made, struct store_err *reterr);

/* store_file.c */
void file_path(const struct store_id *id, char *buf, size_t len);
int dir_sync(const char *dir); /* 0 or -errno */

/* store_copy.c: a private copy of a file and its journal. 0, -errno, or
 * -ERR_BUSY: it kept changing. */
struct copy {
	char dir[STORE_PATH_LEN];
	char path[STORE_PATH_LEN + 8];
	char wal[STORE_PATH_LEN + 16];
};
int copy_make(const char *path, const char *temp, struct copy *ret);
void copy_remove(struct copy *c);

/* store_kind.c */
const char *storage_pragmas(enum storage kind); /* for who writes */
/* What stat() says next is what the storage says now. */
void storage_refresh(enum storage kind, const char *dir);

/* store_wal.c: how a log ends. */
enum wal_end {
	WAL_WHOLE, /* or there is none */
	WAL_TORN,  /* in a commit that was not finished, or is damaged */
	WAL_LOST,  /* damage has cut off commits that were in it */
};
enum wal_end wal_look(const char *path);

#endif
