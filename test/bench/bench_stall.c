/*
 * bench_stall: storage that stalls. Linked into checkpointd, these take the
 * place of the C library's calls, also for SQLite: as long as the file that
 * YOKE_STALL names is there, nothing reaches the medium and nobody returns.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 5

static void
stall(void)
{
	const char *path = getenv("YOKE_STALL");

	while (path != NULL && access(path, F_OK) == 0)
		(void)poll(NULL, 0, LOOK_MS);
}

int
fsync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	stall();
	return real(fd);
}

int
fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	stall();
	return real(fd);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) =
	    (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(
		RTLD_NEXT, "pwrite64");

	stall();
	return real(fd, p, n, at);
}
