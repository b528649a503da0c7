/*
 * test_news: what a program that reads yoked's news is told of a played yoked:
 * statuses, what changed between them, and its going and coming.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/tap.h"
#include "test/watch/test_play.h"
#include "watch/news.h"
#include "watch/status_get.h"

struct seen {
	struct play *play;
	struct conf_node node;
	struct conf conf;
	struct daemon daemon;
	struct news *news;
	unsigned statuses, gone, reloads;
	int rc;		  /* of the last on_gone() */
	char why[64];
	char order[1024]; /* S: a status, else an event's name and role */
};

static void
note(struct seen *s, const char *text)
{
	strncat(s->order, text, sizeof(s->order) - strlen(s->order) - 1);
	strncat(s->order, " ", sizeof(s->order) - strlen(s->order) - 1);
}

static void
on_status(json_t *status, void *arg)
{
	struct seen *s = arg;

	(void)status;
	s->statuses++;
	note(s, "S");
}

static void
on_gone(int rc, const char *why, void *arg)
{
	struct seen *s = arg;

	s->gone++;
	s->rc = rc;
	(void)snprintf(s->why, sizeof(s->why), "%s", why);
}

static void
on_event(const struct event *e, void *arg)
{
	struct seen *s = arg;
	char text[64];

	(void)snprintf(text, sizeof(text), "%s%s/%s/%s",
	    e->initial ? "initial:" : "", event_name(e->id), e->node, e->role);
	note(s, text);
}

static void
on_reload(void *arg)
{
	struct seen *s = arg;

	s->reloads++;
}

static const struct news_ops all = { on_status, on_gone, on_event, on_reload };
static const struct news_ops quiet = { on_status, on_gone, NULL, on_reload };
static const struct news_ops events = { NULL, on_gone, on_event, on_reload };

static void
set_health(struct seen *s, const char *health)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "{\"instance\":\"i\",\"node\":\"d1\",\"role\":\"active\","
	    "\"services\":[{\"name\":\"web\",\"servers\":[{\"name\":\"rs1\","
	    "\"health\":\"%s\",\"weight\":1}]}]}",
	    health);
	play_status(s->play, text);
}

static struct seen *
begin(const struct news_ops *ops)
{
	struct seen *s = mem_new(struct seen);

	s->play = play_new("news");
	(void)snprintf(s->node.name, sizeof(s->node.name), "d1");
	(void)snprintf(s->conf.instance, sizeof(s->conf.instance), "%s",
	    s->play->instance);
	s->conf.self = &s->node;
	s->daemon.loop = s->play->loop;
	s->daemon.conf = &s->conf;
	set_health(s, "up");
	if (news_new(&s->daemon, ops, s, &s->news) < 0)
		abort();
	return s;
}

static void
end(struct seen *s)
{
	news_free(s->news);
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
is_told(void *arg)
{
	struct seen *s = arg;

	return s->order[0] != '\0';
}

/* Waits for what fn says; what was seen until then is forgotten before. */
static bool
next(struct seen *s, bool (*fn)(void *arg))
{
	s->statuses = s->gone = 0;
	s->order[0] = '\0';
	return play_until(s->play, 15000, fn, s);
}

static void
test_changes(void)
{
	struct seen *s = begin(&all);

	ok(next(s, has_status), "a status comes unasked");
	is_str(s->order, "initial:role-active/d1/active S ", "what it is, before it");
	set_health(s, "down");
	play_line(s->play, "health=down");
	ok(next(s, has_status), "a line: it looks");
	is_str(s->order, "server-down/d1/active S ", "what changed, before it");
	set_health(s, "up");
	ok(next(s, has_status), "without a line it looks too");
	is_str(s->order, "server-up/d1/active S ", "what changed");
	play_line(s->play, "configuration=loaded");
	(void)next(s, has_status);
	is_int(s->reloads, 1, "a configuration that was read again is told");
	end(s);
}

static void
test_gone(void)
{
	struct seen *s = begin(&all);

	(void)next(s, has_status);
	play_yoked(s->play, false);
	ok(next(s, is_gone), "yoked dies: said");
	ok(s->rc < 0 && s->rc != -EBADMSG, "and why: %s", s->why);
	is_str(s->order, "", "which is no event yet");
	play_yoked(s->play, true);
	ok(next(s, has_status), "it is there again");
	is_str(s->order, "S ", "which is none either");
	play_yoked(s->play, false);
	ok(next(s, is_told), "it stays away");
	is_str(s->order, "yoked-gone/d1/active ",
	    "an event, with the role it had");
	ok(s->gone > 1, "it is looked for all the time");
	play_yoked(s->play, true);
	ok(next(s, has_status), "it is there again");
	is_str(s->order, "yoked-back/d1/active S ", "an event now");
	end(s);
}

static void
test_never_there(void)
{
	struct seen *s = begin(&events);

	play_yoked(s->play, false);
	ok(next(s, is_told), "a yoked that was never there");
	is_str(s->order, "yoked-gone/d1/ ", "is told with no role");
	end(s);
}

static void
test_unreadable(void)
{
	static const char *const bad[] = { "no json", "[]", "7", "" };
	struct seen *s = begin(&all);
	size_t i;

	(void)next(s, has_status);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		play_status(s->play, bad[i]);
		news_ask(s->news);
		ok(next(s, is_gone), "\"%s\" is no status", bad[i]);
		is_int(s->rc, -EBADMSG, "%s", s->why);
	}
	set_health(s, "down");
	ok(next(s, has_status), "it goes on asking");
	ok(strstr(s->order, "server-down/d1/active S ") != NULL,
	    "and knows what was before");
	end(s);
}

/* Who answers only when asked, like yoke-metricsd. */
static void
test_quiet(void)
{
	struct seen *s = begin(&quiet);

	ok(next(s, has_status), "the first comes unasked");
	play_line(s->play, "role=active");
	play_line(s->play, "configuration=loaded");
	s->order[0] = '\0';
	play_turn(s->play, 1500);
	is_int(s->reloads, 1, "lines come");
	is_str(s->order, "", "but nothing is looked at for them");
	news_ask(s->news);
	ok(next(s, has_status), "asked, it looks");
	play_yoked(s->play, false);
	news_ask(s->news);
	ok(next(s, is_gone), "gone is said");
	is_str(s->order, "", "and is no event");
	end(s);
	news_free(NULL);
}

int
main(void)
{
	test_changes();
	test_gone();
	test_never_there();
	test_unreadable();
	test_quiet();
	return done();
}
