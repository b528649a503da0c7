/*
 * lines: text for a terminal of 80 columns. A line is a label and pieces that
 * are put side by side; what does not fit goes on below, under the first
 * piece. No line is ever wider than LINE_WIDTH.
 */
#ifndef YOKE_LINES_H
#define YOKE_LINES_H

#include <stdbool.h>
#include <stdio.h>

#define LINE_WIDTH 80
#define LINE_LABEL 15 /* where pieces begin */
#define CELL_GAP 2

enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD,
	TONE_DIM,
	TONE_BOLD,
	TONE__LAST
};

struct lines {
	FILE *f;
	bool colour;
	unsigned indent;   /* of what follows the first line */
	unsigned col;	   /* next free column */
	unsigned cell_end; /* of the last line_cell() */
	bool fresh;	   /* nothing behind the label or indent yet */
};

/* Bytes of the character at p, which is not the end; a terminal would obey it. */
size_t text_char(const char *p);
bool text_steers(const char *p);

/* Columns that text takes: characters of UTF-8, not bytes. */
unsigned text_width(const char *text);

/* Begins a line; label may be "". Pieces begin at indent. */
void line_begin(
    struct lines *l, enum tone tone, const char *label, unsigned indent);

/* A piece, gap blanks after the one before; cut to the width if it is longer
 * than a line. */
__attribute__((format(printf, 4, 5))) void line_put(
    struct lines *l, enum tone tone, unsigned gap, const char *fmt, ...);

/* Each word is a piece. The first stands gap blanks after what is there. */
__attribute__((format(printf, 4, 5))) void line_words(
    struct lines *l, enum tone tone, unsigned gap, const char *fmt, ...);

/* A cell of a table: width columns, cut if need be, CELL_GAP after the last.
 * The caller has made sure that the cells of a line fit. */
void line_cell(
    struct lines *l, enum tone tone, unsigned width, const char *text);

/* At the right margin if it fits behind what is there, else below. */
void line_right(struct lines *l, enum tone tone, const char *text);
void line_end(struct lines *l);

#endif
