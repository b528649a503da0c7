/*
 * ipc_sweep: takes away what a killed server left behind.
 *
 * libqb keeps the rings of a connection in /dev/shm/qb-SERVER-CLIENT-FD-XXXXXX/
 * (process ids). A server that exits removes them and a client that outlives
 * its server does too, but when both are killed they stay, half a megabyte
 * each. The next server of the same name calls this. Directories of live
 * servers and rings of other names are left alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc_wire.h"
#include "common/mem.h"

#define SHM_DIR "/dev/shm"
#define EMPTY_AGE_S 10 /* younger ones may just be filling */

/* Is file one of the rings of a server called name? */
static bool
is_ring(const char *file, const char *name)
{
	static const char *const kinds[] = { "request", "response", "event" };
	static const char *const ends[] = { "header", "data" };
	char want[256];
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(ends); i++) {
		(void)snprintf(want, sizeof(want), "qb-%s-%s-%s",
		    kinds[i / ARRAY_LEN(ends)], name,
		    ends[i % ARRAY_LEN(ends)]);
		if (strcmp(file, want) == 0)
			return true;
	}
	return false;
}

/* Unlinks our rings in the directory fd (taken). True if nothing is left. */
static bool
empty_dir(int fd, const char *name)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	struct stat st;
	bool ours = false, left = false;

	if (d == NULL) {
		close(fd);
		return false;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (is_ring(e->d_name, name) && unlinkat(fd, e->d_name, 0) == 0)
			ours = true;
		else
			left = true;
	}
	if (!ours && !left && fstat(fd, &st) == 0)
		left = time(NULL) - st.st_mtime < EMPTY_AGE_S;
	closedir(d);
	return !left;
}

static bool
server_is_dead(const char *dir)
{
	char *end;
	long pid;

	if (strncmp(dir, "qb-", 3) != 0)
		return false;
	pid = strtol(dir + 3, &end, 10);
	return pid > 0 && *end == '-' && kill((pid_t)pid, 0) < 0 &&
	       errno == ESRCH;
}

void
ipc_sweep(const char *name)
{
	DIR *shm = opendir(SHM_DIR);
	const struct dirent *e;
	int fd;

	if (shm == NULL)
		return;
	while ((e = readdir(shm)) != NULL) {
		if (!server_is_dead(e->d_name))
			continue;
		fd = openat(dirfd(shm), e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && empty_dir(fd, name))
			(void)unlinkat(dirfd(shm), e->d_name, AT_REMOVEDIR);
	}
	closedir(shm);
}
