/*
 * cmd_drill: hands over to the drills, which are Python that operators can read
 * and add to; what they need to know of this call goes in front of the words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/yoke.h"

#define PYTHON "/usr/bin/python3"
#define RUNNER YOKE_DATADIR "/drills/run.py"

/* YOKE_DRILLS: another runner, as in a source tree. */
static const char *
runner(void)
{
	const char *path = getenv("YOKE_DRILLS");

	return path != NULL && path[0] != '\0' ? path : RUNNER;
}

int
cmd_drill(struct cli *c, unsigned n, char **words)
{
	const char *front[] = { PYTHON, runner(), "--conf", c->conf_file,
		"--instance", c->instance };
	size_t i, len = ARRAY_LEN(front);
	char **argv = calloc(len + n, sizeof(*argv));

	if (argv == NULL) {
		fprintf(stderr, "yoke: out of memory\n");
		return YOKE_REFUSED;
	}
	for (i = 0; i < len; i++)
		argv[i] = (char *)front[i];
	for (i = 1; i < n; i++) /* words[0] is "drill" */
		argv[len + i - 1] = words[i];
	if (access(runner(), R_OK) < 0)
		fprintf(stderr,
		    "yoke: %s: %s\n"
		    "  the drills come with \"make install\"; in a source "
		    "tree set\n"
		    "  YOKE_DRILLS=contrib/drills/run.py\n",
		    runner(), strerror(errno));
	else if (execv(PYTHON, argv) < 0)
		fprintf(stderr, "yoke: %s: %s\n", PYTHON, strerror(errno));
	free(argv);
	return YOKE_REFUSED;
}
