/*
 * scratch: see scratch.h.
 */
#include "test/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[200]; /* all others are in it; empty: none yet */
static unsigned made;
static FILE *keeper;

static void
give_up(const char *what)
{
	perror(what);
	abort();
}

/* Nothing is written to it: it ends when the last end of the pipe is closed,
 * which is ours, or that of a child which still uses the folder. */
static void
start_keeper(void)
{
	char command[300];

	(void)snprintf(command, sizeof(command),
	    "trap '' HUP INT TERM; read nothing; rm -rf -- '%s'", top);
	keeper = popen(command, "we");
	if (keeper == NULL)
		give_up("a shell to remove scratch folders");
}

static void
make_top(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL) /* a disk's pace makes these tests no better */
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(top, sizeof(top), "%s/yoke-test-XXXXXX", tmp);
	if (mkdtemp(top) == NULL) /* also where the name was cut short */
		give_up(top);
	start_keeper();
}

void
scratch_dir(char *buf, size_t len)
{
	if (top[0] == '\0')
		make_top();
	if (snprintf(buf, len, "%s/%u", top, made++) >= (int)len)
		errno = ENAMETOOLONG;
	else if (mkdir(buf, 0700) == 0)
		return;
	give_up(buf);
}

void
scratch_file(char *buf, size_t len)
{
	size_t n;

	scratch_dir(buf, len);
	n = strlen(buf);
	if (snprintf(buf + n, len - n, "/file") >= (int)(len - n))
		abort();
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void
scratch_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
