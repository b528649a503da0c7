/*
 * test_store_power: power cuts and I/O errors, by a layer below SQLite.
 *
 * Power: the layer keeps, for each file, what was synced and what was written
 * since. A cut leaves the synced bytes and any part of the others, in any
 * order, whole sectors or not at all. The next load must have everything that
 * was acknowledged. Directories count as synced; store_make.c does that.
 *
 * Errors: the Nth operation fails, for every N, once or from then on. A call
 * that fails says so; after it a new open must work, and nothing that was
 * acknowledged may be missing.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "store/store.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define SECTOR 512
#define FILES 8
#define FILE_MAX (4 << 20)

struct write {
	size_t at, len;
	uint8_t *bytes;
};

/* A file as the medium has it, and what is on the way there. */
struct medium {
	char path[600];
	uint8_t *synced;
	size_t len;
	struct write *writes;
	size_t n, cap;
};

struct layer_file {
	sqlite3_file base;
	struct medium *m; /* NULL: not one that is watched */
	sqlite3_file *real;
};

static sqlite3_vfs layer, *below;
static struct medium media[FILES];
static bool watching;
static long fail_in; /* the Nth operation from now; 0: none */
static bool fail_on; /* and all that follow */
static struct store_id id;

static struct medium *
medium_of(const char *path)
{
	struct medium *m;

	for (m = media; m < media + FILES; m++)
		if (strcmp(m->path, path) == 0)
			return m;
	for (m = media; m < media + FILES; m++)
		if (m->path[0] == '\0')
			break;
	(void)snprintf(m->path, sizeof(m->path), "%s", path);
	m->synced = mem_zalloc(FILE_MAX);
	return m;
}

static void
writes_drop(struct medium *m)
{
	while (m->n > 0)
		free(m->writes[--m->n].bytes);
}

static void
media_forget(void)
{
	struct medium *m;

	for (m = media; m < media + FILES; m++) {
		writes_drop(m);
		free(m->writes);
		free(m->synced);
		*m = (struct medium){ 0 };
	}
}

static void
put(struct medium *m, const struct write *w)
{
	memcpy(m->synced + w->at, w->bytes, w->len);
	if (w->at + w->len > m->len)
		m->len = w->at + w->len;
}

/* One sector or less. */
static void
remember(struct medium *m, const uint8_t *bytes, size_t len, size_t at)
{
	struct write *w;

	if (m->n == m->cap) {
		m->cap = m->cap > 0 ? m->cap * 2 : 64;
		m->writes = realloc(m->writes, m->cap * sizeof(*w));
	}
	w = &m->writes[m->n++];
	*w = (struct write){ at, len, mem_zalloc(len) };
	memcpy(w->bytes, bytes, len);
}

static bool
failing(void)
{
	if (fail_in == 0)
		return false;
	if (fail_in > 1) {
		fail_in--;
		return false;
	}
	if (!fail_on)
		fail_in = 0;
	return true;
}

/* ---- the layer's methods ---- */

#define REAL(f) (((struct layer_file *)(f))->real)
#define MEDIUM(f) (((struct layer_file *)(f))->m)

static int
l_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int
l_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return failing() ? SQLITE_IOERR_READ
			 : REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int
l_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	const uint8_t *bytes = p;
	int k, done;

	if (failing())
		return fail_on ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	for (done = 0; MEDIUM(f) != NULL && done < n; done += k) {
		k = SECTOR - (int)((at + done) % SECTOR);
		if (k > n - done)
			k = n - done;
		remember(MEDIUM(f), bytes + done, (size_t)k,
		    (size_t)(at + done));
	}
	return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}

static int
l_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (failing())
		return SQLITE_IOERR_TRUNCATE;
	if (MEDIUM(f) != NULL && (size_t)size < MEDIUM(f)->len)
		MEDIUM(f)->len = (size_t)size;
	return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int
l_sync(sqlite3_file *f, int flags)
{
	struct medium *m = MEDIUM(f);
	size_t i;

	if (failing())
		return SQLITE_IOERR_FSYNC;
	for (i = 0; m != NULL && i < m->n; i++)
		put(m, &m->writes[i]);
	if (m != NULL)
		writes_drop(m);
	return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int
l_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}

