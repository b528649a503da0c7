/*
 * store_copy: a private copy of a checkpoint and its write-ahead log, which the
 * writer, here or on the other director, may be changing meanwhile.
 *
 * Database first, log second. Pages that move from the log into the database
 * between the two are in both, and the log's win. Only a log that began anew
 * in between would lose them: its header then has another salt, or it appeared
 * or went away, and the copy is made again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "store/store_db.h"

#define WAL_HEADER 32
#define TRIES 5
#define COPY_BLOCK (256 << 10)

static int
copy_bytes(int from, int to)
{
	char *block = mem_zalloc(COPY_BLOCK);
	ssize_t n, m, done;
	int rc = 0;

	while (rc == 0 && (n = read(from, block, COPY_BLOCK)) != 0) {
		if (n < 0) {
			rc = -errno;
			break;
		}
		for (done = 0; rc == 0 && done < n; done += m) {
			m = write(to, block + done, (size_t)(n - done));
			if (m < 0)
				rc = -errno;
		}
	}
	free(block);
	return rc;
}

static int
copy_file(const char *from, const char *to)
{
	int in, out = -1, rc;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = in < 0 || out < 0 ? -errno : copy_bytes(in, out);
	if (out >= 0)
		(void)close(out);
	if (in >= 0)
		(void)close(in);
	return rc;
}

/* Zeros where there is no log or none that has begun. 0 or -errno. */
static int
wal_header(const char *path, uint8_t ret[WAL_HEADER])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	memset(ret, 0, WAL_HEADER);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (pread(fd, ret, WAL_HEADER, 0) < 0)
		rc = -errno;
	(void)close(fd);
	return rc;
}

static int
copy_once(const char *path, const char *wal, const char *to, const char *to_wal)
{
	uint8_t before[WAL_HEADER], after[WAL_HEADER];
	int rc;

	(void)unlink(to_wal);
	rc = wal_header(wal, before);
	if (rc == 0)
		rc = copy_file(path, to);
	if (rc == 0)
		rc = copy_file(wal, to_wal);
	if (rc == -ENOENT && access(path, F_OK) == 0)
		rc = 0; /* no log */
	if (rc == 0)
		rc = wal_header(wal, after);
	if (rc == 0 && memcmp(before, after, WAL_HEADER) != 0)
		rc = -ERR_BUSY;
	return rc;
}

static int
copy_into(const char *path, const char *parent, struct copy *ret)
{
	char wal[STORE_PATH_LEN + 8];
	int i, rc = -ERR_BUSY;

	if (snprintf(ret->dir, sizeof(ret->dir), "%s/yoke-load-XXXXXX",
		parent) >= (int)sizeof(ret->dir))
		return -ENAMETOOLONG;
	if (mkdtemp(ret->dir) == NULL)
		return -errno;
	(void)snprintf(ret->path, sizeof(ret->path), "%s/copy", ret->dir);
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	(void)snprintf(ret->wal, sizeof(ret->wal), "%s-wal", ret->path);
	for (i = 0; i < TRIES && rc == -ERR_BUSY; i++)
		rc = copy_once(path, wal, ret->path, ret->wal);
	if (rc < 0)
		copy_remove(ret);
	return rc;
}

/* The first place that has room: memory rather than disk. */
int
copy_make(const char *path, const char *temp, struct copy *ret)
{
	const char *places[] = { temp, getenv("RUNTIME_DIRECTORY"), "/run",
		"/tmp" };
	int rc = -ENOENT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(places); i++) {
		if (places[i] == NULL)
			continue;
		rc = copy_into(path, places[i], ret);
		if (rc == 0 || rc == -ERR_BUSY || temp != NULL)
			break;
	}
	return rc;
}

void
copy_remove(struct copy *c)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char path[STORE_PATH_LEN + 32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(tails); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", c->path, tails[i]);
		(void)unlink(path);
	}
	(void)rmdir(c->dir);
}
