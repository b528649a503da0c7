/*
 * test_status_text: status documents as text, against test/golden/status-*:
 * NAME.json in, NAME.txt out. With GOLDEN=1 the texts are written anew; the
 * review is the diff. Whatever a document holds, no line is over 80 columns.
 */
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "daemons/yoke/lines.h"
#include "daemons/yoke/status_text.h"
#include "test/tap.h"
#include "watch/status_get.h"

#define GOLDENS "test/golden/status-*.json"
#define ROUNDS 400

/* The document as it is in a file or came from yoked; caller free()s. */
static char *
text_of_text(const char *doc, bool colour)
{
	struct status_doc d;
	json_error_t e;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (status_doc_parse(doc, strlen(doc), &d, &e) == 0) {
		status_text(&d, f, colour);
		status_doc_done(&d);
	}
	fclose(f);
	return text;
}

static char *
text_of(const json_t *j, bool colour)
{
	char *doc = json_dumps(j, 0), *text = text_of_text(doc, colour);

	free(doc);
	return text;
}

/* The widest line, escape sequences not counted. */
static unsigned
widest(const char *text)
{
	unsigned max = 0, n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\033') {
			text += strcspn(text, "m");
			continue;
		}
		if (*text == '\n')
			n = 0;
		else if (((unsigned char)*text & 0xc0) != 0x80)
			n++;
		max = n > max ? n : max;
	}
	return max;
}

static bool
blank_ends(const char *text)
{
	return strstr(text, " \n") != NULL;
}

static void
write_golden(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		printf("# cannot write %s\n", file);
}

/* "" if it cannot be read; caller free()s. */
static char *
read_golden(const char *file)
{
	FILE *f = fopen(file, "r");
	char *text = NULL;
	size_t cap = 0;

	if (f == NULL || getdelim(&text, &cap, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	if (f != NULL)
		fclose(f);
	return text;
}

static void
golden(const char *json_file)
{
	char file[256], *text, *want, *doc = read_golden(json_file);

	if (!ok(doc[0] == '{', "%s is there", json_file)) {
		free(doc);
		return;
	}
	(void)snprintf(file, sizeof(file), "%.*s.txt",
	    (int)(strlen(json_file) - 5), json_file);
	text = text_of_text(doc, false);
	if (getenv("GOLDEN") != NULL)
		write_golden(file, text);
	want = read_golden(file);
	is_str(text, want, "%s", file);
	ok(widest(text) <= LINE_WIDTH, "fits: %u columns", widest(text));
	ok(!blank_ends(text), "no blanks at the end of lines");
	free(text);
	text = text_of_text(doc, true);
	ok(widest(text) <= LINE_WIDTH && strchr(text, '\033') != NULL,
	    "fits in colour: %u columns", widest(text));
	free(text);
	free(want);
	free(doc);
}

static void
test_goldens(void)
{
	glob_t g;
	size_t i;

	if (!ok(glob(GOLDENS, 0, NULL, &g) == 0, "there are goldens"))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		golden(g.gl_pathv[i]);
	globfree(&g);
}

static void
test_verdicts(void)
{
	static const struct {
		const char *json;
		enum verdict v;
		const char *what;
	} cases[] = {
		{ "{\"role\":\"active\",\"vips\":[{\"held\":true}]}",
		    VERDICT_WELL, "active" },
		{ "{\"role\":\"active\",\"vips\":[{\"held\":true}],"
		  "\"alarms\":[{}]}",
		    VERDICT_DEGRADED, "active, alarm" },
		{ "{\"role\":\"active\",\"vips\":[{\"held\":false}]}",
		    VERDICT_FAILED, "active without addresses" },
		{ "{\"role\":\"active\",\"vips\":[{\"held\":true}],"
		  "\"vip_error\":\"No such device\"}",
		    VERDICT_FAILED, "active, addresses fail" },
		{ "{\"role\":\"standby\",\"vips\":[{\"held\":false}]}",
		    VERDICT_WELL, "standby" },
		{ "{\"role\":\"standby\",\"alarms\":[{}]}", VERDICT_DEGRADED,
		    "standby, alarm" },
		{ "{\"role\":\"fault\"}", VERDICT_FAILED, "fault" },
		{ "{\"role\":\"maintenance\"}", VERDICT_DEGRADED,
		    "maintenance" },
		{ "{\"role\":\"starting\"}", VERDICT_WELL, "starting" },
	};
	json_t *j;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		j = json_loads(cases[i].json, 0, NULL);
		is_int(status_verdict(j), cases[i].v, "verdict: %s",
		    cases[i].what);
		json_decref(j);
	}
}

static void
test_durations(void)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "0 ms" },
		{ -5, "0 ms" },
		{ 30, "30 us" },
		{ 300, "0.3 ms" },
		{ 8000, "8 ms" },
		{ 8460, "8.5 ms" },
		{ 31400, "31 ms" },
		{ 999999, "999 ms" },
		{ 3200000, "3.2 s" },
		{ 9900000, "9.9 s" },
		{ 32000000, "32 s" },
		{ 133000000, "2m13s" },
		{ 3599999999, "59m59s" },
		{ 11100000000, "3h05m" },
		{ 1051200000000, "12d04h" },
	};
	char text[DURATION_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		is_str(duration(cases[i].us, text), cases[i].text, "%lld us",
		    (long long)cases[i].us);
}

