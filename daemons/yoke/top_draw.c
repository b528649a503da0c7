/*
 * top_draw: a status on a screen: this director, its peer and what joins them
 * on top, events at the bottom, and between them as many services and servers
 * as there is room for.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "daemons/yoke/status_text.h"
#include "daemons/yoke/top.h"
#include "watch/status_get.h"

#define BAR 8		/* characters of a weight's */
#define ALARMS_MAX 3	/* shown; then how many more */
#define EVENTS_MAX 4
#define EVENTS_TALL 30	/* a screen so high has room for more */

/* Columns of the table, for a width of 80 and with what is wider. */
struct columns {
	unsigned name, address, bar, weight, health, conns, rate, bytes;
	unsigned name_width, address_width;
};

static struct columns
columns_for(unsigned width)
{
	unsigned spare = width > 80 ? (width - 80) / 2 : 0;
	struct columns c = { .name = 2 };

	c.name_width = 14 + spare;
	c.address = c.name + c.name_width + 1;
	c.address_width = 19 + spare;
	c.bar = c.address + c.address_width + 1;
	c.weight = c.bar + BAR + 1;
	c.health = c.weight + 8;
	c.conns = c.health + 8;
	c.rate = c.conns + 7;
	c.bytes = c.rate + 6;
	return c;
}

/* "123", "4.5k", "12M": at most 4 characters, until exabytes. */
static const char *
short_number(double v, char *buf, size_t len)
{
	static const char units[] = " kMGTPE";
	size_t i = 0;

	for (; v >= 1000 && units[i + 1] != '\0'; i++)
		v /= 1000;
	if (i == 0)
		(void)snprintf(buf, len, "%.0f", v);
	else
		(void)snprintf(
		    buf, len, v < 10 ? "%.1f%c" : "%.0f%c", v, units[i]);
	return buf;
}

/* ---- rates ---- */

static const json_t *
same_item(const json_t *list, size_t i, const json_t *item)
{
	const json_t *was = json_array_get(list, i);

	return was != NULL && strcmp(get_str_at(was, "name"),
				  get_str_at(item, "name")) == 0
	    ? was : NULL;
}

/* In a second; -1: not known. */
static double
rate(const struct top_view *v, const json_t *was, const json_t *now,
    const char *key)
{
	int64_t us = get_num_at(v->now, "time_us") -
		     get_num_at(v->was, "time_us");
	int64_t n = get_num_at(now, key) - get_num_at(was, key);

	if (was == NULL || us <= 0 || n < 0)
		return -1;
	return (double)n * 1e6 / (double)us;
}

/* ---- the top ---- */

static enum tone
role_tone(const char *role)
{
	if (strcmp(role, "active") == 0 || strcmp(role, "standby") == 0)
		return TONE_GOOD;
	return strcmp(role, "fault") == 0 ? TONE_BAD : TONE_WARN;
}

static const char *
clock_text(int64_t us, char *buf, size_t len)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, len, "%H:%M:%S", &tm) == 0)
		return "?";
	return buf;
}

static void
right(struct top_screen *s, unsigned row, enum tone tone, const char *text)
{
	unsigned n = text_width(text);

	if (n < s->width)
		(void)top_put(s, row, s->width - n, 0, tone, "%s", text);
}

static unsigned
draw_self(struct top_screen *s, unsigned row, const struct top_view *v)
{
	static const enum tone tones[] = {
		[VERDICT_WELL] = TONE_GOOD,
		[VERDICT_DEGRADED] = TONE_WARN,
		[VERDICT_FAILED] = TONE_BAD,
	};
	const json_t *j = v->now;
	const char *role = get_str_at(j, "role");
	size_t alarms = json_array_size(get_at(j, "alarms")), i;
	char upper[24], age[DURATION_LEN], clock[16], text[64];
	unsigned col;

	for (i = 0; i < sizeof(upper) - 1 && role[i] != '\0'; i++)
		upper[i] = (char)toupper((unsigned char)role[i]);
	upper[i] = '\0';
	col = top_put(s, row, 0, 24, TONE_BOLD, "yoke %s  %s",
	    get_str_at(j, "instance"), get_str_at(j, "node"));
	col = top_put(s, row, col + 1, 14, role_tone(role), "%s", upper);
	(void)top_put(s, row, col + 1, 0, TONE_PLAIN, "%s  term %" PRId64
	    " change %" PRId64, duration_ms_at(j, "role_since_ms", age),
	    get_num_at(j, "epoch"), get_num_at(j, "seq"));
	if (alarms > 0)
		(void)snprintf(text, sizeof(text), "  %zu alarm%s", alarms,
		    alarms > 1 ? "s" : "");
	else
		(void)snprintf(text, sizeof(text), "  well");
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    "  %s", clock_text(get_num_at(j, "time_us"), clock, sizeof(clock)));
	right(s, row, tones[status_verdict(j)], text);
	return row + 1;
}

