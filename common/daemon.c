/*
 * daemon: the common main(). Options are rows, help is printed from them;
 * the daemon's parts are rows too.
 */
#include "common/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <qb/qbdefs.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/err.h"
#include "common/lock_memory.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/urgent.h"

/* ---- arguments ---- */

#define GO_ON (-1) /* an option's function: no exit code, continue */

static int
opt_conf(struct daemon *d, const char *arg)
{
	d->conf_file = arg;
	return GO_ON;
}

static int
opt_node(struct daemon *d, const char *arg)
{
	d->node = arg;
	return GO_ON;
}

static int
opt_foreground(struct daemon *d, const char *arg)
{
	(void)arg;
	d->foreground = true;
	return GO_ON;
}

static int
opt_debug(struct daemon *d, const char *arg)
{
	(void)arg;
	d->debug = true;
	return GO_ON;
}

static int
opt_version(struct daemon *d, const char *arg)
{
	(void)arg;
	printf("%s %s\n", d->desc->name, YOKE_VERSION);
	return DAEMON_OK;
}

static int opt_help(struct daemon *d, const char *arg);

static const struct option_row {
	char letter;
	const char *arg; /* NULL: takes none */
	const char *help;
	int (*apply)(struct daemon *d, const char *arg);
} options[] = {
	{ 'c', "FILE", "configuration, default " DAEMON_CONF, opt_conf },
	{ 'n', "NAME", "this node, default as uname -n says", opt_node },
	{ 'f', NULL, "log to standard error", opt_foreground },
	{ 'd', NULL, "log debug messages too", opt_debug },
	{ 'V', NULL, "print the version", opt_version },
	{ 'h', NULL, "print this help", opt_help },
};

static void
usage(const struct daemon *d, FILE *f)
{
	const struct option_row *o;

	fprintf(f, "usage: %s", d->desc->name);
	for (o = options; o < options + ARRAY_LEN(options); o++)
		fprintf(f, o->arg != NULL ? " [-%c %s]" : " [-%c%s]", o->letter,
		    o->arg != NULL ? o->arg : "");
	fprintf(f, "\n%s\n", d->desc->purpose);
	for (o = options; o < options + ARRAY_LEN(options); o++)
		fprintf(f, "  -%c %-5s %s\n", o->letter,
		    o->arg != NULL ? o->arg : "", o->help);
}

static int
opt_help(struct daemon *d, const char *arg)
{
	(void)arg;
	usage(d, stdout);
	return DAEMON_OK;
}

/* GO_ON or an exit code. */
static int
parse_args(struct daemon *d, int argc, char **argv)
{
	char letters[2 * ARRAY_LEN(options) + 1], *p = letters;
	const struct option_row *o;
	int c, rc = GO_ON;

	for (o = options; o < options + ARRAY_LEN(options); o++) {
		*p++ = o->letter;
		if (o->arg != NULL)
			*p++ = ':';
	}
	*p = '\0';
	while (rc == GO_ON && (c = getopt(argc, argv, letters)) != -1) {
		for (o = options; o < options + ARRAY_LEN(options); o++)
			if (o->letter == c)
				break;
		if (o == options + ARRAY_LEN(options))
			rc = DAEMON_USAGE;
		else
			rc = o->apply(d, optarg);
	}
	if (rc == GO_ON && optind < argc)
		rc = DAEMON_USAGE;
	if (rc == DAEMON_USAGE)
		usage(d, stderr);
	return rc;
}

/* ---- scheduling ---- */

#define KEEP_FREE (32 << 20)
#define KEEP_PAD (1 << 20)

/* 0: as everybody else. */
static void
set_priority(int priority)
{
	int rc = urgent_real_time(priority);

	if (rc < 0)
		log_warning("cannot=real-time priority=%d why=\"%s\" "
			    "effect=\"late under load\"",
		    priority, err_text(rc));
}

void
daemon_real_time(const struct daemon *d, bool yes)
{
	set_priority(yes ? d->desc->rt_priority : 0);
}

static void
go_real_time(const struct daemon_desc *desc)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (desc->rt_priority > 0 && !desc->rt_later)
		set_priority(desc->rt_priority);
	if (!desc->lock_memory)
		return;
	/* Locked memory that is given back must be filled again, a page and a
	 * call at a time: what was needed once is kept for the next time. */
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	(void)mallopt(M_TOP_PAD, KEEP_PAD);
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_PAD);
	/* With a limit left, locking would make later allocations fail. */
	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0 ||
	    lock_memory() < 0)
		log_warning("cannot=lock-memory why=\"%s\" "
			    "effect=\"late when swapping\"",
		    err_text(-errno));
}

