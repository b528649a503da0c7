/*
 * test_yoke_checkpoint: `yoke checkpoint ...` as operators run it, without any
 * daemon: on live, complete and damaged files, and with exports that are not
 * what was exported.
 */
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_files.h"

#define TEXT_MAX 400000

static char out[TEXT_MAX], err[4096];
static char work[300]; /* for outputs and exports */

static void
read_text(const char *name, char *text, size_t len)
{
	char path[400];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", work, name);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, len - 1, f);
		fclose(f);
	}
	text[n] = '\0';
}

/* Runs `yoke checkpoint args --dir=...`; its exit code. */
static int
yoke(const char *args)
{
	const char *bin = getenv("YOKE_BIN");
	char line[2000], *path;
	int status;

	path = realpath(bin != NULL ? bin : "build/bin", NULL);
	(void)snprintf(line, sizeof(line),
	    "cd %s && %s/yoke -c none checkpoint %s --dir=%s >out 2>err", work,
	    path, args, id.dir);
	free(path);
	status = system(line);
	read_text("out", out, sizeof(out));
	read_text("err", err, sizeof(err));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned
lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* Refused with one line that says this; nothing printed, nothing made. */
static void
refused(const char *args, int code, const char *say)
{
	struct store_file *files = NULL;
	size_t before = 0, after = 0;
	int got;

	(void)store_list(id.dir, "main", &files, &before);
	free(files);
	got = yoke(args);
	files = NULL;
	(void)store_list(id.dir, "main", &files, &after);
	free(files);
	if (!ok(got == code && strstr(err, say) != NULL && lines(err) == 1 &&
		    before == after,
		"%s: %d, %s", args, code, say))
		printf("# %d: %s\n", got, err);
}

static size_t
file_count(void)
{
	struct store_file *files = NULL;
	size_t n = 0;

	(void)store_list(id.dir, "main", &files, &n);
	free(files);
	return n;
}

/* n changes that begin no term: a file has one. */
static void
change(struct store *s, struct table *t, struct rng *r, unsigned n)
{
	struct store_err e;
	struct change c;

	while (n > 0) {
		random_change(r, t, &c);
		if (c.what == CHANGE_EPOCH)
			continue;
		if (table_apply(t, &c) < 0 || store_add(s, &c, &e) < 0)
			abort();
		n--;
	}
	if (store_commit(s, &e) < 0)
		abort();
}

static void
make_file(uint64_t epoch, unsigned rows, struct table *t)
{
	struct rng r = { epoch + 40 };
	struct history_record role = { .epoch = epoch,
		.at = 1700000000000000 + epoch,
		.node = 1,
		.from = "standby",
		.to = "taking-over",
		.event = "take",
		.why = "silence",
		.silence = 31000 };
	struct store_err e;
	struct store *s;

	id.epoch = epoch;
	t->epoch = epoch;
	s = open_ok(t);
	change(s, t, &r, rows);
	if (store_snapshot(s, t, &e) < 0 || store_role(s, &role, &e) < 0)
		abort();
	change(s, t, &r, rows);
	if (store_probe(s, &e) < 0)
		abort();
	store_close(s);
}

static void
test_looking(struct table *t)
{
	char want[64];
	json_t *j;

	is_int(yoke("list"), 0, "list");
	ok(lines(out) == 3 && strstr(out, "complete") != NULL &&
	       strstr(out, "damaged") == NULL,
	    "two files, in good order");
	is_int(yoke("list --json"), 0, "list --json");
	j = json_loads(out, 0, NULL);
	ok(json_array_size(json_object_get(j, "files")) == 2 &&
	       strcmp(json_string_value(json_object_get(j, "storage")),
		   "local") == 0,
	    "as a document");
	json_decref(j);
	is_int(yoke("verify"), 0, "verify all");
	ok(lines(out) == 2 && strstr(out, ": ok: epoch 2") != NULL, "well");
	is_int(yoke("show"), 0, "show the newest");
	(void)snprintf(want, sizeof(want), "change %llu: ",
	    (unsigned long long)t->seq);
	ok(strstr(out, "epoch 2 ") != NULL && strstr(out, want) != NULL &&
	       strstr(out, "cause=\"test said so, ") != NULL,
	    "its table and changes");
	is_int(yoke("show 1 --json"), 0, "show an older one");
	j = json_loads(out, 0, NULL);
	ok(json_integer_value(json_object_get(j, "epoch")) == 1 &&
	       json_array_size(json_object_get(j, "services")) > 0 &&
	       json_array_size(json_object_get(j, "journal")) > 0,
	    "as a document");
	json_decref(j);
	is_int(yoke("history"), 0, "history");
	ok(lines(out) == 2 &&
	       strstr(out, "standby -> taking-over  silence (31 ms)") != NULL,
	    "of both");
}

static void
test_bad_words(void)
{
	refused("show 7", 1, "has no epoch 7");
	refused("show /etc/passwd", 1, "no checkpoint of yoke");
	refused("verify /nonexistent.db", 1, "No such file");
	refused("export 7 x", 1, "has no epoch 7");
	refused("import /nonexistent", 1, "/nonexistent");
	refused("import /etc/passwd", 1, "/etc/passwd:1:");
	refused("export 2 /nonexistent/x", 1, "No such file");
	refused("export 2", 2, "usage: yoke checkpoint export");
	refused("list --dir=/nonexistent --dir", 1, "No such file");
}

static void
test_import(const struct table *t)
{
	char before[TEXT_MAX / 2];
	struct store_loaded l;

	is_int(yoke("export 2 two"), 0, "export");
	refused("export 2 two", 1, "File exists");
	read_text("two", before, sizeof(before));
	is_int(yoke("import two"), 0, "import");
	ok(strstr(out, "epoch 3, ") == out, "%s", out);
	ok(store_load(id.dir, "main", NULL, &l) == 0 &&
	       l.table.epoch == 3 && l.table.seq == t->seq &&
	       table_equal(&l.table, t) && l.text[0] == '\0',
	    "the next load finds the same table in a new epoch");
	table_done(&l.table);
	is_int(yoke("verify 3"), 0, "whole");
	is_int(yoke("import two"), 0, "again");
	is_int(file_count(), 4, "nothing was overwritten");
	is_int(yoke("export 4 -"), 0, "to standard output");
	ok(strstr(strstr(out, "\"services\""), "\"journal\"") != NULL, "all");
}

/* Writes the export again with one thing changed, and tries it. */
static void
tampered(json_t *j, const char *name, const char *say)
{
	char path[400], args[64];

	(void)snprintf(path, sizeof(path), "%s/%s", work, name);
	if (json_dump_file(j, path, 0) < 0)
		abort();
	(void)snprintf(args, sizeof(args), "import %s", name);
	refused(args, 1, say);
}

/* Each member of a server and of a service taken away, or of another type. */
static void
test_tampering(void)
{
	static const char *const keys[] = { "name", "address", "port", "method",
		"weight", "health", "drain", "cause", "changed_us" };
	char path[400];
	json_t *j, *service, *server = NULL, *was;
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/two", work);
	j = json_load_file(path, 0, NULL);
	json_array_foreach(json_object_get(j, "services"), i, service)
		if (server == NULL)
			server = json_array_get(
			    json_object_get(service, "servers"), 0);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		was = json_incref(json_object_get(server, keys[i]));
		json_object_del(server, keys[i]);
		tampered(j, "t", keys[i]);
		json_object_set_new(server, keys[i], json_array());
		tampered(j, "t", keys[i]);
		json_object_set_new(server, keys[i], was);
	}
	was = json_incref(json_object_get(server, "weight"));
	json_object_set_new(server, "weight", json_integer(65536));
	tampered(j, "t", "weight");
	json_object_set_new(server, "weight", json_integer(77));
	tampered(j, "t", "sum does not match");
	json_object_del(j, "sum");
	json_object_set_new(server, "name", json_string("../x"));
	tampered(j, "t", "../x: out of range");
	json_object_set_new(server, "name", json_string("\033[2J\u00e9"));
	tampered(j, "t", "?[2J??: out of range");
	json_object_set_new(server, "name", json_string("rs99"));
	json_object_set_new(j, "format", json_integer(2));
	tampered(j, "t", "another version");
	json_object_set_new(j, "format", json_integer(1));
	json_object_set_new(j, "epoch", json_integer(-1));
	tampered(j, "t", "epoch");
	json_object_set_new(j, "epoch", json_integer(7));
	(void)snprintf(path, sizeof(path), "%s/mine", work);
	if (json_dump_file(j, path, 0) < 0)
		abort();
	is_int(yoke("import mine"), 0, "changed on purpose, without sum: taken");
	ok(strstr(out, "epoch 8, ") == out, "above its own epoch too: %s", out);
	json_decref(was);
	json_decref(j);
}

