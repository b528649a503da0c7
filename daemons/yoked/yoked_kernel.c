/*
 * yoked_kernel: sysctls that the connection-sync profile needs, and what they
 * were before, which an orderly stop puts back.
 *
 * sync_threshold "2 0", sync_period being 0: no repetition by packet count.
 * sync_refresh_period 60: a connection is synchronised at the packet that
 * establishes it, at changes of its state, and again when its timer has moved
 * by a minute (net/netfilter/ipvs/ip_vs_sync.c, ip_vs_sync_conn_needed()).
 * Without the latter the standby's copy of a connection that is used all the
 * time would run out after the timeout of idle ones, 15 minutes.
 * sloppy_tcp: a connection that was not synchronised in time is scheduled from
 * a packet in its middle; with a hashing scheduler and an equal table it lands
 * on the same server.
 * expire_nodest_conn: when a server is removed, its connections are: by a work
 * item at once (ip_vs_ctl.c, ip_vs_enqueue_expire_nodest_conns(), since Linux
 * 5.9), before that each at its next packet (ip_vs_core.c, ip_vs_in()). What a
 * client sends then goes to another server, which knows nothing of it and
 * resets it. One switch for the whole of a network namespace.
 *
 * What was found at the first start is kept in a file under /run, which goes
 * with the machine's memory as the sysctls do. The file outlives a yoked that
 * was killed: the next one does not take our own values for the originals. Of
 * several instances each has a file; the last one to stop restores.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"

#define RUN_DIR "/run/yoke"
#define FILES RUN_DIR "/sysctls."
#define VALUE_LEN 32

/* Who needs a sysctl to be so. */
enum need {
	NEED_SYNC, /* connections that survive a takeover */
	NEED_CUT   /* a server with down = cut */
};

static const struct sysctl {
	const char *name, *value;
	enum need need;
	const char *why;
} sysctls[] = {
	{ "net/ipv4/vs/sync_threshold", "2 0", NEED_SYNC,
	    "young connections may be lost at a takeover" },
	{ "net/ipv4/vs/sync_refresh_period", "60", NEED_SYNC,
	    "long connections may be lost at a takeover" },
	{ "net/ipv4/vs/sloppy_tcp", "1", NEED_SYNC,
	    "unsynchronised connections are reset at a takeover" },
	{ "net/ipv4/vs/sync_sock_size", "1048576", NEED_SYNC,
	    "the sockets of the sync daemons hold less" },
	{ "net/ipv4/vs/sync_retries", "0", NEED_SYNC, "sync repeats itself" },
	{ "net/ipv4/vs/expire_nodest_conn", "1", NEED_CUT,
	    "connections to a dead server hang instead of ending" },
};
#define SYSCTLS ARRAY_LEN(sysctls)

static int
sysctl_open(const char *name, int flags)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
sysctl_write(const char *name, const char *value)
{
	int fd = sysctl_open(name, O_WRONLY), rc = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		rc = -errno;
	(void)close(fd);
	return rc;
}

static void
sysctl_read(const char *name, char value[VALUE_LEN])
{
	int fd = sysctl_open(name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, value, VALUE_LEN - 1);

	value[n > 0 ? n : 0] = '\0';
	value[strcspn(value, "\n")] = '\0';
	if (fd >= 0)
		(void)close(fd);
}

static void
file_name(const struct conf *c, char *buf, size_t len)
{
	(void)snprintf(buf, len, FILES "%s", c->instance);
}

/* Lines "name value"; 0, or -ENOENT and such: nothing was read. */
static int
file_read(const char *file, char values[SYSCTLS][VALUE_LEN])
{
	char line[256], *value;
	FILE *f = fopen(file, "re");
	size_t i;

	if (f == NULL)
		return -errno;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, ' ');
		if (value == NULL)
			continue;
		*value++ = '\0';
		for (i = 0; i < SYSCTLS; i++)
			if (strcmp(line, sysctls[i].name) == 0)
				(void)snprintf(
				    values[i], VALUE_LEN, "%.31s", value);
	}
	(void)fclose(f);
	return 0;
}

