/*
 * top_events: what watch/events tells, as lines of the live view; at first, the
 * last changes of role.
 */
#include <string.h>

#include "daemons/yoke/top.h"
#include "watch/events.h"
#include "watch/status_get.h"

static const enum tone tones[] = {
	[EVENT_NOTICE] = TONE_PLAIN,
	[EVENT_WARNING] = TONE_WARN,
	[EVENT_ERROR] = TONE_BAD,
};

/* Room for the newest. */
static struct top_event *
push(struct top_view *v)
{
	memmove(v->events + 1, v->events,
	    (TOP_EVENTS - 1) * sizeof(*v->events));
	v->n_events += v->n_events < TOP_EVENTS;
	return v->events;
}

static void
on_event(const struct event *e, void *arg)
{
	struct top_event *t = push(arg);
	const char *one = e->service[0] != '\0' ? e->service :
	    e->path[0] != '\0'			? e->path :
						  e->name;
	const char *text = e->why[0] != '\0' ? e->why : e->text;

	t->at_us = e->at_us;
	t->tone = tones[event_level(e->id)];
	(void)snprintf(t->text, sizeof(t->text), "%s%s%.64s%s%.64s%s%.90s",
	    event_name(e->id), one[0] != '\0' ? " " : "", one,
	    e->server[0] != '\0' ? "/" : "", e->server,
	    text[0] != '\0' ? ": " : "", text);
}

/* The first look: what is not well shows anyway, so how it came to this role. */
static void
add_history(struct top_view *v, const json_t *now)
{
	const json_t *list = get_at(now, "transitions"), *j;
	size_t i = json_array_size(list);
	struct top_event *t;

	while (i-- > 0) {
		j = json_array_get(list, i);
		t = push(v);
		t->at_us = get_num_at(j, "at_us");
		t->tone = TONE_PLAIN;
		(void)snprintf(t->text, sizeof(t->text),
		    "%.32s -> %.32s: %.64s", get_str_at(j, "from"),
		    get_str_at(j, "to"), get_str_at(j, "why"));
	}
}

void
top_add_events(struct top_view *v, const json_t *was, const json_t *now)
{
	if (was == NULL)
		add_history(v, now);
	else
		events_between(was, now, on_event, v);
}
