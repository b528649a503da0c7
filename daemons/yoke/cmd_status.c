/*
 * cmd_status: status and why. The document is fetched as a whole; --json
 * prints it as it came.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "daemons/yoke/status_text.h"
#include "daemons/yoke/yoke.h"

/* The status as a tree; caller json_decref()s. *ret_text, unless NULL, is the
 * text it came as; caller free()s. */
static int
fetch(struct cli *c, json_t **ret, char **ret_text)
{
	json_error_t e;
	char *text;
	size_t len;
	int rc;

	rc = ask_status(c, &text, &len);
	if (rc != YOKE_OK)
		return rc;
	*ret = json_loadb(text, len, 0, &e);
	if (*ret == NULL) {
		fprintf(stderr,
		    "yoke: yoked of instance %s sent a status that "
		    "is not JSON: %s\n",
		    c->instance, e.text);
		free(text);
		return YOKE_NOT_RUNNING;
	}
	if (ret_text != NULL)
		*ret_text = text;
	else
		free(text);
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
	enum verdict v;
	json_t *j;
	char *text;
	int rc;

	(void)n;
	(void)words;
	rc = fetch(c, &j, &text);
	if (rc != YOKE_OK)
		return rc;
	v = status_verdict(j);
	if (c->json)
		printf("%s\n", text);
	else
		status_text(j, stdout, want_colour());
	free(text);
	json_decref(j);
	return (int)v;
}

int
cmd_why(struct cli *c, unsigned n, char **words)
{
	json_t *j;
	int rc;

	(void)n;
	rc = fetch(c, &j, NULL);
	if (rc != YOKE_OK)
		return rc;
	rc = status_why(j, words[1], words[2], stdout, want_colour());
	json_decref(j);
	if (rc == 0)
		return YOKE_OK;
	fprintf(stderr, "yoke: %s/%s: %s\n", words[1], words[2], err_text(rc));
	return YOKE_REFUSED;
}
