/*
 * status_service: virtual services and their servers as text: a table while
 * its columns fit, else each server as a paragraph. And `yoke why`.
 */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/service.h"
#include "daemons/yoke/status_text.h"
#include "watch/status_get.h"

#define MARGIN 2
#define WHY_MIN 16 /* a narrower column of reasons is no use */
#define CELL_LEN 128

enum column {
	COL_SERVER,
	COL_ADDRESS,
	COL_WEIGHT,
	COL_HEALTH,
	COL_CONNS,
	COL_WHY,
	COL__LAST
};

static const char *const heads[COL__LAST] = {
	[COL_SERVER] = "server",
	[COL_ADDRESS] = "address",
	[COL_WEIGHT] = "weight",
	[COL_HEALTH] = "health",
	[COL_CONNS] = "conns",
	[COL_WHY] = "why",
};

typedef char cells[COL__LAST][CELL_LEN];

/* "37 by hand", "100": where it is as configured nothing needs saying. */
static void
weight_text(const json_t *s, char *buf, size_t len)
{
	const char *source = get_str_at(s, "source");
	bool plain = strcmp(source, "configured") == 0;

	(void)snprintf(buf, len, "%" PRId64 "%s%s", get_num_at(s, "weight"),
	    plain ? "" : " ", plain ? "" : source);
}

static void
fill_cells(const json_t *s, cells c)
{
	(void)snprintf(c[COL_SERVER], CELL_LEN, "%s", get_str_at(s, "name"));
	(void)snprintf(
	    c[COL_ADDRESS], CELL_LEN, "%s", get_str_at(s, "address"));
	weight_text(s, c[COL_WEIGHT], CELL_LEN);
	(void)snprintf(c[COL_HEALTH], CELL_LEN, "%s", get_str_at(s, "health"));
	(void)snprintf(
	    c[COL_CONNS], CELL_LEN, "%" PRId64, get_num_at(s, "active"));
	(void)snprintf(c[COL_WHY], CELL_LEN, "%s", get_str_at(s, "cause"));
}

/* Widths of all columns; the last gets what is left. Do the others fit? */
static bool
measure(const json_t *servers, unsigned widths[COL__LAST])
{
	unsigned used = MARGIN, n;
	size_t i;
	int k;
	cells c;

	for (k = 0; k < COL_WHY; k++)
		widths[k] = text_width(heads[k]);
	for (i = 0; i < json_array_size(servers); i++) {
		fill_cells(json_array_get(servers, i), c);
		for (k = 0; k < COL_WHY; k++) {
			n = text_width(c[k]);
			widths[k] = n > widths[k] ? n : widths[k];
		}
	}
	for (k = 0; k < COL_WHY; k++)
		used += widths[k] + CELL_GAP;
	widths[COL_WHY] = used < LINE_WIDTH ? LINE_WIDTH - used : 0;
	return used - CELL_GAP <= LINE_WIDTH;
}

static enum tone
server_tone(const json_t *s)
{
	if (strcmp(get_str_at(s, "health"), "down") == 0)
		return TONE_BAD;
	if (get_bool_at(s, "drain"))
		return TONE_WARN;
	return TONE_PLAIN;
}

/* The reason behind its row, or below it where that is too narrow. */
static void
show_reason(const char *why, unsigned width, struct lines *l)
{
	if (why[0] == '\0')
		return;
	if (width >= WHY_MIN) {
		line_cell(l, TONE_PLAIN, width, why);
		return;
	}
	line_end(l);
	line_begin(l, TONE_PLAIN, "", 2 * MARGIN);
	line_words(l, TONE_PLAIN, 0, "%s", why);
}

static void
show_row(const json_t *s, const unsigned widths[COL__LAST], struct lines *l)
{
	cells c;
	int k;

	fill_cells(s, c);
	line_begin(l, TONE_PLAIN, "", MARGIN);
	for (k = 0; k < COL_WHY; k++)
		line_cell(l, k == COL_HEALTH ? server_tone(s) : TONE_PLAIN,
		    widths[k], c[k]);
	show_reason(c[COL_WHY], widths[COL_WHY], l);
	line_end(l);
}

static void
show_table(
    const json_t *servers, const unsigned widths[COL__LAST], struct lines *l)
{
	size_t i;
	int k;

	line_begin(l, TONE_PLAIN, "", MARGIN);
	for (k = 0; k < COL__LAST; k++)
		if (k != COL_WHY || widths[k] >= WHY_MIN)
			line_cell(l, TONE_DIM, widths[k], heads[k]);
	line_end(l);
	for (i = 0; i < json_array_size(servers); i++)
		show_row(json_array_get(servers, i), widths, l);
}

static void
show_paragraph(const json_t *s, struct lines *l)
{
	cells c;

	fill_cells(s, c);
	line_begin(l, TONE_PLAIN, "", MARGIN);
	line_put(l, TONE_PLAIN, 0, "%s", c[COL_SERVER]);
	l->indent = 2 * MARGIN;
	line_put(l, TONE_PLAIN, CELL_GAP, "%s", c[COL_ADDRESS]);
	line_put(l, TONE_PLAIN, CELL_GAP, "weight %s", c[COL_WEIGHT]);
	line_put(l, server_tone(s), CELL_GAP, "%s", c[COL_HEALTH]);
	line_put(l, TONE_PLAIN, CELL_GAP, "%s conns", c[COL_CONNS]);
	line_words(l, TONE_PLAIN, CELL_GAP, "%s", c[COL_WHY]);
	line_end(l);
}

