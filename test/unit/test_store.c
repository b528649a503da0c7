/*
 * test_store: writing and loading checkpoints, and everything about a directory
 * that can be wrong. What is kept over versions and terms is in
 * test_store_keep.c, damage in test_store_flip.c, sudden death in
 * test_store_kill.c.
 */
#include <errno.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "store/store.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_files.h"
#include "test/unit/test_store_help.h"

static void
test_round_trip(void)
{
	struct rng r = { 42 };
	struct store_err e;
	struct table t;
	struct store *s;
	int i;

	begin(3);
	random_table(1, 50, &t);
	s = open_ok(&t);
	ok(s != NULL && store_seq(s) == t.seq, "a new file has a snapshot");
	loads(&t, "snapshot alone, being written");
	store_close(s);
	loads(&t, "snapshot alone, closed");
	s = open_ok(&t);
	ok(s != NULL, "its writer may open it again");
	for (i = 0; i < 5; i++) {
		more(s, &t, &r, 200);
		ok(store_seq(s) == t.seq && !store_dirty(s), "all is durable");
		is_int(store_rows(s), 200, "rows since the snapshot");
		is_int(store_snapshot(s, &t, &e), 0, "another snapshot");
		is_int(store_rows(s), 0, "begins to count anew");
		is_int(store_probe(s, &e), 0, "the probe passes");
	}
	more(s, &t, &r, 333);
	store_close(s);
	loads(&t, "1333 random changes");
	s = open_ok(&t);
	more(s, &t, &r, 3);
	store_close(s);
	loads(&t, "after opening again");
	table_done(&t);
	scratch_remove(id.dir);
}

/* The writer's own earlier term went further than the table it has now. */
static void
test_cut(void)
{
	struct rng r = { 7 };
	struct table t, later;
	struct store *s;

	begin(1);
	random_table(5, 20, &t);
	random_table(5, 20, &later);
	s = open_ok(&later);
	more(s, &later, &r, 100);
	store_close(s);
	s = open_ok(&t);
	store_close(s);
	loads(&t, "rows that the table does not know are gone");
	table_done(&t);
	table_done(&later);
	scratch_remove(id.dir);
}

static void
test_uncommitted(void)
{
	struct rng r = { 9 };
	struct table t, copy;
	struct store_err e;
	struct change c;
	struct store *s;

	begin(1);
	random_table(5, 30, &t);
	random_table(5, 30, &copy);
	s = open_ok(&t);
	random_change(&r, &t, &c);
	is_int(store_add(s, &c, &e), 0, "a change without commit");
	ok(store_dirty(s) && store_seq(s) == t.seq, "is not durable");
	store_close(s);
	loads(&copy, "uncommitted");
	table_done(&t);
	table_done(&copy);
	scratch_remove(id.dir);
}

static void
test_epochs(void)
{
	struct store_file *files = NULL;
	struct table a, b;
	char other[600];
	struct store *s;
	size_t n = 0;
	uint64_t i;
	FILE *f;

	begin(1);
	random_table(1, 10, &a);
	random_table(1, 40, &b);
	for (i = 1; i <= 12; i++) {
		id.epoch = i;
		s = open_ok(i == 12 ? &b : &a);
		store_close(s);
	}
	loads(&b, "highest epoch");
	(void)snprintf(id.instance, sizeof(id.instance), "main-2");
	id.epoch = 99;
	store_close(open_ok(&a));
	loads(&a, "another instance");
	(void)snprintf(id.instance, sizeof(id.instance), "main");
	loads(&b, "the first instance still");
	(void)snprintf(other, sizeof(other),
	    "%s/checkpoint-main-00000000000000000000.db", id.dir);
	f = fopen(other, "w");
	fputs("not a checkpoint, but named like one\n", f);
	fclose(f);
	is_int(store_prune(id.dir, "main", 12, 5, 0), 7, "seven are removed");
	is_int(store_list(id.dir, "main", &files, &n), 0, "listed");
	ok(n == 6 && files[0].epoch == 12 && files[4].epoch == 8 &&
	       files[5].epoch == 0 && files[0].bytes > 4096,
	    "newest first; the foreign one was left alone");
	is_int(store_prune(id.dir, "main", 9, 0, 0), 1,
	    "only what is below the epoch goes");
	ok(access(other, F_OK) == 0, "still there");
	loads(&b, "after pruning");
	free(files);
	table_done(&a);
	table_done(&b);
	scratch_remove(id.dir);
}

static void
refused(const struct table *t, int want, const char *say, const char *what)
{
	struct store_err e = { 0 };
	struct store *s = NULL;

	is_int(store_open(&id, t, false, &s, &e), want, "%s: refused", what);
	ok(e.rc == want && strstr(e.text, say) != NULL, "%s: %s", what, e.text);
	store_close(s);
}

