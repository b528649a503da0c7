/*
 * store: the writer of one epoch's file; store_make.c makes the file.
 *
 * How it writes depends on the storage: store_kind.c.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "store/store_db.h"
#include "ha/wire.h"

/* SNAP_*: what one snapshot does, in order. */
enum { ADD, SNAP_CUT, SNAP_SAME, SNAP_ADD, SNAP_OLD, SNAP_ROWS, ALIVE, ROLE,
	ROLE_OLD, ST__MAX };
static const char *const statements[ST__MAX] = {
	[ADD] = "INSERT INTO journal VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	[SNAP_CUT] = "DELETE FROM journal WHERE seq > ?1",
	[SNAP_SAME] = "DELETE FROM snapshot WHERE seq >= ?1",
	[SNAP_ADD] = SNAPSHOT_SQL,
	[SNAP_OLD] = "DELETE FROM snapshot WHERE seq NOT IN "
		     "(SELECT seq FROM snapshot ORDER BY seq DESC LIMIT 2)",
	[SNAP_ROWS] = "DELETE FROM journal WHERE seq <= "
		      "(SELECT min(seq) FROM snapshot)",
	[ALIVE] = "INSERT OR REPLACE INTO alive VALUES (1, ?1)",
	[ROLE] = ROLE_SQL,
	[ROLE_OLD] = "DELETE FROM roles WHERE (epoch, at_us, node, role) IN "
		     "(SELECT epoch, at_us, node, role FROM roles ORDER BY "
		     "epoch DESC, at_us DESC, node DESC, role DESC "
		     "LIMIT -1 OFFSET ?1)",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *st[ST__MAX];
	struct store_id id;
	char path[STORE_PATH_LEN];
	dev_t dev;
	ino_t ino;
	bool dirty;        /* a transaction is open */
	uint64_t seq;      /* durable */
	uint64_t last_seq; /* in the open transaction */
	uint32_t rows;     /* since the snapshot */
};

static int
fail(struct store *s, int src, struct store_err *e)
{
	return err_set_db(e, s->db, src, s->path);
}

static int
prepare(struct store *s, struct store_err *e)
{
	struct stat st;
	int src = db_open(s->path, SQLITE_OPEN_READWRITE, &s->db);
	size_t i;

	/* where it cannot write, SQLite settles for reading */
	if (src == SQLITE_OK && sqlite3_db_readonly(s->db, "main") == 1)
		return err_set(e,
		    access(s->path, W_OK) < 0 ? -errno : -EROFS, s->path);
	if (src == SQLITE_OK)
		src = db_exec(s->db, storage_pragmas(s->id.storage));
	if (src == SQLITE_OK)
		src = db_migrate(s->db);
	for (i = 0; src == SQLITE_OK && i < ST__MAX; i++)
		src = sqlite3_prepare_v3(s->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL);
	if (src != SQLITE_OK)
		return fail(s, src, e);
	if (stat(s->path, &st) < 0)
		return err_set(e, -errno, s->path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

int
store_open(const struct store_id *id, const struct table *t, bool renew,
    struct store **ret, struct store_err *reterr)
{
	struct store *s = mem_new(struct store);
	bool made;
	int rc;

	s->id = *id;
	if (id->storage == STORAGE_AUTO)
		s->id.storage = storage_look(id->dir);
	file_path(id, s->path, sizeof(s->path));
	rc = file_make(id, t, renew, &made, reterr);
	if (rc == 0)
		rc = prepare(s, reterr);
	if (rc == 0 && made)
		s->seq = s->last_seq = t->seq;
	else if (rc == 0)
		rc = store_snapshot(s, t, reterr);
	if (rc < 0)
		store_close(s);
	else
		*ret = s;
	return rc;
}

/* Runs a statement whose parameters are bound. */
static int
run(struct store *s, int which)
{
	int src = sqlite3_step(s->st[which]);

	(void)sqlite3_reset(s->st[which]);
	return src == SQLITE_DONE ? SQLITE_OK : src;
}

static int
begin(struct store *s)
{
	int src = SQLITE_OK;

	if (!s->dirty) {
		src = db_exec(s->db, "BEGIN IMMEDIATE");
		s->dirty = src == SQLITE_OK;
	}
	return src;
}

int
store_add(struct store *s, const struct change *c, struct store_err *reterr)
{
	uint8_t mem[CHANGE_BYTES_MAX], sum[STORE_SUM_LEN];
	struct buf b = buf_writer(mem, sizeof(mem));
	sqlite3_stmt *st = s->st[ADD];
	int src;

	change_pack(&b, c);
	assert(!b.bad);
	row_sum(c->seq, c->epoch, c->when, mem, b.pos, sum);
	src = begin(s);
	if (src != SQLITE_OK)
		return fail(s, src, reterr);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)c->seq);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)c->epoch);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)c->when);
	sqlite3_bind_text(st, 4, change_name(c->what), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, c->service, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, c->server, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 7, c->value);
	sqlite3_bind_text(st, 8, c->cause, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 9, sum, sizeof(sum), SQLITE_STATIC);
	sqlite3_bind_blob(st, 10, mem, (int)b.pos, SQLITE_STATIC);
	src = run(s, ADD);
	(void)sqlite3_clear_bindings(st);
	if (src != SQLITE_OK)
		return fail(s, src, reterr);
	s->last_seq = c->seq;
	s->rows++;
	return 0;
}

