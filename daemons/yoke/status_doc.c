/*
 * status_doc: see status_doc.h. The text is walked once, values are skipped by
 * their brackets and quotes; whether they are JSON jansson says, who gets them.
 */
#include "daemons/yoke/status_doc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define SERVICES "\"services\""

/* Past the string that begins at p. */
static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/* Past the array or object that begins at p. */
static const char *
skip_nested(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && --depth == 0)
			return p + 1;
		p++;
	}
	return end;
}

static const char *
skip_blank(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) != NULL)
		p++;
	return p;
}

static const char *
skip_value(const char *p, const char *end)
{
	if (p < end && *p == '"')
		return skip_string(p, end);
	if (p < end && (*p == '[' || *p == '{'))
		return skip_nested(p, end);
	while (p < end && *p != ',' && *p != '}')
		p++;
	return p;
}

/* The document's own member "services", if that is an array. */
static const char *
find_services(const char *p, const char *end)
{
	const char *key;
	bool found;

	p = skip_blank(p, end);
	while (p < end && (*p == '{' || *p == ',')) {
		key = skip_blank(p + 1, end);
		if (key == end || *key != '"')
			return NULL;
		p = skip_string(key, end);
		found = p - key == sizeof(SERVICES) - 1 &&
		    memcmp(key, SERVICES, sizeof(SERVICES) - 1) == 0;
		p = skip_blank(p, end);
		if (p == end || *p != ':')
			return NULL;
		p = skip_blank(p + 1, end);
		if (found)
			return p < end && *p == '[' ? p : NULL;
		p = skip_blank(skip_value(p, end), end);
	}
	return NULL;
}

/* The document with an empty array in the place of the services. */
static json_t *
parse_head(const char *text, size_t len, const struct status_doc *d,
    json_error_t *e)
{
	size_t before = d->len > 0 ? (size_t)(d->services - text) + 1 : len;
	size_t rest = d->len > 0 ? len - (before - 1) - d->len : 0;
	char *head = mem_zalloc(before + rest + 2);
	json_t *j;

	memcpy(head, text, before);
	if (d->len > 0) {
		head[before++] = ']';
		memcpy(head + before, d->services + d->len, rest);
	}
	j = json_loadb(head, before + rest, 0, e);
	free(head);
	return j;
}

int
status_doc_parse(const char *text, size_t len, struct status_doc *ret,
    json_error_t *reterr)
{
	struct status_doc d = { 0 };

	d.services = find_services(text, text + len);
	if (d.services != NULL)
		d.len = (size_t)(skip_nested(d.services, text + len) -
				 d.services);
	d.head = parse_head(text, len, &d, reterr);
	if (d.head == NULL)
		return -EBADMSG;
	*ret = d;
	return 0;
}

void
status_doc_done(struct status_doc *d)
{
	json_decref(d->head);
}

json_t *
status_doc_next(const struct status_doc *d, size_t *at)
{
	const char *p, *end = d->services + d->len;
	json_error_t e;
	json_t *j;

	if (d->len == 0)
		return NULL;
	p = d->services + (*at > 0 ? *at : 1);
	p = skip_blank(p, end);
	if (p < end && *p == ',')
		p++;
	j = json_loadb(p, (size_t)(end - p), JSON_DISABLE_EOF_CHECK, &e);
	if (j != NULL)
		*at = (size_t)(p - d->services) + (size_t)e.position;
	return j;
}
