/*
 * news: a reader of yoked that comes back by itself. It keeps the newest status,
 * tells what happened between two of them as events, and that yoked went away
 * and came back, which yoked itself cannot say.
 *
 * A line of yoked's own makes it look, at most once a second; a change of role at
 * once; and without either it looks now and then. Away for less than a restart
 * takes is no event.
 */
#ifndef WATCH_NEWS_H
#define WATCH_NEWS_H

#include <jansson.h>

#include "common/daemon.h"
#include "watch/events.h"

struct news;

/* on_status and on_event are optional. They may call all but news_free(). */
struct news_ops {
	/* A new status; what was otherwise in the last one has been told.
	 * Borrowed: json_incref() keeps it. */
	void (*on_status)(json_t *status, void *arg);
	/* Why there is none just now, each time that it was asked for in vain:
	 * -EBADMSG where what came is no status, else as feed_error(). */
	void (*on_gone)(int rc, const char *why, void *arg);
	/* NULL: nothing is told, and it looks only when news_ask() says. */
	void (*on_event)(const struct event *e, void *arg);
	/* yoked has read its configuration again. */
	void (*on_reload)(void *arg);
};

/* d, ops: borrowed; of d the loop, and the names in its configuration as it is
 * then. 0 or -errno; caller news_free()s. */
int news_new(const struct daemon *d, const struct news_ops *ops, void *arg,
    struct news **ret);
void news_free(struct news *n); /* NULL ok */

/* Wants a status from now on, as feed_ask(). */
void news_ask(struct news *n);

#endif
