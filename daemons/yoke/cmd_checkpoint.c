/*
 * cmd_checkpoint: looking at stored tables: list, history, verify; show is in
 * cmd_checkpoint_show.c. All from private copies: a live file is not touched.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "daemons/yoke/checkpoint.h"
#include "watch/status_get.h"

static void
quiet(const char *text, void *arg)
{
	(void)text;
	(void)arg;
}

/* One file of a list. */
struct row {
	struct store_info info;
	const struct store_file *file;
	const char *state, *why;
};

static void
look_at(const struct store_file *f, struct row *r)
{
	struct store_view *v;
	struct store_err e;
	int rc;

	*r = (struct row){ .file = f, .why = "" };
	r->info.epoch = f->epoch;
	rc = store_view_new(f->path, NULL, &v, &e);
	if (rc < 0) {
		r->state = "damaged";
		r->why = err_text(rc);
		return;
	}
	store_view_info(v, &r->info);
	r->state = store_view_check(v, quiet, NULL) > 0 ? "damaged"
	    : is_live(&r->info, usec_real())		? "live"
							: "complete";
	store_view_free(v);
}

static void
row_json(struct out *o, const struct row *r)
{
	const struct store_info *i = &r->info;

	out_object(o, NULL);
	out_str(o, "file", r->file->path);
	out_num(o, "epoch", i->epoch);
	out_num(o, "node", i->node);
	out_str(o, "state", r->state);
	out_time(o, "created", i->created);
	out_usec(o, "created_us", i->created);
	out_usec(o, "alive_us", i->alive);
	out_num(o, "seq", i->seq);
	out_num(o, "snapshot_seq", i->snapshot_seq);
	out_num(o, "rows", i->rows);
	out_num(o, "roles", i->roles);
	out_num(o, "bytes", r->file->bytes);
	out_num(o, "version", i->version);
	out_close(o);
}

static void
row_text(const struct row *r)
{
	const struct store_info *i = &r->info;
	char made[WHEN_LEN], alive[WHEN_LEN];

	printf("%8" PRIu64 " %4" PRIu32 "  %-8s  %-19s  %-19s %9" PRIu64
	       " %8" PRIu32 " %9" PRIu64 "%s%s\n",
	    i->epoch, i->node, r->state, when(i->created, made),
	    when(i->alive, alive), i->snapshot_seq, i->rows, r->file->bytes,
	    r->why[0] != '\0' ? "  " : "", r->why);
}

static void
where_json(struct out *o, const struct where *w)
{
	out_init(o);
	out_object(o, NULL);
	out_str(o, "directory", w->dir);
	out_str(o, "storage", conf_storage_name(storage_look(w->dir)));
	out_str(o, "instance", w->instance);
}

int
cmd_checkpoint_list(struct cli *c, unsigned n, char **words)
{
	struct where w;
	struct row r;
	struct out o;
	size_t i;
	int rc = where_are(c, &w);

	(void)n;
	(void)words;
	if (rc != YOKE_OK)
		return rc;
	where_json(&o, &w);
	out_array(&o, "files");
	if (!c->json)
		printf("   EPOCH NODE  STATE     CREATED              "
		       "LAST ALIVE           SNAPSHOT  CHANGES     BYTES\n");
	for (i = 0; i < w.n; i++) {
		look_at(&w.files[i], &r);
		if (c->json)
			row_json(&o, &r);
		else
			row_text(&r);
	}
	out_close(&o);
	out_close(&o);
	if (c->json)
		print_doc(&o);
	else
		out_done(&o);
	where_done(&w);
	return YOKE_OK;
}

static void
role_text(const struct history_record *r)
{
	char at[WHEN_LEN], took[DURATION_LEN];
	unsigned i;

	printf("%s  node %" PRIu32 "  term %" PRIu64 "  %s -> %s  %s",
	    when(r->at, at), r->node, r->epoch, r->from, r->to, r->why);
	if (r->silence > 0)
		printf(" (%s)", duration((int64_t)r->silence, took));
	for (i = 0; i < r->n_steps; i++)
		printf("  %s %s", r->steps[i].name,
		    duration((int64_t)r->steps[i].took, took));
	printf("\n");
}

int
cmd_checkpoint_history(struct cli *c, unsigned n, char **words)
{
	struct history *h = calloc(1, sizeof(*h));
	struct where w;
	struct out o;
	size_t i;
	int rc = h != NULL ? where_are(c, &w) : YOKE_REFUSED;

	(void)n;
	(void)words;
	if (rc != YOKE_OK) {
		free(h);
		return rc;
	}
	(void)store_history(w.dir, w.instance, NULL, UINT64_MAX, h);
	for (i = 0; i < h->n && !c->json; i++)
		role_text(&h->v[i]);
	if (c->json) {
		where_json(&o, &w);
		doc_roles(&o, h);
		out_close(&o);
		print_doc(&o);
	}
	where_done(&w);
	free(h);
	return YOKE_OK;
}

static void
say_fault(const char *text, void *arg)
{
	printf("%s: %s\n", (const char *)arg, text);
}

static int
verify(char *path)
{
	struct store_view *v;
	struct store_info i;
	unsigned faults;
	int rc = view_open(path, &v);

	if (rc != YOKE_OK)
		return rc;
	store_view_info(v, &i);
	faults = store_view_check(v, say_fault, path);
	if (i.torn)
		printf("%s: remark: its last commit is torn (it was not "
		       "finished) or damaged\n",
		    path);
	if (faults == 0)
		printf("%s: ok: epoch %" PRIu64 ", change %" PRIu64
		       ", %" PRIu32 " snapshots, %" PRIu32 " changes, %" PRIu32
		       " roles\n",
		    path, i.epoch, i.seq, i.snapshots, i.rows, i.roles);
	store_view_free(v);
	return faults == 0 ? YOKE_OK : YOKE_REFUSED;
}

int
cmd_checkpoint_verify(struct cli *c, unsigned n, char **words)
{
	char path[STORE_PATH_LEN];
	struct where w;
	int rc, one;
	size_t i;

	if (n > 2) {
		rc = where_file(c, words[2], path, sizeof(path));
		return rc == YOKE_OK ? verify(path) : rc;
	}
	rc = where_are(c, &w);
	if (rc != YOKE_OK)
		return rc;
	if (w.n == 0)
		printf("%s: no checkpoint of instance %s\n", w.dir, w.instance);
	for (i = 0; i < w.n; i++) {
		one = verify(w.files[i].path);
		rc = rc == YOKE_OK ? one : rc;
	}
	where_done(&w);
	return rc;
}
