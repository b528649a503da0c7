/*
 * sink: see sink.h.
 */
#include "daemons/notifyd/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/out.h"

static struct waiting *
pop(struct sink *s)
{
	struct waiting *w = s->first;

	if (w == NULL)
		return NULL;
	s->first = w->next;
	if (s->first == NULL)
		s->last = &s->first;
	s->queued--;
	return w;
}

static void
count_lost(struct sink *s)
{
	if (s->untold == 0)
		log_warning("notify=%s events=lost why=\"%u wait already\" "
			    "action=\"the oldest is dropped, and counted\"",
		    s->conf.name, s->queued);
	s->lost++;
	s->untold++;
}

struct sink *
sink_new(struct loop *l, const struct conf_notify *c)
{
	struct sink *s = mem_new(struct sink);
	int rc;

	s->loop = l;
	s->conf = *c;
	s->last = &s->first;
	s->ops = c->fifo[0] != '\0' ? &sink_fifo_ops : &sink_command_ops;
	rc = s->ops->open(s);
	if (rc < 0)
		log_err("notify=%s state=failed why=\"%s\" "
			"action=\"tried again\"",
		    c->name, err_text(rc));
	return s;
}

void
sink_free(struct sink *s)
{
	if (s == NULL)
		return;
	s->ops->close(s);
	if (s->queued > 0 || s->untold > 0)
		log_warning("notify=%s state=closed undelivered=%llu",
		    s->conf.name,
		    (unsigned long long)(s->queued + s->untold));
	while (s->first != NULL)
		free(pop(s));
	free(s);
}

/* The words that tell what it is about. */
static void
set_subject(struct waiting *w, const struct event *e)
{
	const char *one = e->service[0] != '\0' ? e->service :
	    e->path[0] != '\0'			? e->path :
						  e->name;

	(void)snprintf(w->subject, sizeof(w->subject), "%.*s%s%.*s",
	    NAME_LEN - 1, one, e->server[0] != '\0' ? "/" : "", NAME_LEN - 1,
	    e->server);
}

static struct waiting *
waiting_new(const struct event *e)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	(void)snprintf(w->event, sizeof(w->event), "%s", event_name(e->id));
	(void)snprintf(w->instance, sizeof(w->instance), "%s", e->instance);
	(void)snprintf(w->node, sizeof(w->node), "%s", e->node);
	(void)snprintf(w->role, sizeof(w->role), "%s", e->role);
	set_subject(w, e);
	w->len = event_json(e, w->line, sizeof(w->line) - 1);
	if (w->len == 0) {
		free(w);
		return NULL;
	}
	w->line[w->len++] = '\n';
	return w;
}

void
sink_event(struct sink *s, const struct event *e)
{
	struct waiting *w;

	if (s->conf.events != 0 && (s->conf.events >> e->id & 1) == 0)
		return;
	w = waiting_new(e);
	if (w == NULL) {
		count_lost(s);
		return;
	}
	if (s->queued >= s->conf.queue) {
		count_lost(s);
		free(pop(s));
	}
	*s->last = w;
	s->last = &w->next;
	s->queued++;
	s->ops->poke(s);
}

/* In front of what is left, as it is older. */
static void
tell_lost(struct sink *s)
{
	struct waiting *w = mem_new(struct waiting);
	struct out o;
	char *doc;
	size_t n;

	(void)snprintf(w->event, sizeof(w->event), "lost");
	if (s->first != NULL) {
		memcpy(w->instance, s->first->instance, sizeof(w->instance));
		memcpy(w->node, s->first->node, sizeof(w->node));
		memcpy(w->role, s->first->role, sizeof(w->role));
	}
	out_init(&o);
	out_object(&o, NULL);
	out_time(&o, "time", loop_real(s->loop));
	out_str(&o, "event", "lost");
	out_str(&o, "level", "warning");
	out_str(&o, "instance", w->instance);
	out_str(&o, "node", w->node);
	out_num(&o, "count", s->untold);
	out_str(&o, "text", "so many events were not delivered");
	out_close(&o);
	doc = out_take(&o, &n);
	if (doc == NULL) {
		free(w);
		return;
	}
	w->len = (size_t)snprintf(w->line, sizeof(w->line), "%s\n", doc);
	free(doc);
	w->next = s->first;
	if (s->first == NULL)
		s->last = &w->next;
	s->first = w;
	s->queued++;
	s->untold = 0;
}

const struct waiting *
sink_peek(struct sink *s)
{
	if (s->untold > 0)
		tell_lost(s);
	return s->first;
}

struct waiting *
sink_take(struct sink *s)
{
	(void)sink_peek(s);
	return pop(s);
}
