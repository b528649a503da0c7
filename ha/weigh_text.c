/*
 * weigh_text: lines of a record, written and read. Every word is a row.
 */
#include "ha/weigh_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char *const words[WEIGH__LAST] = {
	[WEIGH_SERVER] = "server",
	[WEIGH_GONE] = "gone",
	[WEIGH_TABLE] = "table",
	[WEIGH_HEALTH] = "health",
	[WEIGH_HAND] = "hand",
	[WEIGH_TOOK] = "took",
	[WEIGH_LOAD] = "load",
	[WEIGH_EFFECT] = "effect",
	[WEIGH_TICK] = "tick",
};

static void
format_number(int64_t value, char *buf, size_t len)
{
	if (value == WEIGHT_NONE)
		(void)snprintf(buf, len, " none");
	else
		(void)snprintf(buf, len, " %" PRId64, value);
}

static void
format_load(const struct load_sample *l, char *buf, size_t len)
{
	size_t n = 0;
	int i;

	for (i = 0; i < LOAD__METRICS && n < len; i++)
		if (l->has[i])
			n += (size_t)snprintf(buf + n, len - n, " %s=%u",
			    load_metric_name((unsigned)i), l->metric[i]);
	if (n < len)
		(void)snprintf(buf + n, len - n, " overloaded=%d scale=%u",
		    l->overloaded, l->scale);
}

char *
weigh_event_format(const struct weigh_event *e, char *buf)
{
	char rest[256] = "", hand[32];

	if (e->what == WEIGH_LOAD) {
		format_load(&e->load, rest, sizeof(rest));
	} else if (e->what == WEIGH_HEALTH) {
		(void)snprintf(rest, sizeof(rest), " %s",
		    health_name((unsigned)e->value));
	} else if (e->what == WEIGH_HAND) {
		format_number(e->value, hand, sizeof(hand));
		(void)snprintf(rest, sizeof(rest), " %s%s",
		    e->drained ? "drained" : "enabled", hand);
	} else if (e->what != WEIGH_GONE && e->what != WEIGH_TICK) {
		format_number(e->value, rest, sizeof(rest));
	}
	(void)snprintf(buf, WEIGH_LINE_MAX, "%" PRIu64 " %s%s%s%s", e->at,
	    words[e->what], e->server[0] != '\0' ? " " : "", e->server, rest);
	return buf;
}

char *
weigh_weight_format(
    usec_t at, const char *server, int32_t weight, const char *cause, char *buf)
{
	(void)snprintf(buf, WEIGH_LINE_MAX, "%" PRIu64 " weight %s %d %s", at,
	    server, (int)weight, cause);
	return buf;
}

char *
weigh_policy_format(
    usec_t at, const char *key, const char *value, char *buf)
{
	(void)snprintf(buf, WEIGH_LINE_MAX, "%" PRIu64 " policy %s %.255s", at,
	    key, value);
	return buf;
}

/* What is left of a line, and what is wrong with it. */
struct in {
	const char *at;
	char *why;
	size_t len;
};

static int
refuse(const struct in *in, const char *what)
{
	(void)snprintf(in->why, in->len, "%s at \"%.40s\"", what, in->at);
	return -EINVAL;
}

/* The next word; -EINVAL: none, or too long. */
static int
word(struct in *in, char *buf, size_t len)
{
	size_t n;

	while (*in->at == ' ')
		in->at++;
	n = strcspn(in->at, " ");
	if (n == 0 || n >= len)
		return refuse(in, n == 0 ? "a word is missing"
		                         : "a word is too long");
	memcpy(buf, in->at, n);
	buf[n] = '\0';
	in->at += n;
	return 0;
}

static int
parse_number(const char *text, int64_t *ret)
{
	char *end;

	if (strcmp(text, "none") == 0) {
		*ret = WEIGHT_NONE;
		return 0;
	}
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*ret = (int64_t)strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 ? 0 : -EINVAL;
}

static int
number(struct in *in, int64_t *ret)
{
	char text[32];
	int rc = word(in, text, sizeof(text));

	if (rc == 0 && parse_number(text, ret) < 0)
		rc = refuse(in, "a number is wrong before the end");
	return rc;
}

static int
parse_health(struct in *in, struct weigh_event *e)
{
	char text[32];
	int rc = word(in, text, sizeof(text));

	if (rc < 0)
		return rc;
	for (e->value = 0; e->value < HEALTH__LAST; e->value++)
		if (strcmp(health_name((unsigned)e->value), text) == 0)
			return 0;
	return refuse(in, "health is up, down or unknown");
}