static int
l_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int
l_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int
l_reserved(sqlite3_file *f, int *ret)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int
l_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
l_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
l_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* promises nothing */
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, /* no shared memory: the store must do without */
	.xClose = l_close,
	.xRead = l_read,
	.xWrite = l_write,
	.xTruncate = l_truncate,
	.xSync = l_sync,
	.xFileSize = l_size,
	.xLock = l_lock,
	.xUnlock = l_unlock,
	.xCheckReservedLock = l_reserved,
	.xFileControl = l_control,
	.xSectorSize = l_sector,
	.xDeviceCharacteristics = l_traits,
};

static int
l_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct layer_file *l = (struct layer_file *)f;
	int rc;

	(void)v;
	l->real = (sqlite3_file *)(l + 1);
	l->m = watching && name != NULL ? medium_of(name) : NULL;
	if (failing())
		return SQLITE_CANTOPEN;
	rc = below->xOpen(below, name, l->real, flags, out);
	if (rc == SQLITE_OK)
		l->base.pMethods = &methods;
	return rc;
}

static int
l_delete(sqlite3_vfs *v, const char *name, int sync)
{
	struct medium *m;

	(void)v;
	if (failing())
		return SQLITE_IOERR_DELETE;
	if (watching) {
		m = medium_of(name);
		writes_drop(m);
		m->len = 0;
	}
	return below->xDelete(below, name, sync);
}

static void
layer_register(void)
{
	below = sqlite3_vfs_find(NULL);
	layer = *below;
	layer.zName = "layer";
	layer.szOsFile += (int)sizeof(struct layer_file);
	layer.xOpen = l_open;
	layer.xDelete = l_delete;
	layer.pNext = NULL;
	(void)sqlite3_vfs_register(&layer, 1);
}

/* ---- power ---- */

/* Moves what was built under another name to where it is now. */
static void
medium_renamed(const char *path)
{
	struct medium *m, *from = NULL;

	for (m = media; m < media + FILES; m++)
		if (strstr(m->path, ".db.new-1") != NULL &&
		    strstr(m->path, "-journal") == NULL)
			from = m;
	m = medium_of(path);
	if (from == NULL || from->len == 0)
		return;
	memcpy(m->synced, from->synced, from->len);
	m->len = from->len;
	from->len = 0;
}

static void
spill(const char *dir, const char *name, const struct medium *m,
    const uint8_t *bytes, size_t len)
{
	char path[600];
	FILE *f;

	(void)m;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(bytes, 1, len, f) != len)
		abort();
	fclose(f);
}

/* The files as a cut at this moment could leave them. */
static void
cut(const char *dir, const char *path, struct rng *r)
{
	char wal[610];
	struct medium *m, after;
	uint32_t percent = rng_below(r, 101);
	size_t i;
	int side;

	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	for (side = 0; side < 2; side++) {
		m = medium_of(side == 0 ? path : wal);
		after = *m;
		after.synced = mem_zalloc(FILE_MAX);
		memcpy(after.synced, m->synced, m->len);
		for (i = 0; i < m->n; i++)
			if (rng_below(r, 100) < percent)
				put(&after, &m->writes[i]);
		if (after.len > 0 || side == 0)
			spill(dir, strrchr(m->path, '/') + 1, m, after.synced,
			    after.len);
		free(after.synced);
	}
}

/* Is what a cut leaves a table not older than ack? The state at each seq is
 * made again from the seed. */
static bool
survives(const char *path, uint64_t ack, uint64_t seed, struct rng *r)
{
	struct rng again = { seed };
	struct store_loaded l;
	struct table t;
	struct change c;
	char dir[300];
	bool good;

	scratch_dir(dir, sizeof(dir));
	cut(dir, path, r);
	watching = false;
	good = store_load(dir, "main", NULL, &l) == 0 && l.table.seq >= ack;
	watching = true;
	random_table(3, 40, &t);
	while (good && t.seq < l.table.seq) {
		random_change(&again, &t, &c);
		good = table_apply(&t, &c) == 0;
	}
	good = good && table_equal(&t, &l.table);
	if (!good)
		printf("# acknowledged %llu, got %llu: %s\n",
		    (unsigned long long)ack, (unsigned long long)l.table.seq,
		    l.text);
	table_done(&t);
	table_done(&l.table);
	scratch_remove(dir);
	return good;
}

