/*
 * feed: yoked's status and news for a program that runs on a loop: fetched
 * without waiting, at most once a second however often it is asked for, and
 * given up when yoked does not answer. It connects by itself, again and again.
 *
 * What happened (lines, as `yoke watch` shows them) and what is (a status): yoked
 * writes a status while it is fetched, so what a line tells that comes meanwhile
 * may be in it or not. Such lines are kept back until it was handed over: who
 * takes them as news loses nothing, and who asks again after one knows all.
 */
#ifndef WATCH_FEED_H
#define WATCH_FEED_H

#include <stddef.h>

#include "common/loop.h"

#define FEED_EVERY USEC_S /* between two statuses */

struct feed;

/* All are optional. They may call feed_ask(), and not feed_free(). */
struct feed_ops {
	/* A whole status, JSON with a NUL behind it. Borrowed. */
	void (*on_status)(const char *text, size_t len, void *arg);
	/* A line of `yoke watch`. */
	void (*on_line)(const char *line, void *arg);
	/* What was asked for does not come: feed_error() says why. */
	void (*on_gone)(int rc, void *arg);
	/* Lines were lost, of yoked's or of ours; a status follows. */
	void (*on_lost)(void *arg);
	/* yoked has read its configuration again. */
	void (*on_reload)(void *arg);
};

/* 0 or -errno; caller feed_free()s. */
int feed_new(struct loop *l, const char *instance, const struct feed_ops *ops,
    void *arg, struct feed **ret);
void feed_free(struct feed *f); /* NULL ok */

/* Wants a status that is made from now on: on_status() or on_gone() follows,
 * within seconds. The first one needs no asking. */
void feed_ask(struct feed *f);

/* The same, for news that should not wait its turn: a moment later, so that more
 * of it is in the status. */
void feed_hurry(struct feed *f);

/* Why there is no status just now (-ECONNREFUSED, -ETIMEDOUT ...); 0: there is,
 * or one is on its way. */
int feed_error(const struct feed *f);

#endif
