/*
 * daemon: what the main() of every daemon does alike: arguments, logging,
 * configuration, the loop, signals, systemd, start and stop in order.
 *
 *	static const struct part parts[] = {
 *		{ "ipc", ipc_start, ipc_stop },
 *	};
 *	static const struct daemon_desc desc = { .name = "yoke-xd", ... };
 *	int main(int argc, char **argv)
 *	{
 *		struct xd x = { 0 };
 *
 *		return daemon_main(&desc, argc, argv, &x);
 *	}
 *
 * Daemons stay in the foreground; -f only moves the log to stderr.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/loop.h"

#define DAEMON_CONF "/etc/yoke/yoke.conf"

/* Exit codes as LSB defines them for init scripts. */
enum daemon_exit {
	DAEMON_OK = 0,
	DAEMON_FAILED = 1,
	DAEMON_USAGE = 2,
	DAEMON_PERMISSION = 4,
	DAEMON_CONFIG = 6
};

/* The running daemon, as its parts see it. */
struct daemon {
	const struct daemon_desc *desc;
	const char *conf_file, *node; /* node NULL: this machine's */
	bool foreground, debug;
	struct loop *loop;
	struct conf *conf; /* borrowed; reload may replace it */
	void *user;        /* the daemon's own state */
	bool leaving;      /* desc->leave was called */
	char why[256];     /* a part's own words for why it cannot start */
};

/* Started in order, stopped in reverse; stop is called for started ones only.
 * start returns 0 or a negative code, which ends the daemon; d->why or else the
 * code's text is logged, so that a start fails with one line. */
struct part {
	const char *name;
	int (*start)(struct daemon *d);
	void (*stop)(struct daemon *d); /* NULL ok */
};

struct daemon_desc {
	const char *name;     /* "yoke-linkd" */
	const char *purpose;  /* a line for -h */
	const char *blackbox; /* crash dump file, NULL ok */
	const struct part *parts;
	size_t n_parts;
	unsigned conf_flags;  /* for conf_load() */
	bool needs_root;
	int rt_priority;      /* SCHED_RR, 0: none; failing is a warning */
	bool rt_later;	      /* not at once: daemon_real_time() says when */
	bool lock_memory;     /* mlockall; failing is a warning */
	/* SIGHUP; NULL: ignored. Usually calls daemon_load(). */
	void (*reload)(struct daemon *d);
	/* SIGTERM, SIGINT: ends by loop_stop() when ready; the second signal
	 * ends at once. NULL: at once. */
	void (*leave)(struct daemon *d);
};

/* Runs until SIGTERM, SIGINT or loop_stop(d->loop). An enum daemon_exit. */
int daemon_main(
    const struct daemon_desc *desc, int argc, char **argv, void *user);

/* desc's real-time priority, or as everybody else. */
void daemon_real_time(const struct daemon *d, bool yes);

/* The configuration as the file is now: 0 and caller owns *ret, or a negative
 * code that has been logged. d->conf is left alone. */
int daemon_load(const struct daemon *d, struct conf **ret);

#endif
