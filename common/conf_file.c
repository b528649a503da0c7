/*
 * conf_file: the bytes of yoke.conf, the pair's secret, a fence agent's
 * options. None waits on what it opens (a FIFO, a device), none reads without a
 * bound.
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
#define FENCE_OPTIONS_MAX 4096

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
secret_check(const char *file, unsigned line, const char *key,
    const struct stat *st, struct conf_err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return conf_fail(e, line, key,
		    "%s belongs to user %u; make it root's: chown root %s",
		    file, (unsigned)st->st_uid, file);
	if (st->st_mode & 077)
		return conf_fail(e, line, key,
		    "others than its owner may use %s (mode %03o); "
		    "make it private: chmod 600 %s",
		    file, (unsigned)st->st_mode & 0777, file);
	return 0;
}

/* Up to len bytes of a file that only its owner may use: how many, or
 * -ERR_CONFIG. */
static ssize_t
secret_read(const char *file, unsigned line, const char *key, void *mem,
    size_t len, struct conf_err *e)
{
	struct stat st;
	ssize_t n;
	int fd;

	fd = open_regular(file, line, key, &st, e);
	if (fd < 0)
		return fd;
	n = secret_check(file, line, key, &st, e);
	if (n == 0) {
		n = read_full(fd, mem, len);
		if (n < 0)
			n = conf_fail(e, line, key, "cannot read %s: %s", file,
			    strerror((int)-n));
	}
	(void)close(fd);
	return n;
}

int
conf_key_load(struct conf *c, unsigned line, struct conf_err *e)
{
	uint8_t bytes[sizeof(c->key) + 2];
	ssize_t n;
	int rc = 0;

	n = secret_read(c->key_file, line, "key_file", bytes, sizeof(bytes), e);
	if (n < 0)
		return (int)n;
	if (n > 0 && bytes[n - 1] == '\n')
		n--;
	if (n < KEY_MIN || n > (ssize_t)sizeof(c->key)) {
		rc = conf_fail(e, line, "key_file",
		    "%s holds %s than %zu bytes; make a key of %d to %zu, the "
		    "same on both directors: openssl rand -hex 32 >%s",
		    c->key_file, n < KEY_MIN ? "less" : "more",
		    n < KEY_MIN ? (size_t)KEY_MIN : sizeof(c->key), KEY_MIN,
		    sizeof(c->key), c->key_file);
	} else {
		memcpy(c->key, bytes, (size_t)n);
		c->key_len = (size_t)n;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return rc;
}

/* name=value, comments and empty lines: what a fence agent reads. */
static bool
options_valid(const char *text)
{
	const char *line, *end, *is;

	for (line = text; *line != '\0'; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		is = memchr(line, '=', (size_t)(end - line));
		if (end > line && *line != '#' && (is == NULL || is == line))
			return false;
	}
	return true;
}

int
conf_fence_load(struct conf_node *n, struct conf_err *e)
{
	char *mem;
	ssize_t len;
	int rc = 0;

	if (n->fence_command[0] == '\0' || n->fence_file[0] == '\0')
		return 0;
	mem = calloc(1, FENCE_OPTIONS_MAX + 2);
	if (mem == NULL)
		return conf_fail(e, 0, "fence_file", "out of memory");
	len = secret_read(
	    n->fence_file, 0, "fence_file", mem, FENCE_OPTIONS_MAX + 1, e);
	if (len < 0)
		rc = (int)len;
	else if (len > FENCE_OPTIONS_MAX)
		rc = conf_fail(e, 0, "fence_file", "%s has more than %d bytes",
		    n->fence_file, FENCE_OPTIONS_MAX);
	else if (strlen(mem) != (size_t)len || !options_valid(mem))
		rc = conf_fail(e, 0, "fence_file",
		    "%s: its lines must be name=value", n->fence_file);
	if (rc < 0) {
		explicit_bzero(mem, FENCE_OPTIONS_MAX);
		free(mem);
		return rc;
	}
	n->fence_options = mem;
	return 0;
}
