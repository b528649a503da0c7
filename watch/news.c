/*
 * news: see news.h.
 */
#include "watch/news.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "watch/feed.h"
#include "watch/status_get.h"

#define LOOK (5 * USEC_S) /* without news, for what makes no line */
#define GONE (3 * USEC_S) /* yoked may be away for, as when it restarts */

struct news {
	const struct daemon *daemon;
	const struct news_ops *ops;
	void *arg;
	struct feed *feed;
	json_t *status; /* the last one; NULL: none yet */
	struct timer look, gone;
	bool told_gone;
	char why[256];
};

static void
tell_yoked(struct news *n, enum event_id id, const char *text)
{
	const struct event e = {
		.id = id,
		.instance = n->daemon->conf->instance,
		.node = n->daemon->conf->self->name,
		.role = get_str_at(n->status, "role"),
		.epoch = (uint64_t)get_num_at(n->status, "epoch"),
		.at_us = (int64_t)loop_real(n->daemon->loop),
		.service = "", .server = "", .path = "", .name = "",
		.from = "", .why = "", .text = text,
		.silence_us = -1, .took_us = -1,
	};

	n->ops->on_event(&e, n->arg);
}

static void
in_vain(struct news *n, int rc)
{
	if (n->ops->on_event != NULL) {
		if (!n->told_gone && !timer_armed(&n->gone))
			timer_in(&n->gone, GONE);
		timer_in(&n->look, USEC_S);
	}
	n->ops->on_gone(rc, n->why, n->arg);
}

static void
on_gone(int rc, void *arg)
{
	struct news *n = arg;

	(void)snprintf(n->why, sizeof(n->why), "%s", err_text(rc));
	in_vain(n, rc);
}

static void
on_still_gone(void *arg)
{
	struct news *n = arg;

	n->told_gone = true;
	tell_yoked(n, EVENT_YOKED_GONE, n->why);
}

static void
tell_events(struct news *n, const json_t *status)
{
	timer_stop(&n->gone);
	if (n->told_gone)
		tell_yoked(n, EVENT_YOKED_BACK, "yoked answers again");
	n->told_gone = false;
	events_between(n->status, status, n->ops->on_event, n->arg);
	timer_in(&n->look, LOOK);
}

static void
on_status(const char *text, size_t len, void *arg)
{
	struct news *n = arg;
	json_t *status = json_loadb(text, len, 0, NULL);

	if (!json_is_object(status)) {
		(void)snprintf(n->why, sizeof(n->why), "its status is no %s",
		    status == NULL ? "JSON" : "JSON object");
		json_decref(status);
		in_vain(n, -EBADMSG);
		return;
	}
	if (n->ops->on_event != NULL)
		tell_events(n, status);
	json_decref(n->status);
	n->status = status;
	if (n->ops->on_status != NULL)
		n->ops->on_status(status, n->arg);
}

static void
on_look(void *arg)
{
	struct news *n = arg;

	feed_ask(n->feed);
}

static void
on_line(const char *line, void *arg)
{
	struct news *n = arg;

	if (n->ops->on_event == NULL)
		return;
	if (strncmp(line, "role=", 5) == 0)
		feed_hurry(n->feed);
	else
		feed_ask(n->feed);
}

static void
on_reload(void *arg)
{
	struct news *n = arg;

	n->ops->on_reload(n->arg);
}

static const struct feed_ops feed_ops = {
	.on_status = on_status,
	.on_line = on_line,
	.on_gone = on_gone,
	.on_reload = on_reload,
};

int
news_new(const struct daemon *d, const struct news_ops *ops, void *arg,
    struct news **ret)
{
	struct news *n = mem_new(struct news);
	int rc;

	n->daemon = d;
	n->ops = ops;
	n->arg = arg;
	timer_init(&n->look, d->loop, on_look, n);
	timer_init(&n->gone, d->loop, on_still_gone, n);
	rc = feed_new(d->loop, d->conf->instance, &feed_ops, n, &n->feed);
	if (rc < 0)
		free(n);
	else
		*ret = n;
	return rc;
}

void
news_free(struct news *n)
{
	if (n == NULL)
		return;
	feed_free(n->feed);
	timer_stop(&n->look);
	timer_stop(&n->gone);
	json_decref(n->status);
	free(n);
}

void
news_ask(struct news *n)
{
	feed_ask(n->feed);
}