static unsigned long
checksum(const char *path)
{
	unsigned long sum = 5381;
	FILE *f = fopen(path, "r");
	int c;

	while ((c = getc(f)) != EOF)
		sum = sum * 33 + (unsigned)c;
	fclose(f);
	return sum;
}

static void
test_owner(void)
{
	struct store_loaded l;
	char path[600];
	unsigned long sum;
	struct table t;
	struct store *s;

	begin(4);
	random_table(2, 30, &t);
	s = open_ok(&t);
	(void)snprintf(path, sizeof(path), "%s", store_path(s));
	store_close(s);
	sum = checksum(path);
	id.node = 2;
	refused(&t, -ERR_FOREIGN, "another writer", "other node's epoch");
	ok(checksum(path) == sum, "and not touched");
	id.node = 1;
	sql(path, "PRAGMA user_version = 9");
	refused(&t, -ERR_VERSION, "another version", "other version");
	is_int(store_load(id.dir, "main", NULL, &l), -ERR_CORRUPT,
	    "nor is it loaded");
	ok(strstr(l.text, "version") != NULL && l.highest_epoch == 4, "%s",
	    l.text);
	sql(path, "PRAGMA user_version = 2; PRAGMA application_id = 5");
	refused(&t, -ERR_CORRUPT, "move it away", "other application");
	sql(path, "PRAGMA application_id = 2037345125; "
		  "UPDATE meta SET instance = 'else'");
	refused(&t, -ERR_FOREIGN, "another writer", "other instance inside");
	ok(truncate(path, 0) == 0, "cut to nothing");
	refused(&t, -ERR_CORRUPT, "move it away", "empty file");
	table_done(&t);
	scratch_remove(id.dir);
}

/* Two writers at once: the lock keeps the second out. */
static void
test_locked(void)
{
	struct table t;
	struct store *s;
	int status;
	pid_t pid;

	begin(4);
	random_table(2, 30, &t);
	s = open_ok(&t);
	pid = fork();
	if (pid == 0) {
		struct store_err e = { 0 };
		struct store *second = NULL;

		_exit(store_open(&id, &t, false, &second, &e) == -EBUSY &&
			strstr(e.text, "another process") != NULL
			? 0
			: 1);
	}
	(void)waitpid(pid, &status, 0);
	is_int(status, 0, "a second process is kept out");
	store_close(s);
	table_done(&t);
	scratch_remove(id.dir);
}

static void
test_no_dir(void)
{
	struct store_loaded l;
	struct store_err e;
	char moved[300];
	struct table t;
	struct store *s;

	begin(1);
	random_table(2, 30, &t);
	is_int(store_load(id.dir, "main", NULL, &l), -ENOENT, "empty: ENOENT");
	ok(strstr(l.text, "no checkpoint of instance main") != NULL, "%s",
	    l.text);
	s = open_ok(&t);
	(void)snprintf(moved, sizeof(moved), "%s.moved", id.dir);
	ok(rename(id.dir, moved) == 0, "the directory goes away");
	ok(store_probe(s, &e) == -ENOENT && strstr(e.text, "make or mount it"),
	    "the probe sees it: %s", e.text);
	store_close(s);
	refused(&t, -ENOENT, "No such file", "no directory");
	is_int(store_load(id.dir, "main", NULL, &l), -ENOENT, "no: ENOENT");
	ok(strstr(l.text, "No such file") != NULL, "%s", l.text);
	(void)snprintf(id.dir, sizeof(id.dir), "%.250s", moved);
	loads(&t, "where it went");
	table_done(&t);
	scratch_remove(moved);
}

/* In a mount namespace of our own, so that nothing outside sees it. */
static bool
mount_small(const char *size)
{
	return mount("none", id.dir, "tmpfs", 0, size) == 0;
}