static unsigned
draw_gone(struct top_screen *s, unsigned row, const struct top_view *v)
{
	if (v->gone == NULL)
		return row;
	(void)top_put(s, row, 0, 0, TONE_BAD, "yoked does not answer: %s%s",
	    v->gone, v->now != NULL ? "; this is what it said last" : "");
	return row + 1;
}

static bool
is_heard(const json_t *j)
{
	const json_t *list = get_at(j, "paths");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (get_bool_at(json_array_get(list, i), "up"))
			return true;
	return get_bool_at(get_at(j, "peer"), "by_link");
}

/* "d2 standby in step, 3 ms ago" */
static unsigned
draw_peer(struct top_screen *s, unsigned row, const struct top_view *v)
{
	const json_t *p = get_at(v->now, "peer"), *k = get_at(v->now, "sync");
	const char *role = get_str_at(p, "role");
	char age[DURATION_LEN];
	bool heard = is_heard(v->now), step = get_bool_at(p, "in_step");
	unsigned col;

	col = top_put(s, row, 0, 20, TONE_BOLD, "peer  %s",
	    get_str_at(p, "node"));
	col = top_put(s, row, col + 1, 14,
	    heard ? role_tone(role) : TONE_WARN, "%s",
	    !heard ? "silent" : role[0] != '\0' ? role : "unknown");
	if (heard && strcmp(role, "standby") == 0)
		col = top_put(s, row, col + 1, 0, step ? TONE_PLAIN : TONE_WARN,
		    "%s, %" PRId64 " behind",
		    step ? "in step" : "NOT IN STEP",
		    get_num_at(p, "lag_changes"));
	if (get_there(p, "heard_ms"))
		col = top_put(s, row, col + 2, 0, TONE_PLAIN, "heard %s ago",
		    duration_ms_at(p, "heard_ms", age));
	if (get_bool_at(k, "enabled"))
		(void)top_put(s, row, col + 2, 0, TONE_PLAIN,
		    "conns %" PRId64 "/%" PRId64 "%s",
		    get_num_at(k, "connections"),
		    get_num_at(k, "peer_connections"),
		    get_bool_at(k, "full") ? " full" : "");
	return row + 1;
}

static unsigned
draw_paths(struct top_screen *s, unsigned row, const struct top_view *v)
{
	const json_t *list = get_at(v->now, "paths"), *p;
	char age[DURATION_LEN];
	unsigned col = top_put(s, row, 0, 0, TONE_BOLD, "paths");
	size_t i;
	bool up;

	for (i = 0; i < json_array_size(list); i++) {
		p = json_array_get(list, i);
		up = get_bool_at(p, "up");
		if (col + 24 > s->width) {
			(void)top_put(s, row, col + 1, 0, TONE_WARN, "+%zu",
			    json_array_size(list) - i);
			break;
		}
		col = top_put(s, row, i == 0 ? 6 : col + 3, 28,
		    up ? TONE_PLAIN : TONE_WARN, "%s %s %s",
		    get_str_at(p, "name"), up ? "up" : "DOWN",
		    duration_ms_at(p, "for_ms", age));
	}
	return row + 1;
}

/* Addresses, the uplink and the checkpoint in a line. */
static unsigned
draw_rest(struct top_screen *s, unsigned row, const struct top_view *v)
{
	const json_t *list = get_at(v->now, "vips");
	const json_t *k = get_at(v->now, "checkpoint");
	const char *role = get_str_at(v->now, "role");
	const json_t *uplink = get_at(v->now, "uplink");
	bool well = uplink == NULL || get_bool_at(uplink, "well");
	size_t held = 0, n = json_array_size(list), i;
	char age[DURATION_LEN];
	bool active = strcmp(role, "active") == 0;
	unsigned col;

	for (i = 0; i < n; i++)
		held += get_bool_at(json_array_get(list, i), "held");
	col = top_put(s, row, 0, 0, TONE_BOLD, "vips");
	col = top_put(s, row, col + 2, 0,
	    active && held < n ? TONE_BAD : TONE_PLAIN, "%zu of %zu held",
	    held, n);
	col = top_put(s, row, col + 3, 0, TONE_BOLD, "uplink");
	col = top_put(s, row, col + 1, 0, well ? TONE_PLAIN : TONE_BAD, "%s",
	    well ? "well" : "LOST");
	col = top_put(s, row, col + 3, 0, TONE_BOLD, "checkpoint");
	if (!active)
		(void)top_put(s, row, col + 1, 0, TONE_PLAIN, "by the active");
	else if (!get_bool_at(k, "ok"))
		(void)top_put(s, row, col + 1, 0, TONE_WARN, "FAILING %s",
		    get_str_at(k, "error"));
	else
		(void)top_put(s, row, col + 1, 0, TONE_PLAIN,
		    "%" PRId64 " behind, %s ago", get_num_at(k, "lag_changes"),
		    duration_ms_at(k, "age_ms", age));
	return row + 1;
}

