/*
 * prober: measures what the clients of a virtual service see while directors
 * fail under it.
 *
 *   attempts.c  new connections on a schedule; outage.h says when one fails and
 *               how the outage is computed
 *   standing.c  busy connections of all ages, which should survive
 *   conn.c      one connection; http.c its answers; reactor.c its events
 *   report.c    JSON and CSV
 *
 * Phases: running until --duration or the first SIGTERM/SIGINT; then draining,
 * nothing new, until every answer that is out has come or timed out; then the
 * report. SIGUSR1 (the first one) marks the event.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "test/prober/report.h"

struct prober {
	struct source signals; /* first member */
	struct run run;
	struct timer end, progress;
	size_t ok_before, failed_before; /* at the last line of progress */
	bool draining;
};

static void
on_idle(void *arg)
{
	struct prober *p = arg;

	if (p->draining && p->run.attempts.running == 0 &&
	    p->run.standing.stopping &&
	    qb_list_empty(&p->run.standing.holds))
		p->run.reactor.stop = true;
}

static void
on_ready(void *arg)
{
	struct prober *p = arg;
	int fd;

	if (p->run.opt.ready_path == NULL)
		return;
	fd = open(p->run.opt.ready_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		fprintf(stderr, "prober: %s: %s\n", p->run.opt.ready_path,
		    strerror(errno));
	else
		(void)close(fd);
}

static void
on_end(void *arg)
{
	struct prober *p = arg;

	if (p->draining) { /* asked again: do not wait */
		p->run.reactor.stop = true;
		return;
	}
	p->draining = true;
	reactor_cancel(&p->run.reactor, &p->end);
	standing_stop(&p->run.standing);
	attempts_stop(&p->run.attempts);
}

static void
on_progress(void *arg)
{
	struct prober *p = arg;
	const struct attempts *a = &p->run.attempts;
	const struct tally *s = &p->run.standing.tally;

	fprintf(stderr,
	    "t=%.0fs ok=%zu failed=%zu running=%zu kept=%zu reset=%zu "
	    "hung=%zu\n",
	    (double)(usec_mono() - p->run.start) / (double)USEC_S,
	    a->ok - p->ok_before, a->failed - p->failed_before, a->running,
	    s->total - s->reset - s->hung - s->bad, s->reset, s->hung);
	p->ok_before = a->ok;
	p->failed_before = a->failed;
	reactor_at(&p->run.reactor, &p->progress, p->progress.when + USEC_S);
}

static void
on_signal(struct source *src, uint32_t events)
{
	struct prober *p = (struct prober *)src;
	struct signalfd_siginfo si;

	(void)events;
	if (read(src->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGUSR1) {
		on_end(p);
	} else if (p->run.mark == 0) {
		p->run.mark = usec_mono();
		standing_mark(&p->run.standing, p->run.mark);
	}
}

static int
open_signals(struct prober *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	p->signals.on_events = on_signal;
	p->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (p->signals.fd < 0)
		return -errno;
	return reactor_watch(&p->run.reactor, &p->signals, EPOLLIN);
}

static void
start(struct prober *p)
{
	struct run *run = &p->run;

	run->start = usec_mono() + USEC_MS;
	run->attempts.on_idle = run->standing.on_idle = on_idle;
	run->standing.on_ready = on_ready;
	run->attempts.arg = run->standing.arg = p;
	p->end.fn = on_end;
	p->progress.fn = on_progress;
	p->end.arg = p->progress.arg = p;
	standing_start(&run->standing, &run->opt, &run->reactor, run->start);
	attempts_start(&run->attempts, &run->opt, &run->reactor, run->start);
	if (run->opt.duration != USEC_NEVER)
		reactor_at(&run->reactor, &p->end,
		    run->start + run->opt.duration);
	if (run->opt.progress)
		reactor_at(&run->reactor, &p->progress, run->start + USEC_S);
}

/* Two seconds' worth of hanging connections must not run out of descriptors. */
static void
raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

int
main(int argc, char **argv)
{
	static struct prober p;
	int rc;

	rc = options_parse(&p.run.opt, argc, argv);
	if (rc != 0)
		return rc < 0 ? 2 : 0;
	raise_limits();
	rc = reactor_init(&p.run.reactor);
	if (rc == 0)
		rc = open_signals(&p);
	if (rc == 0) {
		start(&p);
		rc = reactor_run(&p.run.reactor);
	}
	if (rc == 0)
		rc = report_json(&p.run);
	if (rc == 0)
		rc = report_timeseries(&p.run);
	if (rc < 0)
		fprintf(stderr, "prober: %s\n", strerror(-rc));
	attempts_done(&p.run.attempts);
	standing_done(&p.run.standing);
	reactor_done(&p.run.reactor);
	return rc < 0 ? 1 : 0;
}
