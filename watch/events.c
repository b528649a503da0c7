/*
 * events: see events.h. Each kind of thing that a status holds has a function
 * that compares; they are rows, in the order in which events of one moment are
 * told: the role first, then what explains it.
 */
#include "watch/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/out.h"
#include "watch/status_get.h"

#define TEXT_CUT 512 /* of a line's text */

struct diff {
	const json_t *was, *now; /* was NULL: the first look */
	struct event base;
	event_fn fn;
	void *arg;
};

static const struct {
	const char *name;
	enum event_level level;
} rows[EVENT__LAST] = {
#define EVENT(id, name, level, help) [EVENT_##id] = { name, EVENT_##level },
#include "schema/events.def"
#undef EVENT
};

const char *
event_name(unsigned id)
{
	return id < EVENT__LAST ? rows[id].name : "?";
}

enum event_level
event_level(unsigned id)
{
	return id < EVENT__LAST ? rows[id].level : EVENT_ERROR;
}

const char *
event_level_name(enum event_level level)
{
	static const char *const names[] = {
		[EVENT_NOTICE] = "notice",
		[EVENT_WARNING] = "warning",
		[EVENT_ERROR] = "error",
	};

	return names[level];
}

static struct event
event_of(const struct diff *d, enum event_id id)
{
	struct event e = d->base;

	e.id = id;
	return e;
}

static void
tell(const struct diff *d, const struct event *e)
{
	d->fn(e, d->arg);
}

static bool
is(const json_t *j, const char *key, const char *word)
{
	return strcmp(get_str_at(j, key), word) == 0;
}

static bool
holds(const json_t *status)
{
	return is(status, "role", "active") ||
	       is(status, "role", "handing-over") ||
	       is(status, "role", "taking-over");
}

/* An item of a list by a member; at is where it probably is, as lists seldom
 * change their order. */
static const json_t *
find(const json_t *list, const char *key, const char *name, size_t at)
{
	const json_t *item = json_array_get(list, at);
	size_t i;

	if (item != NULL && is(item, key, name))
		return item;
	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		if (is(item, key, name))
			return item;
	}
	return NULL;
}

/* How long ago the other status was made; for what flapped in between. */
static int64_t
elapsed_ms(const struct diff *d)
{
	int64_t us = get_num_at(d->now, "time_us") -
		     get_num_at(d->was, "time_us");

	return us > 0 ? us / 1000 : 0;
}

/* ---- roles ---- */

static bool
same_transition(const json_t *a, const json_t *b)
{
	return get_num_at(a, "at_us") == get_num_at(b, "at_us") &&
	       is(a, "from", get_str_at(b, "from")) &&
	       is(a, "to", get_str_at(b, "to"));
}

/* Of the steps of taking over, which stand with the change before it. */
static int64_t
took_us(const json_t *list, size_t i)
{
	const json_t *t = json_array_get(list, i);
	const json_t *before = json_array_get(list, i + 1);
	int64_t us = get_num_at(t, "total_us");

	if (us == 0 && is(t, "from", "taking-over"))
		us = get_num_at(before, "total_us");
	return us;
}

static void
tell_role(const struct diff *d, enum event_id id, const json_t *list, size_t i)
{
	const json_t *t = json_array_get(list, i);
	const json_t *before = json_array_get(list, i + 1);
	struct event e = event_of(d, id);

	e.role = get_str_at(t, "to");
	e.from = get_str_at(t, "from");
	e.why = get_str_at(t, "why");
	e.text = get_str_at(t, "text");
	e.epoch = (uint64_t)get_num_at(t, "epoch");
	e.at_us = get_num_at(t, "at_us");
	e.took_us = took_us(list, i);
	if (is(t, "from", "taking-over")) {
		e.from = get_str_at(before, "from");
		t = get_there(t, "silence_us") ? t : before;
	}
	if (get_there(t, "silence_us"))
		e.silence_us = get_num_at(t, "silence_us");
	tell(d, &e);
}

