/*
 * cmd_status: status and why. The document is fetched as a whole; --json
 * prints it as it came, the others parse the services one by one.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "daemons/yoke/status_text.h"
#include "daemons/yoke/yoke.h"

/* The status, and the text it came as, which *ret borrows: caller
 * status_doc_done()s, then free()s. */
static int
fetch(struct cli *c, struct status_doc *ret, char **ret_text)
{
	json_error_t e;
	char *text;
	size_t len;
	int rc;

	rc = ask_status(c, &text, &len);
	if (rc != YOKE_OK)
		return rc;
	if (status_doc_parse(text, len, ret, &e) < 0) {
		fprintf(stderr,
		    "yoke: yoked of instance %s sent a status that "
		    "is not JSON: %s\n",
		    c->instance, e.text);
		free(text);
		return YOKE_NOT_RUNNING;
	}
	*ret_text = text;
	return YOKE_OK;
}

/* https://no-color.org: set and not empty means no. */
static bool
want_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

int
cmd_status(struct cli *c, unsigned n, char **words)
{
	struct status_doc d;
	enum verdict v;
	char *text;
	int rc;

	(void)n;
	(void)words;
	rc = fetch(c, &d, &text);
	if (rc != YOKE_OK)
		return rc;
	v = status_verdict(d.head);
	if (c->json)
		printf("%s\n", text);
	else
		status_text(&d, stdout, want_colour());
	status_doc_done(&d);
	free(text);
	return (int)v;
}

int
cmd_why(struct cli *c, unsigned n, char **words)
{
	struct status_doc d;
	char *text;
	int rc;

	(void)n;
	rc = fetch(c, &d, &text);
	if (rc != YOKE_OK)
		return rc;
	rc = status_why(&d, words[1], words[2], stdout, want_colour());
	status_doc_done(&d);
	free(text);
	if (rc == 0)
		return YOKE_OK;
	fprintf(stderr, "yoke: %s/%s: %s\n", words[1], words[2], err_text(rc));
	return YOKE_REFUSED;
}