static void
test_power(uint64_t seed)
{
	struct rng changes = { seed }, r = { seed + 1000 };
	struct store_err e;
	struct table t;
	struct change c;
	struct store *s;
	unsigned cuts = 0, bad = 0;
	char path[600];
	int i;

	id = (struct store_id){ .instance = "main", .epoch = 1, .node = 1 };
	scratch_dir(id.dir, sizeof(id.dir));
	random_table(3, 40, &t);
	watching = true;
	if (store_open(&id, &t, false, &s, &e) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s", store_path(s));
	medium_renamed(path);
	for (i = 0; i < 300 && bad < 3; i++) {
		random_change(&changes, &t, &c);
		if (table_apply(&t, &c) < 0 || store_add(s, &c, &e) < 0)
			abort();
		if (rng_below(&r, 3) > 0 && store_commit(s, &e) < 0)
			abort();
		if (i % 50 == 49 && store_snapshot(s, &t, &e) < 0)
			abort();
		if (rng_below(&r, 6) == 0) {
			cuts++;
			bad += !survives(path, store_seq(s), seed, &r);
		}
	}
	is_int(bad, 0, "seed %llu: %u power cuts, nothing acknowledged is lost",
	    (unsigned long long)seed, cuts);
	watching = false;
	store_close(s);
	table_done(&t);
	media_forget();
	scratch_remove(id.dir);
}

/* ---- errors ---- */

/* Opens, changes, commits, a snapshot; what was acknowledged. */
static int
work(struct table *t, struct rng *r, bool renew, uint64_t *ret_ack)
{
	struct store *s = NULL;
	struct store_err e;
	struct change c;
	int i, rc;

	rc = store_open(&id, t, renew, &s, &e);
	if (rc == 0)
		*ret_ack = store_seq(s);
	for (i = 0; rc == 0 && i < 13; i++) {
		random_change(r, t, &c);
		if (table_apply(t, &c) < 0)
			abort();
		rc = store_add(s, &c, &e);
		if (rc == 0 && i % 2 == 0)
			rc = store_commit(s, &e);
		if (rc == 0 && i == 7)
			rc = store_snapshot(s, t, &e);
		if (rc == 0)
			*ret_ack = store_seq(s);
	}
	store_close(s);
	return rc;
}

/* The nth operation fails; false when there was none. */
static bool
fail_nth(long nth, bool on, unsigned *bad)
{
	struct rng r = { (uint64_t)nth + 7 };
	struct store_loaded l;
	struct table t, before;
	uint64_t ack = 0;
	bool hit;
	int rc;

	scratch_dir(id.dir, sizeof(id.dir));
	random_table(3, 40, &t);
	random_table(3, 40, &before);
	if (nth % 2 == 0)
		(void)work(&t, &r, false, &ack); /* a file is there */
	fail_in = nth;
	fail_on = on;
	rc = work(&t, &r, false, &ack);
	hit = on ? fail_in == 1 : fail_in == 0;
	fail_in = 0;
	if (ack > 0 &&
	    (store_load(id.dir, "main", NULL, &l) < 0 || l.table.seq < ack)) {
		printf("# operation %ld: %llu lost\n", nth,
		    (unsigned long long)ack);
		++*bad;
	}
	if (ack > 0)
		table_done(&l.table);
	if (work(&t, &r, rc == -EIO || rc == -ERR_CORRUPT, &ack) < 0 ||
	    store_load(id.dir, "main", NULL, &l) < 0 ||
	    !table_equal(&l.table, &t)) {
		printf("# operation %ld: rc=%d, does not go on\n", nth, rc);
		++*bad;
	}
	table_done(&l.table);
	table_done(&t);
	table_done(&before);
	scratch_remove(id.dir);
	return hit;
}

static void
test_errors(bool on)
{
	unsigned bad = 0;
	long n = 1;

	while (n < 2000 && (fail_nth(n, on, &bad) || n < 60))
		n++;
	is_int(bad, 0, "operations 1 to %ld fail %s: said so, goes on", n,
	    on ? "for good" : "once");
	ok(n > 60 && n < 2000, "there were some");
}

int
main(void)
{
	uint64_t seed;

	layer_register();
	for (seed = 1; seed <= 6; seed++)
		test_power(seed);
	test_errors(false);
	test_errors(true);
	return done();
}