static void
test_full(void)
{
	struct rng r = { 3 };
	struct store_loaded l;
	struct store_err e = { 0 };
	struct table t, big;
	struct change c;
	struct store *s = NULL;
	uint64_t durable;
	char fill[600];
	int rc = 0;
	FILE *f;

	begin(1);
	random_table(2, 30, &t);
	ok(mount_small("size=600k"), "a small file system");
	s = open_ok(&t);
	while (rc == 0) {
		random_change(&r, &t, &c);
		rc = store_add(s, &c, &e);
		if (rc == 0)
			rc = store_commit(s, &e);
		if (rc == 0 && table_apply(&t, &c) < 0)
			abort();
	}
	ok(rc == -ENOSPC && strstr(e.text, "free space") != NULL, "%s", e.text);
	durable = store_seq(s);
	store_close(s);
	is_int(store_load(id.dir, "main", NULL, &l), 0, "full: still loads");
	ok(l.table.seq == durable && table_equal(&l.table, &t),
	    "up to the last that was acknowledged");
	table_done(&l.table);
	large_table(5000, &big);
	refused(&big, -ENOSPC, "No space left", "a snapshot too large");
	loads(&t, "after that");
	ok(mount("none", id.dir, "tmpfs", MS_REMOUNT, "size=8m") == 0, "room");
	s = open_ok(&big);
	ok(s != NULL, "with room it works again");
	(void)snprintf(fill, sizeof(fill), "%s/fill", id.dir);
	store_close(s);
	f = fopen(fill, "w");
	while (fputs("0123456789abcdef", f) >= 0 && fflush(f) == 0)
		;
	fclose(f);
	id.epoch = 2;
	refused(&t, -ENOSPC, "No space left", "a new file");
	(void)unlink(fill);
	ok(mount("none", id.dir, "tmpfs", MS_REMOUNT | MS_RDONLY, "") == 0,
	    "read-only");
	refused(&t, -EROFS, "mount it writable", "new file, read-only");
	id.epoch = 1;
	refused(&t, -EROFS, "mount it writable", "old file, read-only");
	loads(&big, "read-only");
	(void)umount2(id.dir, MNT_DETACH);
	table_done(&t);
	table_done(&big);
	scratch_remove(id.dir);
}

/* Our own file went bad while we had it; or, so we think, but it is not ours. */
static void
test_renew(void)
{
	static const char *const damage[] = { "PRAGMA user_version = 2",
		"DROP TABLE journal", "DELETE FROM meta" };
	struct rng r = { 9 };
	struct store_err e;
	struct table t;
	struct store *s;
	char path[600];
	size_t i;

	begin(2);
	random_table(2, 30, &t);
	for (i = 0; i < 3; i++) {
		s = open_ok(&t);
		more(s, &t, &r, 30);
		(void)snprintf(path, sizeof(path), "%s", store_path(s));
		store_close(s);
		sql(path, damage[i]);
		if (i > 0)
			refused(&t, -ERR_CORRUPT, "move it away", damage[i]);
		is_int(store_open(&id, &t, true, &s, &e), 0, "made anew");
		more(s, &t, &r, 30);
		store_close(s);
		loads(&t, "after that");
	}
	id.node = 2;
	is_int(store_open(&id, &t, true, &s, &e), -ERR_FOREIGN,
	    "another writer's is not replaced");
	table_done(&t);
	scratch_remove(id.dir);
}

static usec_t
since(usec_t *began)
{
	usec_t took = usec_mono() - *began;

	*began += took;
	return took;
}

static void
test_large(void)
{
	usec_t began, add = 0, longest = 0, one;
	struct rng r = { 12 };
	struct store_loaded l;
	struct store_err e;
	struct table t;
	struct change c;
	struct store *s;
	int i;

	begin(1);
	large_table(10000, &t);
	began = usec_mono();
	s = open_ok(&t);
	printf("# 10000 servers: new file and snapshot %.1f ms\n",
	    (double)since(&began) / 1e3);
	if (store_snapshot(s, &t, &e) < 0)
		abort();
	printf("# snapshot %.1f ms\n", (double)since(&began) / 1e3);
	for (i = 0; i < 1000; i++) {
		random_change(&r, &t, &c);
		if (table_apply(&t, &c) < 0)
			abort();
		(void)since(&began);
		if (store_add(s, &c, &e) < 0 || store_commit(s, &e) < 0)
			abort();
		one = since(&began);
		add += one;
		longest = one > longest ? one : longest;
	}
	printf("# a change and its commit: mean %.3f ms, longest %.3f ms\n",
	    (double)add / 1e6, (double)longest / 1e3);
	for (i = 0; i < 19000; i++) {
		random_change(&r, &t, &c);
		if (table_apply(&t, &c) < 0 || store_add(s, &c, &e) < 0)
			abort();
	}
	if (store_commit(s, &e) < 0)
		abort();
	(void)since(&began);
	is_int(store_load(id.dir, "main", NULL, &l), 0, "a large table");
	printf("# load with 20000 journal rows %.1f ms\n",
	    (double)since(&began) / 1e3);
	ok(l.changes == 20000 && same(&l.table, &t), "as it was");
	store_close(s);
	table_done(&l.table);
	table_done(&t);
	scratch_remove(id.dir);
}

int
main(void)
{
	test_large();
	test_round_trip();
	test_cut();
	test_uncommitted();
	test_epochs();
	test_owner();
	test_locked();
	test_renew();
	test_no_dir();
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		test_full();
	else
		printf("# no mounts without root: full and read-only skipped\n");
	return done();
}
