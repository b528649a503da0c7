/*
 * cmd_top: the live view on a terminal, by ncurses; elsewhere one picture of it
 * as text. Nothing here waits for yoked: when it does not answer the view says
 * so and keys go on working.
 */
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/loop.h"
#include "common/mem.h"
#include "daemons/yoke/top.h"
#include "daemons/yoke/yoke.h"
#include "watch/feed.h"

#define EVERY USEC_S
#define PLAIN_WIDTH 80

struct top {
	struct cli *cli;
	struct loop *loop;
	struct feed *feed;
	struct timer tick;
	struct watch *keys;
	struct top_view view;
	json_t *now, *was;
	char gone[160];
	bool plain, colour;
	unsigned rows, room; /* of services; see top_draw() */
	int code;
};

/* ---- showing ---- */

static attr_t
attribute(const struct top *t, enum tone tone)
{
	static const attr_t plain[TONE__LAST] = {
		[TONE_WARN] = A_BOLD,
		[TONE_BAD] = A_REVERSE,
		[TONE_DIM] = A_DIM,
		[TONE_BOLD] = A_BOLD,
	};
	static const short colours[TONE__LAST] = {
		[TONE_GOOD] = 1,
		[TONE_WARN] = 2,
		[TONE_BAD] = 3,
	};

	if (t->colour && colours[tone] != 0)
		return (attr_t)COLOR_PAIR(colours[tone]) |
		       (tone == TONE_BAD ? A_BOLD : 0);
	return plain[tone];
}

static void
show(const struct top *t, const struct top_screen *s)
{
	unsigned row, i;

	erase();
	for (row = 0; row < s->height; row++)
		for (i = 0; i < s->rows[row].n; i++) {
			const struct top_piece *p = &s->rows[row].pieces[i];

			attrset((int)attribute(t, p->tone));
			(void)mvaddstr((int)row, (int)p->col, p->text);
		}
	attrset(A_NORMAL);
	refresh();
}

static void
draw(struct top *t)
{
	struct top_screen *s;

	if (LINES < 1 || COLS < 1)
		return;
	s = top_screen_new((unsigned)COLS, (unsigned)LINES);
	if (s == NULL)
		return;
	t->rows = top_draw(s, &t->view, &t->room);
	show(t, s);
	top_screen_free(s);
}

static void
print_once(struct top *t)
{
	struct top_screen *s;

	s = top_screen_new(PLAIN_WIDTH, top_height(&t->view));
	if (s == NULL)
		return;
	(void)top_draw(s, &t->view, &t->room);
	s->height--; /* without the keys */
	top_print(s, stdout);
	top_screen_free(s);
}

/* ---- what comes ---- */

static void
on_status(const char *text, size_t len, void *arg)
{
	struct top *t = arg;
	json_t *j = json_loadb(text, len, 0, NULL);

	if (!json_is_object(j)) {
		json_decref(j);
		return;
	}
	top_add_events(&t->view, t->now, j);
	json_decref(t->was);
	t->was = t->now;
	t->now = j;
	t->view.now = t->now;
	t->view.was = t->was;
	t->view.gone = NULL;
	if (!t->plain) {
		draw(t);
		return;
	}
	print_once(t);
	loop_stop(t->loop);
}

static void
on_gone(int rc, void *arg)
{
	struct top *t = arg;

	if (t->plain) {
		t->code = ask_failed(t->cli, rc);
		loop_stop(t->loop);
		return;
	}
	(void)snprintf(t->gone, sizeof(t->gone), "%s", err_text(rc));
	t->view.gone = t->gone;
	draw(t);
}

static void
on_line(const char *line, void *arg)
{
	struct top *t = arg;

	(void)line;
	feed_ask(t->feed);
}

static void
scroll_by(struct top *t, int n)
{
	unsigned last = t->rows > t->room ? t->rows - t->room : 0;
	unsigned *at = &t->view.scroll;

	if (n < 0)
		*at = *at > (unsigned)-n ? *at - (unsigned)-n : 0;
	else
		*at += (unsigned)n;
	*at = *at < last ? *at : last;
}

static void
on_key(struct top *t, int key)
{
	const struct {
		int key, rows;
	} moves[] = {
		{ KEY_UP, -1 },
		{ KEY_DOWN, 1 },
		{ KEY_PPAGE, -(int)t->room },
		{ KEY_NPAGE, (int)t->room },
		{ KEY_HOME, -(int)t->rows },
		{ KEY_END, (int)t->rows },
	};
	size_t i;

	if (key == 'q' || key == 'Q')
		loop_stop(t->loop);
	for (i = 0; i < ARRAY_LEN(moves); i++)
		if (moves[i].key == key)
			scroll_by(t, moves[i].rows);
}

/* Also what a change of the terminal's size has to say. */
static void
take_keys(struct top *t)
{
	int key;

	while ((key = getch()) != ERR)
		on_key(t, key);
	draw(t);
}

static void
on_keys(int fd, int revents, void *arg)
{
	struct top *t = arg;

	(void)fd;
	if ((revents & (POLLHUP | POLLERR)) != 0)
		loop_stop(t->loop);
	else
		take_keys(t);
}

static void
on_tick(void *arg)
{
	struct top *t = arg;

	feed_ask(t->feed);
	take_keys(t);
	timer_in(&t->tick, EVERY);
}

/* ---- the terminal ---- */

static bool
want_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return no == NULL || no[0] == '\0';
}

static bool
open_terminal(struct top *t)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || term == NULL ||
	    strcmp(term, "dumb") == 0)
		return false;
	(void)setlocale(LC_CTYPE, "");
	if (newterm(NULL, stdout, stdin) == NULL)
		return false;
	(void)cbreak();
	(void)noecho();
	(void)nodelay(stdscr, TRUE);
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	t->colour = want_colour() && has_colors() && start_color() == OK;
	if (t->colour) {
		(void)use_default_colors();
		(void)init_pair(1, COLOR_GREEN, -1);
		(void)init_pair(2, COLOR_YELLOW, -1);
		(void)init_pair(3, COLOR_RED, -1);
	}
	return true;
}

static const struct feed_ops ops = {
	.on_status = on_status,
	.on_line = on_line,
	.on_gone = on_gone,
};

static int
run(struct top *t)
{
	int rc;

	rc = feed_new(t->loop, ask_instance(t->cli), &ops, t, &t->feed);
	if (rc < 0)
		return ask_failed(t->cli, rc);
	t->plain = !open_terminal(t);
	if (!t->plain) {
		rc = watch_new(t->loop, STDIN_FILENO, POLLIN, on_keys, t,
		    &t->keys);
		timer_in(&t->tick, EVERY);
	}
	if (rc == 0)
		loop_run(t->loop);
	if (!t->plain)
		(void)endwin();
	watch_free(t->keys);
	timer_stop(&t->tick);
	feed_free(t->feed);
	return rc < 0 ? ask_failed(t->cli, rc) : t->code;
}

int
cmd_top(struct cli *c, unsigned n, char **words)
{
	struct top t = { .cli = c, .code = YOKE_OK };
	int rc = loop_new(&t.loop);

	(void)n;
	(void)words;
	if (rc < 0)
		return ask_failed(c, rc);
	timer_init(&t.tick, t.loop, on_tick, &t);
	rc = run(&t);
	json_decref(t.now);
	json_decref(t.was);
	loop_free(t.loop);
	return rc;
}