/* A writer at work: its file can be looked at, and nothing imported. */
static void
test_live(struct table *t)
{
	struct rng r = { 5 };
	struct store *s;

	id.epoch = 9;
	t->epoch = 9;
	s = open_ok(t);
	change(s, t, &r, 30);
	is_int(yoke("list"), 0, "list");
	ok(strstr(out, "  live  ") != NULL, "somebody is writing");
	is_int(yoke("verify 9"), 0, "verify while it is written");
	refused("import two", 1, "node 1 is active and writes epoch 9");
	change(s, t, &r, 30);
	ok(store_seq(s) == t->seq, "the writer was not disturbed");
	store_close(s);
	loads(t, "nor its file");
	is_int(yoke("import two"), 0, "closed in good order: import goes");
}

/* What verify says of a change made behind its back. */
static void
damaged(struct table *t, const char *damage, const char *say)
{
	char path[600], args[700];

	make_file(id.epoch + 1, 20, t);
	(void)snprintf(path, sizeof(path),
	    "%s/checkpoint-main-%020llu.db", id.dir,
	    (unsigned long long)id.epoch);
	sql(path, damage);
	(void)snprintf(args, sizeof(args), "verify %s", path);
	if (!ok(yoke(args) == 1 && strstr(out, say) != NULL, "%s: %s", damage,
		say))
		printf("# %s%s\n", out, err);
	(void)yoke("list");
	ok(strstr(out, "damaged") != NULL, "and list knows");
	(void)unlink(path);
}

