/*
 * yoke-notifyd: tells commands and FIFOs of the operator what happens to this
 * director. A process of its own: whatever they do, yoked waits for none of it.
 *
 *   yoked --watch/feed.c--> status --watch/events.c--> events --sink.c--> each
 *
 * A line of yoked's news makes it look at the status, at most once a second; a
 * change of role at once. What both statuses do not show did not last.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/notifyd/sink.h"
#include "watch/feed.h"
#include "watch/status_get.h"

#define LOOK (5 * USEC_S)    /* without news, for what makes no line */
#define GONE (3 * USEC_S)    /* yoked may be away for, as when it restarts */

struct notifyd {
	struct daemon *daemon;
	struct feed *feed;
	struct sink *sinks;
	json_t *status; /* the last one; NULL: none yet */
	struct timer look, gone;
	bool told_gone;
	int gone_rc;
};

static void
on_event(const struct event *e, void *arg)
{
	struct notifyd *n = arg;
	struct sink *s;

	log_info("event=%s service=%s server=%s path=%s name=%s text=\"%s\"",
	    event_name(e->id), e->service, e->server, e->path, e->name,
	    e->text);
	for (s = n->sinks; s != NULL; s = s->next)
		sink_event(s, e);
}

/* Of yoked itself, which cannot say it. */
static void
tell_yoked(struct notifyd *n, enum event_id id, const char *text)
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

	on_event(&e, n);
}

static void
on_status(const char *text, size_t len, void *arg)
{
	struct notifyd *n = arg;
	json_error_t e;
	json_t *j = json_loadb(text, len, 0, &e);

	if (j == NULL) {
		log_warning("status=unreadable why=\"%s\"", e.text);
		return;
	}
	timer_stop(&n->gone);
	if (n->told_gone)
		tell_yoked(n, EVENT_YOKED_BACK, "yoked answers again");
	n->told_gone = false;
	events_between(n->status, j, on_event, n);
	json_decref(n->status);
	n->status = j;
	timer_in(&n->look, LOOK);
}

static void
on_gone(int rc, void *arg)
{
	struct notifyd *n = arg;

	n->gone_rc = rc;
	if (!n->told_gone && !timer_armed(&n->gone))
		timer_in(&n->gone, GONE);
	timer_in(&n->look, USEC_S);
}

static void
on_still_gone(void *arg)
{
	struct notifyd *n = arg;

	n->told_gone = true;
	tell_yoked(n, EVENT_YOKED_GONE, err_text(n->gone_rc));
}

static void
on_look(void *arg)
{
	struct notifyd *n = arg;

	feed_ask(n->feed);
}

static void
on_line(const char *line, void *arg)
{
	struct notifyd *n = arg;

	if (strncmp(line, "role=", 5) == 0)
		feed_hurry(n->feed);
	else
		feed_ask(n->feed);
}

/* ---- parts ---- */

static void
sinks_free(struct sink *s)
{
	struct sink *next;

	for (; s != NULL; s = next) {
		next = s->next;
		sink_free(s);
	}
}

static bool
same(const struct conf_notify *a, const struct conf_notify *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Takes the sink of this section out of a list; NULL: it is another now. */
static struct sink *
keep(struct sink **list, const struct conf_notify *c)
{
	struct sink *s;

	for (; (s = *list) != NULL; list = &s->next)
		if (same(&s->conf, c)) {
			*list = s->next;
			return s;
		}
	return NULL;
}

/* Those of unchanged sections go on, with what waits in them. */
static void
set_sinks(struct notifyd *n, const struct conf *c)
{
	struct sink *old = n->sinks, **end = &n->sinks, *s;
	size_t i;

	n->sinks = NULL;
	for (i = 0; i < c->n_notifies; i++) {
		s = keep(&old, &c->notifies[i]);
		if (s == NULL)
			s = sink_new(n->daemon->loop, &c->notifies[i]);
		s->next = NULL;
		*end = s;
		end = &s->next;
	}
	sinks_free(old);
}

static void
reload(struct daemon *d)
{
	struct notifyd *n = d->user;
	struct conf *fresh;

	if (daemon_load(d, &fresh) < 0)
		return;
	if (strcmp(fresh->instance, d->conf->instance) != 0) {
		log_err("configuration=unused why=\"the instance differs: "
			"restart\"");
		conf_free(fresh);
		return;
	}
	set_sinks(n, fresh);
	conf_free(d->conf);
	d->conf = fresh;
	log_notice("configuration=loaded notifies=%zu", fresh->n_notifies);
}

static void
on_reload(void *arg)
{
	struct notifyd *n = arg;

	reload(n->daemon);
}

static int
sinks_start(struct daemon *d)
{
	struct notifyd *n = d->user;

	n->daemon = d;
	set_sinks(n, d->conf);
	if (n->sinks == NULL)
		log_notice("state=idle why=\"no section notify\"");
	return 0;
}

static void
sinks_stop(struct daemon *d)
{
	struct notifyd *n = d->user;

	sinks_free(n->sinks);
	n->sinks = NULL;
}

static const struct feed_ops feed_ops = {
	.on_status = on_status,
	.on_line = on_line,
	.on_gone = on_gone,
	.on_reload = on_reload,
};

static int
feed_start(struct daemon *d)
{
	struct notifyd *n = d->user;

	timer_init(&n->look, d->loop, on_look, n);
	timer_init(&n->gone, d->loop, on_still_gone, n);
	return feed_new(d->loop, d->conf->instance, &feed_ops, n, &n->feed);
}

static void
feed_stop(struct daemon *d)
{
	struct notifyd *n = d->user;

	feed_free(n->feed);
	timer_stop(&n->look);
	timer_stop(&n->gone);
	json_decref(n->status);
}

static const struct part parts[] = {
	{ "sinks", sinks_start, sinks_stop },
	{ "feed", feed_start, feed_stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-notifyd",
	.purpose = "Tells commands and FIFOs what happens to this director.",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY,
	.reload = reload,
};

int
main(int argc, char **argv)
{
	struct notifyd n = { 0 };

	return daemon_main(&desc, argc, argv, &n);
}
