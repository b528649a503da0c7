/*
 * conf_scan: looks the text over before libconfuse does, for what that would
 * accept in silence or explain badly: a section or a quote that is never
 * closed, NUL bytes, characters it skips, ${X} (it asks the environment, which
 * differs between a daemon and a shell), words so long that its scanner takes
 * minutes. Comments become blanks, since it loses count of lines in them. Of
 * services that the caller does not want (CONF_NO_SERVICES) the lines stay,
 * empty: to make tokens of them would be most of the work.
 */
#include "common/conf_frame.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 4096
#define DEPTH_MAX 16
#define NOWHERE SIZE_MAX
#define SERVICE "service"
#define LEFT_OUT '\1' /* goes away at the end; not a byte of any word */

struct scan {
	struct load *l;
	char *s; /* ends with a NUL */
	size_t len, i;
	unsigned line;
	unsigned open[DEPTH_MAX]; /* lines of braces not closed yet */
	int depth;
	size_t service; /* where the one begins that we are in; or NOWHERE */
	bool value;     /* an equal sign came before: a word is no section */
};

static int
refuse(const struct scan *x, unsigned line, const char *text)
{
	return conf_fail(x->l->err, line, "", "%s", text);
}

/* ${ at i, if nothing keeps libconfuse from seeing it. */
static int
variable(const struct scan *x)
{
	if (x->s[x->i] != '$' || x->s[x->i + 1] != '{')
		return 0;
	return refuse(x, x->line,
	    "${...} is not replaced here; write the "
	    "value, or \"\\${\" for the characters themselves");
}

static void
blank_line_comment(struct scan *x)
{
	while (x->i < x->len && x->s[x->i] != '\n')
		x->s[x->i++] = ' ';
}

static int
blank_block_comment(struct scan *x)
{
	unsigned from = x->line;
	const char *end = strstr(x->s + x->i + 2, "*/");

	if (end == NULL)
		return refuse(x, from, "this /* is not closed; end it with */");
	for (; x->s + x->i < end + 2; x->i++) {
		if (x->s[x->i] == '\n')
			x->line++;
		else
			x->s[x->i] = ' ';
	}
	return 0;
}

static int
scan_quoted(struct scan *x)
{
	char quote = x->s[x->i++];
	size_t from = x->i;
	int rc;

	for (; x->s[x->i] != quote; x->i++) {
		if (x->i >= x->len || x->s[x->i] == '\n')
			return refuse(x, x->line,
			    "a quote is opened but not closed on this line");
		rc = quote == '"' ? variable(x) : 0;
		if (rc < 0)
			return rc;
		if (x->s[x->i] == '\\' && x->i + 1 < x->len &&
		    x->s[x->i + 1] != '\n')
			x->i++;
	}
	if (x->i++ - from > WORD_MAX)
		return refuse(x, x->line, "this text is far too long");
	x->value = false;
	return 0;
}

/* A service begins here, if a brace follows. */
static void
note_service(struct scan *x, size_t from)
{
	if (x->depth == 0 && !x->value && x->i - from == strlen(SERVICE) &&
	    memcmp(x->s + from, SERVICE, strlen(SERVICE)) == 0)
		x->service = from;
	x->value = false;
}

static int
scan_word(struct scan *x)
{
	size_t from = x->i;
	int rc;

	for (; x->i < x->len; x->i++) {
		if (strchr(" \t\r\n\"'#={}(),+*", x->s[x->i]) != NULL)
			break;
		rc = variable(x);
		if (rc < 0)
			return rc;
	}
	if (x->i - from > WORD_MAX)
		return refuse(x, x->line, "this word is far too long");
	note_service(x, from);
	return 0;
}

/* A section ended at i; lines stay lines. */
static void
blank_service(struct scan *x)
{
	size_t k;

	for (k = x->service; k < x->i && x->l->no_services; k++)
		if (x->s[k] != '\n')
			x->s[k] = LEFT_OUT;
	x->service = NOWHERE;
}

static int
scan_mark(struct scan *x)
{
	char c = x->s[x->i++];

	if (c == '\n')
		x->line++;
	if (c == '{') {
		if (x->depth == DEPTH_MAX)
			return refuse(x, x->line, "too many { in each other");
		x->open[x->depth++] = x->line;
	}
	if (c == '}' && x->depth-- == 0)
		return refuse(x, x->line,
		    "this } closes nothing; take it out, "
		    "or look for one too many above");
	if (c == '=' && x->depth == 0)
		x->service = NOWHERE;
	if (c == '}' && x->depth == 0 && x->service != NOWHERE)
		blank_service(x);
	if (strchr("={}", c) != NULL)
		x->value = c == '=';
	if (c == '*' || (c == '+' && x->s[x->i] != '='))
		return refuse(x, x->line,
		    "* and + mean nothing here; put the text in quotes");
	return 0;
}

static int
scan_next(struct scan *x)
{
	const char *s = x->s + x->i;

	if (s[0] == '#' || (s[0] == '/' && s[1] == '/')) {
		blank_line_comment(x);
		return 0;
	}
	if (s[0] == '/' && s[1] == '*')
		return blank_block_comment(x);
	if (s[0] == '"' || s[0] == '\'')
		return scan_quoted(x);
	if (strchr(" \t\r\n={}(),+*", s[0]) != NULL)
		return scan_mark(x);
	return scan_word(x);
}

static int
find_nul(const struct scan *x)
{
	const char *nul = memchr(x->s, '\0', x->len), *s;
	unsigned line = 1;

	if (nul == NULL)
		return 0;
	for (s = x->s; s < nul; s++)
		line += *s == '\n';
	return refuse(x, line, "here is a NUL byte; this is not a text file");
}

/* Returns the new length. */
static size_t
squeeze(char *s, size_t len)
{
	size_t from, to = 0;

	for (from = 0; from < len; from++)
		if (s[from] != LEFT_OUT)
			s[to++] = s[from];
	s[to] = '\0';
	return to;
}

int
conf_scan(struct load *l, char *text, size_t *len)
{
	struct scan x = { .l = l, .s = text, .len = *len, .line = 1,
		.service = NOWHERE };
	int rc = find_nul(&x);

	while (rc == 0 && x.i < *len)
		rc = scan_next(&x);
	if (rc == 0 && x.depth > 0)
		return refuse(&x, x.open[x.depth - 1],
		    "a { on this line is never closed; is a } missing?");
	if (l->no_services)
		*len = squeeze(text, *len);
	return rc;
}