static const struct {
	const char *role;
	enum event_id id;
} roles[] = {
	{ "active", EVENT_ROLE_ACTIVE },
	{ "standby", EVENT_ROLE_STANDBY },
	{ "fault", EVENT_ROLE_FAULT },
	{ "maintenance", EVENT_MAINTENANCE_ON },
};

static void
diff_transition(const struct diff *d, const json_t *list, size_t i)
{
	const json_t *t = json_array_get(list, i);
	size_t k;

	if (is(t, "from", "maintenance"))
		tell_role(d, EVENT_MAINTENANCE_OFF, list, i);
	if (is(t, "why", "peer-higher"))
		tell_role(d, EVENT_SPLIT_HEALED, list, i);
	for (k = 0; k < ARRAY_LEN(roles); k++)
		if (is(t, "to", roles[k].role))
			tell_role(d, roles[k].id, list, i);
}

/* The first look: the role as it is, by the change that made it so. */
static void
first_role(const struct diff *d)
{
	const json_t *list = get_at(d->now, "transitions");
	struct event e;
	size_t k;

	for (k = 0; k < ARRAY_LEN(roles); k++) {
		if (!is(d->now, "role", roles[k].role))
			continue;
		if (is(json_array_get(list, 0), "to", roles[k].role)) {
			tell_role(d, roles[k].id, list, 0);
			continue;
		}
		e = event_of(d, roles[k].id);
		e.why = get_str_at(d->now, "why");
		e.text = get_str_at(d->now, "text");
		tell(d, &e);
	}
}

static void
diff_roles(const struct diff *d)
{
	const json_t *list = get_at(d->now, "transitions");
	const json_t *last =
	    json_array_get(get_at(d->was, "transitions"), 0);
	size_t n = json_array_size(list), i;

	if (d->was == NULL) {
		first_role(d);
		return;
	}
	for (i = 0; i < n; i++)
		if (last != NULL &&
		    same_transition(json_array_get(list, i), last))
			break;
	while (i-- > 0)
		diff_transition(d, list, i);
}

/* ---- the pair ---- */

/* Both say that they are active, and what the peer says is of now. */
static bool
is_split(const json_t *status)
{
	const json_t *peer = get_at(status, "peer");
	const json_t *paths = get_at(status, "paths");
	bool heard = get_bool_at(peer, "by_link");
	size_t i;

	for (i = 0; i < json_array_size(paths); i++)
		heard |= get_bool_at(json_array_get(paths, i), "up");
	return heard && is(status, "role", "active") &&
	       is(peer, "role", "active");
}

/* Our own letting go is told with the change of role. */
static void
diff_split(const struct diff *d)
{
	bool was = is_split(d->was), now = is_split(d->now);
	struct event e = event_of(d, now ? EVENT_SPLIT : EVENT_SPLIT_HEALED);

	if (was == now || (was && !is(d->now, "role", "active")))
		return;
	e.text = now ? "both directors are active"
		     : "the other director is not active any more";
	tell(d, &e);
}

static void
tell_path(const struct diff *d, const json_t *p, bool up)
{
	struct event e = event_of(d, up ? EVENT_PATH_UP : EVENT_PATH_DOWN);

	e.path = get_str_at(p, "name");
	if (!up && get_there(p, "problem"))
		e.text = get_str_at(p, "problem");
	tell(d, &e);
}

static void
diff_paths(const struct diff *d)
{
	const json_t *list = get_at(d->now, "paths"), *p, *was;
	size_t i;
	bool up, flapped;

	for (i = 0; i < json_array_size(list); i++) {
		p = json_array_get(list, i);
		up = get_bool_at(p, "up");
		was = find(get_at(d->was, "paths"), "name",
		    get_str_at(p, "name"), i);
		if (was == NULL) {
			if (!up)
				tell_path(d, p, up);
			continue;
		}
		flapped = get_bool_at(was, "up") == up &&
			  get_num_at(p, "for_ms") < elapsed_ms(d);
		if (flapped)
			tell_path(d, p, !up);
		if (flapped || get_bool_at(was, "up") != up)
			tell_path(d, p, up);
	}
}

