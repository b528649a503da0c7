/*
 * store_file: names of checkpoint files, listing and pruning a directory.
 * checkpoint-<instance>-<epoch, 20 digits>.db: names sort as epochs do, and
 * instances whose names begin alike cannot be mixed up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "store/store_db.h"

#define EPOCH_DIGITS 20

void
file_path(const struct store_id *id, char *buf, size_t len)
{
	(void)snprintf(buf, len, "%s/checkpoint-%s-%0*" PRIu64 ".db", id->dir,
	    id->instance, EPOCH_DIGITS, id->epoch);
}

/* Is name a checkpoint of the instance? Then *ret is its epoch. */
static bool
file_parse(const char *name, const char *instance, uint64_t *ret)
{
	const char *p = name;
	char digits[EPOCH_DIGITS + 1];
	char *end;

	if (strncmp(p, "checkpoint-", 11) != 0)
		return false;
	p += 11;
	if (strncmp(p, instance, strlen(instance)) != 0)
		return false;
	p += strlen(instance);
	if (*p++ != '-' || strspn(p, "0123456789") != EPOCH_DIGITS ||
	    strcmp(p + EPOCH_DIGITS, ".db") != 0)
		return false;
	memcpy(digits, p, EPOCH_DIGITS);
	digits[EPOCH_DIGITS] = '\0';
	errno = 0;
	*ret = strtoull(digits, &end, 10);
	return errno == 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;

	return x->epoch < y->epoch ? 1 : x->epoch > y->epoch ? -1 : 0;
}

/* Makes room for one more row. */
static struct store_file *
grow(struct store_file **rows, size_t n)
{
	struct store_file *more;

	if (n % 16 == 0) {
		more = realloc(*rows, (n + 16) * sizeof(*more));
		if (more == NULL)
			return NULL;
		*rows = more;
	}
	return *rows + n;
}

static usec_t
mtime(const struct stat *st)
{
	return (usec_t)st->st_mtim.tv_sec * USEC_S +
	       (usec_t)st->st_mtim.tv_nsec / 1000;
}

/* With its log, which is written first. */
static void
file_size(struct store_file *f, const struct stat *db)
{
	char wal[STORE_PATH_LEN + 8];
	struct stat st;

	f->bytes = (uint64_t)db->st_size;
	f->written = mtime(db);
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
	if (stat(wal, &st) < 0)
		return;
	f->bytes += (uint64_t)st.st_size;
	if (mtime(&st) > f->written)
		f->written = mtime(&st);
}

/* What can be told of the file of this name; false: it is none, or gone. One
 * that does not even let itself be looked at stays in the list: who loads it
 * will say why it cannot be read. */
static bool
file_row(struct store_file *f, const char *dir, const char *name)
{
	struct stat st;

	f->bytes = 0;
	f->written = 0;
	if (snprintf(f->path, sizeof(f->path), "%s/%s", dir, name) >=
	    (int)sizeof(f->path))
		return false;
	if (stat(f->path, &st) < 0)
		return errno != ENOENT;
	if (!S_ISREG(st.st_mode))
		return false;
	file_size(f, &st);
	return true;
}

int
store_list(const char *dir, const char *instance, struct store_file **ret,
    size_t *ret_n)
{
	struct store_file *rows = NULL, *f;
	struct dirent *ent;
	uint64_t epoch;
	size_t n = 0;
	DIR *d = opendir(dir);
	int rc = 0;

	if (d == NULL)
		return -errno;
	while (rc == 0 && (errno = 0, ent = readdir(d)) != NULL) {
		if (!file_parse(ent->d_name, instance, &epoch))
			continue;
		f = grow(&rows, n);
		if (f == NULL) {
			rc = -ENOMEM;
			break;
		}
		f->epoch = epoch;
		if (file_row(f, dir, ent->d_name))
			n++;
	}
	if (rc == 0 && errno != 0)
		rc = -errno;
	(void)closedir(d);
	if (rc < 0) {
		free(rows);
		return rc;
	}
	if (n > 0)
		qsort(rows, n, sizeof(*rows), newest_first);
	*ret = rows;
	*ret_n = n;
	return 0;
}

/* By its header alone: a SQLite file that says it is yoke's. */
static bool
is_checkpoint(const char *path)
{
	uint8_t head[100] = { 0 };
	struct buf b = buf_reader(head + 68, 4);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = pread(fd, head, sizeof(head), 0);
		(void)close(fd);
	}
	return n == sizeof(head) && memcmp(head, "SQLite format 3", 16) == 0 &&
	    get_u32(&b) == STORE_APP_ID;
}

static bool
remove_file(const char *path)
{
	static const char *const tails[] = { "-wal", "-shm", "-journal" };
	char side[STORE_PATH_LEN + 16];
	size_t i;

	if (!is_checkpoint(path) || unlink(path) < 0)
		return false;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		(void)snprintf(side, sizeof(side), "%s%s", path, tails[i]);
		(void)unlink(side);
	}
	return true;
}

/* The newest below `below` that can be loaded; 0: none. */
static uint64_t
newest_usable(const struct store_file *rows, size_t n, const char *instance,
    uint64_t below)
{
	struct store_loaded l;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		if (rows[i].epoch >= below)
			continue;
		l = (struct store_loaded){ 0 };
		rc = store_load_file(&rows[i], instance, NULL, &l);
		table_done(&l.table);
		if (rc == 0)
			return rows[i].epoch;
	}
	return 0;
}

static bool
too_old(const struct store_file *f, usec_t age)
{
	usec_t now = usec_real();

	return age > 0 && f->written > 0 && f->written < now &&
	    now - f->written > age;
}

unsigned
store_prune(const char *dir, const char *instance, uint64_t below,
    unsigned keep, usec_t age)
{
	struct store_file *rows = NULL;
	uint64_t spare = 0;
	unsigned removed = 0;
	size_t i, n = 0;
	bool beyond, spares, looked = false;

	if (store_list(dir, instance, &rows, &n) < 0)
		return 0;
	for (i = 0; i < n; i++) {
		beyond = i >= (keep > 0 ? keep : 1);
		if (rows[i].epoch >= below ||
		    (!beyond && !too_old(&rows[i], age)))
			continue;
		spares = !beyond || rows[0].epoch < below;
		if (spares && !looked)
			spare = newest_usable(rows, n, instance, below);
		looked = looked || spares;
		if (spares && rows[i].epoch == spare)
			continue;
		if (remove_file(rows[i].path))
			removed++;
	}
	free(rows);
	return removed;
}

int
dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	/* Some file systems cannot; then there is nothing more to do. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
		rc = -errno;
	(void)close(fd);
	return rc;
}
