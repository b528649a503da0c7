/*
 * yoked_kernel: sysctls that the connection-sync profile needs.
 *
 * sync_threshold "2 0": a connection is synchronised once, at the packet that
 * establishes it, and at state changes (net/netfilter/ipvs/ip_vs_sync.c).
 * sloppy_tcp: a connection that was not synchronised in time is scheduled from
 * a packet in its middle; with a hashing scheduler and an equal table it lands
 * on the same server.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"

static const struct sysctl {
	const char *name, *value, *why;
} sysctls[] = {
	{ "net/ipv4/vs/sync_threshold", "2 0",
	    "young connections may be lost at a takeover" },
	{ "net/ipv4/vs/sync_refresh_period", "0", "sync repeats itself" },
	{ "net/ipv4/vs/sloppy_tcp", "1",
	    "unsynchronised connections are reset at a takeover" },
	{ "net/ipv4/vs/sync_retries", "0", "sync repeats itself" },
};

static int
sysctl_write(const struct sysctl *s)
{
	char path[128];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", s->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, s->value, strlen(s->value));
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? (int)n : 0;
}

void
yoked_kernel_setup(const struct conf *c)
{
	size_t i;
	int rc;

	for (i = 0; c->sync && i < ARRAY_LEN(sysctls); i++) {
		rc = sysctl_write(&sysctls[i]);
		if (rc < 0)
			log_warning("sysctl %s: %s; %s", sysctls[i].name,
			    strerror(-rc), sysctls[i].why);
	}
}
