/*
 * yoked_fence: runs the operator's fence command (common/run.h), as the
 * fence-agents packages have them: options as name=value lines on standard
 * input, exit status 0 means that the node is off.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemons/yoked/yoked.h"

static void
on_done(int rc, const char *text, void *arg)
{
	struct yoked *y = arg;

	y->fence = NULL;
	director_on_fence(&y->director, rc, text);
}

static int
fence_start(void *ctx)
{
	struct yoked *y = ctx;
	const struct conf_node *peer = y->conf->peer;
	const char *argv[] = { peer->fence_command, NULL };
	char options[RUN_INPUT_MAX];
	struct run_what what = {
		.argv = argv,
		.env = (const char *const *)environ,
		.input = options,
		.timeout = peer->fence_timeout,
		.done = on_done,
		.arg = y,
	};
	int n = snprintf(options, sizeof(options), "action=%s\n%s",
	    peer->fence_action,
	    peer->fence_options != NULL ? peer->fence_options : "");
	int rc = -EMSGSIZE;

	yoked_fence_stop(y);
	what.input_len = (size_t)n;
	if (n > 0 && (size_t)n < sizeof(options))
		rc = run_start(y->loop, &what, &y->fence);
	explicit_bzero(options, sizeof(options)); /* passwords */
	return rc;
}

const struct fence_ops yoked_fence_ops = { .start = fence_start };

void
yoked_fence_stop(struct yoked *y)
{
	run_stop(y->fence);
	y->fence = NULL;
}
