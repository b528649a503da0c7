/*
 * yoke-checkpointd: keeps the table on stable storage, for yoked, which must
 * not wait for a disk. This process may: a hung disk hangs nothing else.
 *
 *   yoked --ipc.c--> keeper.c (a copy of the table) --store.c--> SQLite file
 *   yoked <--ipc.c-- store_load.c (newest table that can be trusted) <-- files
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/checkpointd/ipc.h"
#include "daemons/checkpointd/keeper.h"

struct checkpointd {
	struct loop *loop;
	struct conf *conf;
	const char *file, *node;
	struct keeper *keeper;
	struct ipc *ipc;
	struct watch *signals;
	int signal_fd;
	bool failing;
};

/* Faults are logged once, when they begin and when they end. */
static void
on_state(const struct store_state *st, void *arg)
{
	struct checkpointd *d = arg;

	if (!st->ok && !d->failing)
		fprintf(stderr, "checkpoint=failing why=\"%s\" retrying\n",
		    st->error);
	if (st->ok && d->failing)
		fprintf(stderr, "checkpoint=ok file=%s\n", st->file);
	d->failing = !st->ok;
	ipc_send_state(st, &d->ipc);
}

static void
on_reload(void *arg)
{
	struct checkpointd *d = arg;
	struct conf_err e;
	struct conf *fresh;
	char text[1024];

	if (conf_load(d->file, d->node, CONF_NO_KEY, &fresh, &e) < 0) {
		fprintf(stderr, "reload refused: %s\n",
		    conf_err_format(&e, text, sizeof(text)));
		return;
	}
	conf_free(d->conf);
	d->conf = fresh;
	keeper_conf(d->keeper, fresh);
}

static void
on_signal(int fd, int revents, void *arg)
{
	struct checkpointd *d = arg;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		on_reload(d);
	else
		loop_stop(d->loop);
}

static int
watch_signals(struct checkpointd *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0
	    ? -errno
	    : watch_new(d->loop, d->signal_fd, POLLIN, on_signal, d,
		  &d->signals);
}

static void
stop(struct checkpointd *d)
{
	struct ipc *ipc = d->ipc;

	d->ipc = NULL;
	keeper_free(d->keeper);
	ipc_free(ipc);
	watch_free(d->signals);
	loop_free(d->loop);
	conf_free(d->conf);
}

int
main(int argc, char **argv)
{
	struct checkpointd d = { .file = "/etc/yoke/yoke.conf" };
	struct conf_err e;
	char text[1024];
	int opt, rc;

	while ((opt = getopt(argc, argv, "c:n:f")) != -1) {
		if (opt == 'c')
			d.file = optarg;
		else if (opt == 'n')
			d.node = optarg;
		else if (opt != 'f')
			return 2;
	}
	if (conf_load(d.file, d.node, CONF_NO_KEY, &d.conf, &e) < 0) {
		fprintf(stderr, "%s\n", conf_err_format(&e, text, sizeof(text)));
		return 1;
	}
	rc = loop_new(&d.loop);
	if (rc == 0)
		rc = watch_signals(&d);
	if (rc == 0) {
		keeper_new(d.loop, on_state, &d, &d.keeper);
		keeper_conf(d.keeper, d.conf);
		rc = ipc_new(d.loop, d.conf->instance, d.keeper, on_reload, &d,
		    &d.ipc);
	}
	if (rc == 0)
		loop_run(d.loop);
	stop(&d);
	return rc < 0;
}