/* Whole or not at all: yoked may be killed while it writes. */
static int
file_write(const char *file, char values[SYSCTLS][VALUE_LEN])
{
	char fresh[160];
	size_t i;
	FILE *f;
	int rc;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", file);
	f = fopen(fresh, "we");
	if (f == NULL)
		return -errno;
	for (i = 0; i < SYSCTLS; i++)
		if (values[i][0] != '\0')
			(void)fprintf(f, "%s %s\n", sysctls[i].name, values[i]);
	rc = fclose(f) != 0 || rename(fresh, file) < 0 ? -errno : 0;
	if (rc < 0)
		(void)unlink(fresh);
	return rc;
}

/* The file of another instance, which found the originals before us. */
static int
others(const char *own, char *buf, size_t len)
{
	int rc = -ENOENT;
	glob_t g;
	size_t i;

	if (glob(FILES "*", 0, NULL, &g) != 0)
		return -ENOENT;
	for (i = 0; i < g.gl_pathc && rc < 0; i++) {
		const char *p = g.gl_pathv[i], *dot = strrchr(p, '.');

		if (strcmp(p, own) == 0 || strcmp(dot, ".new") == 0)
			continue;
		(void)snprintf(buf, len, "%s", p);
		rc = 0;
	}
	globfree(&g);
	return rc;
}

static void
remember(const struct conf *c)
{
	char own[128], other[160], values[SYSCTLS][VALUE_LEN] = { 0 };
	size_t i;
	int rc;

	(void)mkdir(RUN_DIR, 0755);
	file_name(c, own, sizeof(own));
	if (access(own, F_OK) == 0)
		return; /* of a yoked that was killed */
	if (others(own, other, sizeof(other)) < 0 ||
	    file_read(other, values) < 0)
		for (i = 0; i < SYSCTLS; i++)
			sysctl_read(sysctls[i].name, values[i]);
	rc = file_write(own, values);
	if (rc < 0)
		log_warning("file=%s state=unwritable why=\"%s\" effect=\""
			    "sysctls are not restored at the end\"",
		    own, strerror(-rc));
}

static bool
cuts(const struct conf *c)
{
	size_t i, k;

	for (i = 0; i < c->n_services; i++)
		for (k = 0; k < c->services[i].n_servers; k++)
			if (c->services[i].servers[k].down == DOWN_CUT)
				return true;
	return false;
}

void
yoked_kernel_setup(const struct conf *c)
{
	const bool needed[] = { [NEED_SYNC] = c->sync, [NEED_CUT] = cuts(c) };
	size_t i;
	int rc;

	if (!needed[NEED_SYNC] && !needed[NEED_CUT])
		return;
	remember(c);
	for (i = 0; i < SYSCTLS; i++) {
		if (!needed[sysctls[i].need])
			continue;
		rc = sysctl_write(sysctls[i].name, sysctls[i].value);
		if (rc < 0)
			log_warning("sysctl %s: %s; %s", sysctls[i].name,
			    strerror(-rc), sysctls[i].why);
	}
}

void
yoked_kernel_restore(const struct conf *c)
{
	char own[128], other[160], values[SYSCTLS][VALUE_LEN] = { 0 };
	size_t i;
	int rc;

	file_name(c, own, sizeof(own));
	if (file_read(own, values) < 0)
		return;
	(void)unlink(own);
	if (others(own, other, sizeof(other)) == 0)
		return; /* it needs them, and will restore them */
	for (i = 0; i < SYSCTLS; i++) {
		rc = values[i][0] == '\0'
			 ? 0
			 : sysctl_write(sysctls[i].name, values[i]);
		if (rc < 0)
			log_warning("sysctl %s: %s; it stays at %s",
			    sysctls[i].name, strerror(-rc), sysctls[i].value);
	}
}
