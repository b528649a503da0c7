/*
 * io_fault: see io_fault.h. A descriptor belongs to a watched directory if it
 * was opened below it. The program's own definitions win over the library's
 * because they come first in the search for symbols.
 */
#include "test/fake/io_fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS 256
#define NAME_MAX_SHOWN 200

static struct {
	const char *dirs[2];
	struct io_fault f;
	bool armed, paused;
	long calls, failed;
	char hit[NAME_MAX_SHOWN + 32];
	bool ours[FDS];
	char names[FDS][NAME_MAX_SHOWN];
} io; /* one for the process, as the calls are */

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

void
io_fault_watch(const char *dir, const char *other)
{
	io.dirs[0] = dir;
	io.dirs[1] = other;
}

void
io_fault_arm(const struct io_fault *f)
{
	io.f = *f;
	io.calls = io.failed = 0;
	io.hit[0] = '\0';
	io.armed = true;
	io.paused = false;
}

void
io_fault_off(void)
{
	io.armed = false;
}

void
io_fault_pause(bool paused)
{
	io.paused = paused;
}

long
io_fault_calls(void)
{
	return io.calls;
}

const char *
io_fault_hit(void)
{
	return io.hit;
}

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
watched(const char *path)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (io.dirs[i] != NULL &&
		    strncmp(path, io.dirs[i], strlen(io.dirs[i])) == 0)
			return true;
	return false;
}

enum { READS, NEEDS_ROOM };

/* Does this call fail? Then errno is set. */
static bool
fails(const char *call, const char *name, int kind)
{
	bool room = io.f.err == ENOSPC || io.f.err == EDQUOT;

	if (!io.armed || io.paused)
		return false;
	io.calls++;
	if (io.f.nth == 0 || io.calls < io.f.nth || io.failed >= io.f.times ||
	    (room && kind == READS))
		return false;
	if (io.failed++ == 0)
		(void)snprintf(io.hit, sizeof(io.hit), "%s %.150s", call, name);
	errno = io.f.err;
	return true;
}

static bool
path_fails(const char *call, const char *path, int kind)
{
	return watched(path) && fails(call, base(path), kind);
}

static bool
fd_fails(const char *call, int fd, int kind)
{
	return fd >= 0 && fd < FDS && io.ours[fd] &&
	    fails(call, io.names[fd], kind);
}

static int
opened(int fd, const char *path)
{
	if (fd < 0 || fd >= FDS)
		return fd;
	io.ours[fd] = watched(path);
	(void)snprintf(io.names[fd], sizeof(io.names[fd]), "%.150s",
	    base(path));
	return fd;
}

/* Half of what was asked, if a torn write is wanted. */
static size_t
half(size_t n)
{
	return io.f.torn ? n / 2 : 0;
}

static int
open_with(int (*real)(const char *, int, ...), const char *path, int flags,
    mode_t mode)
{
	if (path_fails("open", path, flags & O_CREAT ? NEEDS_ROOM : READS))
		return -1;
	return opened(real(path, flags, mode), path);
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list ap; \
\
		va_start(ap, flags); \
		if ((flags & O_CREAT) != 0) \
			mode = va_arg(ap, mode_t); \
		va_end(ap); \
		return open_with(REAL(name), path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

int
close(int fd)
{
	if (fd >= 0 && fd < FDS)
		io.ours[fd] = false;
	return REAL(close)(fd);
}

ssize_t
read(int fd, void *p, size_t n)
{
	return fd_fails("read", fd, READS) ? -1 : REAL(read)(fd, p, n);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	int was;

	if (!fd_fails("write", fd, NEEDS_ROOM))
		return REAL(write)(fd, p, n);
	was = errno;
	if (half(n) > 0 && REAL(write)(fd, p, half(n)) < 0)
		was = io.f.err; /* nor would the half of it */
	errno = was;
	return -1;
}

#define PREAD(name) \
	ssize_t name(int fd, void *p, size_t n, off_t at) \
	{ \
		return fd_fails("pread", fd, READS) ? -1 \
						    : REAL(name)(fd, p, n, at); \
	}
PREAD(pread)
PREAD(pread64)

#define PWRITE(name) \
	ssize_t name(int fd, const void *p, size_t n, off_t at) \
	{ \
		int was; \
\
		if (!fd_fails("pwrite", fd, NEEDS_ROOM)) \
			return REAL(name)(fd, p, n, at); \
		was = errno; \
		if (half(n) > 0 && REAL(name)(fd, p, half(n), at) < 0) \
			was = io.f.err; /* nor would the half of it */ \
		errno = was; \
		return -1; \
	}
PWRITE(pwrite)
PWRITE(pwrite64)

#define ON_FD(name, kind) \
	int name(int fd) \
	{ \
		return fd_fails(#name, fd, kind) ? -1 : REAL(name)(fd); \
	}
ON_FD(fsync, NEEDS_ROOM)
ON_FD(fdatasync, NEEDS_ROOM)

#define TRUNCATE(name) \
	int name(int fd, off_t len) \
	{ \
		return fd_fails("ftruncate", fd, NEEDS_ROOM) \
		    ? -1 \
		    : REAL(name)(fd, len); \
	}
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define ON_PATH(name, kind) \
	int name(const char *path) \
	{ \
		return path_fails(#name, path, kind) ? -1 : REAL(name)(path); \
	}
ON_PATH(unlink, READS)
ON_PATH(rmdir, READS)

int
access(const char *path, int mode)
{
	return path_fails("access", path, READS) ? -1 : REAL(access)(path, mode);
}

#define STAT(name, type) \
	int name(const char *path, struct type *st) \
	{ \
		return path_fails("stat", path, READS) ? -1 \
						       : REAL(name)(path, st); \
	}
STAT(stat, stat)
STAT(lstat, stat)
STAT(stat64, stat64)
STAT(lstat64, stat64)

#define FSTAT(name, type) \
	int name(int fd, struct type *st) \
	{ \
		return fd_fails("fstat", fd, READS) ? -1 : REAL(name)(fd, st); \
	}
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

int
link(const char *from, const char *to)
{
	return path_fails("link", to, NEEDS_ROOM) ? -1 : REAL(link)(from, to);
}

int
rename(const char *from, const char *to)
{
	return path_fails("rename", to, NEEDS_ROOM) ? -1
						    : REAL(rename)(from, to);
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags)
{
	return path_fails("renameat2", to, NEEDS_ROOM)
	    ? -1
	    : REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

char *
mkdtemp(char *path)
{
	return path_fails("mkdtemp", path, NEEDS_ROOM) ? NULL
						       : REAL(mkdtemp)(path);
}

DIR *
opendir(const char *path)
{
	DIR *d;

	if (path_fails("opendir", path, READS))
		return NULL;
	d = REAL(opendir)(path);
	if (d != NULL)
		(void)opened(dirfd(d), path);
	return d;
}

struct dirent *
readdir(DIR *d)
{
	return fd_fails("readdir", dirfd(d), READS) ? NULL : REAL(readdir)(d);
}
