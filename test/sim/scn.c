/*
 * scn: reads a scenario file and runs it.
 */
#include "test/sim/scn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/tap.h"

int
scn_node(const char *word)
{
	return strcmp(word, "d1") == 0 ? 0 : strcmp(word, "d2") == 0 ? 1 : -1;
}

bool
scn_server(const char *word, char *service, char *server)
{
	const char *slash = strchr(word, '/');
	size_t n = slash != NULL ? (size_t)(slash - word) : 0;

	if (slash == NULL || n >= NAME_LEN)
		return false;
	memcpy(service, word, n);
	service[n] = '\0';
	(void)snprintf(server, NAME_LEN, "%s", slash + 1);
	return true;
}

static bool
opt_beat(struct scn *c, char **w, unsigned n)
{
	c->opt.misses = n > 1 ? (unsigned)atoi(w[1]) : c->opt.misses;
	return n > 0 && usec_parse(w[0], &c->opt.beat) == 0;
}

static bool
opt_start_wait(struct scn *c, char **w, unsigned n)
{
	return n == 1 && usec_parse(w[0], &c->opt.start_wait) == 0;
}

static bool
opt_servers(struct scn *c, char **w, unsigned n)
{
	c->opt.servers = n == 1 ? (unsigned)atoi(w[0]) : 0;
	return c->opt.servers > 0;
}

static bool
opt_seed(struct scn *c, char **w, unsigned n)
{
	c->seed = n == 1 ? strtoull(w[0], NULL, 10) : 0;
	return n == 1;
}

static bool
opt_flag(struct scn *c, char **w, unsigned n)
{
	const struct {
		const char *name;
		bool *flag;
	} rows[] = {
		{ "serial", &c->opt.serial },
		{ "no_replica", &c->opt.no_replica },
		{ "private_store", &c->opt.private_store },
		{ "fence", &c->opt.fence },
		{ "store_absent", &c->opt.store_absent },
		{ "device", &c->opt.device },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows) && n == 1; i++)
		if (strcmp(rows[i].name, w[0]) == 0)
			return *rows[i].flag = true;
	return false;
}

/* Lines that do not begin with "at" set the scene. */
static bool
scene(struct scn *c, char **word, unsigned n)
{
	static const struct {
		const char *name;
		bool (*fn)(struct scn *, char **, unsigned);
	} rows[] = {
		{ "beat", opt_beat },
		{ "start_wait", opt_start_wait },
		{ "servers", opt_servers },
		{ "seed", opt_seed },
		{ "option", opt_flag },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, word[0]) == 0)
			return rows[i].fn(c, word + 1, n - 1);
	return false;
}

static struct scn_line *
line_add(struct scn *c, usec_t at, unsigned number, const char *text)
{
	struct scn_line *l;
	char *save = NULL, *w;

	c->lines = realloc(c->lines, (c->n_lines + 1) * sizeof(*c->lines));
	if (c->lines == NULL)
		abort();
	l = &c->lines[c->n_lines++];
	*l = (struct scn_line){ .at = at, .number = number };
	l->text = strdup(text);
	for (w = strtok_r(l->text, " \t\n", &save);
	     w != NULL && l->n < SCN_WORDS; w = strtok_r(NULL, " \t\n", &save))
		l->word[l->n++] = w;
	return l;
}

/* "changes 100 over 1s" is a hundred lines. */
static bool
expand(struct scn *c, const struct scn_line *first)
{
	unsigned i, n = first->n == 4 ? (unsigned)atoi(first->word[1]) : 0;
	unsigned number = first->number;
	usec_t over, at = first->at;

	if (n == 0 || usec_parse(first->word[3], &over) < 0)
		return false;
	for (i = 0; i < n; i++)
		(void)line_add(c, at + over * i / n, number, "change");
	return true;
}

/* "at 5s verb ..." */
static bool
timed(struct scn *c, char *text, unsigned number)
{
	char when[32];
	struct scn_line *l;
	usec_t at;
	int used = 0;

	if (sscanf(text, " at %31s %n", when, &used) != 1 || used == 0 ||
	    usec_parse(when, &at) < 0)
		return false;
	l = line_add(c, at, number, text + used);
	if (l->n == 0)
		return false;
	if (strcmp(l->word[0], "changes") != 0)
		return true;
	c->n_lines--;
	{
		struct scn_line one = *l;
		bool good = expand(c, &one);

		free(one.text);
		return good;
	}
}

static bool
read_line(struct scn *c, char *text, unsigned number)
{
	char *word[SCN_WORDS], *save = NULL, *w;
	unsigned n = 0;

	text[strcspn(text, "#\n")] = '\0';
	if (strncmp(text, "at ", 3) == 0)
		return timed(c, text, number);
	for (w = strtok_r(text, " \t", &save); w != NULL && n < SCN_WORDS;
	     w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	return n == 0 || scene(c, word, n);
}

static int
read_file(struct scn *c)
{
	char text[512];
	unsigned number = 0;
	FILE *f = fopen(c->file, "re");
	int rc = 0;

	if (f == NULL)
		return -errno;
	while (rc == 0 && fgets(text, sizeof(text), f) != NULL)
		if (!read_line(c, text, ++number)) {
			ok(0, "%s:%u: not understood", c->file, number);
			rc = -EINVAL;
		}
	(void)fclose(f);
	return rc;
}

static int
by_time(const void *a, const void *b)
{
	const struct scn_line *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void
say(const struct scn_line *l, char *buf, size_t len)
{
	size_t at = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 1; i < l->n && at < len; i++)
		at += (size_t)snprintf(
		    buf + at, len - at, "%s%s", i > 1 ? " " : "", l->word[i]);
}

static void
play(struct scn *c)
{
	bool good = true;
	char text[512];
	size_t i;

	for (i = 0; i < c->n_lines; i++) {
		struct scn_line *l = &c->lines[i];

		sim_run_until(c->sim, l->at);
		if (strcmp(l->word[0], "expect") == 0) {
			say(l, text, sizeof(text));
			if (!ok(scn_expect(c, l), "%s:%u %s", c->file,
				l->number, text)) {
				printf("#   not so: %s\n", c->why_not);
				good = false;
			}
		} else if (!scn_do(c, l)) {
			ok(0, "%s:%u: \"%s\" not understood", c->file,
			    l->number, l->word[0]);
			good = false;
		}
	}
	if (!good)
		sim_print_notes(c->sim);
}

int
scn_run(const char *file)
{
	struct scn c = { .file = file, .seed = 1, .opt = sim_defaults };
	size_t i;
	int rc;

	rc = read_file(&c);
	if (rc == -ENOENT || rc == -EACCES)
		ok(0, "%s: %s", file, strerror(-rc));
	if (rc == 0) {
		qsort(c.lines, c.n_lines, sizeof(*c.lines), by_time);
		c.sim = sim_new(c.seed, &c.opt);
		play(&c);
		sim_free(c.sim);
	}
	for (i = 0; i < c.n_lines; i++)
		free(c.lines[i].text);
	free(c.lines);
	return rc;
}

int
scn_done(void)
{
	return done();
}
