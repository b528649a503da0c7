/*
 * import_tree: the text of a keepalived.conf as statements. A statement is the
 * words of a line; braces after it hold more of them. Comments begin with ! or
 * # anywhere, quotes keep blanks and those characters in a word.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/yoke/import.h"

#define DEPTH_MAX 16
#define WORDS_MAX 64
#define STMTS_MAX 200000

struct parse {
	struct imp *m;
	char *p, *end;
	unsigned line;
	char *words[WORDS_MAX];
	unsigned n, words_line;
	struct stmt **tail[DEPTH_MAX + 1]; /* where the next one goes */
	struct stmt *last[DEPTH_MAX + 1];  /* what braces would belong to */
	unsigned opened[DEPTH_MAX + 1];
	int depth;
	size_t count;
};

void
stmts_free(struct stmt *s)
{
	struct stmt *next;

	for (; s != NULL; s = next) {
		next = s->next;
		stmts_free(s->sub); /* DEPTH_MAX deep at most */
		free(s->w);
		free(s);
	}
}

/* The words so far become a statement. */
static int
end_statement(struct parse *p)
{
	struct stmt *s;

	if (p->n == 0)
		return 0;
	if (++p->count > STMTS_MAX)
		return imp_fail(p->m, p->line, "more than %d lines that mean "
		    "something", STMTS_MAX);
	s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->w = calloc(p->n, sizeof(*s->w));
	if (s == NULL || s->w == NULL) {
		free(s);
		return imp_fail(p->m, p->line, "out of memory");
	}
	memcpy(s->w, p->words, p->n * sizeof(*s->w));
	s->n = p->n;
	s->line = p->words_line;
	*p->tail[p->depth] = s;
	p->tail[p->depth] = &s->next;
	p->last[p->depth] = s;
	p->n = 0;
	return 0;
}

static int
open_brace(struct parse *p)
{
	struct stmt *s;
	int rc = end_statement(p);

	if (rc < 0)
		return rc;
	s = p->last[p->depth];
	if (s == NULL || s->block)
		return imp_fail(p->m, p->line, "a { without anything that it "
		    "could belong to");
	if (p->depth == DEPTH_MAX)
		return imp_fail(p->m, p->line, "braces in braces, more than %d "
		    "deep", DEPTH_MAX);
	s->block = true;
	p->depth++;
	p->tail[p->depth] = &s->sub;
	p->last[p->depth] = NULL;
	p->opened[p->depth] = p->line;
	return 0;
}

static int
close_brace(struct parse *p)
{
	int rc = end_statement(p);

	if (rc < 0)
		return rc;
	if (p->depth == 0)
		return imp_fail(p->m, p->line, "a } too many");
	p->depth--;
	return 0;
}

static int
add_word(struct parse *p, char *word)
{
	if (p->n == WORDS_MAX)
		return imp_fail(p->m, p->line, "more than %d words on a line",
		    WORDS_MAX);
	if (p->n == 0)
		p->words_line = p->line;
	p->words[p->n++] = word;
	return 0;
}

/* A word in quotes, without them. */
static int
quoted(struct parse *p)
{
	char *from = ++p->p, *to = from;

	while (p->p < p->end && *p->p != '"') {
		if (*p->p == '\n')
			break;
		if (*p->p == '\\' && p->p + 1 < p->end && p->p[1] != '\n')
			p->p++;
		*to++ = *p->p++;
	}
	if (p->p == p->end || *p->p != '"')
		return imp_fail(p->m, p->line,
		    "a quote is opened but not closed on this line");
	p->p++;
	*to = '\0'; /* at the closing quote, or before it */
	return add_word(p, from);
}

static bool
ends_word(char c)
{
	return strchr(" \t\r\n!#", c) != NULL; /* and NUL */
}

/* The character that ends it is looked at before it is overwritten. */
static int
bare(struct parse *p, char *stop)
{
	char *from = p->p;
	size_t len;
	int rc;

	while (p->p < p->end && !ends_word(*p->p))
		p->p++;
	len = (size_t)(p->p - from);
	*stop = p->p < p->end ? *p->p : '\n';
	*p->p = '\0'; /* the text has a NUL of its own at its end */
	if (strcmp(from, "}") == 0)
		return close_brace(p);
	if (from[len - 1] != '{')
		return add_word(p, from);
	from[len - 1] = '\0';
	rc = len > 1 ? add_word(p, from) : 0;
	return rc < 0 ? rc : open_brace(p);
}

/* One word, or what is between words. */
static int
step(struct parse *p)
{
	char stop = *p->p;
	int rc = 0;

	if (stop == '"')
		return quoted(p);
	if (!ends_word(stop))
		rc = bare(p, &stop);
	if (rc < 0)
		return rc;
	if (stop == '!' || stop == '#') {
		while (p->p < p->end && *p->p != '\n')
			p->p++;
		stop = '\n';
	}
	if (stop == '\n') {
		rc = end_statement(p);
		p->line++;
	}
	if (p->p < p->end)
		p->p++;
	return rc;
}

int
stmts_parse(struct imp *m, char *text, size_t len, struct stmt **ret)
{
	struct parse p = { .m = m, .p = text, .end = text + len, .line = 1 };
	struct stmt *first = NULL;
	int rc = 0;

	p.tail[0] = &first;
	if (memchr(text, '\0', len) != NULL)
		return imp_fail(m, 0, "has NUL bytes: not a text file");
	while (rc == 0 && p.p < p.end)
		rc = step(&p);
	if (rc == 0)
		rc = end_statement(&p);
	if (rc == 0 && p.depth > 0)
		rc = imp_fail(m, p.opened[p.depth],
		    "this { is never closed");
	if (rc < 0) {
		stmts_free(first);
		return rc;
	}
	*ret = first;
	return 0;
}
