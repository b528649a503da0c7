/*
 * metrics: see metrics.h. A family of samples is a row of schema/status.def; the
 * document is walked once for each, since samples of a family stand together.
 */
#include "daemons/metricsd/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "watch/status_get.h"

#define NAME_MAX_LEN 96
#define LEVELS 3 /* lists inside each other, and one to spare */

enum type { TEXT, BOOL, GAUGE, COUNTER, ID };
enum unit { NONE, TIME, US, MS, CHANGES, BEATS, CONNS, BYTES };

static const struct row {
	const char *path;
	enum type type;
	enum unit unit;
	const char *help;
} rows[] = {
#define FIELD(path, type, unit, null, help) { path, type, unit, help },
#include "schema/status.def"
#undef FIELD
};

/* Lists whose items are known by a name: what it is called as a label, and
 * how names of their metrics begin. Rows of other lists are no metrics. */
static const struct list {
	const char *path, *prefix, *key, *label;
} lists[] = {
	{ "paths[]", "path", "name", "path" },
	{ "vips[]", "vip", "address", "vip" },
	{ "uplink.devices[]", "uplink_device", "name", "device" },
	{ "uplink.witnesses[]", "uplink_witness", "name", "witness" },
	{ "services[]", "service", "name", "service" },
	{ "services[].servers[]", "server", "name", "server" },
};

/* Texts that are one of a few words: a sample for each, 1 for what it is. */
static const struct states {
	const char *path, *words;
} states[] = {
#define ROLES \
	"starting standby taking-over active handing-over fault maintenance"
	{ "role", ROLES },
	{ "peer.role", ROLES },
	{ "fence.state", "idle running done failed" },
	{ "sync.phase", "none seeding asking getting full sending ready" },
	{ "restored.from", "configuration replica checkpoint" },
	{ "checkpoint.device_state",
	    "none off mounting mounted failed unmounting stuck" },
};

/* Texts that say what a thing is: labels of a metric of their own that is
 * always 1. at: the object that has them. */
static const struct info {
	const char *at, *name, *help;
	const char *keys[5], *labels[5];
} infos[] = {
	{ "", "director", "this director",
	    { "yoke", "instance", "node", "why" },
	    { "version", "pair", "node", "why" } },
	{ "peer", "peer", "the other director", { "node" }, { "node" } },
	{ "paths[]", "path", "a path", { "type", "device" },
	    { "type", "device" } },
	{ "vips[]", "vip", "a virtual address", { "device" }, { "device" } },
	{ "checkpoint", "checkpoint", "where the table is stored",
	    { "file", "storage", "device", "device_guard" },
	    { "file", "storage", "device", "device_guard" } },
	{ "services[]", "service", "a virtual service",
	    { "key", "scheduler" }, { "key", "scheduler" } },
	{ "services[].servers[]", "server", "a real server",
	    { "address", "method", "source", "health" },
	    { "address", "method", "source", "health" } },
};

struct level {
	const struct list *list;
	const json_t *item;
};

struct writer {
	FILE *f;
	enum metrics_format format;
	struct level at[LEVELS];
	size_t depth;
};

/* ---- names ---- */

static const struct list *
find_list(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(lists); i++)
		if (strlen(lists[i].path) == len &&
		    strncmp(lists[i].path, path, len) == 0)
			return &lists[i];
	return NULL;
}

static const struct states *
find_states(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].path, path) == 0)
			return &states[i];
	return NULL;
}

/* The innermost list of a path: *ret_len of it; 0: none. */
static size_t
list_length(const char *path)
{
	const char *p, *last = NULL;

	for (p = strstr(path, "[]"); p != NULL; p = strstr(p + 2, "[]"))
		last = p + 2;
	return last != NULL ? (size_t)(last - path) : 0;
}

static bool
is_info_key(const char *path)
{
	size_t i, k, n;

	for (i = 0; i < ARRAY_LEN(infos); i++) {
		n = strlen(infos[i].at);
		if (strncmp(path, infos[i].at, n) != 0)
			continue;
		path += n + (n > 0);
		for (k = 0; k < ARRAY_LEN(infos[i].keys); k++)
			if (infos[i].keys[k] != NULL &&
			    strcmp(infos[i].keys[k], path) == 0)
				return true;
		path -= n + (n > 0);
	}
	return false;
}

