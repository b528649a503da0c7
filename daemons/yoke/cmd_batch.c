/*
 * cmd_batch: many orders over one connection, one a line on stdin, for scripts
 * that set a hundred weights. Stops at the first that fails and names its line.
 */
#include <stdio.h>
#include <string.h>

#include "daemons/yoke/yoke.h"

#define LINE_LEN 512
#define WORDS_MAX 8

static unsigned
split(char *line, char **words)
{
	char *save, *w;
	unsigned n = 0;

	for (w = strtok_r(line, " \t\n", &save); w != NULL && n < WORDS_MAX;
	     w = strtok_r(NULL, " \t\n", &save))
		words[n++] = w;
	return w != NULL ? 0 : n;
}

static bool
is_order(const struct command *cmd)
{
	return cmd != NULL && (cmd->run == cmd_order || cmd->run == cmd_weight);
}

static int
one(struct cli *c, struct ipcc *i, char *line)
{
	char *words[WORDS_MAX], text[4096];
	unsigned n = split(line, words);
	int rc;

	if (n == 0 || !is_order(grammar_find(n, words))) {
		fprintf(stderr, "yoke: not an order to yoked\n");
		return YOKE_USAGE;
	}
	rc = ask_command(c, i, n, words, text, sizeof(text));
	if (rc == YOKE_OK && text[0] != '\0')
		printf("%s\n", text);
	return rc;
}

int
cmd_batch(struct cli *c, unsigned n, char **words)
{
	char line[LINE_LEN];
	unsigned number = 0;
	struct ipcc *i;
	int rc;

	(void)n;
	(void)words;
	rc = ask_open(c, &i);
	if (rc != YOKE_OK)
		return rc;
	while (rc == YOKE_OK && fgets(line, sizeof(line), stdin) != NULL) {
		number++;
		if (line[strspn(line, " \t\n")] == '\0' || line[0] == '#')
			continue;
		rc = one(c, i, line);
		if (rc != YOKE_OK)
			fprintf(stderr,
			    "yoke: stopped at line %u of the "
			    "batch\n",
			    number);
	}
	ipcc_free(i);
	return rc;
}
