/*
 * cmd_convert: yoke import. Another program's configuration becomes the vips and
 * services of a yoke.conf on standard output, what was lost goes to standard
 * error with its line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/yoke/import.h"
#include "daemons/yoke/yoke.h"

static int
read_fd(int fd, char **ret, size_t *ret_len)
{
	struct stat st;
	char *text;
	size_t n = 0;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > IMP_FILE_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		got = read(fd, text + n, (size_t)st.st_size - n);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	text[n] = '\0';
	*ret = text;
	*ret_len = n;
	return 0;
}

static int
read_file(const char *file, char **ret, size_t *ret_len)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : read_fd(fd, ret, ret_len);

	if (fd >= 0)
		(void)close(fd);
	if (rc < 0)
		fprintf(stderr, "yoke: %s: %s\n", file,
		    rc == -EINVAL  ? "is no regular file"
			: rc == -EFBIG ? "is larger than 4 MiB"
				       : strerror(-rc));
	return rc;
}

static void
warn(const struct imp *m)
{
	size_t i;

	for (i = 0; i < m->n_notes; i++)
		if (m->notes[i].level == IMP_LOST)
			fprintf(stderr, "%s:%u: warning: %s\n", m->file,
			    m->notes[i].line, m->notes[i].text);
}

/* To memory first: nothing half comes out. */
static int
write_out(const struct imp *m)
{
	char *text = NULL, why[1024] = "";
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc = YOKE_OK;

	if (f == NULL || (imp_print(m, f), fclose(f)) != 0) {
		fprintf(stderr, "yoke: out of memory\n");
		free(text);
		return YOKE_REFUSED;
	}
	fputs(text, stdout);
	if (imp_check(text, why, sizeof(why)) < 0) {
		fprintf(stderr, "yoke: this would be refused: %s\n", why);
		rc = YOKE_REFUSED;
	}
	free(text);
	return rc;
}

int
cmd_import(struct cli *c, unsigned n, char **words)
{
	struct imp m;
	char *text = NULL;
	size_t len = 0;
	int rc = YOKE_USAGE;

	(void)c;
	(void)n;
	imp_init(&m, words[1]);
	if (read_file(m.file, &text, &len) < 0)
		return YOKE_USAGE;
	if (imp_read(&m, text, len) == 0) {
		warn(&m);
		rc = write_out(&m);
	} else if (m.err_line > 0) {
		fprintf(stderr, "yoke: %s:%u: %s\n", m.file, m.err_line, m.err);
	} else {
		fprintf(stderr, "yoke: %s: %s\n", m.file, m.err);
	}
	imp_done(&m);
	free(text);
	return rc;
}