/* As a family of its own. */
static bool
is_family(const struct row *r)
{
	size_t n = list_length(r->path);

	if (n > 0 && find_list(r->path, n) == NULL)
		return false;
	return r->type != TEXT || find_states(r->path) != NULL;
}

bool
metrics_shows(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			return is_family(&rows[i]) || is_info_key(path);
	return false;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

/* Base units, written out, at the end of the name. */
static void
add_unit(const struct row *r, char *name)
{
	static const struct {
		enum unit unit;
		const char *was, *is;
	} ends[] = {
		{ US, "_us", "_seconds" },
		{ MS, "_ms", "_seconds" },
		{ NONE, "_ns", "_seconds" },
		{ NONE, "_bits", "_prefix_length" }, /* "bits" is no unit */
		{ CONNS, "_conns", "_connections" },
		{ CONNS, "_connections", "_connections" },
		{ CONNS, "", "_connections" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(ends); i++) {
		if (ends[i].unit != r->unit || !ends_with(name, ends[i].was))
			continue;
		name[strlen(name) - strlen(ends[i].was)] = '\0';
		strcat(name, ends[i].is);
		return;
	}
}

/* yoke_server_in_bytes; without the _total of counters. */
static void
family_name(const struct row *r, char name[NAME_MAX_LEN])
{
	size_t n = list_length(r->path), i;
	const struct list *l = find_list(r->path, n);

	(void)snprintf(name, NAME_MAX_LEN - 16, "yoke_%s%s%s",
	    l != NULL ? l->prefix : "", l != NULL ? "_" : "",
	    r->path + n + (n > 0));
	for (i = 0; name[i] != '\0'; i++)
		if (name[i] == '.')
			name[i] = '_';
	add_unit(r, name);
}

/* ---- writing ---- */

/* The value of a label: escaped, and never a control character. */
static void
put_label(struct writer *w, const char *name, const char *value)
{
	fprintf(w->f, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', w->f);
		fputc((unsigned char)*value < ' ' ? '?' : *value, w->f);
	}
	fputc('"', w->f);
}

/* Labels of the lists we are in; returns how many. */
static size_t
put_where(struct writer *w)
{
	size_t i;

	for (i = 0; i < w->depth; i++) {
		if (i > 0)
			fputc(',', w->f);
		put_label(w, w->at[i].list->label,
		    get_str_at(w->at[i].item, w->at[i].list->key));
	}
	return w->depth;
}

static void
put_name(struct writer *w, const char *name, const char *suffix)
{
	fprintf(w->f, "%s%s", name, suffix);
	if (w->depth == 0)
		return;
	fputc('{', w->f);
	(void)put_where(w);
	fputc('}', w->f);
}

/* type: of OpenMetrics; the older format knows two of them, and a counter's
 * name has its suffix there. */
static void
put_head(struct writer *w, const char *name, const char *type,
    const char *suffix, const char *help)
{
	bool open = w->format == METRICS_OPEN;
	bool counter = strcmp(type, "counter") == 0;
	const char *end = open ? "" : suffix;

	fprintf(w->f, "# HELP %s%s %s\n", name, end, help);
	fprintf(w->f, "# TYPE %s%s %s\n", name, end,
	    open || counter ? type : "gauge");
	if (!open)
		return;
	if (ends_with(name, "_seconds"))
		fprintf(w->f, "# UNIT %s seconds\n", name);
	else if (ends_with(name, "_bytes"))
		fprintf(w->f, "# UNIT %s bytes\n", name);
}

static void
put_value(struct writer *w, const struct row *r, const json_t *v)
{
	int64_t n = json_integer_value(v);

	if (r->type == BOOL)
		fprintf(w->f, " %d\n", json_is_true(v));
	else if (r->unit == US)
		fprintf(w->f, " %" PRId64 ".%06" PRId64 "\n", n / 1000000,
		    n % 1000000);
	else if (r->unit == MS)
		fprintf(w->f, " %" PRId64 ".%03" PRId64 "\n", n / 1000,
		    n % 1000);
	else if (ends_with(r->path, "_ns"))
		fprintf(w->f, " %" PRId64 ".%09" PRId64 "\n",
		    n / 1000000000, n % 1000000000);
	else
		fprintf(w->f, " %" PRId64 "\n", n);
}

static void
put_states(struct writer *w, const char *name, const char *words,
    const char *is)
{
	char copy[128], *word, *save;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		fprintf(w->f, "%s{", name);
		if (put_where(w) > 0)
			fputc(',', w->f);
		put_label(w, name, word);
		fprintf(w->f, "} %d\n", strcmp(word, is) == 0);
	}
}

static void
put_sample(struct writer *w, const struct row *r, const char *name,
    const json_t *v)
{
	if (r->type == TEXT) {
		if (json_is_string(v))
			put_states(w, name, find_states(r->path)->words,
			    json_string_value(v));
	} else if (r->type == BOOL ? json_is_boolean(v)
				   : json_is_integer(v) &&
		    json_integer_value(v) >= 0) {
		put_name(w, name, r->type == COUNTER ? "_total" : "");
		put_value(w, r, v);
	}
}

/* ---- walking ---- */

struct visit {
	const struct row *row; /* or */
	const struct info *info;
	const char *name;
};

/* Two of one name would be one series twice. Names of services and servers are
 * unique in yoked's table; short lists are looked at. */
static bool
seen_before(const json_t *list, size_t i, const char *key)
{
	const char *name = get_str_at(json_array_get(list, i), key);
	size_t k;

	if (i > 64)
		return false;
	for (k = 0; k < i; k++)
		if (strcmp(get_str_at(json_array_get(list, k), key), name) == 0)
			return true;
	return false;
}

static void put_info(struct writer *w, const struct info *n, const json_t *v);

/* path: what is left of it, below j; whole: its beginning. */
static void
walk(struct writer *w, const struct visit *v, const char *whole,
    const char *path, const json_t *j)
{
	size_t n = strcspn(path, ".["), i;
	const struct list *l;
	char key[64];

	if (*path == '\0') {
		if (v->row != NULL)
			put_sample(w, v->row, v->name, j);
		else
			put_info(w, v->info, j);
		return;
	}
	(void)snprintf(key, sizeof(key), "%.*s", (int)n, path);
	j = get_at(j, key);
	path += n;
	if (strncmp(path, "[]", 2) != 0) {
		walk(w, v, whole, path + (*path == '.'), j);
		return;
	}
	path += 2;
	l = find_list(whole, (size_t)(path - whole));
	path += *path == '.';
	if (l == NULL || w->depth == LEVELS)
		return;
	for (i = 0; i < json_array_size(j); i++) {
		if (seen_before(j, i, l->key))
			continue;
		w->at[w->depth++] =
		    (struct level){ l, json_array_get(j, i) };
		walk(w, v, whole, path, json_array_get(j, i));
		w->depth--;
	}
}

static void
put_info(struct writer *w, const struct info *n, const json_t *v)
{
	size_t k, more;

	if (!json_is_object(v))
		return;
	fprintf(w->f, "yoke_%s_info{", n->name);
	more = put_where(w);
	for (k = 0; k < ARRAY_LEN(n->keys) && n->keys[k] != NULL; k++) {
		if (more++ > 0)
			fputc(',', w->f);
		put_label(w, n->labels[k], get_str_at(v, n->keys[k]));
	}
	fputs("} 1\n", w->f);
}

static void
write_infos(struct writer *w, const json_t *status)
{
	char name[NAME_MAX_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(infos); i++) {
		(void)snprintf(
		    name, sizeof(name), "yoke_%s", infos[i].name);
		put_head(w, name, "info", "_info", infos[i].help);
		walk(w, &(struct visit){ .info = &infos[i] }, infos[i].at,
		    infos[i].at, status);
	}
}

static void
write_rows(struct writer *w, const json_t *status)
{
	static const char *const types[] = {
		[TEXT] = "stateset",
		[BOOL] = "gauge",
		[GAUGE] = "gauge",
		[COUNTER] = "counter",
		[ID] = "gauge",
	};
	char name[NAME_MAX_LEN];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (!is_family(r))
			continue;
		family_name(r, name);
		put_head(w, name, types[r->type],
		    r->type == COUNTER ? "_total" : "", r->help);
		walk(w, &(struct visit){ .row = r, .name = name }, r->path,
		    r->path, status);
	}
}