static void
tell_uplink(const struct diff *d, bool well)
{
	struct event e = event_of(d, well ? EVENT_UPLINK_WELL
					  : EVENT_UPLINK_LOST);

	if (!well)
		e.text = get_str_at(get_at(d->now, "uplink"), "why");
	tell(d, &e);
}

static void
diff_uplink(const struct diff *d)
{
	const json_t *was = get_at(d->was, "uplink");
	const json_t *now = get_at(d->now, "uplink");
	bool well = get_bool_at(now, "well");
	bool well_was = was == NULL || get_bool_at(was, "well");

	if (now == NULL)
		return;
	if (well && well_was && was != NULL &&
	    get_num_at(now, "losses") > get_num_at(was, "losses")) {
		tell_uplink(d, false);
		tell_uplink(d, true);
	} else if (well != well_was) {
		tell_uplink(d, well);
	}
}

static void
tell_fence(const struct diff *d, enum event_id id)
{
	struct event e = event_of(d, id);

	e.text = get_str_at(get_at(d->now, "fence"), "text");
	tell(d, &e);
}

/* Counts say what was too short to be seen. */
static void
diff_fence(const struct diff *d)
{
	const json_t *was = get_at(d->was, "fence");
	const json_t *now = get_at(d->now, "fence");
	bool restarted = get_num_at(now, "tries") < get_num_at(was, "tries");

	if (restarted)
		was = NULL;
	if (get_num_at(now, "tries") > get_num_at(was, "tries") &&
	    d->was != NULL)
		tell_fence(d, EVENT_FENCE_BEGUN);
	if (get_num_at(now, "failures") > get_num_at(was, "failures") &&
	    (d->was != NULL || is(now, "state", "failed")))
		tell_fence(d, EVENT_FENCE_FAILED);
	if (is(now, "state", "done") && !is(was, "state", "done"))
		tell_fence(d, EVENT_FENCE_DONE);
}

/* ---- servers and services: the active one tells of them ---- */

static bool
takes_connections(const json_t *service)
{
	const json_t *list = get_at(service, "servers");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (get_num_at(json_array_get(list, i), "weight") > 0)
			return true;
	return false;
}

static void
diff_server(const struct diff *d, const char *service, const json_t *was,
    const json_t *v)
{
	bool down = is(v, "health", "down");
	struct event e = event_of(d, down ? EVENT_SERVER_DOWN
					  : EVENT_SERVER_UP);

	if (down == (was != NULL && is(was, "health", "down")))
		return;
	e.service = service;
	e.server = get_str_at(v, "name");
	e.text = get_str_at(v, "cause");
	tell(d, &e);
}

static void
diff_service(const struct diff *d, const json_t *was, const json_t *s)
{
	const json_t *list = get_at(s, "servers"), *v;
	const char *name = get_str_at(s, "name");
	bool empty = !takes_connections(s);
	struct event e = event_of(
	    d, empty ? EVENT_SERVICE_EMPTY : EVENT_SERVICE_BACK);
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		diff_server(d, name,
		    find(get_at(was, "servers"), "name",
			get_str_at(v, "name"), i),
		    v);
	}
	if (empty == (was != NULL && !takes_connections(was)))
		return;
	e.service = name;
	e.text = empty ? "no server takes connections"
		       : "a server takes connections again";
	tell(d, &e);
}

static void
diff_services(const struct diff *d)
{
	const json_t *list = get_at(d->now, "services"), *s;
	size_t i;

	if (!holds(d->now))
		return;
	for (i = 0; i < json_array_size(list); i++) {
		s = json_array_get(list, i);
		diff_service(d,
		    find(get_at(d->was, "services"), "name",
			get_str_at(s, "name"), i),
		    s);
	}
}

/* ---- alarms ---- */

/* Those that events of their own tell of. */
static const struct {
	const char *name;
	enum event_id begins, ends; /* EVENT__LAST: told elsewhere */
} known_alarms[] = {
	{ "path", EVENT__LAST, EVENT__LAST },
	{ "uplink", EVENT__LAST, EVENT__LAST },
	{ "fence", EVENT__LAST, EVENT__LAST },
	{ "checkpoint", EVENT_CHECKPOINT_FAILING, EVENT_CHECKPOINT_WELL },
	{ NULL, EVENT_ALARM, EVENT_ALARM_OVER },
};

