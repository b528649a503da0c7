/*
 * import_file: a file to a text, with what was lost told on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/yoke/import.h"

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

static char *
to_text(const struct imp *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL || (imp_print(m, f), fclose(f)) != 0) {
		fprintf(stderr, "yoke: out of memory\n");
		free(text);
		return NULL;
	}
	return text;
}

int
imp_file(const char *file, char **ret)
{
	struct imp m;
	char *text = NULL, *out = NULL;
	size_t len = 0;

	imp_init(&m, file);
	if (read_file(m.file, &text, &len) < 0)
		return -1;
	if (imp_read(&m, text, len) == 0) {
		warn(&m);
		out = to_text(&m);
	} else if (m.err_line > 0) {
		fprintf(stderr, "yoke: %s:%u: %s\n", m.file, m.err_line, m.err);
	} else {
		fprintf(stderr, "yoke: %s: %s\n", m.file, m.err);
	}
	imp_done(&m);
	free(text);
	*ret = out;
	return out != NULL ? 0 : -1;
}
