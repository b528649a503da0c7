/*
 * init_write: the folder: one for each node, laid out as its root directory.
 * Nothing that exists is touched. Secrets are made here and are the owner's only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/import.h"
#include "daemons/yoke/init.h"

#define KEY_BYTES 32
#define COROSYNC_KEY_BYTES 256

struct files {
	const char *yoke_conf, *corosync_conf;
	char key[2 * KEY_BYTES + 2]; /* hexadecimal, a line */
	uint8_t authkey[COROSYNC_KEY_BYTES];
};

static int
told(const char *path)
{
	fprintf(stderr, "yoke: init: %s: %s\n", path, strerror(errno));
	return -1;
}

static int
random_bytes(uint8_t *to, size_t n)
{
	return getrandom(to, n, 0) == (ssize_t)n ? 0 : told("random bytes");
}

static int
make_key(struct files *s)
{
	uint8_t raw[KEY_BYTES];
	size_t i;

	if (random_bytes(raw, sizeof(raw)) < 0 ||
	    random_bytes(s->authkey, sizeof(s->authkey)) < 0)
		return -1;
	for (i = 0; i < sizeof(raw); i++)
		(void)snprintf(s->key + 2 * i, 3, "%02x", raw[i]);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

static int
make_dir(const char *base, const char *under, mode_t mode)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s%s", base, under);
	/* the mode as it is said, whatever the umask */
	return mkdir(path, mode) < 0 || chmod(path, mode) < 0 ? told(path) : 0;
}

static int
write_all(int fd, const void *mem, size_t n)
{
	const char *p = mem;
	ssize_t put;

	for (; n > 0; n -= (size_t)put, p += put) {
		put = write(fd, p, n);
		if (put < 0)
			return -1;
	}
	return fsync(fd);
}

static int
make_file(const char *base, const char *under, mode_t mode, const void *mem,
    size_t n)
{
	char path[1024];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "%s%s", base, under);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    mode);
	if (fd < 0)
		return told(path);
	rc = fchmod(fd, mode) < 0 || write_all(fd, mem, n) < 0 ? told(path) : 0;
	(void)close(fd);
	return rc;
}

static int
write_node(const struct init_plan *p, const struct init_node *n,
    const struct files *s)
{
	static const char *const dirs[] = { "", "/etc", "/etc/yoke",
		"/etc/corosync" };
	const struct {
		const char *under;
		mode_t mode;
		const void *mem;
		size_t n;
	} rows[] = {
		{ "/etc/yoke/yoke.conf", 0644, s->yoke_conf,
		    strlen(s->yoke_conf) },
		{ "/etc/yoke/key", 0600, s->key, strlen(s->key) },
		{ COROSYNC_CONF, 0644, s->corosync_conf,
		    strlen(s->corosync_conf) },
		{ COROSYNC_KEY, 0400, s->authkey, sizeof(s->authkey) },
	};
	char base[CONF_TEXT_LEN + NAME_LEN + 2];
	size_t i;

	(void)snprintf(base, sizeof(base), "%s/%s", p->dir, n->name);
	for (i = 0; i < ARRAY_LEN(dirs); i++)
		if (make_dir(base, dirs[i], 0755) < 0)
			return -1;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (make_file(base, rows[i].under, rows[i].mode, rows[i].mem,
			rows[i].n) < 0)
			return -1;
	return 0;
}

static int
write_files(const struct init_plan *p, struct files *s)
{
	size_t i;

	if (make_key(s) < 0 || make_dir(p->dir, "", 0700) < 0)
		return -1;
	for (i = 0; i < CONF_NODES; i++)
		if (write_node(p, &p->nodes[i], s) < 0)
			return -1;
	return 0;
}

/* As the daemons on each node would load it: nothing is written that they would
 * refuse. */
static int
check(const struct init_plan *p, const char *text)
{
	char why[1024] = "";
	size_t i;

	for (i = 0; i < CONF_NODES; i++)
		if (imp_check_as(text, p->nodes[i].name, why, sizeof(why)) <
		    0) {
			fprintf(stderr, "yoke: init: this would be refused: "
			    "%s\n%s", why, text);
			return -1;
		}
	return 0;
}

int
init_write(const struct init_plan *p)
{
	struct files s = { 0 };
	char *yoke = init_yoke_conf(p), *corosync = init_corosync_conf(p);
	int rc = -1;

	s.yoke_conf = yoke;
	s.corosync_conf = corosync;
	if (yoke == NULL || corosync == NULL)
		fprintf(stderr, "yoke: init: out of memory\n");
	else if (check(p, yoke) == 0)
		rc = write_files(p, &s);
	explicit_bzero(&s, sizeof(s));
	free(yoke);
	free(corosync);
	return rc;
}
