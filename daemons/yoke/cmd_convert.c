/*
 * cmd_convert: yoke import. Another program's configuration becomes the vips and
 * services of a yoke.conf on standard output, what was lost goes to standard
 * error with its line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemons/yoke/import.h"
#include "daemons/yoke/yoke.h"

int
cmd_import(struct cli *c, unsigned n, char **words)
{
	char *text = NULL, why[1024] = "";
	int rc = YOKE_OK;

	(void)c;
	(void)n;
	if (imp_file(words[1], &text) < 0)
		return YOKE_USAGE;
	fputs(text, stdout);
	if (imp_check(text, why, sizeof(why)) < 0) {
		fprintf(stderr, "yoke: this would be refused: %s\n", why);
		rc = YOKE_REFUSED;
	}
	free(text);
	return rc;
}