static unsigned
draw_alarms(struct top_screen *s, unsigned row, const struct top_view *v)
{
	const json_t *list = get_at(v->now, "alarms");
	size_t n = json_array_size(list), i;

	for (i = 0; i < n && i < ALARMS_MAX; i++)
		(void)top_put(s, row++, 0, 0, TONE_WARN, "!     %s%s",
		    get_str_at(json_array_get(list, i), "text"),
		    i + 1 == ALARMS_MAX && n > ALARMS_MAX ? " ..and more" : "");
	return row;
}

/* ---- services ---- */

static int64_t
largest_weight(const json_t *servers)
{
	int64_t max = 1, n;
	size_t i;

	for (i = 0; i < json_array_size(servers); i++) {
		n = get_num_at(json_array_get(servers, i), "weight");
		max = n > max ? n : max;
	}
	return max;
}

static void
draw_bar(struct top_screen *s, unsigned row, unsigned col, int64_t weight,
    int64_t max)
{
	static const char full[] = "########", none[] = "........";
	int n = (int)(weight * BAR / max);

	if (weight > 0 && n == 0)
		n = 1;
	(void)top_put(s, row, col, BAR, TONE_DIM, "%.*s%.*s", n, full, BAR - n,
	    none);
}

static enum tone
server_tone(const json_t *v)
{
	if (strcmp(get_str_at(v, "health"), "down") == 0)
		return TONE_BAD;
	return get_bool_at(v, "drain") ? TONE_WARN : TONE_PLAIN;
}

/* What sets the weight, when that is not the configuration. */
static char
source_mark(const json_t *v)
{
	static const struct {
		const char *source;
		char mark;
	} rows[] = {
		{ "by hand", 'h' },
		{ "policy", 'p' },
		{ "drained", 'd' },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(get_str_at(v, "source"), rows[i].source) == 0)
			return rows[i].mark;
	return ' ';
}

static void
draw_rate(struct top_screen *s, unsigned row, unsigned col, unsigned width,
    double v)
{
	char text[16];

	if (v >= 0)
		(void)top_put(s, row, col, width, TONE_PLAIN, "%*s",
		    (int)width, short_number(v, text, sizeof(text)));
	else
		(void)top_put(
		    s, row, col, width, TONE_DIM, "%*s", (int)width, "-");
}

struct table {
	struct top_screen *s;
	const struct top_view *v;
	struct columns c;
	unsigned first, room; /* rows of the screen */
	unsigned at;	      /* row of the table that comes next */
};

/* The row of the screen for the next row of the table; false: not shown. */
static bool
next_row(struct table *t, unsigned *ret)
{
	unsigned n = t->at++;

	if (n < t->v->scroll || n - t->v->scroll >= t->room)
		return false;
	*ret = t->first + n - t->v->scroll;
	return true;
}

static void
draw_server(struct table *t, const json_t *was, const json_t *v, int64_t max)
{
	const struct columns *c = &t->c;
	int64_t weight = get_num_at(v, "weight");
	char text[16];
	unsigned row;

	if (!next_row(t, &row))
		return;
	(void)top_put(t->s, row, c->name, c->name_width, server_tone(v), "%s",
	    get_str_at(v, "name"));
	(void)top_put(t->s, row, c->address, c->address_width, TONE_PLAIN,
	    "%s", get_str_at(v, "address"));
	draw_bar(t->s, row, c->bar, weight, max);
	(void)top_put(t->s, row, c->weight, 7, TONE_PLAIN, "%5" PRId64 " %c",
	    weight, source_mark(v));
	(void)top_put(t->s, row, c->health, 7, server_tone(v), "%s",
	    get_str_at(v, "health"));
	(void)top_put(t->s, row, c->conns, 6, TONE_PLAIN, "%6s",
	    short_number((double)get_num_at(v, "active"), text, sizeof(text)));
	draw_rate(t->s, row, c->rate, 5, rate(t->v, was, v, "conns"));
	draw_rate(t->s, row, c->bytes, 5, rate(t->v, was, v, "in_bytes"));
}

