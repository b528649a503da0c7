/*
 * reactor: the prober's event loop. Run by prober.c; conn.c adds sockets,
 * attempts.c and standing.c add timers.
 */
#include "test/prober/reactor.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BATCH 512

int
reactor_init(struct reactor *r)
{
	struct epoll_event ev = { .events = EPOLLIN };

	*r = (struct reactor){ .timer_fd = -1, .armed = USEC_NEVER };
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0)
		return -errno;
	r->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (r->timer_fd < 0)
		return -errno;
	if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->timer_fd, &ev) < 0)
		return -errno;
	return 0;
}

void
reactor_done(struct reactor *r)
{
	timers_done(&r->timers);
	if (r->timer_fd >= 0)
		(void)close(r->timer_fd);
	if (r->epoll_fd >= 0)
		(void)close(r->epoll_fd);
}

int
reactor_watch(struct reactor *r, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0 ? -errno
								     : 0;
}

void
reactor_change(struct reactor *r, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	(void)epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
}

void
reactor_at(struct reactor *r, struct timer *t, usec_t when)
{
	timers_del(&r->timers, t);
	t->when = when;
	timers_add(&r->timers, t);
}

void
reactor_cancel(struct reactor *r, struct timer *t)
{
	timers_del(&r->timers, t);
}

static void
arm(struct reactor *r)
{
	const struct timer *first = timers_first(&r->timers);
	usec_t when = first != NULL ? first->when : USEC_NEVER;
	struct itimerspec its = { 0 };

	if (when == r->armed)
		return;
	r->armed = when;
	if (first != NULL) {
		its.it_value.tv_sec = (time_t)(when / USEC_S);
		its.it_value.tv_nsec = (long)(when % USEC_S * 1000) + 1;
	}
	(void)timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* Only timers due at the time of entry: one that arms itself for "now" waits
 * for the sockets again. */
static void
fire(struct reactor *r)
{
	usec_t now = usec_mono();
	struct timer *t;

	while ((t = timers_first(&r->timers)) != NULL && t->when <= now) {
		timers_del(&r->timers, t);
		t->fn(t->arg);
	}
}

int
reactor_run(struct reactor *r)
{
	struct epoll_event evs[BATCH];
	struct source *s;
	uint64_t ticks;
	int i, n;

	while (!r->stop) {
		arm(r);
		n = epoll_wait(r->epoll_fd, evs, BATCH, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			s = evs[i].data.ptr;
			if (s != NULL) {
				s->on_events(s, evs[i].events);
				continue;
			}
			(void)!read(r->timer_fd, &ticks, sizeof(ticks));
			r->armed = USEC_NEVER;
		}
		if (n < BATCH)
			fire(r);
	}
	return 0;
}
