/*
 * test_top: the live view: pictures of the golden statuses at 80x24 and as text
 * (GOLDEN=1 writes test/golden/top-*.txt), whatever size and status, and the
 * command on a terminal (test_top.py) and off it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoke/top.h"
#include "test/tap.h"
#include "test/watch/test_play.h"

#define TEXT (1 << 16)

/* Golden statuses are of one time everywhere. */
static char *
picture(const struct top_view *v, unsigned width, unsigned height)
{
	struct top_screen *s = top_screen_new(width, height);
	char *text = NULL;
	unsigned room;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)top_draw(s, v, &room);
	top_print(s, f);
	fclose(f);
	top_screen_free(s);
	return text;
}

static void
compare(const char *name, const char *text)
{
	char file[128], *want = calloc(1, TEXT);
	FILE *f;

	(void)snprintf(file, sizeof(file), "test/golden/top-%s.txt", name);
	if (getenv("GOLDEN") != NULL && (f = fopen(file, "w")) != NULL) {
		fputs(text, f);
		fclose(f);
	}
	f = fopen(file, "r");
	if (f != NULL) {
		(void)!fread(want, 1, TEXT - 1, f);
		fclose(f);
	}
	if (!ok(strcmp(text, want) == 0, "as %s says", file))
		printf("# got:\n%s", text);
	free(want);
}

/* Lines and columns. */
static void
measure(const char *text, unsigned *ret_lines, unsigned *ret_width)
{
	char line[1024];
	size_t n;

	for (*ret_lines = *ret_width = 0; *text != '\0'; text += n + 1) {
		n = strcspn(text, "\n");
		(void)snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (text_width(line) > *ret_width)
			*ret_width = text_width(line);
		++*ret_lines;
	}
}

static json_t *
load(const char *name)
{
	char file[128];

	(void)snprintf(file, sizeof(file), "test/golden/status-%s.json", name);
	return json_load_file(file, 0, NULL);
}

static void
test_golden(const char *name)
{
	struct top_view v = { .now = load(name) };
	unsigned lines, width;
	char *text;

	top_add_events(&v, NULL, v.now);
	text = picture(&v, 80, 24);
	measure(text, &lines, &width);
	ok(lines == 24 && width <= 80, "%s: %u lines of %u", name, lines,
	    width);
	compare(name, text);
	free(text);
	json_decref((json_t *)v.now);
}

/* Whatever the size, nothing is outside. */
static void
test_sizes(void)
{
	struct top_view v = { .now = load("long"), .gone = "no answer" };
	unsigned width, height, lines, columns, bad = 0;
	char *text;

	top_add_events(&v, NULL, v.now);
	for (width = 1; width < 250; width += 7)
		for (height = 1; height < 70; height += 3) {
			text = picture(&v, width, height);
			measure(text, &lines, &columns);
			bad += lines != height || columns > width;
			free(text);
		}
	is_int(bad, 0, "every size holds it");
	json_decref((json_t *)v.now);
}

static void
test_rates(void)
{
	json_t *was = load("active"), *now = load("active"), *server;
	struct top_view v = { .now = now, .was = was };
	char *text;

	server = json_array_get(json_object_get(json_array_get(
	    json_object_get(now, "services"), 0), "servers"), 0);
	json_object_set_new(now, "time_us", json_integer(json_integer_value(
	    json_object_get(was, "time_us")) + 2000000));
	json_object_set_new(server, "conns", json_integer(json_integer_value(
	    json_object_get(server, "conns")) + 5000));
	json_object_set_new(server, "in_bytes", json_integer(
	    json_integer_value(json_object_get(server, "in_bytes")) +
	    30000000));
	json_object_set_new(server, "health", json_string("down"));
	top_add_events(&v, was, now);
	text = picture(&v, 80, 24);
	ok(strstr(text, " 2.5k   15M\n") != NULL, "rates are of a second");
	ok(strstr(text, "server-down web/rs1") != NULL,
	    "what happened is an event");
	compare("rates", text);
	free(text);
	json_decref(was);
	json_decref(now);
}

static void
test_scroll(void)
{
	json_t *j = json_object(), *list = json_array();
	struct top_view v = { .now = j, .scroll = 90 };
	char name[16], *text;
	int i;

	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "rs%d", i);
		json_array_append_new(list,
		    json_pack("{s:s,s:i}", "name", name, "weight", i));
	}
	json_object_set_new(j, "services", json_pack("[{s:s,s:o}]", "name",
	    "web", "servers", list));
	text = picture(&v, 80, 24);
	ok(strstr(text, "  rs89 ") != NULL && strstr(text, "  rs88 ") == NULL,
	    "scrolled, the first row is the one asked for");
	ok(strstr(text, "of 101 above") != NULL, "and where we are is said");
	free(text);
	json_decref(j);
}

static void
test_strange(void)
{
	static const char *const docs[] = { "{}",
		("{\"services\":[7,{\"servers\":[null,{\"weight\":-3}]}],"
		 "\"paths\":{},\"alarms\":[[]],\"vips\":3,\"role\":4}"),
		"{\"instance\":\"a\\u001b[2Jb\",\"node\":\"\\u00e4\\u0085\"}" };
	struct top_view v = { .now = NULL };
	char *text;
	size_t i;

	text = picture(&v, 80, 24);
	ok(text != NULL, "nothing yet");
	free(text);
	for (i = 0; i < ARRAY_LEN(docs); i++) {
		v.now = json_loads(docs[i], 0, NULL);
		text = picture(&v, 80, 24);
		ok(strpbrk(text, "\033\r") == NULL, "strange %zu", i);
		free(text);
		json_decref((json_t *)v.now);
	}
}

/* The command itself: plain, and on a terminal that pyte plays. */
static void
test_command(void)
{
	struct play *p = play_new("top");
	char command[512], *out = malloc(TEXT);
	const char *bin = getenv("YOKE_BIN");

	if (bin == NULL)
		bin = "build/bin";
	play_status_file(p, "test/golden/status-active.json");
	(void)snprintf(command, sizeof(command),
	    "TZ=UTC %s/yoke -i %s top", bin, p->instance);
	is_int(play_shell(p, command, out, TEXT), 0, "not on a terminal");
	compare("plain", out);
	(void)snprintf(command, sizeof(command),
	    "TZ=UTC /usr/bin/python3 test/watch/test_top.py %s/yoke %s "
	    "test/golden/top-active.txt 2>&1", bin, p->instance);
	is_int(play_shell(p, command, out, TEXT), 0, "on a terminal");
	printf("# %s\n", out);
	play_yoked(p, false);
	(void)snprintf(command, sizeof(command), "%s/yoke -i %s top", bin,
	    p->instance);
	is_int(play_shell(p, command, out, TEXT), 3, "no yoked, no terminal");
	ok(strstr(out, "no yoked runs") != NULL, "says so");
	free(out);
	play_free(p);
}

int
main(void)
{
	static const char *const names[] = { "active", "standby", "degraded",
		"fault", "ipv6", "long", "starting", "uplink-lost" };
	size_t i;

	(void)setenv("TZ", "UTC", 1);
	for (i = 0; i < ARRAY_LEN(names); i++)
		test_golden(names[i]);
	test_sizes();
	test_rates();
	test_scroll();
	test_strange();
	test_command();
	return done();
}
