/*
 * conf_file: the bytes of yoke.conf, and the pair's secret. Neither waits on
 * what it opens (a FIFO, a device), neither reads without a bound.
 */
#include "common/conf_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

#define KEY_MIN 16

/* Opens a regular file; its descriptor, or -ERR_CONFIG. */
static int
open_regular(const char *file, unsigned line, const char *key,
    struct stat *ret_st, struct conf_err *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return conf_fail(
		    e, line, key, "cannot open %s: %s", file, strerror(errno));
	if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode)) {
		(void)close(fd);
		return conf_fail(
		    e, line, key, "%s is not a regular file", file);
	}
	return fd;
}

/* Up to len bytes; how many, or -errno. */
static ssize_t
read_full(int fd, void *mem, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, (char *)mem + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int
conf_read(const char *file, char **ret, size_t *ret_len, struct conf_err *e)
{
	struct stat st;
	char *text = NULL;
	ssize_t n;
	int fd, rc;

	fd = open_regular(file, 0, "", &st, e);
	if (fd < 0)
		return fd;
	if (st.st_size > CONF_FILE_MAX) {
		rc = conf_fail(e, 0, "",
		    "%s has more than %d MiB; that is no "
		    "configuration of yoke",
		    file, CONF_FILE_MAX >> 20);
		goto out;
	}
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL) {
		rc = conf_fail(e, 0, "", "out of memory");
		goto out;
	}
	n = read_full(fd, text, (size_t)st.st_size);
	if (n < 0) {
		rc = conf_fail(
		    e, 0, "", "cannot read %s: %s", file, strerror((int)-n));
		goto out;
	}
	text[n] = '\0';
	*ret = text;
	*ret_len = (size_t)n;
	text = NULL;
	rc = 0;
out:
	free(text);
	(void)close(fd);
	return rc;
}

static int
key_check_file(
    const char *file, unsigned line, const struct stat *st, struct conf_err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return conf_fail(e, line, "key_file",
		    "%s belongs to user %u; make it root's: chown root %s",
		    file, (unsigned)st->st_uid, file);
	if (st->st_mode & 077)
		return conf_fail(e, line, "key_file",
		    "others than its owner may use %s (mode %03o); "
		    "make it private: chmod 600 %s",
		    file, (unsigned)st->st_mode & 0777, file);
	return 0;
}

int
conf_key_load(struct conf *c, unsigned line, struct conf_err *e)
{
	uint8_t bytes[sizeof(c->key) + 2];
	struct stat st;
	ssize_t n;
	int fd, rc;

	fd = open_regular(c->key_file, line, "key_file", &st, e);
	if (fd < 0)
		return fd;
	rc = key_check_file(c->key_file, line, &st, e);
	if (rc < 0)
		goto out;
	n = read_full(fd, bytes, sizeof(bytes));
	if (n < 0) {
		rc = conf_fail(e, line, "key_file", "cannot read %s: %s",
		    c->key_file, strerror((int)-n));
		goto out;
	}
	if (n > 0 && bytes[n - 1] == '\n')
		n--;
	if (n < KEY_MIN || n > (ssize_t)sizeof(c->key)) {
		rc = conf_fail(e, line, "key_file",
		    "%s holds %s than %zu bytes; make a key of %d to %zu, the "
		    "same on both directors: openssl rand -hex 32 >%s",
		    c->key_file, n < KEY_MIN ? "less" : "more",
		    n < KEY_MIN ? (size_t)KEY_MIN : sizeof(c->key), KEY_MIN,
		    sizeof(c->key), c->key_file);
		goto out;
	}
	memcpy(c->key, bytes, (size_t)n);
	c->key_len = (size_t)n;
out:
	explicit_bzero(bytes, sizeof(bytes));
	(void)close(fd);
	return rc;
}