static void
tell_alarm(const struct diff *d, const json_t *alarm, bool begins)
{
	const char *name = get_str_at(alarm, "name");
	struct event e;
	size_t k;

	for (k = 0; known_alarms[k].name != NULL; k++)
		if (strcmp(known_alarms[k].name, name) == 0)
			break;
	if (known_alarms[k].begins == EVENT__LAST)
		return;
	e = event_of(d, begins ? known_alarms[k].begins : known_alarms[k].ends);
	e.name = name;
	e.text = get_str_at(alarm, "text");
	tell(d, &e);
}

/* Alarms in a that are not in b, by name. */
static void
only_in(const struct diff *d, const json_t *a, const json_t *b, bool begins)
{
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(a); i++) {
		name = get_str_at(json_array_get(a, i), "name");
		if (find(b, "name", name, i) == NULL &&
		    find(a, "name", name, 0) == json_array_get(a, i))
			tell_alarm(d, json_array_get(a, i), begins);
	}
}

static void
diff_alarms(const struct diff *d)
{
	const json_t *was = get_at(d->was, "alarms");
	const json_t *now = get_at(d->now, "alarms");

	only_in(d, now, was, true);
	only_in(d, was, now, false);
}

void
events_between(const json_t *was, const json_t *now, event_fn fn, void *arg)
{
	static void (*const parts[])(const struct diff *d) = {
		diff_roles,
		diff_split,
		diff_paths,
		diff_uplink,
		diff_fence,
		diff_services,
		diff_alarms,
	};
	struct diff d = { .was = was, .now = now, .fn = fn, .arg = arg };
	size_t i;

	d.base = (struct event){
		.initial = was == NULL,
		.instance = get_str_at(now, "instance"),
		.node = get_str_at(now, "node"),
		.role = get_str_at(now, "role"),
		.epoch = (uint64_t)get_num_at(now, "epoch"),
		.at_us = get_num_at(now, "time_us"),
		.service = "", .server = "", .path = "", .name = "",
		.from = "", .why = "", .text = "",
		.silence_us = -1, .took_us = -1,
	};
	for (i = 0; i < ARRAY_LEN(parts); i++)
		parts[i](&d);
}

/* ---- as text ---- */

static void
put_word(struct out *o, const char *key, const char *value)
{
	if (value[0] != '\0')
		out_str(o, key, value);
}

size_t
event_json(const struct event *e, char *buf, size_t len)
{
	char cut[TEXT_CUT], *doc;
	struct out o;
	size_t n = 0;

	(void)snprintf(cut, sizeof(cut), "%s", e->text);
	out_init(&o);
	out_object(&o, NULL);
	out_time(&o, "time", (usec_t)e->at_us);
	out_str(&o, "event", event_name(e->id));
	out_str(&o, "level", event_level_name(event_level(e->id)));
	put_word(&o, "instance", e->instance);
	put_word(&o, "node", e->node);
	put_word(&o, "role", e->role);
	out_num(&o, "epoch", e->epoch);
	put_word(&o, "service", e->service);
	put_word(&o, "server", e->server);
	put_word(&o, "path", e->path);
	put_word(&o, "name", e->name);
	put_word(&o, "from", e->from);
	put_word(&o, "why", e->why);
	if (e->silence_us >= 0)
		out_num(&o, "silence_us", (uint64_t)e->silence_us);
	if (e->took_us >= 0)
		out_num(&o, "took_us", (uint64_t)e->took_us);
	put_word(&o, "text", cut);
	if (e->initial)
		out_bool(&o, "initial", true);
	out_close(&o);
	doc = out_take(&o, &n);
	if (doc == NULL || n >= len)
		n = 0;
	else
		memcpy(buf, doc, n + 1);
	free(doc);
	return n;
}
