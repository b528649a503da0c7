/*
 * test_store_keep: what lasts: files of an earlier version, the history of
 * roles from term to term, which old files go; and kinds of storage.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_files.h"

static void
copy(const char *from, const char *to)
{
	char line[1400];

	(void)snprintf(line, sizeof(line), "cp %s %s", from, to);
	if (system(line) != 0)
		abort();
}

/* The fixture's writer: 50 changes of seed 1, 40 of seed 42, in epoch 7. */
static void
fixture_table(struct table *t)
{
	struct rng r = { 42 };
	struct change c;
	int i;

	random_table(1, 50, t);
	t->epoch = 7;
	for (i = 0; i < 40; i++) {
		random_change(&r, t, &c);
		if (table_apply(t, &c) < 0)
			abort();
	}
}

static void
schema_of(const char *path, char *buf, size_t len)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	buf[0] = '\0';
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db,
		"SELECT name || ':' || sql FROM sqlite_schema "
		"WHERE sql NOT NULL ORDER BY name",
		-1, &st, NULL) != SQLITE_OK)
		abort();
	while (sqlite3_step(st) == SQLITE_ROW)
		(void)snprintf(buf + strlen(buf), len - strlen(buf), "%s\n",
		    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
forget_causes(struct table *t)
{
	struct server *v;
	size_t i, k;

	for (i = 0; i < t->n_services; i++)
		for (k = 0; k < t->services[i]->n_servers; k++) {
			v = t->services[i]->servers[k];
			memset(v->cause, 0, sizeof(v->cause));
			memset(v->policy_cause, 0, sizeof(v->policy_cause));
		}
}

/* Tables were kept then without a cause of the policy's own. */
static void
loads_but_causes(const struct table *want, const char *what)
{
	struct store_loaded l;
	struct table copy;
	uint8_t *bytes;
	size_t len;
	int rc = store_load(id.dir, id.instance, NULL, &l);

	if (table_pack(want, &bytes, &len) < 0 ||
	    table_unpack(bytes, len, &copy) < 0)
		abort();
	free(bytes);
	forget_causes(&copy);
	if (rc == 0)
		forget_causes(&l.table);
	ok(rc == 0 && same(&l.table, &copy), "%s: loaded as it was", what);
	is_str(l.text, "", "%s: no remarks", what);
	table_done(&copy);
	table_done(&l.table);
}

/* A file that version 1 wrote and was killed over, with its log. */
static void
test_migration(void)
{
	char path[600], wal[620], fresh[600], want[4000], got[4000];
	struct history_record r = { .epoch = 8, .at = 5, .to = "active" };
	static struct history h;
	struct store_err e;
	struct rng rng = { 3 };
	struct table t;
	struct store *s;

	begin(7);
	id.node = 2;
	fixture_table(&t);
	(void)snprintf(path, sizeof(path),
	    "%s/checkpoint-main-00000000000000000007.db", id.dir);
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	copy("test/data/checkpoint-v1.db", path);
	copy("test/data/checkpoint-v1.db-wal", wal);
	loads_but_causes(&t, "a file of version 1");
	s = open_ok(&t);
	ok(s != NULL, "its writer goes on with it");
	more(s, &t, &rng, 20);
	is_int(store_role(s, &r, &e), 0, "and has what is new");
	store_close(s);
	s = open_ok(&t);
	store_roles(s, &h);
	is_int(h.n, 0, "uncommitted: not there");
	(void)store_role(s, &r, &e);
	(void)store_commit(s, &e);
	store_close(s);
	is_int(store_history(id.dir, "main", NULL, UINT64_MAX, &h), 0, "read");
	ok(h.n == 1 && h.v[0].at == 5, "committed: there");
	loads(&t, "after the migration");
	(void)snprintf(fresh, sizeof(fresh),
	    "%s/checkpoint-main-00000000000000000008.db", id.dir);
	id.epoch = 8;
	store_close(open_ok(&t));
	schema_of(path, got, sizeof(got));
	schema_of(fresh, want, sizeof(want));
	is_str(got, want, "the schema is that of a new file");
	table_done(&t);
	scratch_remove(id.dir);
}

/* 250 records in three files, the last in each again in the next. */
static void
test_history(void)
{
	struct history_record r = { .node = 1, .to = "active" };
	static struct history h;
	struct store_err e;
	struct table t;
	struct store *s;
	char path[600];
	int i;

	begin(1);
	random_table(2, 10, &t);
	for (id.epoch = 1, i = 0; id.epoch <= 3; id.epoch++) {
		s = open_ok(&t);
		for (; i < (int)id.epoch * 250 / 3; i++) {
			r.epoch = id.epoch;
			r.at = 1000000 - (usec_t)id.epoch * 1000 + (usec_t)i;
			if (store_role(s, &r, &e) < 0)
				abort();
		}
		(void)store_role(s, &r, &e);
		if (id.epoch == 3)
			(void)snprintf(
			    path, sizeof(path), "%s", store_path(s));
		(void)store_commit(s, &e);
		store_close(s);
	}
	is_int(store_history(id.dir, "main", NULL, 4, &h), 0, "read");
	ok(h.n == HISTORY_KEPT && h.v[0].epoch == 1 &&
	       h.v[h.n - 1].at == 1000000 - 3000 + 249,
	    "the last %zu, by term and time, a clock set back or not", h.n);
	sql(path, "UPDATE roles SET sum = zeroblob(32) WHERE at_us = 997249");
	h.n = 0;
	(void)store_history(id.dir, "main", NULL, 4, &h);
	is_int(h.v[h.n - 1].at, 997248, "a damaged one is passed over");
	h.n = 0;
	(void)store_history(id.dir, "main", NULL, 3, &h);
	is_int(h.v[h.n - 1].epoch, 2, "below an epoch");
	table_done(&t);
	scratch_remove(id.dir);
}

static void
age(const char *path, int days)
{
	struct timespec t[2] = { { .tv_sec =
		time(NULL) - (time_t)days * 86400 } };

	t[1] = t[0];
	if (utimensat(AT_FDCWD, path, t, 0) < 0)
		abort();
}

static void
test_age(void)
{
	static const usec_t day = 86400 * USEC_S;
	struct store_file *files;
	struct table t;
	struct store *s;
	size_t i, n;

	begin(1);
	random_table(2, 10, &t);
	for (id.epoch = 1; id.epoch <= 6; id.epoch++)
		store_close(open_ok(&t));
	if (store_list(id.dir, "main", &files, &n) < 0)
		abort();
	for (i = 0; i < n; i++)
		age(files[i].path, 10 * (int)i);
	id.epoch = 7;
	s = open_ok(&t);
	is_int(store_prune(id.dir, "main", 7, 100, 35 * day), 2,
	    "epochs of 40 and 50 days ago");
	age(files[0].path, 60);
	is_int(store_prune(id.dir, "main", 7, 100, 15 * day), 2,
	    "two more, but not the newest, as old as it is");
	ok(access(files[0].path, F_OK) == 0, "epoch 6 is there");
	ok(truncate(files[0].path, 6000) == 0, "it is damaged");
	age(files[0].path, 60);
	age(files[1].path, 40);
	is_int(store_prune(id.dir, "main", 7, 100, 15 * day), 1,
	    "it is not spared, the one before it is");
	ok(access(files[1].path, F_OK) == 0, "epoch 5 is there");
	store_close(s);
	is_int(store_prune(id.dir, "main", 99, 1, 1), 1,
	    "no file of ours: one can still be loaded");
	loads(&t, "after that");
	free(files);
	table_done(&t);
	scratch_remove(id.dir);
}

/* n changes, the clock going back by a day with each. */
static void
back_in_time(struct store *s, struct table *t, unsigned n)
{
	struct store_err e;
	struct rng r = { 9 };
	struct change c;
	usec_t when = usec_real() + 365ULL * 86400 * USEC_S;

	while (n-- > 0) {
		random_change(&r, t, &c);
		c.when = when -= 86400ULL * USEC_S;
		if (table_apply(t, &c) < 0 || store_add(s, &c, &e) < 0)
			abort();
	}
	if (store_commit(s, &e) < 0)
		abort();
}

/* What is newest is a matter of terms and numbers, never of clocks: files from
 * the future, of terms that are over, and changes that go back in time. */
static void
test_clock(void)
{
	struct store_file *files, *own;
	struct store_err e;
	struct table t;
	struct store *s;
	size_t i, n;

	begin(1);
	random_table(2, 10, &t);
	for (id.epoch = 1; id.epoch <= 4; id.epoch++)
		store_close(open_ok(&t));
	if (store_list(id.dir, "main", &files, &n) < 0)
		abort();
	for (i = 0; i < n; i++) /* the oldest term furthest in the future */
		age(files[i].path, -100 * (int)(i + 1));
	id.epoch = 5;
	s = open_ok(&t);
	back_in_time(s, &t, 20);
	is_int(store_snapshot(s, &t, &e), 0, "a snapshot, in the past");
	back_in_time(s, &t, 20);
	loads(&t, "a clock set back within a term, and since the last");
	is_int(store_prune(id.dir, "main", 5, 100, 86400 * USEC_S), 0,
	    "files from the future are not old");
	is_int(store_prune(id.dir, "main", 5, 2, 0), 3,
	    "beyond two it is the oldest terms that go");
	ok(access(files[0].path, F_OK) == 0, "term 4 stays");
	store_close(s);
	if (store_list(id.dir, "main", &own, &n) < 0)
		abort();
	age(own[0].path, 4000);
	loads(&t, "a file of years ago, but the highest term");
	free(own);
	free(files);
	table_done(&t);
	scratch_remove(id.dir);
}

static void
test_kind(void)
{
	is_int(storage_of_magic(0x6969), STORAGE_NFS, "NFS");
	is_int(storage_of_magic(0x01161970), STORAGE_CLUSTER, "GFS2");
	is_int(storage_of_magic(0x7461636f), STORAGE_CLUSTER, "OCFS2");
	is_int(storage_of_magic(0xef53), STORAGE_LOCAL, "ext4");
	is_int(storage_look("/proc"), STORAGE_LOCAL, "looked at");
	is_int(storage_look("/nonexistent"), STORAGE_AUTO, "nothing there");
	is_str(conf_storage_name(STORAGE_NFS), "nfs", "its name");
}

/* The same on every kind. */
static void
test_kinds(void)
{
	struct rng r = { 4 };
	struct store_err e;
	struct table t;
	struct store *s;

	begin(1);
	random_table(2, 10, &t);
	for (id.storage = 0; id.storage < STORAGE__KINDS; id.storage++) {
		id.epoch++;
		s = open_ok(&t);
		more(s, &t, &r, 50);
		is_int(store_probe(s, &e), 0, "%s: probed",
		    conf_storage_name(id.storage));
		ok(store_storage(s) != STORAGE_AUTO, "its kind is known");
		store_close(s);
		loads(&t, conf_storage_name(id.storage));
	}
	table_done(&t);
	scratch_remove(id.dir);
}

int
main(void)
{
	test_migration();
	test_history();
	test_age();
	test_clock();
	test_kind();
	test_kinds();
	return done();
}