/* ---- signals and systemd ---- */

static int32_t
on_stop(int32_t sig, void *arg)
{
	struct daemon *d = arg;

	log_info("signal=%s action=stop", sigabbrev_np(sig));
	if (d->desc->leave != NULL && !d->leaving) {
		d->leaving = true;
		d->desc->leave(d);
	} else {
		loop_stop(d->loop);
	}
	return 0;
}

static int32_t
on_hup(int32_t sig, void *arg)
{
	struct daemon *d = arg;

	(void)sig;
	if (d->desc->reload == NULL)
		return 0;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)loop_now(d->loop));
	d->desc->reload(d);
	(void)sd_notify(0, "READY=1");
	return 0;
}

static int
catch_signals(struct daemon *d)
{
	static const struct {
		int sig;
		int32_t (*fn)(int32_t sig, void *arg);
	} rows[] = {
		{ SIGTERM, on_stop },
		{ SIGINT, on_stop },
		{ SIGHUP, on_hup },
	};
	size_t i;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		rc = qb_loop_signal_add(loop_qb(d->loop), QB_LOOP_HIGH,
		    rows[i].sig, d, rows[i].fn, NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct watchdog {
	struct timer timer;
	usec_t interval;
};

static void
on_watchdog(void *arg)
{
	struct watchdog *w = arg;

	(void)sd_notify(0, "WATCHDOG=1");
	timer_in(&w->timer, w->interval);
}

static void
watchdog_start(struct watchdog *w, struct loop *l)
{
	uint64_t usec = 0;

	timer_init(&w->timer, l, on_watchdog, w);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	w->interval = usec / 2;
	timer_in(&w->timer, w->interval);
}

/* ---- running ---- */

int
daemon_load(const struct daemon *d, struct conf **ret)
{
	struct conf_err e;
	char text[1024];
	int rc;

	rc = conf_load(d->conf_file, d->node, d->desc->conf_flags, ret, &e);
	if (rc < 0)
		log_err("configuration=refused why=\"%s\"",
		    conf_err_format(&e, text, sizeof(text)));
	return rc;
}

static void
stop_parts(struct daemon *d, size_t n)
{
	while (n-- > 0)
		if (d->desc->parts[n].stop != NULL)
			d->desc->parts[n].stop(d);
}

static int
run(struct daemon *d)
{
	struct watchdog w = { 0 };
	const struct part *p;
	size_t n;
	int rc = 0;

	for (n = 0; n < d->desc->n_parts; n++) {
		p = &d->desc->parts[n];
		rc = p->start(d);
		if (rc < 0) {
			log_err("part=%s state=failed why=\"%s\"", p->name,
			    d->why[0] != '\0' ? d->why : err_text(rc));
			break;
		}
	}
	if (rc == 0) {
		watchdog_start(&w, d->loop);
		(void)sd_notify(0, "READY=1");
		loop_run(d->loop);
		(void)sd_notify(0, "STOPPING=1");
		timer_stop(&w.timer);
	}
	stop_parts(d, n);
	return rc;
}

static int
exit_code(int rc)
{
	if (rc == 0)
		return DAEMON_OK;
	return rc == -EACCES || rc == -EPERM ? DAEMON_PERMISSION :
					       DAEMON_FAILED;
}

int
daemon_main(const struct daemon_desc *desc, int argc, char **argv, void *user)
{
	struct daemon d = { .desc = desc, .conf_file = DAEMON_CONF,
		.user = user };
	int rc, code;

	code = parse_args(&d, argc, argv);
	if (code != GO_ON)
		return code;
	log_init(desc->name,
	    d.foreground ? LOG_TARGET_STDERR : LOG_TARGET_SYSLOG,
	    d.debug ? LOG_DEBUG : LOG_INFO, desc->blackbox);
	if (desc->needs_root && geteuid() != 0) {
		log_err("start=refused why=\"%s must be run by root\"",
		    desc->name);
		code = DAEMON_PERMISSION;
		goto out;
	}
	if (daemon_load(&d, &d.conf) < 0) {
		code = DAEMON_CONFIG;
		goto out;
	}
	rc = loop_new(&d.loop);
	if (rc == 0)
		rc = catch_signals(&d);
	if (rc == 0) {
		go_real_time(desc);
		rc = run(&d);
	}
	code = exit_code(rc);
out:
	loop_free(d.loop);
	conf_free(d.conf);
	log_done();
	return code;
}