static void
test_why(void)
{
	char *doc = read_golden("test/golden/status-active.json"), *text;
	struct status_doc d = { 0 };
	json_error_t e;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	is_int(status_doc_parse(doc, strlen(doc), &d, &e), 0, "a document");
	is_int(status_why(&d, "web", "rs1", f, false), 0, "why of a server");
	is_int(status_why(&d, "nope", "rs1", f, false), -ERR_NO_SERVICE,
	    "of no service");
	is_int(status_why(&d, "web", "nope", f, false), -ERR_NO_SERVER,
	    "of no server");
	fclose(f);
	is_str(text,
	    "web/rs1: weight 37, by hand; in the configuration 100\n"
	    "last change    weight 37 by hand (pid 4711), 2m13s ago\n"
	    "health         up\n"
	    "connections    12 active, 3 inactive\n",
	    "the answer");
	status_doc_done(&d);
	free(text);
	free(doc);
}

/* How many services a text has; -1: it is no document. */
static int
services_of(const char *text, size_t len)
{
	struct status_doc d;
	json_error_t e;
	size_t at = 0;
	json_t *s;
	int n = 0;

	if (status_doc_parse(text, len, &d, &e) < 0)
		return -1;
	while ((s = status_doc_next(&d, &at)) != NULL) {
		json_decref(s);
		n++;
	}
	n += json_array_size(json_object_get(d.head, "services")) > 0 ? 100 : 0;
	status_doc_done(&d);
	return n;
}

static void
test_docs(void)
{
	static const struct {
		const char *text;
		int services;
	} cases[] = {
		{ "{\"services\":[{},{}]}", 2 },
		{ " { \"a\" : 1 , \"services\" : [ { } , { } , 3 ] , \"b\":2 } ",
		    2 },
		{ "{\"a\":\"services\",\"b\":{\"services\":[1,2]}}", 0 },
		{ "{\"a\":\"\\\"services\\\":[1]\",\"services\":[{\"n\":\"]\"},{}]}",
		    2 },
		{ "{\"services\":3}", 0 },
		{ "{\"services\":null,\"x\":[1]}", 0 },
		{ "{\"services\":[]}", 0 },
		{ "{}", 0 },
		{ "{\"services\":[{}", -1 },
		{ "{\"services\":[{}]", -1 },
		{ "{\"services\"", -1 },
		{ "{\"services\":[{\"a\":]}],\"b\":1}", -1 },
		{ "", -1 },
		{ "nonsense", -1 },
	};
	char *golden_doc = read_golden("test/golden/status-active.json"), *part;
	size_t i, len = strlen(golden_doc);
	int whole = 0;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		is_int(services_of(cases[i].text, strlen(cases[i].text)),
		    cases[i].services, "%s", cases[i].text);
	for (i = 0; i < len; i++) {
		part = mem_zalloc(i + 1); /* a reader beyond it is found out */
		memcpy(part, golden_doc, i);
		whole += services_of(part, i) >= 0;
		free(part);
	}
	ok(len > 1000 && whole <= 1, "what is cut off is no document, at any "
	    "of %zu places", len);
	free(golden_doc);
}

/* What `yoke why web rs1` says; the caller frees it. */
static char *
why_rs1(const char *status)
{
	struct status_doc d;
	json_error_t e;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	is_int(status_doc_parse(status, strlen(status), &d, &e), 0, "parsed");
	is_int(status_why(&d, "web", "rs1", f, false), 0, "why of a server");
	fclose(f);
	status_doc_done(&d);
	return text;
}

