/*
 * cmd_maintenance: tells yoked, then leaves a note for its next start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemons/yoke/yoke.h"
#include "schema/files.h"

static int
leave_note(const char *instance, bool on)
{
	char file[sizeof(YOKE_MAINTENANCE_FILE) + NAME_LEN];
	int fd;

	(void)snprintf(file, sizeof(file), YOKE_MAINTENANCE_FILE, instance);
	if (!on)
		return unlink(file) == 0 || errno == ENOENT ? 0 : -errno;
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	(void)fsync(fd);
	return close(fd) == 0 ? 0 : -errno;
}

int
cmd_maintenance(struct cli *c, unsigned n, char **words)
{
	bool on = strcmp(words[n - 1], "on") == 0;
	int rc = cmd_order(c, n, words), note;

	if (rc != YOKE_OK)
		return rc;
	note = leave_note(c->instance, on);
	if (note < 0) {
		fprintf(stderr, "yoke: done, but a restart of yoked will not "
		    "know: " YOKE_MAINTENANCE_FILE ": %s\n", c->instance,
		    strerror(-note));
		return YOKE_REFUSED;
	}
	return rc;
}
