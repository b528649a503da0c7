/*
 * test_metrics_grammar: see test_metrics_grammar.h. A family is its descriptors
 * (HELP, TYPE, UNIT, each at most once, before its samples), then its samples;
 * a name never comes back.
 */
#include "test/watch/test_metrics_grammar.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define FAMILIES 512
#define NAME 128

static const struct type {
	const char *name, *suffix;
} types[] = {
	{ "gauge", "" },
	{ "counter", "_total" },
	{ "info", "_info" },
	{ "stateset", "" },
	{ "unknown", "" },
};

struct checker {
	char names[FAMILIES][NAME];
	size_t n_names;
	const struct type *type;
	bool help, unit, samples;
	const char **series; /* of this family */
	size_t n_series, room;
};

static const char *
here(const struct checker *c)
{
	return c->n_names > 0 ? c->names[c->n_names - 1] : "";
}

static size_t
name_length(const char *p, bool colon)
{
	size_t n = 0;

	while (isalpha((unsigned char)p[n]) || p[n] == '_' ||
	    (colon && p[n] == ':') || (n > 0 && isdigit((unsigned char)p[n])))
		n++;
	return n;
}

static const char *
series_end(const char *p)
{
	bool quoted = false;

	for (; *p != '\n' && (quoted || *p != ' '); p++) {
		if (quoted && *p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

static int
by_series(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t n = (size_t)(series_end(x) - x), k = (size_t)(series_end(y) - y);
	int c = memcmp(x, y, n < k ? n : k);

	return c != 0 ? c : (n > k) - (n < k);
}

/* No series twice. */
static const char *
close_family(struct checker *c)
{
	size_t i;

	if (c->n_names > 0 && c->type == NULL)
		return "a family without TYPE";
	if (c->n_series > 1)
		qsort(c->series, c->n_series, sizeof(*c->series), by_series);
	for (i = 1; i < c->n_series; i++)
		if (by_series(&c->series[i - 1], &c->series[i]) == 0)
			return "a series that is there twice";
	c->n_series = 0;
	return NULL;
}

static const char *
open_family(struct checker *c, const char *name, size_t n)
{
	const char *wrong = close_family(c);
	size_t i;

	if (wrong != NULL)
		return wrong;
	if (n == 0 || n >= NAME || c->n_names == FAMILIES)
		return "a name that is none";
	for (i = 0; i < c->n_names; i++)
		if (strlen(c->names[i]) == n &&
		    strncmp(c->names[i], name, n) == 0)
			return "a family that was there before";
	memcpy(c->names[c->n_names], name, n);
	c->names[c->n_names++][n] = '\0';
	c->type = NULL;
	c->help = c->unit = c->samples = false;
	return NULL;
}

static const char *
check_help(struct checker *c, const char *p, const char *end)
{
	if (c->help)
		return "HELP twice";
	c->help = true;
	for (; p < end; p++) {
		if (*p == '"')
			return "HELP with a bare quote";
		if (*p == '\\' && strchr("\\\"n", *++p) == NULL)
			return "HELP with a strange escape";
	}
	return NULL;
}

static const char *
check_type(struct checker *c, const char *p, const char *end)
{
	size_t i;

	if (c->type != NULL)
		return "TYPE twice";
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (strlen(types[i].name) == (size_t)(end - p) &&
		    strncmp(types[i].name, p, (size_t)(end - p)) == 0)
			c->type = &types[i];
	return c->type != NULL ? NULL : "an unknown TYPE";
}

static const char *
check_unit(struct checker *c, const char *p, const char *end)
{
	size_t n = (size_t)(end - p), k = strlen(here(c));

	if (c->unit)
		return "UNIT twice";
	c->unit = true;
	if (n == 0 || k < n + 1 || here(c)[k - n - 1] != '_' ||
	    strncmp(here(c) + k - n, p, n) != 0)
		return "a UNIT that the name does not end in";
	return NULL;
}

static const char *
check_descriptor(struct checker *c, const char *p, const char *end)
{
	static const struct {
		const char *word;
		const char *(*fn)(struct checker *c, const char *p,
		    const char *end);
	} rows[] = {
		{ "# HELP ", check_help },
		{ "# TYPE ", check_type },
		{ "# UNIT ", check_unit },
	};
	const char *wrong;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(p, rows[i].word, 7) == 0)
			break;
	if (i == ARRAY_LEN(rows))
		return "a comment";
	p += 7;
	n = name_length(p, true);
	if (p[n] != ' ')
		return "a descriptor without its text";
	if (strlen(here(c)) != n || strncmp(here(c), p, n) != 0) {
		wrong = open_family(c, p, n);
		if (wrong != NULL)
			return wrong;
	}
	return c->samples ? "a descriptor behind samples"
			  : rows[i].fn(c, p + n + 1, end);
}

/* From behind the brace to behind the other one; *ret NULL: wrong. */
static const char *
check_labels(struct checker *c, const char *p, const char **ret)
{
	char seen[16][NAME];
	size_t n_seen = 0, n, i;
	bool own = false;

	*ret = NULL;
	for (;; p++) {
		n = name_length(p, false);
		if (n == 0 || n >= NAME || n_seen == 16 || p[n] != '=' ||
		    p[n + 1] != '"')
			return "a label that is none";
		memcpy(seen[n_seen], p, n);
		seen[n_seen++][n] = '\0';
		for (i = 0; i + 1 < n_seen; i++)
			if (strcmp(seen[i], seen[n_seen - 1]) == 0)
				return "a label twice";
		own |= strcmp(seen[n_seen - 1], here(c)) == 0;
		for (p += n + 2; *p != '"'; p++) {
			if (*p == '\n' || *p == '\0')
				return "a value without its end";
			if (*p == '\\' && strchr("\\\"n", *++p) == NULL)
				return "a strange escape";
		}
		if (*++p == '}')
			break;
		if (*p != ',')
			return "labels without a comma";
	}
	if (strcmp(c->type->name, "stateset") == 0 && !own)
		return "a state without its label";
	*ret = p + 1;
	return NULL;
}

static const char *
check_value(const struct checker *c, const char *p, const char *end)
{
	char *stop;
	double v;

	if (*p++ != ' ')
		return "no blank before the value";
	if (!isdigit((unsigned char)*p) && *p != '-')
		return "a value that is no number";
	v = strtod(p, &stop);
	if (stop != end)
		return "something behind the value";
	if (strcmp(c->type->name, "counter") == 0 && v < 0)
		return "a counter below 0";
	if (strcmp(c->type->name, "info") == 0 && v != 1)
		return "an info that is not 1";
	if (strcmp(c->type->name, "stateset") == 0 && v != 0 && v != 1)
		return "a state that is neither 0 nor 1";
	return NULL;
}

static const char *
check_sample(struct checker *c, const char *p, const char *end)
{
	size_t n = name_length(p, true), k = strlen(here(c));
	const char *wrong, *at = p + n;

	if (c->type == NULL)
		return "a sample without TYPE";
	if (n != k + strlen(c->type->suffix) || strncmp(p, here(c), k) != 0 ||
	    strncmp(p + k, c->type->suffix, n - k) != 0)
		return "a sample of another name than its family's";
	c->samples = true;
	if (c->n_series == c->room) {
		c->room = c->room * 2 + 64;
		c->series = realloc(c->series, c->room * sizeof(*c->series));
	}
	c->series[c->n_series++] = p;
	if (*at == '{') {
		wrong = check_labels(c, at + 1, &at);
		if (wrong != NULL)
			return wrong;
	}
	return check_value(c, at, end);
}

const char *
openmetrics_check(const char *text, unsigned *ret_line)
{
	struct checker *c = mem_new(struct checker);
	const char *wrong = NULL, *end = text;

	*ret_line = 0;
	for (; wrong == NULL; text = end + 1) {
		++*ret_line;
		end = strchrnul(text, '\n');
		if (*end == '\0')
			wrong = "no end of line";
		else if (strncmp(text, "# EOF\n", 6) == 0)
			break;
		else if (*text == '#')
			wrong = check_descriptor(c, text, end);
		else
			wrong = check_sample(c, text, end);
	}
	if (wrong == NULL && end[1] != '\0')
		wrong = "something behind # EOF";
	if (wrong == NULL)
		wrong = close_family(c);
	free(c->series);
	free(c);
	return wrong;
}
