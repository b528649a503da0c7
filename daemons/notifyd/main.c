/*
 * yoke-notifyd: tells commands and FIFOs of the operator what happens to this
 * director. A process of its own: whatever they do, yoked waits for none of it.
 *
 *   yoked --watch/news.c--> events --sink.c--> each
 */
#include <errno.h>
#include <string.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/notifyd/sink.h"
#include "watch/news.h"

struct notifyd {
	struct daemon *daemon;
	struct news *news;
	struct sink *sinks;
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

static void
on_gone(int rc, const char *why, void *arg)
{
	(void)arg;
	if (rc == -EBADMSG)
		log_warning("status=unreadable why=\"%s\"", why);
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

static const struct news_ops news_ops = {
	.on_gone = on_gone,
	.on_event = on_event,
	.on_reload = on_reload,
};

static int
news_start(struct daemon *d)
{
	struct notifyd *n = d->user;

	return news_new(d, &news_ops, n, &n->news);
}

static void
news_stop(struct daemon *d)
{
	struct notifyd *n = d->user;

	news_free(n->news);
}

static const struct part parts[] = {
	{ "sinks", sinks_start, sinks_stop },
	{ "news", news_start, news_stop },
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
