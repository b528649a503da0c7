/*
 * lines: putting pieces of text side by side. Widths count characters; bytes
 * that would steer a terminal are shown as '?', whoever sent them.
 */
#include "daemons/yoke/lines.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 1024

static const char *const codes[TONE__LAST] = {
	[TONE_PLAIN] = NULL,
	[TONE_GOOD] = "\033[32m",
	[TONE_WARN] = "\033[33m",
	[TONE_BAD] = "\033[1;31m",
	[TONE_DIM] = "\033[2m",
	[TONE_BOLD] = "\033[1m",
};

size_t
text_char(const char *p)
{
	size_t n = 1;

	while (((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

bool
text_steers(const char *p)
{
	unsigned char c = (unsigned char)p[0], d = (unsigned char)p[1];

	return c < 0x20 || c == 0x7f || (c == 0xc2 && d < 0xa0);
}

unsigned
text_width(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text += text_char(text))
		n++;
	return n;
}

/* The first n characters. */
static void
write_chars(struct lines *l, const char *p, unsigned n)
{
	for (; n > 0 && *p != '\0'; n--, p += text_char(p)) {
		if (text_steers(p))
			fputc('?', l->f);
		else
			fwrite(p, 1, text_char(p), l->f);
		l->col++;
	}
}

/* At most max columns of it, ".." where it was cut. */
static void
write_cut(struct lines *l, enum tone tone, const char *text, unsigned max)
{
	bool colour = l->colour && codes[tone] != NULL;
	unsigned n = text_width(text);

	if (colour)
		fputs(codes[tone], l->f);
	if (n <= max || max < 2) {
		write_chars(l, text, max);
	} else {
		write_chars(l, text, max - 2);
		write_chars(l, "..", 2);
	}
	if (colour)
		fputs("\033[0m", l->f);
}

static void
blanks(struct lines *l, unsigned n)
{
	fprintf(l->f, "%*s", (int)n, "");
	l->col += n;
}

static void
next_line(struct lines *l)
{
	fputc('\n', l->f);
	l->col = 0;
	blanks(l, l->indent);
	l->fresh = true;
}

void
line_begin(struct lines *l, enum tone tone, const char *label, unsigned indent)
{
	l->col = 0;
	l->indent = indent;
	l->fresh = false;
	if (label[0] != '\0')
		write_cut(l, tone, label, LINE_WIDTH);
	if (l->col < indent) {
		blanks(l, indent - l->col);
		l->fresh = true;
	}
}

static void
put(struct lines *l, enum tone tone, unsigned gap, const char *text)
{
	if (text[0] == '\0')
		return;
	if (l->fresh)
		gap = 0;
	if (!l->fresh && l->col > 0 &&
	    l->col + gap + text_width(text) > LINE_WIDTH) {
		next_line(l);
		gap = 0;
	}
	blanks(l, gap);
	write_cut(l, tone, text, LINE_WIDTH - l->col);
	l->fresh = false;
}

void
line_put(struct lines *l, enum tone tone, unsigned gap, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(l, tone, gap, text);
}

void
line_words(struct lines *l, enum tone tone, unsigned gap, const char *fmt, ...)
{
	char text[TEXT_MAX], *word, *save;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (word = strtok_r(text, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		put(l, tone, gap, word);
		gap = 1;
	}
}

void
line_cell(struct lines *l, enum tone tone, unsigned width, const char *text)
{
	if (!l->fresh)
		blanks(l, l->cell_end + CELL_GAP - l->col);
	l->cell_end = l->col + width;
	write_cut(l, tone, text, width);
	l->fresh = false;
}

void
line_right(struct lines *l, enum tone tone, const char *text)
{
	unsigned n = text_width(text);

	if (l->col + 2 + n > LINE_WIDTH)
		next_line(l);
	if (l->col + n < LINE_WIDTH)
		blanks(l, LINE_WIDTH - n - l->col);
	write_cut(l, tone, text, LINE_WIDTH - l->col);
	l->fresh = false;
}

void
line_end(struct lines *l)
{
	fputc('\n', l->f);
	l->col = 0;
}