static int
parse_hand(struct in *in, struct weigh_event *e)
{
	char text[32];
	int rc = word(in, text, sizeof(text));

	if (rc < 0)
		return rc;
	e->drained = strcmp(text, "drained") == 0;
	if (!e->drained && strcmp(text, "enabled") != 0)
		return refuse(in, "say drained or enabled");
	return number(in, &e->value);
}

/* One "cpu=120". */
static int
parse_metric(struct in *in, char *text, struct load_sample *l)
{
	char *eq = strchr(text, '=');
	int64_t value;
	int i;

	if (eq == NULL || parse_number(eq + 1, &value) < 0 || value < 0 ||
	    value > LOAD_FULL)
		return refuse(in, "no metric=0..1000 before the end");
	*eq = '\0';
	if (strcmp(text, "overloaded") == 0)
		l->overloaded = value != 0;
	else if (strcmp(text, "scale") == 0)
		l->scale = (uint16_t)value;
	else {
		for (i = 0; i < LOAD__METRICS; i++)
			if (strcmp(load_metric_name((unsigned)i), text) == 0)
				break;
		if (i == LOAD__METRICS)
			return refuse(in, "there is no such metric before");
		l->metric[i] = (uint16_t)value;
		l->has[i] = true;
	}
	return 0;
}

static int
parse_load(struct in *in, struct weigh_event *e)
{
	char text[64];
	int rc = 0;

	e->load.scale = WEIGH_PERCENT;
	while (rc == 0 && in->at[strspn(in->at, " ")] != '\0') {
		rc = word(in, text, sizeof(text));
		if (rc == 0)
			rc = parse_metric(in, text, &e->load);
	}
	return rc;
}

static int
parse_server(struct in *in, struct weigh_event *e)
{
	int rc = word(in, e->server, sizeof(e->server));

	if (rc == 0 && !name_valid(e->server))
		rc = refuse(in, "no name of a server before");
	return rc;
}

static int
parse_event(struct in *in, const char *text, struct weigh_line *l)
{
	struct weigh_event *e = &l->event;
	int rc;

	for (e->what = 0; e->what < WEIGH__LAST; e->what++)
		if (strcmp(words[e->what], text) == 0)
			break;
	l->what = LINE_EVENT;
	if (e->what == WEIGH__LAST)
		return refuse(in, "this is no event");
	if (e->what == WEIGH_TICK)
		return 0;
	rc = parse_server(in, e);
	if (rc < 0 || e->what == WEIGH_GONE)
		return rc;
	if (e->what == WEIGH_HEALTH)
		return parse_health(in, e);
	if (e->what == WEIGH_HAND)
		return parse_hand(in, e);
	if (e->what == WEIGH_LOAD)
		return parse_load(in, e);
	return number(in, &e->value);
}

static int
parse_policy(struct in *in, struct weigh_line *l)
{
	int rc = word(in, l->key, sizeof(l->key));

	l->what = LINE_POLICY;
	return rc == 0 ? word(in, l->value, sizeof(l->value)) : rc;
}

static int
parse_weight(struct in *in, struct weigh_line *l)
{
	int64_t value = 0;
	int rc = parse_server(in, &l->event);

	l->what = LINE_WEIGHT;
	if (rc == 0)
		rc = number(in, &value);
	if (rc == 0 && (value < 0 || value > WEIGHT_MAX))
		rc = refuse(in, "no weight before");
	if (rc < 0)
		return rc;
	l->weight = (int32_t)value;
	(void)snprintf(l->cause, sizeof(l->cause), "%s",
	    in->at + strspn(in->at, " "));
	return 0;
}

int
weigh_line_parse(
    const char *line, struct weigh_line *ret, char *why, size_t len)
{
	struct weigh_line l = { 0 };
	struct in in = { line, why, len };
	char text[32];
	int64_t at = 0;
	int rc;

	if (line[strspn(line, " ")] == '\0' || line[0] == '#') {
		*ret = l;
		return 0;
	}
	rc = number(&in, &at);
	if (rc == 0 && at < 0)
		rc = refuse(&in, "no time before");
	if (rc == 0)
		rc = word(&in, text, sizeof(text));
	if (rc < 0)
		return rc;
	l.event.at = (usec_t)at;
	if (strcmp(text, "policy") == 0)
		rc = parse_policy(&in, &l);
	else if (strcmp(text, "weight") == 0)
		rc = parse_weight(&in, &l);
	else
		rc = parse_event(&in, text, &l);
	if (rc == 0 && l.what != LINE_WEIGHT && in.at[strspn(in.at, " ")] != '\0')
		rc = refuse(&in, "more than there should be");
	if (rc == 0)
		*ret = l;
	return rc;
}
