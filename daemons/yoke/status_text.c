/*
 * status_text: the status for people: the role first, then what is wrong, then
 * each part in a line or two. Everything an operator compares stands in the
 * same column every time.
 */
#include "daemons/yoke/status_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/mem.h"
#include "daemons/yoke/lines.h"
#include "watch/status_get.h"

#define TRANSITIONS_SHOWN 4
#define PIECE (LINE_WIDTH - LINE_LABEL)

static const struct {
	const char *role;
	enum tone tone;
} role_tones[] = {
	{ "active", TONE_GOOD },
	{ "standby", TONE_GOOD },
	{ "fault", TONE_BAD },
};

static enum tone
role_tone(const char *role)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(role_tones); i++)
		if (strcmp(role_tones[i].role, role) == 0)
			return role_tones[i].tone;
	return TONE_WARN;
}

static bool
holding_role(const json_t *j)
{
	const char *role = get_str_at(j, "role");

	return strcmp(role, "active") == 0 ||
	       strcmp(role, "handing-over") == 0 ||
	       strcmp(role, "taking-over") == 0;
}

enum verdict
status_verdict(const json_t *j)
{
	const json_t *vips = get_at(j, "vips");
	size_t i;

	if (strcmp(get_str_at(j, "role"), "fault") == 0)
		return VERDICT_FAILED;
	if (holding_role(j)) {
		if (get_there(j, "vip_error"))
			return VERDICT_FAILED;
		for (i = 0; i < json_array_size(vips); i++)
			if (!get_bool_at(json_array_get(vips, i), "held"))
				return VERDICT_FAILED;
	}
	if (json_array_size(get_at(j, "alarms")) > 0 ||
	    strcmp(get_str_at(j, "role"), "maintenance") == 0)
		return VERDICT_DEGRADED;
	return VERDICT_WELL;
}

static void
show_verdict(const json_t *j, struct lines *l)
{
	static const enum tone tones[] = {
		[VERDICT_WELL] = TONE_GOOD,
		[VERDICT_DEGRADED] = TONE_WARN,
		[VERDICT_FAILED] = TONE_BAD,
	};
	size_t n = json_array_size(get_at(j, "alarms"));
	char text[32];

	if (n == 0) {
		line_right(l, tones[status_verdict(j)], get_str_at(j, "text"));
		return;
	}
	(void)snprintf(text, sizeof(text), "%zu alarm%s", n, n > 1 ? "s" : "");
	line_right(l, tones[status_verdict(j)], text);
}

static void
show_head(const json_t *j, struct lines *l)
{
	const char *role = get_str_at(j, "role");
	char text[DURATION_LEN], upper[32];
	size_t i;

	for (i = 0; i < sizeof(upper) - 1 && role[i] != '\0'; i++)
		upper[i] = (char)toupper((unsigned char)role[i]);
	upper[i] = '\0';
	line_begin(l, TONE_PLAIN, "yoke", 4);
	line_put(l, TONE_PLAIN, 1, "%s", get_str_at(j, "instance"));
	line_put(l, TONE_PLAIN, 1, "on");
	line_put(l, TONE_PLAIN, 1, "%s:", get_str_at(j, "node"));
	line_put(l, role_tone(role), 1, "%s", upper);
	line_words(l, TONE_PLAIN, 1,
	    "for %s, term %" PRId64 ", change %" PRId64,
	    duration_ms_at(j, "role_since_ms", text), get_num_at(j, "epoch"),
	    get_num_at(j, "seq"));
	show_verdict(j, l);
	line_end(l);
}

static void
show_alarms(const json_t *j, struct lines *l)
{
	enum tone tone =
	    status_verdict(j) == VERDICT_FAILED ? TONE_BAD : TONE_WARN;
	const json_t *list = get_at(j, "alarms");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		line_begin(l, tone, "alarm", LINE_LABEL);
		line_words(l, tone, 2, "%s",
		    get_str_at(json_array_get(list, i), "text"));
		line_end(l);
	}
}