/* By name; there may be several of one. */
static void
write_alarms(struct writer *w, const json_t *status)
{
	const json_t *list = get_at(status, "alarms");
	size_t n = json_array_size(list), i, k, count;
	const char *name;

	put_head(w, "yoke_alarms", "gauge", "",
	    "what is not as it should be, by name; nothing: all is well");
	for (i = 0; i < n; i++) {
		if (seen_before(list, i, "name"))
			continue;
		name = get_str_at(json_array_get(list, i), "name");
		for (k = i, count = 0; k < n; k++)
			count += strcmp(get_str_at(json_array_get(list, k),
					    "name"), name) == 0;
		fputs("yoke_alarms{", w->f);
		put_label(w, "alarm", name);
		fprintf(w->f, "} %zu\n", count);
	}
}

/* The newest change of role; older ones were the newest in their time. */
static void
write_transition(struct writer *w, const json_t *status)
{
	static const struct {
		const char *key, *name, *help;
	} times[] = {
		{ "at_us", "yoke_transition_time_seconds",
		    "when the role changed last, since 1970" },
		{ "silence_us", "yoke_transition_silence_seconds",
		    "takeover: since the peer was last heard" },
		{ "total_us", "yoke_transition_duration_seconds",
		    "all steps of the last change of role" },
	};
	static const char *const labels[] = { "from", "to", "event", "why" };
	const json_t *t = json_array_get(get_at(status, "transitions"), 0);
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(times); i++) {
		put_head(w, times[i].name, "gauge", "", times[i].help);
		if (!get_there(t, times[i].key))
			continue;
		fprintf(w->f, "%s{", times[i].name);
		for (k = 0; k < ARRAY_LEN(labels); k++) {
			put_label(w, labels[k], get_str_at(t, labels[k]));
			fputs(k + 1 < ARRAY_LEN(labels) ? "," : "} ", w->f);
		}
		fprintf(w->f, "%" PRId64 ".%06" PRId64 "\n",
		    get_num_at(t, times[i].key) / 1000000,
		    get_num_at(t, times[i].key) % 1000000);
	}
}

