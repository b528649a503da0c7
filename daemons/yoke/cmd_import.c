/*
 * cmd_import: makes a checkpoint file of a new highest epoch from an export, so
 * that the next director that starts without a peer begins with that table.
 * Everything is checked before a file is made; none is ever overwritten.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "daemons/yoke/checkpoint.h"

#define FORMAT 1

static int
read_doc(const char *path, json_t **ret)
{
	json_error_t e;
	json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &e);

	if (j == NULL) {
		doc_plain(e.text);
		fprintf(stderr, "yoke: %s:%d: %s\n", path, e.line, e.text);
		return YOKE_REFUSED;
	}
	if (json_integer_value(json_object_get(j, "format")) != FORMAT) {
		fprintf(stderr,
		    "yoke: %s: no export of a checkpoint, or of another "
		    "version of yoke\n",
		    path);
		json_decref(j);
		return YOKE_REFUSED;
	}
	*ret = j;
	return YOKE_OK;
}

/* The table in it. A sum that does not match says that somebody changed it. */
static int
read_table(const char *path, const json_t *j, struct table *ret)
{
	const char *want = json_string_value(json_object_get(j, "sum"));
	char why[512], sum[SUM_TEXT] = "";

	if (doc_read(j, ret, why, sizeof(why)) < 0) {
		fprintf(stderr, "yoke: %s: %s\n", path, why);
		return YOKE_REFUSED;
	}
	if (json_object_get(j, "sum") == NULL ||
	    (doc_sum(ret, sum) == 0 && want != NULL && strcmp(want, sum) == 0))
		return YOKE_OK;
	table_done(ret);
	fprintf(stderr,
	    "yoke: %s: its sum does not match: damaged, or changed since it "
	    "was exported (if you changed it, remove \"sum\")\n",
	    path);
	return YOKE_REFUSED;
}

/* A director that is active goes on with its own table and a file above its
 * epoch would make it begin another term at once. */
static int
check_idle(const struct where *w)
{
	struct store_view *v;
	struct store_info i;
	struct store_err e;
	bool live;

	if (w->n == 0 || store_view_new(w->files[0].path, NULL, &v, &e) < 0)
		return YOKE_OK;
	store_view_info(v, &i);
	live = is_live(&i, usec_real());
	store_view_free(v);
	if (!live)
		return YOKE_OK;
	fprintf(stderr,
	    "yoke: %s: node %" PRIu32 " is active and writes epoch %" PRIu64
	    " there: stop yoked on both directors first (after a crash, wait "
	    "a minute)\n",
	    w->dir, i.node, i.epoch);
	return YOKE_REFUSED;
}

static void
choose_id(const struct where *w, const json_t *j, const struct table *t,
    struct store_id *id)
{
	uint64_t highest = w->n > 0 ? w->files[0].epoch : 0;

	*id = (struct store_id){ .node = w->node };
	memcpy(id->dir, w->dir, sizeof(id->dir));
	memcpy(id->instance, w->instance, sizeof(id->instance));
	id->epoch = (highest > t->epoch ? highest : t->epoch) + 1;
	if (id->node == 0)
		id->node = (uint32_t)json_integer_value(
		    json_object_get(j, "node"));
}

static int
make(const struct where *w, const json_t *j, struct table *t)
{
	struct store_err e = { 0 };
	struct store_id id;

	choose_id(w, j, t, &id);
	t->epoch = id.epoch;
	if (store_create(&id, t, &e) < 0) {
		fprintf(stderr, "yoke: %s\n", e.text);
		return e.rc == -EACCES ? YOKE_NO_PERMISSION : YOKE_REFUSED;
	}
	printf("epoch %" PRIu64 ", change %" PRIu64
	       ": %zu services, %zu servers\n",
	    t->epoch, t->seq, t->n_services, t->n_servers);
	return YOKE_OK;
}

int
cmd_checkpoint_import(struct cli *c, unsigned n, char **words)
{
	struct where w;
	struct table t;
	json_t *j;
	int rc = where_are(c, &w);

	(void)n;
	if (rc != YOKE_OK)
		return rc;
	rc = read_doc(words[2], &j);
	if (rc == YOKE_OK) {
		rc = read_table(words[2], j, &t);
		if (rc == YOKE_OK) {
			rc = check_idle(&w);
			if (rc == YOKE_OK)
				rc = make(&w, j, &t);
			table_done(&t);
		}
		json_decref(j);
	}
	where_done(&w);
	return rc;
}