static bool
any_path_up(const json_t *j)
{
	const json_t *list = get_at(j, "paths");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (get_bool_at(json_array_get(list, i), "up"))
			return true;
	return false;
}

/* "(0 changes, 0 ms behind)", of peer or replica; "" if nobody knows. */
static const char *
lag_text(const json_t *part, char *buf, size_t len)
{
	int64_t n = get_num_at(part, "lag_changes");
	bool timed = get_there(part, "lag_ms");
	char text[DURATION_LEN];

	(void)duration_ms_at(part, "lag_ms", text);
	buf[0] = '\0';
	if (get_there(part, "lag_changes"))
		(void)snprintf(buf, len, " (%" PRId64 " change%s%s%s behind)",
		    n, n == 1 ? "" : "s", timed ? ", " : "", timed ? text : "");
	return buf;
}

static void
show_step(const json_t *part, struct lines *l)
{
	bool in_step = get_bool_at(part, "in_step");
	char text[128];

	line_words(l, in_step ? TONE_GOOD : TONE_WARN, 1, "%s%s,",
	    in_step ? "in step" : "not in step",
	    lag_text(part, text, sizeof(text)));
}

static void
show_heard(const json_t *p, struct lines *l)
{
	const char *role = get_str_at(p, "role");
	char text[DURATION_LEN];

	line_put(l, role_tone(role), 2, "%s,",
	    role[0] != '\0' ? role : "role not known yet");
	if (strcmp(role, "standby") == 0)
		show_step(p, l);
	line_words(l, TONE_PLAIN, 1, "heard %s ago",
	    duration_ms_at(p, "heard_ms", text));
}

static void
show_peer(const json_t *j, struct lines *l)
{
	const json_t *p = get_at(j, "peer");
	const char *role = get_str_at(p, "role");
	char label[128], text[DURATION_LEN];

	(void)snprintf(label, sizeof(label), "peer %s", get_str_at(p, "node"));
	line_begin(l, TONE_PLAIN, label, LINE_LABEL);
	if (get_bool_at(p, "by_link"))
		line_words(l, TONE_WARN, 2, "%s, heard over corosync only",
		    role);
	else if (!get_there(p, "heard_ms"))
		line_put(l, TONE_WARN, 2, "never heard");
	else if (any_path_up(j))
		show_heard(p, l);
	else
		line_words(l, TONE_WARN, 2, "silent for %s%s%s%s",
		    duration_ms_at(p, "heard_ms", text),
		    role[0] != '\0' ? " (was " : "", role,
		    role[0] != '\0' ? ")" : "");
	line_end(l);
}

static void
show_replica(const json_t *j, struct lines *l)
{
	const json_t *r = get_at(j, "replica");
	int64_t n = get_num_at(r, "snapshots"), gaps = get_num_at(r, "gaps");

	if (strcmp(get_str_at(j, "role"), "standby") != 0)
		return;
	line_begin(l, TONE_PLAIN, "replica", LINE_LABEL);
	show_step(r, l);
	line_words(l, TONE_PLAIN, 1,
	    "%" PRId64 " snapshot%s, then %" PRId64 " changes, %" PRId64
	    " gap%s",
	    n, n == 1 ? "" : "s", get_num_at(r, "changes"), gaps,
	    gaps == 1 ? "" : "s");
	line_end(l);
}

/* A line that is too slow for a sign of life each beat interval. */
static void
add_pace(const json_t *j, const json_t *path, char *text, size_t len)
{
	int64_t own = get_num_at(path, "interval_us");
	size_t n = strlen(text);

	if (own > get_num_at(get_at(j, "beats"), "interval_us"))
		(void)snprintf(text + n, len - n, " each %lld ms",
		    (long long)own / 1000);
}