/* The whole chain: configured, by the policy, and the hand that wins. */
static void
test_why_policy(void)
{
	static const char status[] = "{\"services\":[{\"name\":\"web\","
	    "\"servers\":[{\"name\":\"rs1\",\"weight\":5,"
	    "\"configured\":100,\"source\":\"by hand\","
	    "\"health\":\"up\",\"drain\":false,\"cause\":\"weight 5\","
	    "\"override\":5,\"policy\":37,\"policy_cause\":"
	    "\"response-time 30.0ms, mean 3.0ms; step\","
	    "\"state_cause\":\"weight 5\",\"changed_ms\":2000,"
	    "\"active\":1,\"inactive\":2}]}]}";
	char *text = why_rs1(status);

	is_str(text,
	    "web/rs1: weight 5, by hand; in the configuration 100\n"
	    "last change    weight 5, 2.0 s ago\n"
	    "policy         37, not in force: response-time 30.0ms, mean "
	    "3.0ms; step\n"
	    "state          weight 5\n"
	    "health         up\n"
	    "connections    1 active, 2 inactive\n",
	    "configured, by the policy, and by hand");
	free(text);
}

/* Not known: what is not well with the checks is said, and nothing else. */
static void
test_why_unknown(void)
{
	static const char status[] = "{\"alarms\":[{\"name\":\"path\","
	    "\"text\":\"net1 is silent\"},{\"name\":\"through-vip\","
	    "\"text\":\"checks through the vip get no answer\"}],"
	    "\"services\":[{\"name\":\"web\",\"servers\":["
	    "{\"name\":\"rs1\",\"weight\":9,\"configured\":9,"
	    "\"source\":\"configured\",\"health\":\"unknown\","
	    "\"drain\":false,\"cause\":\"\",\"active\":0,"
	    "\"inactive\":0}]}]}";
	char *text = why_rs1(status);

	is_str(text,
	    "web/rs1: weight 9, configured; in the configuration 9\n"
	    "last change    none\n"
	    "health         unknown\n"
	    "connections    0 active, 0 inactive\n"
	    "alarm          checks through the vip get no answer\n",
	    "with the alarm that tells why");
	free(text);
}

/* A text of up to 90 characters, some of two bytes, some that steer. */
static json_t *
random_text(void)
{
	static const char *const parts[] = { "a", "b", "-", ".", ":", "9", " ",
		"\xc3\xa9", "\xe2\x86\x92", "]", "%s", "\n", "\x1b",
		"\xc2\x9b" };
	char text[512] = "";
	int n = random() % 90;

	while (n-- > 0)
		strcat(text, parts[(size_t)random() % ARRAY_LEN(parts)]);
	return json_string(text);
}

static json_t *
random_leaf(const json_t *v)
{
	if (random() % 8 == 0)
		return json_null();
	if (json_is_integer(v))
		return json_integer(random() << (random() % 33));
	if (json_is_boolean(v))
		return json_boolean(random() % 2);
	return random() % 3 > 0 ? random_text() : json_integer(random());
}

static json_t *
scramble(const json_t *v)
{
	const json_t *item;
	const char *key;
	json_t *r;
	size_t i;

	if (json_is_array(v)) {
		r = json_array();
		json_array_foreach((json_t *)v, i, item)(void)
		    json_array_append_new(r, scramble(item));
		return r;
	}
	if (!json_is_object(v))
		return random_leaf(v);
	r = json_object();
	json_object_foreach((json_t *)v, key, item)
	{
		if (random() % 20 != 0)
			(void)json_object_set_new(r, key,
			    strcmp(key, "role") == 0 && random() % 2 == 0
				? json_deep_copy(item)
				: scramble(item));
	}
	return r;
}

static void
test_anything(void)
{
	json_t *j = json_load_file("test/golden/status-active.json", 0, NULL);
	unsigned wide = 0, steered = 0;
	json_t *s;
	char *text;
	int i;

	srandom(20261121);
	for (i = 0; i < ROUNDS; i++) {
		s = scramble(j);
		text = text_of(s, i % 2 == 0);
		wide += widest(text) > LINE_WIDTH;
		free(text);
		text = text_of(s, false);
		steered += strchr(text, '\033') != NULL ||
			   strstr(text, "\xc2\x9b") != NULL;
		free(text);
		json_decref(s);
	}
	json_decref(j);
	is_int(wide, 0, "no document makes a line over 80 columns");
	is_int(steered, 0, "nor steers the terminal");
}

int
main(void)
{
	(void)setenv("TZ", "UTC", 1);
	test_goldens();
	test_verdicts();
	test_durations();
	test_why();
	test_docs();
	test_why_policy();
	test_why_unknown();
	test_anything();
	return done();
}