static void
write_up(struct writer *w, const json_t *status, const char *why)
{
	put_head(w, "yoke_up", "gauge", "", "yoked answers");
	fprintf(w->f, "yoke_up %d\n", status != NULL);
	if (status != NULL)
		return;
	put_head(w, "yoke_down", "info", "_info", "why there is nothing else");
	fputs("yoke_down_info{", w->f);
	put_label(w, "why", why);
	fputs("} 1\n", w->f);
}

char *
metrics_text(const json_t *status, const char *why, enum metrics_format format,
    size_t *ret_len)
{
	struct writer w = { .format = format };
	char *text = NULL;
	bool bad;

	w.f = open_memstream(&text, ret_len);
	if (w.f == NULL)
		return NULL;
	write_up(&w, status, why);
	if (status != NULL) {
		write_infos(&w, status);
		write_rows(&w, status);
		write_alarms(&w, status);
		write_transition(&w, status);
	}
	if (format == METRICS_OPEN)
		fputs("# EOF\n", w.f);
	bad = ferror(w.f) != 0;
	if (fclose(w.f) != 0 || bad) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- formats ---- */

const char *
metrics_content_type(enum metrics_format f)
{
	static const char *const types[METRICS__FORMATS] = {
		[METRICS_PLAIN] = "text/plain; version=0.0.4; charset=utf-8",
		[METRICS_OPEN] = "application/openmetrics-text; version=1.0.0; "
				 "charset=utf-8",
	};

	return types[f];
}

/* Prometheus names it whenever it can read it; people's tools do not. */
enum metrics_format
metrics_wanted(const char *accept)
{
	return accept != NULL &&
		strstr(accept, "application/openmetrics-text") != NULL
	    ? METRICS_OPEN : METRICS_PLAIN;
}