static void
show_paths(const json_t *j, struct lines *l)
{
	const json_t *list = get_at(j, "paths"), *p;
	char text[DURATION_LEN], piece[512];
	bool up;
	size_t i;

	line_begin(l, TONE_PLAIN, "paths", LINE_LABEL);
	for (i = 0; i < json_array_size(list); i++) {
		p = json_array_get(list, i);
		up = get_bool_at(p, "up");
		(void)snprintf(piece, sizeof(piece), "%s %s %s %s %s",
		    get_str_at(p, "name"), get_str_at(p, "type"),
		    get_str_at(p, "device"), up ? "up" : "DOWN",
		    duration_ms_at(p, "for_ms", text));
		if (up && !get_bool_at(p, "peer_hears"))
			(void)strncat(piece, " one-way",
			    sizeof(piece) - strlen(piece) - 1);
		if (up)
			add_pace(j, p, piece, sizeof(piece));
		if (text_width(piece) <= PIECE)
			line_put(
			    l, up ? TONE_PLAIN : TONE_WARN, 3, "%s", piece);
		else
			line_words(
			    l, up ? TONE_PLAIN : TONE_WARN, 3, "%s", piece);
	}
	line_end(l);
}

static void
show_beats(const json_t *j, struct lines *l)
{
	static const struct {
		const char *name, *text;
	} refusals[] = {
		{ "signature", "with a wrong signature (do the keys differ?)" },
		{ "version", "of another version of yoke" },
		{ "foreign", "of another instance or node" },
	};
	const json_t *r = get_at(get_at(j, "beats"), "refused");
	int64_t n;
	size_t i;

	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		n = get_num_at(r, refusals[i].name);
		if (n == 0)
			continue;
		line_begin(l, TONE_PLAIN, "beats", LINE_LABEL);
		line_words(l, TONE_WARN, 2, "%" PRId64 " refused: %s", n,
		    refusals[i].text);
		line_end(l);
	}
}

static void
show_link(const json_t *j, struct lines *l)
{
	const json_t *k = get_at(j, "link");
	bool there = get_bool_at(k, "connected");

	line_begin(l, TONE_PLAIN, "cluster", LINE_LABEL);
	if (!get_bool_at(k, "helper"))
		line_put(l, TONE_WARN, 2, "yoke-linkd not connected");
	else if (!there)
		line_put(l, TONE_WARN, 2, "corosync not connected");
	else if (get_bool_at(k, "peer"))
		line_put(l, TONE_PLAIN, 2, "corosync connected, peer joined");
	else
		line_put(
		    l, TONE_WARN, 2, "corosync connected, peer not joined");
	line_end(l);
}

/* What others did to it. */
static void
show_touched(const json_t *v, struct lines *l)
{
	const json_t *dup = get_at(v, "duplicate");
	int64_t n = get_num_at(v, "touched"), in = get_num_at(v, "intruded");

	if (n > 0)
		line_words(l, TONE_WARN, 1, "(put right %" PRId64 " time%s)", n,
		    n == 1 ? "" : "s");
	if (in > 0)
		line_words(l, TONE_WARN, 1,
		    "(taken away here %" PRId64 " time%s)", in,
		    in == 1 ? "" : "s");
	if (get_there(dup, "mac"))
		line_words(l, TONE_BAD, 1, "CLAIMED BY %s TOO",
		    get_str_at(dup, "mac"));
}

/* "100010, 100008 on d2; full standby" */
static void
show_sync(const json_t *j, struct lines *l)
{
	const json_t *k = get_at(j, "sync");
	bool standby = strcmp(get_str_at(j, "role"), "standby") == 0;
	bool peer = get_bool_at(get_at(j, "peer"), "in_step");

	if (k == NULL || !get_bool_at(k, "enabled") ||
	    !(standby || holding_role(j)))
		return;
	line_begin(l, TONE_PLAIN, "conns", LINE_LABEL);
	line_put(l, TONE_PLAIN, 2, "%" PRId64, get_num_at(k, "connections"));
	if (get_there(k, "peer_connections"))
		line_put(l, TONE_PLAIN, 2, "%s %" PRId64,
		    get_str_at(get_at(j, "peer"), "node"),
		    get_num_at(k, "peer_connections"));
	if (!get_bool_at(k, "helper"))
		line_put(l, TONE_WARN, 2, "yoke-syncd not connected");
	else if (get_bool_at(k, "full"))
		line_put(l, TONE_PLAIN, 2, "full standby");
	else if (standby || peer)
		line_put(l, TONE_WARN, 2, "standby NOT FULL: %s",
		    get_str_at(k, "phase"));
	if (get_num_at(k, "early_unsure") > 0)
		line_put(l, TONE_WARN, 2, "%" PRId64 " of unsure server",
		    get_num_at(k, "early_unsure"));
	line_end(l);
}

