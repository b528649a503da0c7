/*
 * yoke import: goldens in test/import, the example files of Debian's keepalived
 * package, and files broken on purpose: whatever is accepted gives a text that
 * yoke.conf's own loader accepts.
 *
 * GOLDEN=1 rewrites *.ok and samples.txt.
 */
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemons/yoke/import.h"
#include "test/tap.h"

#define SAMPLES "/usr/share/doc/keepalived/samples/keepalived.conf.*"
#define TABLE "test/import/samples.txt"
#define FUZZ 400 /* of each file */

static char *
slurp(const char *file, size_t *len)
{
	FILE *f = fopen(file, "re");
	char *text = NULL;

	*len = 0;
	if (f == NULL)
		return NULL;
	text = malloc(IMP_FILE_MAX + 1);
	if (text != NULL) {
		*len = fread(text, 1, IMP_FILE_MAX, f);
		text[*len] = '\0';
	}
	(void)fclose(f);
	return text;
}

/* What comes out; text is changed. Caller free()s. */
static char *
convert(struct imp *m, char *text, size_t len, int *rc)
{
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	*rc = imp_read(m, text, len);
	if (*rc == 0)
		imp_print(m, f);
	else
		fprintf(f, "line %u: %s\n", m->err_line, m->err);
	(void)fclose(f);
	return out;
}

static void
compare(const char *name, const char *ok_file, const char *got)
{
	size_t len;
	char *want;
	FILE *f;

	if (getenv("GOLDEN") != NULL) {
		f = fopen(ok_file, "we");
		if (f != NULL) {
			fputs(got, f);
			(void)fclose(f);
		}
	}
	want = slurp(ok_file, &len);
	ok(want != NULL && strcmp(want, got) == 0, "%s as in %s", name,
	    ok_file);
	if (want != NULL && strcmp(want, got) != 0)
		printf("# got:\n%s\n", got);
	free(want);
}

static void
golden(const char *file)
{
	char ok_file[512], why[1024] = "", *text, *out;
	struct imp m;
	size_t len;
	int rc;

	(void)snprintf(ok_file, sizeof(ok_file), "%.*s.ok",
	    (int)(strrchr(file, '.') - file), file);
	text = slurp(file, &len);
	imp_init(&m, file);
	out = convert(&m, text, len, &rc);
	compare(file, ok_file, out);
	ok(rc < 0 || imp_check(out, why, sizeof(why)) == 0,
	    "%s: what came out is accepted (%s)", file, why);
	ok((rc < 0) == (strstr(file, "-bad-") != NULL), "%s: %s", file,
	    rc < 0 ? "refused" : "read");
	imp_done(&m);
	free(text);
	free(out);
}

static void
test_goldens(void)
{
	glob_t g = { 0 };
	size_t i;

	ok(glob("test/import/*.c*", 0, NULL, &g) == 0 && g.gl_pathc > 8,
	    "goldens are there");
	for (i = 0; i < g.gl_pathc; i++)
		golden(g.gl_pathv[i]);
	globfree(&g);
}

/* A row of the table: what is kept of a file. */
static void
sample(const char *file, FILE *table)
{
	char why[1024] = "", *text, *out;
	size_t len, i, servers = 0, checks = 0;
	struct imp m;
	int rc;

	text = slurp(file, &len);
	imp_init(&m, file);
	out = convert(&m, text, len, &rc);
	ok(rc == 0, "%s is read (%s)", file, m.err);
	ok(rc == 0 && imp_check(out, why, sizeof(why)) == 0,
	    "%s: what came out is accepted (%s)", file, why);
	for (i = 0; i < m.n_services; i++) {
		servers += m.services[i].n_servers;
		if (m.services[i].n_servers > 0)
			checks += m.services[i].servers[0].n_checks;
	}
	fprintf(table, "%-42s %4zu %8zu %7zu %6zu %5zu %5zu\n",
	    strrchr(file, '/') + 1, m.n_vips, m.n_services, servers, checks,
	    m.n_level[IMP_LOST], m.n_level[IMP_MOOT]);
	imp_done(&m);
	free(text);
	free(out);
}

static void
test_samples(void)
{
	char *table = NULL;
	glob_t g = { 0 };
	size_t i, len;
	FILE *f;

	if (glob(SAMPLES, 0, NULL, &g) != 0) {
		ok(true, "no samples # SKIP keepalived's documentation is not "
			 "installed");
		return;
	}
	f = open_memstream(&table, &len);
	fprintf(f, "%-42s vips services servers checks  lost  moot\n",
	    "keepalived 2.2.7, Debian 12");
	for (i = 0; i < g.gl_pathc; i++)
		sample(g.gl_pathv[i], f);
	(void)fclose(f);
	compare("what is kept of the samples", TABLE, table);
	free(table);
	globfree(&g);
}

/* ---- broken files ---- */

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static const char bits[] = "{}\"#!\n\\ =->:@$/[]%0189afz\t\x80\xff";

/* Some bytes changed, moved or cut off. */
static size_t
spoil(char *text, size_t len, uint32_t *seed)
{
	unsigned n = 1 + next(seed) % 8;
	size_t at, from, run;

	while (n-- > 0 && len > 1) {
		at = next(seed) % len;
		from = next(seed) % len;
		run = next(seed) % 40;
		switch (next(seed) % 4) {
		case 0:
			text[at] = bits[next(seed) % (sizeof(bits) - 1)];
			break;
		case 1:
			text[at] = (char)next(seed);
			break;
		case 2:
			if (at + run < len && from + run < len)
				memmove(text + at, text + from, run);
			break;
		default:
			if (next(seed) % 4 == 0)
				len = at;
		}
	}
	text[len] = '\0';
	return len;
}

static void
fuzz(const char *pattern)
{
	unsigned accepted = 0, refused = 0, wrong = 0, i;
	char why[1024] = "", *text, *copy, *out;
	uint32_t seed = 7;
	struct imp m;
	glob_t g = { 0 };
	size_t len, n, k;
	int rc;

	if (glob(pattern, 0, NULL, &g) != 0)
		return;
	for (k = 0; k < g.gl_pathc; k++) {
		text = slurp(g.gl_pathv[k], &len);
		for (i = 0; i < FUZZ; i++) {
			copy = malloc(len + 1);
			memcpy(copy, text, len + 1);
			n = spoil(copy, len, &seed);
			imp_init(&m, "fuzz");
			out = convert(&m, copy, n, &rc);
			accepted += rc == 0;
			refused += rc < 0;
			/* loading is slow: of some */
			if (rc == 0 && i % 4 == 0 &&
			    imp_check(out, why, sizeof(why)) < 0 &&
			    wrong++ == 0)
				printf("# %s, %u: %s\n%s\n", g.gl_pathv[k], i,
				    why, out);
			imp_done(&m);
			free(copy);
			free(out);
		}
		free(text);
	}
	globfree(&g);
	printf("# %s: %u accepted, %u refused\n", pattern, accepted, refused);
	ok(wrong == 0, "%s spoiled: what is accepted gives a good "
	    "configuration (%u wrong)", pattern, wrong);
	ok(accepted > 0 && refused > 0, "%s: some of both", pattern);
}

int
main(void)
{
	test_goldens();
	test_samples();
	fuzz("test/import/0*-all.conf");
	fuzz("test/import/*-ldirectord.cf");
	fuzz(SAMPLES);
	return done();
}