static void
test_damage(struct table *t)
{
	static const struct {
		const char *sql, *say;
	} rows[] = {
		{ "UPDATE snapshot SET bytes = zeroblob(length(bytes)) "
		  "WHERE seq = (SELECT max(seq) FROM snapshot)",
			": its sum does not match" },
		{ "UPDATE journal SET body = zeroblob(length(body)) WHERE "
		  "seq = (SELECT max(seq) - 3 FROM journal)",
			": its sum does not match" },
		{ "DELETE FROM journal WHERE seq = "
		  "(SELECT max(seq) - 3 FROM journal)", " are missing" },
		{ "UPDATE journal SET cause = 'somebody else' WHERE seq = "
		  "(SELECT max(seq) FROM journal)", "its words are not" },
		{ "UPDATE roles SET sum = zeroblob(32)", "roles: 1 whose sum" },
		{ "DELETE FROM snapshot", "there is no snapshot" },
		{ "DROP TABLE journal", "rows: no such table: journal" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		damaged(t, rows[i].sql, rows[i].say);
}

int
main(void)
{
	struct table t;

	(void)setenv("TZ", "UTC", 1);
	scratch_dir(work, sizeof(work));
	begin(1);
	random_table(3, 60, &t);
	make_file(1, 40, &t);
	make_file(2, 25, &t);
	test_looking(&t);
	test_bad_words();
	test_import(&t);
	test_tampering();
	test_live(&t);
	id.epoch = 20;
	test_damage(&t);
	table_done(&t);
	scratch_remove(id.dir);
	scratch_remove(work);
	return done();
}
