/*
 * test_mib: YOKE-MIB's objects without snmpd: the rows against the status' own,
 * GET and GETNEXT over whole tables, words and rates, and the file of the MIB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "daemons/snmpd/mib.h"
#include "test/tap.h"

#define SERVERS 10000

static const char *const paths[] = {
#define FIELD(path, type, unit, null, help) path,
#include "schema/status.def"
#undef FIELD
};

static const struct group {
	unsigned number;
	bool table;
	const char *at;
} groups[] = {
#define SCALARS(group, name, at) { group, false, at },
#define TABLE(group, name, at) { group, true, at },
#include "schema/mib.def"
};

static const struct object {
	unsigned group, number;
	const char *name, *path;
} objects[] = {
#define OBJ(group, number, name, type, path, help) \
	{ group, number, #name, path },
#include "schema/mib.def"
};

static const struct group *
group_of(const struct object *o)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(groups); i++)
		if (groups[i].number == o->group)
			return &groups[i];
	return NULL;
}

static bool
in_status(const char *at, const char *path)
{
	char whole[128];
	size_t i;

	(void)snprintf(whole, sizeof(whole), "%s%s%s", at,
	    at[0] != '\0' ? "." : "", path);
	for (i = 0; i < ARRAY_LEN(paths); i++)
		if (strcmp(paths[i], whole) == 0)
			return true;
	return false;
}

static void
test_rows(void)
{
	unsigned unknown = 0, disorder = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(objects); i++) {
		const struct object *o = &objects[i];

		if (o->path[0] != '=' &&
		    !in_status(group_of(o)->at, o->path)) {
			printf("# %s: no %s in the status\n", o->name, o->path);
			unknown++;
		}
		disorder += i > 0 && (o[-1].group > o->group ||
		    (o[-1].group == o->group && o[-1].number >= o->number));
	}
	is_int(unknown, 0, "each object is a field of the status");
	is_int(disorder, 0, "and they are in order");
}

static int
cmp(const uint32_t *a, size_t n, const uint32_t *b, size_t k)
{
	size_t i;

	for (i = 0; i < n && i < k; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (n > k) - (n < k);
}

struct walked {
	unsigned count, disorder, other, texts;
	bool seen[32][32]; /* group, object */
};

/* From nothing to the end by GETNEXT; each is held to GET. */
static struct walked
walk(const struct mib *m)
{
	uint32_t at[MIB_SUFFIX_MAX] = { 0 }, next[MIB_SUFFIX_MAX];
	struct walked w = { 0 };
	struct mib_value v, same;
	size_t len = 0, n;

	while (mib_next(m, at, len, next, &n, &v) == MIB_FOUND) {
		w.count++;
		w.disorder += len > 0 && cmp(at, len, next, n) >= 0;
		w.other += mib_get(m, next, n, &same) != MIB_FOUND ||
			   same.type != v.type || same.number != v.number ||
			   strcmp(same.text, v.text) != 0;
		w.texts += v.type == MIB_STRING;
		w.seen[next[1]][n > 4 || next[1] >= 10 ? next[3] : next[2]] =
		    true;
		memcpy(at, next, sizeof(at));
		len = n;
	}
	return w;
}

static struct mib *
of_file(const char *file)
{
	json_t *j = json_load_file(file, 0, NULL);

	return mib_new(j, USEC_S, NULL);
}

static struct mib_value
get(const struct mib *m, enum mib_found want, unsigned n, const uint32_t *at)
{
	struct mib_value v = { MIB_INTEGER, 0, "" };

	is_int(mib_get(m, at, n, &v), want, "GET of %u numbers", n);
	return v;
}
#define GET(m, want, ...) \
	get(m, want, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
	    (uint32_t[]){ __VA_ARGS__ })

