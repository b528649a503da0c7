/*
 * cmd_export: a checkpoint as JSON: the table as a takeover would find it, the
 * changes still in the journal, and the history of roles.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "daemons/yoke/checkpoint.h"

#define FORMAT 1

static char *
document(struct store_view *v, const struct store_loaded *l)
{
	struct history *h = calloc(1, sizeof(*h));
	struct store_info i;
	struct out o;
	size_t len;

	if (h == NULL)
		return NULL;
	store_view_info(v, &i);
	store_view_roles(v, h);
	out_init(&o);
	out_object(&o, NULL);
	out_str(&o, "yoke", YOKE_VERSION);
	out_num(&o, "format", FORMAT);
	out_str(&o, "instance", i.instance);
	out_num(&o, "node", i.node);
	out_usec(&o, "created_us", i.created);
	out_num(&o, "snapshot_seq", l->snapshot_seq);
	doc_table(&o, &l->table);
	doc_journal(&o, v);
	doc_roles(&o, h);
	out_close(&o);
	free(h);
	return out_take(&o, &len);
}

static int
say(const char *path, int rc)
{
	fprintf(stderr, "yoke: %s: %s\n", path, err_text(rc));
	return rc == -EACCES || rc == -EPERM ? YOKE_NO_PERMISSION
					     : YOKE_REFUSED;
}

/* Indented, so that two exports can be held against each other. A file that is
 * there stays as it is. */
static int
write_doc(const char *path, const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	FILE *f = stdout;
	int fd, rc = 0;

	if (j == NULL)
		return say(path, -ENOMEM);
	if (strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		f = fd >= 0 ? fdopen(fd, "w") : NULL;
	}
	if (f == NULL)
		rc = -errno;
	else if (json_dumpf(j, f, JSON_INDENT(1)) < 0 || putc('\n', f) == EOF ||
	    fflush(f) != 0 || (f != stdout && fsync(fileno(f)) < 0))
		rc = errno != 0 ? -errno : -EIO;
	if (f != NULL && f != stdout && fclose(f) != 0 && rc == 0)
		rc = -errno;
	if (rc < 0 && f != NULL && f != stdout)
		(void)unlink(path);
	json_decref(j);
	return rc < 0 ? say(path, rc) : YOKE_OK;
}

static int
export(const char *path, const char *to)
{
	struct store_loaded l;
	struct store_view *v;
	char *text = NULL;
	int rc = view_open(path, &v);

	if (rc != YOKE_OK)
		return rc;
	if (store_view_table(v, &l) < 0) {
		fprintf(stderr, "yoke: %s: no table in it is whole\n", path);
		rc = YOKE_REFUSED;
	} else {
		text = document(v, &l);
		rc = text != NULL ? write_doc(to, text) : say(to, -ENOMEM);
	}
	if (rc == YOKE_OK && l.text[0] != '\0')
		fprintf(stderr, "yoke: remark: %s\n", l.text);
	free(text);
	table_done(&l.table);
	store_view_free(v);
	return rc;
}

int
cmd_checkpoint_export(struct cli *c, unsigned n, char **words)
{
	char path[STORE_PATH_LEN];
	int rc = where_file(c, words[2], path, sizeof(path));

	(void)n;
	return rc == YOKE_OK ? export(path, words[3]) : rc;
}