static void
show_service(const json_t *s, struct lines *l)
{
	const json_t *servers = get_at(s, "servers");
	unsigned widths[COL__LAST];
	char label[128];
	size_t i;

	(void)snprintf(
	    label, sizeof(label), "service %s", get_str_at(s, "name"));
	line_begin(l, TONE_BOLD, label, LINE_LABEL);
	line_put(l, TONE_PLAIN, 2, "%s", get_str_at(s, "key"));
	line_put(l, TONE_PLAIN, 1, "%s", get_str_at(s, "scheduler"));
	line_put(
	    l, TONE_PLAIN, 4, "%" PRId64 " active", get_num_at(s, "active"));
	line_put(l, TONE_PLAIN, 2, "%" PRId64 " inactive",
	    get_num_at(s, "inactive"));
	line_end(l);
	if (json_array_size(servers) == 0) {
		line_begin(l, TONE_PLAIN, "", MARGIN);
		line_put(l, TONE_WARN, 0, "no servers");
		line_end(l);
	} else if (measure(servers, widths)) {
		show_table(servers, widths, l);
	} else {
		for (i = 0; i < json_array_size(servers); i++)
			show_paragraph(json_array_get(servers, i), l);
	}
}

void
show_services(const struct status_doc *d, struct lines *l)
{
	size_t at = 0;
	json_t *s;

	while ((s = status_doc_next(d, &at)) != NULL) {
		show_service(s, l);
		json_decref(s);
	}
}

/* Caller json_decref()s. */
static json_t *
find_service(const struct status_doc *d, const char *name)
{
	size_t at = 0;
	json_t *s;

	while ((s = status_doc_next(d, &at)) != NULL) {
		if (strcmp(get_str_at(s, "name"), name) == 0)
			break;
		json_decref(s);
	}
	return s;
}

static const json_t *
find_named(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (strcmp(get_str_at(json_array_get(list, i), "name"), name) ==
		    0)
			return json_array_get(list, i);
	return NULL;
}

static void
why_weight(const json_t *v, struct lines *l)
{
	line_words(l, TONE_PLAIN, 1,
	    "weight %" PRId64 ", %s; in the configuration %" PRId64,
	    get_num_at(v, "weight"), get_str_at(v, "source"),
	    get_num_at(v, "configured"));
	line_end(l);
}

static void
why_cause(const json_t *v, struct lines *l)
{
	const char *cause = get_str_at(v, "cause");
	bool when = get_there(v, "changed_ms");
	char text[DURATION_LEN];

	(void)duration_ms_at(v, "changed_ms", text);
	line_begin(l, TONE_PLAIN, "last change", LINE_LABEL);
	line_words(l, TONE_PLAIN, 0, "%s%s%s%s",
	    cause[0] != '\0' ? cause : "none", when ? ", " : "",
	    when ? text : "", when ? " ago" : "");
	line_end(l);
}

/* What the policy says, and what the hand on top of it, where there is one. */
static void
why_policy(const json_t *v, struct lines *l)
{
	bool hand = get_there(v, "override");

	if (!get_there(v, "policy"))
		return;
	line_begin(l, TONE_PLAIN, "policy", LINE_LABEL);
	line_words(l, TONE_PLAIN, 0, "%" PRId64 "%s: %s",
	    get_num_at(v, "policy"), hand ? ", not in force" : "",
	    get_str_at(v, "policy_cause"));
	line_end(l);
	line_begin(l, TONE_PLAIN, "state", LINE_LABEL);
	line_words(l, TONE_PLAIN, 0, "%s", get_str_at(v, "state_cause"));
	line_end(l);
}

static void
why_health(const json_t *v, struct lines *l)
{
	line_begin(l, TONE_PLAIN, "health", LINE_LABEL);
	line_words(l, server_tone(v), 0, "%s%s", get_str_at(v, "health"),
	    get_bool_at(v, "drain") ? ", drained" : "");
	line_end(l);
	line_begin(l, TONE_PLAIN, "connections", LINE_LABEL);
	line_words(l, TONE_PLAIN, 0, "%" PRId64 " active, %" PRId64 " inactive",
	    get_num_at(v, "active"), get_num_at(v, "inactive"));
	line_end(l);
}

/* Nobody could say: what is not well with the checks themselves. */
static void
why_unknown(const json_t *head, struct lines *l)
{
	const json_t *list = get_at(head, "alarms"), *a;
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		a = json_array_get(list, i);
		name = get_str_at(a, "name");
		if (strncmp(name, "monitord", 8) != 0 &&
		    strcmp(name, "through-vip") != 0)
			continue;
		line_begin(l, TONE_WARN, "alarm", LINE_LABEL);
		line_words(l, TONE_WARN, 0, "%s", get_str_at(a, "text"));
		line_end(l);
	}
}

static void
why(const char *service, const char *server, const json_t *v, struct lines *l)
{
	line_begin(l, TONE_PLAIN, "", 0);
	line_put(l, TONE_BOLD, 0, "%s/%s:", service, server);
	l->indent = MARGIN;
	why_weight(v, l);
	why_cause(v, l);
	why_policy(v, l);
	why_health(v, l);
}

int
status_why(const struct status_doc *d, const char *service, const char *server,
    FILE *f, bool colour)
{
	struct lines l = { .f = f, .colour = colour };
	json_t *s = find_service(d, service);
	const json_t *v;
	int rc = -ERR_NO_SERVICE;

	if (s != NULL) {
		v = find_named(get_at(s, "servers"), server);
		if (v != NULL)
			why(service, server, v, &l);
		if (v != NULL &&
		    strcmp(get_str_at(v, "health"), "unknown") == 0)
			why_unknown(d->head, &l);
		rc = v != NULL ? 0 : -ERR_NO_SERVER;
	}
	json_decref(s);
	return rc;
}
