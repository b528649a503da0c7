/*
 * import_check: is what came out of an import accepted? With two nodes put to
 * it, it is loaded as the daemons would, from memory.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf.h"
#include "daemons/yoke/import.h"

/* Addresses of no network, so that they meet none of the file's. */
#define NODES                                                             \
	"node d1 { id = 1 path net1 { device = eth0 address = 240.0.0.1 } }\n" \
	"node d2 { id = 2 path net1 { device = eth0 address = 240.0.0.2 } }\n"

static int
load(const char *text, const char *nodes, const char *as, char *why, size_t len)
{
	struct conf_err e = { 0 };
	struct conf *conf = NULL;
	char file[64], all[1024];
	int rc = -EIO, fd = memfd_create("import", MFD_CLOEXEC);

	if (fd < 0) {
		(void)snprintf(why, len, "memory: %s", strerror(errno));
		return -errno;
	}
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	if (dprintf(fd, "%s%s", text, nodes) < 0)
		(void)snprintf(why, len, "memory: %s", strerror(errno));
	else
		rc = conf_load(file, as, CONF_NO_KEY, &conf, &e);
	if (rc < 0 && e.text[0] != '\0') {
		(void)snprintf(e.file, sizeof(e.file), "output");
		(void)snprintf(why, len, "%s",
		    conf_err_format(&e, all, sizeof(all)));
	}
	conf_free(conf);
	(void)close(fd);
	return rc;
}

int
imp_check(const char *text, char *why, size_t len)
{
	return load(text, NODES, "d1", why, len);
}

int
imp_check_as(const char *text, const char *node, char *why, size_t len)
{
	return load(text, "", node, why, len);
}