static void
show_vips(const json_t *j, struct lines *l)
{
	const json_t *list = get_at(j, "vips"), *v;
	bool should = holding_role(j), held;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	line_begin(l, TONE_PLAIN, "vips", LINE_LABEL);
	for (i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		held = get_bool_at(v, "held");
		line_put(l, TONE_PLAIN, 3, "%s/%" PRId64 " %s",
		    get_str_at(v, "address"), get_num_at(v, "bits"),
		    get_str_at(v, "device"));
		line_put(l, held == should ? TONE_PLAIN : TONE_BAD, 1, "%s",
		    held ? "held" : "not held");
		show_touched(v, l);
	}
	if (get_there(j, "vip_error"))
		line_words(l, TONE_BAD, 2, "%s", get_str_at(j, "vip_error"));
	line_end(l);
}

/* "gateway 10.0.0.254 by arp 120 ms ago" */
static void
show_witness(const json_t *w, struct lines *l)
{
	const char *name = get_str_at(w, "name"), *who;
	char text[DURATION_LEN];

	who = get_str_at(w, "address");
	if (strcmp(who, name) == 0)
		who = "";
	line_put(l, TONE_PLAIN, 3, "%s%s%s", name, who[0] != '\0' ? " " : "",
	    who);
	if (get_there(w, "problem"))
		line_words(l, TONE_WARN, 1, "not asked: %s",
		    get_str_at(w, "problem"));
	else if (!get_there(w, "up"))
		line_put(l, TONE_PLAIN, 1, "asked by %s", get_str_at(w, "how"));
	else if (get_bool_at(w, "up"))
		line_put(l, TONE_PLAIN, 1, "by %s %s ago",
		    get_str_at(w, "how"),
		    duration_ms_at(w, "answered_ms", text));
	else
		line_put(l, TONE_WARN, 1, "NO ANSWER by %s",
		    get_str_at(w, "how"));
}

static void
show_uplink(const json_t *j, struct lines *l)
{
	const json_t *u = get_at(j, "uplink"), *list, *d;
	bool well = get_bool_at(u, "well");
	char text[DURATION_LEN];
	size_t i;

	list = get_at(u, "witnesses");
	if (u == NULL || (well && json_array_size(list) == 0))
		return;
	line_begin(l, TONE_PLAIN, "uplink", LINE_LABEL);
	line_put(l, well ? TONE_PLAIN : TONE_BAD, 2, "%s %s",
	    well ? "well" : "LOST", duration_ms_at(u, "for_ms", text));
	for (i = 0; i < json_array_size(get_at(u, "devices")); i++) {
		d = json_array_get(get_at(u, "devices"), i);
		if (get_there(d, "carrier"))
			line_put(l,
			    get_bool_at(d, "carrier") ? TONE_PLAIN : TONE_BAD,
			    3, "%s %s", get_str_at(d, "name"),
			    get_bool_at(d, "carrier") ? "carrier"
						      : "NO CARRIER");
	}
	for (i = 0; i < json_array_size(list); i++)
		show_witness(json_array_get(list, i), l);
	line_end(l);
}

static void
show_ipvs(const json_t *j, struct lines *l)
{
	int64_t n = get_num_at(get_at(j, "ipvs"), "repairs");

	if (n == 0)
		return;
	line_begin(l, TONE_PLAIN, "ipvs", LINE_LABEL);
	line_words(l, TONE_PLAIN, 2,
	    "%" PRId64 " change%s made by others put right", n,
	    n == 1 ? "" : "s");
	line_end(l);
}

