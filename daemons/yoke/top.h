/*
 * top: the live view: a status drawn on a screen of characters (top_draw.c),
 * which is shown by ncurses or printed as text (cmd_top.c). Drawing is pure: the
 * same statuses give the same screen.
 */
#ifndef YOKE_TOP_H
#define YOKE_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemons/yoke/lines.h"

#define TOP_EVENTS 64	 /* kept */
#define TOP_PIECES 16	 /* of a row */
#define TOP_PIECE_LEN 320
#define TOP_WIDTH_MIN 40

/* A text at a place of a row. */
struct top_piece {
	unsigned col;
	enum tone tone;
	char text[TOP_PIECE_LEN];
};

struct top_row {
	unsigned n;
	struct top_piece pieces[TOP_PIECES];
};

struct top_screen {
	unsigned width, height;
	struct top_row *rows; /* height of them */
};

/* top_screen.c. new: NULL: no memory. */
struct top_screen *top_screen_new(unsigned width, unsigned height);
void top_screen_free(struct top_screen *s); /* NULL ok */

/* At most width characters at a place, ".." where it was cut; width 0: up to the
 * margin. Returns the column behind it. What is outside is not drawn. */
__attribute__((format(printf, 6, 7))) unsigned top_put(struct top_screen *s,
    unsigned row, unsigned col, unsigned width, enum tone tone,
    const char *fmt, ...);

/* As plain text, without blanks at the ends of rows. */
void top_print(const struct top_screen *s, FILE *f);

/* An event as it is shown. */
struct top_event {
	int64_t at_us;
	enum tone tone;
	char text[256];
};

/* What is drawn. */
struct top_view {
	const json_t *now, *was; /* now NULL: nothing yet; was NULL: no rates */
	const char *gone;	 /* why there is nothing newer; NULL: there is */
	struct top_event events[TOP_EVENTS]; /* newest first */
	unsigned n_events;
	unsigned scroll; /* rows of services that are above */
};

/* top_events.c: what is otherwise in now than in was; was NULL: its history. */
void top_add_events(struct top_view *v, const json_t *was, const json_t *now);

/* top_draw.c. Returns how many rows services take, for scrolling; *ret_room is
 * how many there is room for. height 0 of the screen is not allowed. */
unsigned top_draw(
    struct top_screen *s, const struct top_view *v, unsigned *ret_room);

/* Rows that everything takes. */
unsigned top_height(const struct top_view *v);

#endif