int
store_commit(struct store *s, struct store_err *reterr)
{
	int src;

	if (!s->dirty)
		return 0;
	src = db_exec(s->db, "COMMIT");
	if (src != SQLITE_OK)
		return fail(s, src, reterr);
	s->dirty = false;
	s->seq = s->last_seq;
	return 0;
}

static int
snapshot_rows(struct store *s, const struct table *t, const uint8_t *bytes,
    size_t len)
{
	static const int order[] = { SNAP_CUT, SNAP_SAME, SNAP_ADD, SNAP_OLD,
		SNAP_ROWS };
	uint8_t sum[STORE_SUM_LEN];
	int src = SQLITE_OK;
	size_t i;

	sqlite3_bind_int64(s->st[SNAP_CUT], 1, (sqlite3_int64)t->seq);
	sqlite3_bind_int64(s->st[SNAP_SAME], 1, (sqlite3_int64)t->seq);
	snapshot_bind(s->st[SNAP_ADD], t, bytes, len, sum);
	for (i = 0; src == SQLITE_OK && i < ARRAY_LEN(order); i++)
		src = run(s, order[i]);
	(void)sqlite3_clear_bindings(s->st[SNAP_ADD]);
	return src;
}

int
store_snapshot(
    struct store *s, const struct table *t, struct store_err *reterr)
{
	uint8_t *bytes;
	size_t len;
	int src, rc;

	rc = store_commit(s, reterr);
	if (rc < 0)
		return rc;
	rc = table_pack(t, &bytes, &len);
	if (rc < 0)
		return err_set(reterr, rc, s->path);
	src = begin(s);
	if (src == SQLITE_OK)
		src = snapshot_rows(s, t, bytes, len);
	free(bytes);
	if (src != SQLITE_OK)
		return fail(s, src, reterr);
	s->last_seq = t->seq;
	rc = store_commit(s, reterr);
	if (rc == 0)
		s->rows = 0;
	return rc;
}

int
store_role(struct store *s, const struct history_record *r,
    struct store_err *reterr)
{
	uint8_t mem[HISTORY_BYTES_MAX], sum[STORE_SUM_LEN];
	int src, rc;

	rc = role_bind(s->st[ROLE], r, mem, sum);
	if (rc < 0)
		return err_set(reterr, rc, s->path);
	sqlite3_bind_int64(s->st[ROLE_OLD], 1, HISTORY_KEPT);
	src = begin(s);
	if (src == SQLITE_OK)
		src = run(s, ROLE);
	if (src == SQLITE_OK && sqlite3_changes(s->db) > 0)
		src = run(s, ROLE_OLD);
	(void)sqlite3_clear_bindings(s->st[ROLE]);
	return src == SQLITE_OK ? 0 : fail(s, src, reterr);
}

void
store_roles(struct store *s, struct history *h)
{
	unsigned bad;

	(void)db_roles(s->db, h, &bad);
}

int
store_probe(struct store *s, struct store_err *reterr)
{
	struct stat st;
	int src;

	storage_refresh(s->id.storage, s->id.dir);
	if (stat(s->path, &st) < 0)
		return err_set(reterr, -errno, s->id.dir);
	if (st.st_dev != s->dev || st.st_ino != s->ino)
		return err_set(reterr, -ESTALE, s->path);
	src = begin(s);
	sqlite3_bind_int64(s->st[ALIVE], 1, (sqlite3_int64)usec_real());
	if (src == SQLITE_OK)
		src = run(s, ALIVE);
	if (src != SQLITE_OK)
		return fail(s, src, reterr);
	return store_commit(s, reterr);
}

void
store_close(struct store *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < ST__MAX; i++)
		(void)sqlite3_finalize(s->st[i]);
	(void)sqlite3_close(s->db);
	free(s);
}

const char *
store_path(const struct store *s)
{
	return s->path;
}

enum storage
store_storage(const struct store *s)
{
	return s->id.storage;
}

uint64_t
store_seq(const struct store *s)
{
	return s->seq;
}

uint32_t
store_rows(const struct store *s)
{
	return s->rows;
}

bool
store_dirty(const struct store *s)
{
	return s->dirty;
}