static void
draw_service(struct table *t, const json_t *was, const json_t *v)
{
	const json_t *servers = get_at(v, "servers");
	int64_t max = largest_weight(servers);
	char text[16];
	unsigned row, col;
	size_t i;

	if (next_row(t, &row)) {
		col = top_put(t->s, row, 0, 30, TONE_BOLD, "%s",
		    get_str_at(v, "name"));
		(void)top_put(t->s, row, col + 2, t->c.health - col - 3,
		    TONE_PLAIN, "%s %s", get_str_at(v, "key"),
		    get_str_at(v, "scheduler"));
		(void)top_put(t->s, row, t->c.conns, 6, TONE_BOLD, "%6s",
		    short_number((double)get_num_at(v, "active"), text,
			sizeof(text)));
	}
	for (i = 0; i < json_array_size(servers); i++)
		draw_server(t, same_item(get_at(was, "servers"), i,
				   json_array_get(servers, i)),
		    json_array_get(servers, i), max);
}

static unsigned
draw_services(struct top_screen *s, unsigned row, unsigned room,
    const struct top_view *v)
{
	const json_t *list = get_at(v->now, "services");
	struct table t = { .s = s, .v = v, .c = columns_for(s->width),
		.first = row + 1, .room = room > 0 ? room - 1 : 0 };
	size_t i;

	(void)top_put(s, row, 0, 0, TONE_DIM,
	    "%-*s %-*s %-*s %-7s %-7s %6s %5s %5s",
	    (int)t.c.name_width + 2, "service, server",
	    (int)t.c.address_width, "address", BAR, "weight", "", "health",
	    "conns", "new/s", "B/s");
	for (i = 0; i < json_array_size(list); i++)
		draw_service(&t,
		    same_item(get_at(v->was, "services"), i,
			json_array_get(list, i)),
		    json_array_get(list, i));
	return t.at;
}

/* ---- the bottom ---- */

static void
draw_events(struct top_screen *s, unsigned row, unsigned n,
    const struct top_view *v)
{
	char clock[16];
	unsigned i;

	for (i = 0; i < n && i < v->n_events; i++)
		(void)top_put(s, row + i, 0, 0, v->events[i].tone, "%s %s",
		    clock_text(v->events[i].at_us, clock, sizeof(clock)),
		    v->events[i].text);
}

static unsigned
events_for(unsigned height)
{
	return height >= EVENTS_TALL ? 2 * EVENTS_MAX : EVENTS_MAX;
}

static unsigned
draw_top(struct top_screen *s, const struct top_view *v)
{
	static unsigned (*const parts[])(struct top_screen *s, unsigned row,
	    const struct top_view *v) = { draw_self, draw_peer, draw_paths,
		draw_rest, draw_gone, draw_alarms };
	unsigned row = 0;
	size_t i;

	if (v->now == NULL)
		return draw_gone(s, 0, v);
	for (i = 0; i < ARRAY_LEN(parts); i++)
		row = parts[i](s, row, v);
	return row;
}

unsigned
top_draw(struct top_screen *s, const struct top_view *v, unsigned *ret_room)
{
	unsigned row = draw_top(s, v), events = events_for(s->height);
	unsigned below = events + 2; /* a line above them, keys below */
	unsigned room, n;

	room = s->height > row + below ? s->height - row - below : 1;
	*ret_room = room > 1 ? room - 1 : 1;
	if (v->now == NULL)
		return 0;
	n = draw_services(s, row, room, v);
	row = s->height - below;
	(void)top_put(s, row, 0, 0, TONE_DIM, "events");
	if (n > *ret_room)
		(void)top_put(s, row, 10, 0, TONE_DIM,
		    "(rows %u to %u of %u above)", v->scroll + 1,
		    v->scroll + *ret_room < n ? v->scroll + *ret_room : n, n);
	draw_events(s, row + 1, events, v);
	(void)top_put(s, s->height - 1, 0, 0, TONE_DIM,
	    "q quit  arrows, page up, page down: scroll");
	return n;
}

unsigned
top_height(const struct top_view *v)
{
	const json_t *list = get_at(v->now, "services");
	size_t n = json_array_size(list), i;
	size_t alarms = json_array_size(get_at(v->now, "alarms"));

	for (i = 0; i < json_array_size(list); i++)
		n += json_array_size(
		    get_at(json_array_get(list, i), "servers"));
	return (unsigned)n + 5 + (v->gone != NULL) +
	       (alarms < ALARMS_MAX ? (unsigned)alarms : ALARMS_MAX) +
	       2 * EVENTS_MAX + 2;
}