static void
test_values(void)
{
	struct mib *m = of_file("test/golden/status-active.json");
	struct walked w = walk(m);
	unsigned missing = 0;
	size_t i;

	is_int(w.disorder, 0, "a walk goes up");
	is_int(w.other, 0, "and finds what GET finds, %u values", w.count);
	for (i = 0; i < ARRAY_LEN(objects); i++)
		if (!w.seen[objects[i].group][objects[i].number] &&
		    objects[i].group != 15) {
			printf("# not seen: %s\n", objects[i].name);
			missing++;
		}
	is_int(missing, 0, "every object is there");
	is_str(GET(m, MIB_FOUND, 1, 1, 3, 0).text, "d1", "yokeNode");
	is_int(GET(m, MIB_FOUND, 1, 1, 5, 0).number, 4, "yokeRole: active");
	is_int(GET(m, MIB_FOUND, 1, 1, 12, 0).number, 1, "yokeAnswers");
	is_str(GET(m, MIB_FOUND, 1, 13, 1, 3, 1, 3).text, "rs3", "a server");
	is_int(GET(m, MIB_FOUND, 1, 13, 1, 6, 1, 3).number, 3, "is down");
	is_int(GET(m, MIB_FOUND, 1, 13, 1, 10, 1, 1).number, 2,
	    "\"by hand\" is by-hand");
	is_int(GET(m, MIB_FOUND, 1, 12, 1, 7, 1).number, 4, "four servers");
	is_int((int32_t)GET(m, MIB_FOUND, 1, 3, 5, 0).number, -1, "null: -1");
	(void)GET(m, MIB_NO_INSTANCE, 1, 13, 1, 3, 1, 99);
	(void)GET(m, MIB_NO_INSTANCE, 1, 1, 3, 1);
	(void)GET(m, MIB_NO_INSTANCE, 1, 15, 1, 2, 1);
	(void)GET(m, MIB_NO_OBJECT, 1, 13, 1, 99, 1, 1);
	(void)GET(m, MIB_NO_OBJECT, 1, 13, 2, 3, 1, 1);
	(void)GET(m, MIB_NO_OBJECT, 1, 1, 99, 0);
	(void)GET(m, MIB_NO_OBJECT, 7);
	(void)GET(m, MIB_NO_OBJECT, 1, 13);
	mib_set_live(m, false, 4 * USEC_S);
	is_int(GET(m, MIB_FOUND, 1, 1, 12, 0).number, 2, "yoked is gone");
	is_int(GET(m, MIB_FOUND, 1, 1, 13, 0).number, 3000, "for so long");
	mib_free(m);
	is_int(mib_word("ROLE", "active"), 4, "words have numbers");
	is_int(mib_word("ROLE", "act"), 0, "what is none has not");
	is_int(mib_word("NONE", "x"), 0, "nor what is no enumeration");
}

static void
test_strange(void)
{
	static const char *const docs[] = { "{}", "{\"paths\":[7,null,{}],"
	    "\"services\":[{\"servers\":[3]},4],\"peer\":[],\"seq\":-4,"
	    "\"role\":\"king\",\"transitions\":[{\"steps\":[{}]}]}" };
	struct walked w;
	struct mib *m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(docs); i++) {
		m = mib_new(json_loads(docs[i], 0, NULL), 1, NULL);
		w = walk(m);
		ok(w.disorder == 0 && w.other == 0, "strange %zu: %u values", i,
		    w.count);
		is_int(GET(m, MIB_FOUND, 1, 1, 5, 0).number, 0, "other(0)");
		mib_free(m);
	}
}

static json_t *
table(int servers, int conns)
{
	json_t *list = json_array(), *j;
	char name[32];
	int i;

	for (i = 0; i < servers; i++) {
		(void)snprintf(name, sizeof(name), "rs%d", i);
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:s,s:i}", "name",
			name, "address", "10.0.0.1:80", "health", "up",
			"weight", 10, "conns", conns, "in_bytes", conns * 100,
			"source", "configured", "cause", "http alive: ok",
			"active", i));
	}
	j = json_pack("{s:[{s:s,s:o}]}", "services", "name", "web", "servers",
	    list);
	return j;
}

static void
test_rates(void)
{
	struct mib *a = mib_new(table(2, 1000), USEC_S, NULL);
	struct mib *b = mib_new(table(2, 1500), 3 * USEC_S, a);
	struct mib *c = mib_new(table(3, 10), 4 * USEC_S, b);

	is_int(GET(a, MIB_FOUND, 1, 13, 1, 16, 1, 1).number, 0, "no rate yet");
	is_int(GET(b, MIB_FOUND, 1, 13, 1, 16, 1, 2).number, 250, "conns/s");
	is_int(GET(b, MIB_FOUND, 1, 13, 1, 17, 1, 2).number, 25000, "bytes/s");
	is_int(GET(c, MIB_FOUND, 1, 13, 1, 16, 1, 1).number, 0,
	    "a counter that began anew");
	is_int(GET(c, MIB_FOUND, 1, 13, 1, 16, 1, 3).number, 0, "a new server");
	mib_free(a);
	mib_free(b);
	mib_free(c);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
test_large(void)
{
	json_t *j = table(SERVERS, 1);
	double at = seconds(), made;
	struct mib *m = mib_new(j, 1, NULL);
	struct walked w;

	made = seconds() - at;
	at = seconds();
	w = walk(m);
	ok(w.count > SERVERS * 15 && w.disorder == 0 && w.other == 0,
	    "%d servers: %u values", SERVERS, w.count);
	printf("# made in %.0f ms, walked (with a GET each) in %.0f ms\n",
	    made * 1000, (seconds() - at) * 1000);
	mib_free(m);
}

static void
test_file(void)
{
	is_int(system("/usr/bin/python3 packaging/mib/make_mib.py | "
		      "cmp -s - packaging/mib/YOKE-MIB.txt"), 0,
	    "YOKE-MIB.txt is of the rows (packaging/mib/make_mib.py)");
	if (system("command -v smilint >/dev/null") != 0) {
		ok(true, "smilint # SKIP not installed");
		return;
	}
	is_int(system("test -z \"$(SMIPATH=test/mibs smilint -l 3 "
		      "packaging/mib/YOKE-MIB.txt 2>&1 | tee /dev/stderr)\""),
	    0, "smilint -l 3 has nothing to say");
}

int
main(void)
{
	test_rows();
	test_values();
	test_strange();
	test_rates();
	test_large();
	test_file();
	return done();
}
