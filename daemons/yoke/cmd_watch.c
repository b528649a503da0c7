/*
 * cmd_watch: a line for every change, until interrupted or yoked goes away.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "daemons/yoke/yoke.h"

#define SLICE_MS 500

static volatile sig_atomic_t interrupted; /* set by the handler only */

static void
on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

/* Lines until something ends it; returns an exit code. */
static int
follow(const struct cli *c, struct ipcc *i)
{
	char line[MSG_BODY_MAX];
	size_t len;
	int rc;

	while (!interrupted) {
		rc = ipcc_event(i, line, sizeof(line), &len, SLICE_MS);
		if (rc == -EAGAIN)
			continue;
		if (rc < 0)
			return ask_failed(c, rc);
		if (rc != MSG_WATCH_LINE)
			continue;
		printf("%.*s\n", (int)len, line);
		if (fflush(stdout) != 0)
			break;
	}
	return YOKE_OK;
}

int
cmd_watch(struct cli *c, unsigned n, char **words)
{
	char text[4096];
	struct ipcc *i;
	int rc;

	rc = ask_open(c, &i);
	if (rc != YOKE_OK)
		return rc;
	rc = ask_command(c, i, n, words, text, sizeof(text));
	if (rc == YOKE_OK) {
		catch_signals();
		if (text[0] != '\0')
			printf("%s\n", text);
		(void)fflush(stdout);
		rc = follow(c, i);
	}
	ipcc_free(i);
	return rc;
}
