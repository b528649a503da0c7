/*
 * test_out: the JSON writer, read back by a parser that is not ours.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/out.h"
#include "test/tap.h"

static void
test_shape(void)
{
	struct out o;
	size_t len;
	char *text;

	out_init(&o);
	out_object(&o, NULL);
	out_str(&o, "name", "rs1");
	out_num(&o, "weight", 37);
	out_bool(&o, "up", true);
	out_bool(&o, "drain", false);
	out_null(&o, "problem");
	out_str(&o, "none", NULL);
	out_usec(&o, "took_us", 1500);
	out_ms(&o, "took_ms", 1500);
	out_array(&o, "list");
	out_num(&o, NULL, 0);
	out_object(&o, NULL);
	out_close(&o);
	out_array(&o, NULL);
	out_close(&o);
	out_str(&o, NULL, "");
	out_close(&o);
	out_time(&o, "at", 1795240800123456);
	out_num(&o, "huge", UINT64_MAX);
	out_close(&o);
	text = out_take(&o, &len);
	is_str(text,
	    "{\"name\":\"rs1\",\"weight\":37,\"up\":true,\"drain\":false,"
	    "\"problem\":null,\"none\":null,\"took_us\":1500,\"took_ms\":1,"
	    "\"list\":[0,{},[],\"\"],\"at\":\"2026-11-21T06:00:00.123Z\","
	    "\"huge\":9223372036854775807}",
	    "objects, arrays, values and commas");
	is_int(len, strlen(text), "the length is that of the text");
	free(text);
}

/* The text of v in a document, parsed again; caller json_decref()s *ret_doc. */
static const char *
round_trip(const char *v, json_t **ret_doc)
{
	struct out o;
	size_t len;
	char *text;

	out_init(&o);
	out_object(&o, NULL);
	out_str(&o, "v", v);
	out_close(&o);
	text = out_take(&o, &len);
	*ret_doc = json_loadb(text, len, 0, NULL);
	free(text);
	return json_string_value(json_object_get(*ret_doc, "v"));
}

static void
test_strings(void)
{
#define BAD "\xef\xbf\xbd"
	static const struct {
		const char *in, *out, *what;
	} rows[] = {
		{ "", "", "empty" },
		{ "plain /text/", "plain /text/", "plain" },
		{ "say \"hi\" \\ bye", "say \"hi\" \\ bye", "quotes" },
		{ "a\tb\nc\rd\x01\x1f\x7f", "a\tb\nc\rd\x01\x1f\x7f",
		    "control characters" },
		{ "caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x90\x82",
		    "caf\xc3\xa9 \xe2\x86\x92 \xf0\x9f\x90\x82", "UTF-8" },
		{ "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		    "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		    "the edges of UTF-8" },
		{ "a\xff"
		  "b",
		    "a" BAD "b", "a byte of no character" },
		{ "\x80", BAD, "a lone continuation" },
		{ "a\xc3", "a" BAD, "cut after one of two" },
		{ "a\xe2\x86", "a" BAD BAD, "cut after two of three" },
		{ "\xf0\x9f\x90", BAD BAD BAD, "cut after three of four" },
		{ "\xc0\xaf", BAD BAD, "overlong, two bytes" },
		{ "\xe0\x80\xaf", BAD BAD BAD, "overlong, three bytes" },
		{ "\xf0\x80\x80\xaf", BAD BAD BAD BAD, "overlong, four bytes" },
		{ "\xed\xa0\x80", BAD BAD BAD, "a surrogate" },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD, "beyond U+10FFFF" },
		{ "\xc3(", BAD "(", "a start that nothing follows" },
	};
	json_t *doc;
	const char *got;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		got = round_trip(rows[i].in, &doc);
		is_str(got != NULL ? got : "not JSON", rows[i].out, "%s",
		    rows[i].what);
		json_decref(doc);
	}
}

/* Every byte alone and in company gives JSON. */
static void
test_all_bytes(void)
{
	char text[4] = { 0 };
	unsigned a, b, bad = 0;
	json_t *doc;

	for (a = 1; a < 256; a++)
		for (b = 0; b < 256; b += a < 0x80 ? 85 : 1) {
			text[0] = (char)a;
			text[1] = (char)b;
			bad += round_trip(text, &doc) == NULL;
			json_decref(doc);
		}
	is_int(bad, 0, "any two bytes make a document that parses");
}

static void
test_growth(void)
{
	struct out o;
	json_t *doc;
	size_t len, i;
	char *text;

	out_init(&o);
	out_array(&o, NULL);
	for (i = 0; i < 50000; i++)
		out_num(&o, NULL, i * 7919);
	out_close(&o);
	text = out_take(&o, &len);
	doc = json_loadb(text, len, 0, NULL);
	is_int(json_array_size(doc), 50000, "a long document is whole");
	is_int(json_integer_value(json_array_get(doc, 49999)), 49999 * 7919,
	    "to its last item");
	json_decref(doc);
	free(text);
}

static void
test_depth(void)
{
	struct out o;
	size_t len;
	char *text;
	int i;

	out_init(&o);
	for (i = 0; i < OUT_DEPTH_MAX; i++)
		out_array(&o, NULL);
	for (i = 0; i < OUT_DEPTH_MAX; i++)
		out_close(&o);
	text = out_take(&o, &len);
	is_int(len, 2 * OUT_DEPTH_MAX, "as deep as it goes");
	free(text);
	out_init(&o);
	out_array(&o, NULL);
	out_object(&o, NULL);
	out_array(&o, "a");
	out_close(&o);
	out_close(&o);
	out_close(&o);
	text = out_take(&o, &len);
	is_str(text, "[{\"a\":[]}]", "each level closes as it was opened");
	free(text);
	out_init(&o);
	out_str(&o, NULL, "x");
	out_done(&o);
	ok(o.mem == NULL, "a document can be dropped");
}

int
main(void)
{
	test_shape();
	test_strings();
	test_all_bytes();
	test_growth();
	test_depth();
	return done();
}
