/*
 * test_feed: a status and lines as they come to a program on a loop, from a
 * played yoked that is slow, stops answering, dies and comes back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/tap.h"
#include "test/watch/test_play.h"
#include "watch/feed.h"

struct seen {
	struct play *play;
	struct feed *feed;
	unsigned statuses, gone, lost, reloads, lines;
	usec_t at;	   /* of the last status */
	int rc;		   /* of the last on_gone() */
	char last[64];	   /* the last status' beginning */
	size_t len;
	char order[256];   /* S: a status, else the line */
};

static void
note(struct seen *s, const char *text)
{
	strncat(s->order, text, sizeof(s->order) - strlen(s->order) - 1);
	strncat(s->order, " ", sizeof(s->order) - strlen(s->order) - 1);
}

static void
on_status(const char *text, size_t len, void *arg)
{
	struct seen *s = arg;

	s->statuses++;
	s->at = loop_now(s->play->loop);
	s->len = len;
	(void)snprintf(s->last, sizeof(s->last), "%s", text);
	note(s, "S");
}

static void
on_line(const char *line, void *arg)
{
	struct seen *s = arg;

	s->lines++;
	note(s, line);
}

static void
on_gone(int rc, void *arg)
{
	struct seen *s = arg;

	s->gone++;
	s->rc = rc;
}

static void
on_lost(void *arg)
{
	struct seen *s = arg;

	s->lost++;
}

static void
on_reload(void *arg)
{
	struct seen *s = arg;

	s->reloads++;
}

static const struct feed_ops ops = { on_status, on_line, on_gone, on_lost,
	on_reload };

static struct seen *
begin(const char *name)
{
	struct seen *s = mem_new(struct seen);

	s->play = play_new(name);
	return s;
}

static void
open_feed(struct seen *s)
{
	if (feed_new(s->play->loop, s->play->instance, &ops, s, &s->feed) < 0)
		abort();
}

static void
end(struct seen *s)
{
	feed_free(s->feed);
	play_free(s->play);
	free(s);
}

static bool
has_status(void *arg)
{
	struct seen *s = arg;

	return s->statuses > 0;
}

static bool
is_gone(void *arg)
{
	struct seen *s = arg;

	return s->gone > 0;
}

static bool
has_line(void *arg)
{
	struct seen *s = arg;

	return s->lines > 0;
}

static void
test_pieces(void)
{
	struct seen *s = begin("feed");
	char big[5001];

	memset(big, 'x', 5000);
	big[5000] = '\0';
	play_status(s->play, big);
	open_feed(s);
	ok(play_until(s->play, 5000, has_status, s), "a status comes unasked");
	is_int(s->len, 5000, "whole");
	is_int(s->play->pieces, 6, "in pieces, and one that says it is all");
	is_int(feed_error(s->feed), 0, "and no error");
	end(s);
}

static void
test_rate(void)
{
	struct seen *s = begin("feed");
	usec_t first;
	unsigned i;

	open_feed(s);
	(void)play_until(s->play, 5000, has_status, s);
	first = s->at;
	s->statuses = 0;
	for (i = 0; i < 100; i++)
		feed_ask(s->feed);
	ok(play_until(s->play, 5000, has_status, s), "asked, it comes again");
	ok(s->at >= first + FEED_EVERY - 100 * USEC_MS,
	    "but not before a second is over");
	play_turn(s->play, 300);
	is_int(s->play->statuses, 2, "and 100 askings are one");
	end(s);
}

static void
test_order(void)
{
	struct seen *s = begin("feed");
	char big[20001];

	open_feed(s);
	(void)play_until(s->play, 5000, has_status, s);
	is_int(play_watchers(s->play), 1, "it watches");
	play_line(s->play, "one");
	(void)play_until(s->play, 5000, has_line, s);
	is_str(s->order, "S one ", "a line comes at once");
	memset(big, 'x', 20000);
	big[20000] = '\0';
	play_status(s->play, big);
	s->play->piece = 100;
	s->play->pieces = 0;
	s->statuses = 0;
	feed_ask(s->feed);
	while (s->play->pieces < 50)
		play_turn(s->play, 1);
	play_line(s->play, "two");
	(void)play_until(s->play, 5000, has_status, s);
	play_turn(s->play, 50);
	is_str(s->order, "S one S two ",
	    "one that is newer than the status under way comes after it");
	play_line(s->play, "configuration=loaded");
	play_line(s->play, "lost=3");
	play_turn(s->play, 100);
	is_int(s->reloads, 1, "that yoked read its configuration is told");
	is_int(s->lost, 1, "and that lines were lost");
	end(s);
}

static void
test_gone(void)
{
	struct seen *s = begin("feed");

	play_yoked(s->play, false);
	open_feed(s);
	ok(play_until(s->play, 5000, is_gone, s), "no yoked: said");
	is_int(s->rc, -ECONNREFUSED, "and why");
	is_int(feed_error(s->feed), -ECONNREFUSED, "also later");
	s->gone = 0;
	feed_ask(s->feed);
	ok(play_until(s->play, 5000, is_gone, s), "asked again, said again");
	play_yoked(s->play, true);
	ok(play_until(s->play, 5000, has_status, s), "it starts: a status");
	s->gone = 0;
	play_yoked(s->play, false);
	ok(play_until(s->play, 5000, is_gone, s), "it dies: said");
	end(s);
}

static void
test_mute(void)
{
	struct seen *s = begin("feed");

	open_feed(s);
	(void)play_until(s->play, 5000, has_status, s);
	s->play->mute = true;
	s->statuses = 0;
	feed_ask(s->feed);
	ok(play_until(s->play, 8000, is_gone, s), "no answer: said");
	is_int(s->rc, -ETIMEDOUT, "and why");
	s->play->mute = false;
	ok(play_until(s->play, 8000, has_status, s),
	    "it goes on: a status, unasked");
	end(s);
}

int
main(void)
{
	test_pieces();
	test_rate();
	test_order();
	test_gone();
	test_mute();
	return done();
}
