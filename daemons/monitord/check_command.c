/*
 * check_command: a program of the operator's says whether a server is well, by
 * its exit status. No shell; it is given address and port as arguments and a
 * small environment, and is killed with its process group at the deadline.
 */
#include <errno.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/run.h"
#include "daemons/monitord/check.h"

struct command_run {
	struct run *run;
	check_done_fn done;
	void *arg;
};

static int
command_open(struct loop *l, struct poller *p, void **ret)
{
	(void)p;
	*ret = l;
	return 0;
}

static void
command_close(void *shared)
{
	(void)shared;
}

static void
on_done(int rc, const char *text, void *arg)
{
	struct command_run r = *(struct command_run *)arg;
	char detail[DETAIL_LEN];

	free(arg);
	(void)snprintf(detail, sizeof(detail), "%s", rc == 0 ? "ok" : text);
	r.done(rc == 0 ? VERDICT_OK : VERDICT_BAD, detail, r.arg);
}

static int
command_start(void *shared, const struct check_target *t, check_done_fn done,
    void *arg, void **ret_run)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin", "LC_ALL=C", NULL };
	char address[ADDR_TEXT_MAX], port[8];
	const char *const argv[] = { t->check->command, address, port, NULL };
	struct command_run *r = mem_new(struct command_run);
	struct run_what what = { .argv = argv,
		.env = env,
		.input = "",
		.no_rights = true, /* ours are for probes through the VIP */
		.timeout = 2 * t->check->timeout, /* the caller cancels first */
		.done = on_done,
		.arg = r };
	int rc;

	(void)addr_format(&t->addr, address, sizeof(address));
	(void)snprintf(port, sizeof(port), "%u", t->port);
	r->done = done;
	r->arg = arg;
	rc = run_start(shared, &what, &r->run);
	if (rc < 0) {
		free(r);
		return rc;
	}
	*ret_run = r;
	return 0;
}

static void
command_cancel(void *run)
{
	struct command_run *r = run;

	run_stop(r->run);
	free(r);
}

static usec_t
command_acted(const void *run)
{
	(void)run;
	return 0;
}

const struct check_ops check_command = {
	.name = "command",
	.open = command_open,
	.close = command_close,
	.start = command_start,
	.cancel = command_cancel,
	.acted = command_acted,
};
