/*
 * cmd_order: commands that yoked carries out as they stand: their words go to
 * it, its answer is text for people.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/yoke/yoke.h"

int
cmd_order(struct cli *c, unsigned n, char **words)
{
	char text[4096];
	struct ipcc *i;
	int rc;

	rc = ask_open(c, &i);
	if (rc != YOKE_OK)
		return rc;
	rc = ask_command(c, i, n, words, text, sizeof(text));
	if (rc == YOKE_OK && text[0] != '\0')
		printf("%s\n", text);
	ipcc_free(i);
	return rc;
}

static bool
weight_valid(const char *text)
{
	char *end;

	if (strcmp(text, "auto") == 0)
		return true;
	return isdigit((unsigned char)text[0]) &&
	       strtoul(text, &end, 10) <= WEIGHT_MAX && *end == '\0';
}

int
cmd_weight(struct cli *c, unsigned n, char **words)
{
	if (!weight_valid(words[n - 1])) {
		fprintf(stderr, "yoke: weight %s: give 0 to %d, or auto\n",
		    words[n - 1], WEIGHT_MAX);
		return YOKE_USAGE;
	}
	return cmd_order(c, n, words);
}