/* The end of a long file name says more than its beginning. */
static void
show_file(const char *file, struct lines *l)
{
	size_t n = strlen(file);

	if (n > PIECE)
		line_put(l, TONE_PLAIN, 2, "..%s", file + n - (PIECE - 2));
	else
		line_put(l, TONE_PLAIN, 2, "%s", file);
}

/* Why the interval is what it is. */
static void
show_tc(const json_t *a, struct lines *l)
{
	char cost[DURATION_LEN], mtbf[DURATION_LEN];
	bool free = strcmp(get_str_at(a, "bound"), "none") == 0;

	if (!get_bool_at(a, "enabled"))
		return;
	line_end(l);
	line_begin(l, TONE_PLAIN, "", LINE_LABEL);
	line_words(l, TONE_DIM, 2,
	    "auto: a snapshot %s, a change %" PRId64 ".%" PRId64
	    " us, %" PRId64 " an hour, a failure each %s%s%s",
	    duration(get_num_at(a, "cost_us"), cost),
	    get_num_at(a, "replay_ns") / 1000,
	    get_num_at(a, "replay_ns") % 1000 / 100,
	    get_num_at(a, "rate_hour"), duration_ms_at(a, "mtbf_ms", mtbf),
	    free ? "" : "; bound: ",
	    free ? "" : get_str_at(a, "bound"));
}

static void
show_stored(const json_t *k, struct lines *l)
{
	char age[DURATION_LEN], interval[DURATION_LEN];
	bool old = get_there(k, "age_ms");

	(void)duration_ms_at(k, "age_ms", age);
	line_words(l, TONE_PLAIN, 2,
	    "change %" PRId64 ", %" PRId64 " behind; snapshot %s%severy %s",
	    get_num_at(k, "seq"), get_num_at(k, "lag_changes"), old ? age : "",
	    old ? " ago, " : "", duration_ms_at(k, "interval_ms", interval));
	show_file(get_str_at(k, "file"), l);
	show_tc(get_at(k, "auto"), l);
}

/* One that only the active director mounts; said on both. */
static void
show_device(const json_t *k, struct lines *l)
{
	const char *device = get_str_at(k, "device");
	const char *state = get_str_at(k, "device_state");
	const char *guard = get_str_at(k, "device_guard");
	bool on = strcmp(state, "mounted") == 0;

	if (device[0] == '\0')
		return;
	line_words(l, on || strcmp(state, "off") == 0 ? TONE_PLAIN : TONE_WARN,
	    2, "%s %s%s%s%s", device,
	    strcmp(state, "off") == 0 ? "not mounted here" : state,
	    on ? " (" : "", on ? guard : "", on ? ")" : "");
}

static void
show_checkpoint(const json_t *j, struct lines *l)
{
	const json_t *k = get_at(j, "checkpoint");

	line_begin(l, TONE_PLAIN, "checkpoint", LINE_LABEL);
	if (!get_bool_at(k, "helper"))
		line_put(l, TONE_WARN, 2, "yoke-checkpointd not connected");
	else if (!holding_role(j))
		line_put(l, TONE_PLAIN, 2, "the active one writes it");
	else if (!get_there(k, "ok"))
		line_put(l, TONE_WARN, 2, "nothing written yet");
	else if (get_bool_at(k, "ok"))
		show_stored(k, l);
	else
		line_words(
		    l, TONE_WARN, 2, "failing: %s", get_str_at(k, "error"));
	show_device(k, l);
	line_end(l);
}

