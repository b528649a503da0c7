/*
 * top_events: what watch/events tells, as lines of the live view.
 */
#include <string.h>

#include "daemons/yoke/top.h"
#include "watch/events.h"

static const enum tone tones[] = {
	[EVENT_NOTICE] = TONE_PLAIN,
	[EVENT_WARNING] = TONE_WARN,
	[EVENT_ERROR] = TONE_BAD,
};

static void
on_event(const struct event *e, void *arg)
{
	struct top_view *v = arg;
	struct top_event *t = v->events;
	const char *one = e->service[0] != '\0' ? e->service :
	    e->path[0] != '\0'			? e->path :
						  e->name;
	const char *text = e->why[0] != '\0' ? e->why : e->text;

	memmove(t + 1, t, (TOP_EVENTS - 1) * sizeof(*t));
	v->n_events += v->n_events < TOP_EVENTS;
	t->at_us = e->at_us;
	t->tone = tones[event_level(e->id)];
	(void)snprintf(t->text, sizeof(t->text), "%s%s%.64s%s%.64s%s%.90s",
	    event_name(e->id), one[0] != '\0' ? " " : "", one,
	    e->server[0] != '\0' ? "/" : "", e->server,
	    text[0] != '\0' ? ": " : "", text);
}

void
top_add_events(struct top_view *v, const json_t *was, const json_t *now)
{
	events_between(was, now, on_event, v);
}
