/*
 * top_screen: a screen of characters. Widths count characters of UTF-8; what
 * would steer a terminal is shown as '?', whoever sent it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoke/lines.h"
#include "daemons/yoke/top.h"

#define CELL 5 /* bytes of a character, and a NUL */

struct top_screen *
top_screen_new(unsigned width, unsigned height)
{
	struct top_screen *s = mem_new(struct top_screen);

	s->width = width;
	s->height = height;
	s->rows = calloc(height, sizeof(*s->rows));
	if (s->rows == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
top_screen_free(struct top_screen *s)
{
	if (s == NULL)
		return;
	free(s->rows);
	free(s);
}

/* The first n characters of text, whole ones and as many as there is room. */
static void
copy_chars(char *to, size_t room, const char *text, unsigned n)
{
	size_t at = strlen(to), k;

	for (; n > 0 && *text != '\0'; n--, text += k) {
		k = text_char(text);
		if (at + k >= room)
			break;
		if (text_steers(text)) {
			to[at++] = '?';
			continue;
		}
		memcpy(to + at, text, k);
		at += k;
	}
	to[at] = '\0';
}

unsigned
top_put(struct top_screen *s, unsigned row, unsigned col, unsigned width,
    enum tone tone, const char *fmt, ...)
{
	char text[TOP_PIECE_LEN];
	struct top_piece *p;
	va_list ap;
	unsigned n;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (row >= s->height || col >= s->width ||
	    s->rows[row].n == TOP_PIECES)
		return col;
	if (width == 0 || width > s->width - col)
		width = s->width - col;
	p = &s->rows[row].pieces[s->rows[row].n++];
	p->col = col;
	p->tone = tone;
	n = text_width(text);
	if (n <= width || width < 3) {
		copy_chars(p->text, sizeof(p->text), text, width);
	} else {
		copy_chars(p->text, sizeof(p->text), text, width - 2);
		copy_chars(p->text, sizeof(p->text), "..", 2);
		n = width;
	}
	return col + (n < width ? n : width);
}

/* Where the piece stands, character by character; what was there is covered. */
static void
lay(char (*cells)[CELL], unsigned width, const struct top_piece *p)
{
	const char *text = p->text;
	unsigned at;
	size_t n;

	for (at = p->col; at < width && *text != '\0'; at++, text += n) {
		n = text_char(text);
		memset(cells[at], 0, CELL);
		memcpy(cells[at], text, n < CELL ? n : CELL - 1);
	}
}

void
top_print(const struct top_screen *s, FILE *f)
{
	char(*cells)[CELL] = calloc(s->width + 1, CELL);
	unsigned row, i, end;

	for (row = 0; cells != NULL && row < s->height; row++) {
		for (i = 0; i < s->width; i++)
			strcpy(cells[i], " ");
		for (i = 0; i < s->rows[row].n; i++)
			lay(cells, s->width, &s->rows[row].pieces[i]);
		for (end = s->width; end > 0 && strcmp(cells[end - 1], " ") == 0;
		     end--)
			;
		for (i = 0; i < end; i++)
			fputs(cells[i], f);
		fputc('\n', f);
	}
	free(cells);
}