static void
show_restored(const json_t *j, struct lines *l)
{
	const json_t *r = get_at(j, "restored");
	const char *from = get_str_at(r, "from");
	bool stored = strcmp(from, "checkpoint") == 0;
	char text[DURATION_LEN];

	if (!holding_role(j))
		return;
	line_begin(l, TONE_PLAIN, "restored", LINE_LABEL);
	if (get_num_at(r, "epoch") == 0)
		line_put(l, TONE_PLAIN, 2, "%s", from);
	else
		line_words(l, TONE_PLAIN, 2,
		    "%s, term %" PRId64 " change %" PRId64 "%s", from,
		    get_num_at(r, "epoch"), get_num_at(r, "seq"),
		    stored ? "," : "");
	if (stored)
		line_words(l, TONE_PLAIN, 1,
		    "snapshot %" PRId64 " + %" PRId64 " changes, took %s",
		    get_num_at(r, "snapshot_seq"), get_num_at(r, "changes"),
		    duration(get_num_at(r, "took_us"), text));
	line_end(l);
}

/* The time of day; with the date when it is not of today. */
static const char *
clock_text(int64_t at_us, int64_t now_us, char *buf, size_t len)
{
	time_t at = (time_t)(at_us / 1000000), now = (time_t)(now_us / 1000000);
	char day[16], day_now[16], clock[16];
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(day_now, sizeof(day_now), "%Y-%m-%d", &tm) == 0 ||
	    localtime_r(&at, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0 ||
	    strftime(clock, sizeof(clock), "%H:%M:%S", &tm) == 0)
		return "?";
	(void)snprintf(buf, len, "%s%s%s.%03d",
	    strcmp(day, day_now) != 0 ? day : "",
	    strcmp(day, day_now) != 0 ? " " : "", clock,
	    (int)(at_us / 1000 % 1000));
	return buf;
}

static void
show_transition(
    const json_t *t, int64_t now_us, const char *label, struct lines *l)
{
	const json_t *steps = get_at(t, "steps"), *s;
	char text[DURATION_LEN], when[64];
	size_t i;

	line_begin(l, TONE_PLAIN, label, LINE_LABEL);
	l->indent += 2;
	line_put(l, TONE_PLAIN, 2, "%s",
	    clock_text(get_num_at(t, "at_us"), now_us, when, sizeof(when)));
	line_put(l, TONE_PLAIN, 1, "%s -> %s", get_str_at(t, "from"),
	    get_str_at(t, "to"));
	if (get_there(t, "silence_us"))
		line_put(l, TONE_PLAIN, 2, "%s (%s)", get_str_at(t, "why"),
		    duration(get_num_at(t, "silence_us"), text));
	else
		line_put(l, TONE_PLAIN, 2, "%s", get_str_at(t, "why"));
	for (i = 0; i < json_array_size(steps); i++) {
		s = json_array_get(steps, i);
		line_put(l, TONE_PLAIN, 2, "%s %s", get_str_at(s, "name"),
		    duration(get_num_at(s, "us"), text));
	}
	line_end(l);
}

static void
show_transitions(const json_t *j, struct lines *l)
{
	const json_t *list = get_at(j, "transitions");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < TRANSITIONS_SHOWN; i++)
		show_transition(json_array_get(list, i),
		    get_num_at(j, "time_us"), i == 0 ? "last" : "", l);
}

typedef void (*part_fn)(const json_t *head, struct lines *l);

static void
show_parts(const json_t *head, const part_fn *parts, size_t n, struct lines *l)
{
	size_t i;

	for (i = 0; i < n; i++)
		parts[i](head, l);
}

void
status_text(const struct status_doc *d, FILE *f, bool colour)
{
	static const part_fn above[] = {
		show_head,
		show_alarms,
		show_peer,
		show_replica,
		show_paths,
		show_beats,
		show_link,
		show_sync,
		show_vips,
		show_uplink,
	};
	static const part_fn below[] = {
		show_ipvs,
		show_checkpoint,
		show_restored,
		show_transitions,
	};
	struct lines l = { .f = f, .colour = colour };

	show_parts(d->head, above, ARRAY_LEN(above), &l);
	show_services(d, &l);
	show_parts(d->head, below, ARRAY_LEN(below), &l);
}
