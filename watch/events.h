/*
 * events: what happened between two statuses of a director, as rows of
 * schema/events.def. Pure: no I/O, no clock.
 *
 * What came and went between the two is told as far as the status shows it:
 * every change of role, and a path or an uplink that was down for a moment; of
 * servers and services only what they are now.
 */
#ifndef WATCH_EVENTS_H
#define WATCH_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum event_id {
#define EVENT(id, name, level, help) EVENT_##id,
#include "schema/events.def"
#undef EVENT
	EVENT__LAST
};

enum event_level { EVENT_NOTICE, EVENT_WARNING, EVENT_ERROR };

/* Strings are borrowed, "" where they make no sense. */
struct event {
	enum event_id id;
	bool initial;	     /* it is so since before we looked */
	const char *instance, *node, *role; /* of this director */
	uint64_t epoch;
	int64_t at_us;	     /* since 1970 */
	const char *service, *server, *path;
	const char *name;    /* of an alarm */
	const char *from, *why; /* of a change of role */
	int64_t silence_us, took_us; /* likewise; -1: makes no sense */
	const char *text;    /* for people */
};

typedef void (*event_fn)(const struct event *e, void *arg);

const char *event_name(unsigned id);
enum event_level event_level(unsigned id);
const char *event_level_name(enum event_level level);

/* Tells what is otherwise in now than in was. was NULL: everything that is not
 * well, and the role, marked initial. */
void events_between(
    const json_t *was, const json_t *now, event_fn fn, void *arg);

/* As a line of JSON without its end; returns its length, 0: no room. What is
 * too long for that is cut. */
size_t event_json(const struct event *e, char *buf, size_t len);

#endif
