/*
 * out: the JSON writer. Callers walk their data once and name each field
 * once; yoked's status is the one that matters, tens of thousands of fields,
 * so room is made per item and bytes are then stored without further checks.
 */
#include "common/out.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM_FIRST 4096
#define NUMBER_MAX 20
#define ESCAPE_MAX 6 /* "\u001f" for one byte */

void
out_init(struct out *o)
{
	*o = (struct out){ 0 };
}

void
out_done(struct out *o)
{
	free(o->mem);
	out_init(o);
}

/* Room for n more bytes, and a NUL. */
static bool
room(struct out *o, size_t n)
{
	size_t cap = o->cap == 0 ? ROOM_FIRST : o->cap;
	char *p;

	if (o->bad)
		return false;
	if (o->mem != NULL && o->cap - o->len > n)
		return true;
	while (cap - o->len <= n)
		cap *= 2;
	p = realloc(o->mem, cap);
	if (p == NULL) {
		o->bad = true;
		return false;
	}
	o->mem = p;
	o->cap = cap;
	return true;
}

static void
add(struct out *o, const char *text, size_t n)
{
	memcpy(o->mem + o->len, text, n);
	o->len += n;
}

/* The comma and the key; makes room for n bytes of value behind them. */
static bool
item(struct out *o, const char *key, size_t n)
{
	size_t key_len = key != NULL ? strlen(key) : 0;

	if (!room(o, key_len + n + 4))
		return false;
	if (o->more)
		o->mem[o->len++] = ',';
	o->more = true;
	if (key == NULL)
		return true;
	o->mem[o->len++] = '"';
	add(o, key, key_len);
	add(o, "\":", 2);
	return true;
}

static void
open_level(struct out *o, const char *key, bool array)
{
	assert(o->depth < OUT_DEPTH_MAX);
	o->lists &= ~(1ULL << o->depth);
	o->lists |= (uint64_t)array << o->depth;
	o->depth++;
	if (!item(o, key, 1))
		return;
	o->mem[o->len++] = array ? '[' : '{';
	o->more = false;
}

void
out_object(struct out *o, const char *key)
{
	open_level(o, key, false);
}

void
out_array(struct out *o, const char *key)
{
	open_level(o, key, true);
}

void
out_close(struct out *o)
{
	assert(o->depth > 0);
	o->depth--;
	if (!room(o, 1))
		return;
	o->mem[o->len++] = (o->lists >> o->depth & 1) != 0 ? ']' : '}';
	o->more = true;
}

static bool
follows(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at p as RFC 3629 allows them; 0: none. p ends
 * in a NUL, which follows nothing. */
static unsigned
sequence(const unsigned char *p)
{
	if (p[0] < 0xc2 || p[0] > 0xf4 || !follows(p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ||
	    !follows(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return follows(p[3]) ? 4 : 0;
}

static void
add_control(struct out *o, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[ESCAPE_MAX] = { '\\', 'u', '0', '0', hex[c >> 4],
		hex[c & 15] };

	add(o, text, sizeof(text));
}

void
out_str(struct out *o, const char *key, const char *v)
{
	const unsigned char *p = (const unsigned char *)v;
	unsigned n;

	if (v == NULL) {
		out_null(o, key);
		return;
	}
	if (!item(o, key, strlen(v) * ESCAPE_MAX + 2))
		return;
	o->mem[o->len++] = '"';
	for (; *p != '\0'; p += n) {
		n = 1;
		if (*p == '"' || *p == '\\') {
			o->mem[o->len++] = '\\';
			o->mem[o->len++] = (char)*p;
		} else if (*p < 0x20 || *p == 0x7f) {
			add_control(o, *p);
		} else if (*p < 0x80) {
			o->mem[o->len++] = (char)*p;
		} else if ((n = sequence(p)) > 0) {
			add(o, (const char *)p, n);
		} else {
			add(o, "\xef\xbf\xbd", 3);
			n = 1;
		}
	}
	o->mem[o->len++] = '"';
}

void
out_num(struct out *o, const char *key, uint64_t v)
{
	char text[NUMBER_MAX];
	size_t at = sizeof(text);

	if (!item(o, key, NUMBER_MAX))
		return;
	if (v > INT64_MAX)
		v = INT64_MAX; /* what readers can hold */
	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	add(o, text + at, sizeof(text) - at);
}

static void
literal(struct out *o, const char *key, const char *text)
{
	size_t n = strlen(text);

	if (item(o, key, n))
		add(o, text, n);
}

void
out_bool(struct out *o, const char *key, bool v)
{
	literal(o, key, v ? "true" : "false");
}

void
out_null(struct out *o, const char *key)
{
	literal(o, key, "null");
}

void
out_usec(struct out *o, const char *key, usec_t v)
{
	out_num(o, key, v);
}

void
out_ms(struct out *o, const char *key, usec_t v)
{
	out_num(o, key, v / USEC_MS);
}

void
out_time(struct out *o, const char *key, usec_t real)
{
	time_t seconds = (time_t)(real / USEC_S);
	unsigned ms = (unsigned)(real % USEC_S / USEC_MS);
	char text[64];
	struct tm tm;
	size_t n;

	if (gmtime_r(&seconds, &tm) == NULL) {
		out_null(o, key);
		return;
	}
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%03uZ", ms);
	out_str(o, key, text);
}

void
out_drop(struct out *o, size_t n)
{
	assert(n <= o->len);
	o->len -= n;
	if (n > 0)
		memmove(o->mem, o->mem + n, o->len);
}

char *
out_take(struct out *o, size_t *ret_len)
{
	char *text;

	assert(o->depth == 0);
	if (!room(o, 0)) {
		out_done(o);
		return NULL;
	}
	o->mem[o->len] = '\0';
	text = o->mem;
	*ret_len = o->len;
	out_init(o);
	return text;
}
