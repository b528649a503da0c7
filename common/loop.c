/*
 * loop: libqb's main loop with our timers beside it.
 *
 * libqb's own timers are rounded to milliseconds by epoll; beats and their
 * deadlines want better, so one timerfd follows the head of the timer heap.
 *
 * What a beat costs is system calls, so none is made for nothing: the timerfd is
 * not read, as setting it again forgets what it had to tell, and it is set
 * once after all timers that were due.
 */
#include "common/loop.h"

#include <errno.h>
#include <qb/qbdefs.h>
#include <qb/qbloop.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/mem.h"

struct loop {
	struct qb_loop *qb;
	struct timers timers;
	struct loop_end *ends;
	int fd;
	bool firing;  /* timers: the timerfd is set afterwards */
	bool in_turn; /* of a callback */
	usec_t turn;  /* its time; 0: not asked yet */
};

struct watch {
	struct loop *loop;
	int fd;
	int events;
	watch_fn fn;
	void *arg;
};

/* Points the timerfd at the earliest timer, or disarms it. */
static void
rearm(struct loop *l)
{
	const struct timer *t = timers_first(&l->timers);
	struct itimerspec its = { 0 };
	usec_t when;

	if (t != NULL) {
		when = t->when > 0 ? t->when : 1;
		its.it_value.tv_sec = (time_t)(when / USEC_S);
		its.it_value.tv_nsec = (long)(when % USEC_S) * 1000;
	}
	(void)timerfd_settime(l->fd, TFD_TIMER_ABSTIME, &its, NULL);
}

static void
turn_begin(struct loop *l, usec_t now)
{
	l->in_turn = true;
	l->turn = now;
}

static int32_t
on_timerfd(int32_t fd, int32_t revents, void *arg)
{
	struct loop *l = arg;
	usec_t now = usec_mono();
	struct timer *t;
	unsigned bound = 1024;

	(void)fd;
	(void)revents;
	turn_begin(l, now);
	l->firing = true;
	while ((t = timers_first(&l->timers)) != NULL && t->when <= now &&
	       bound-- > 0) {
		timers_del(&l->timers, t);
		t->fn(t->arg);
		turn_begin(l, 0); /* the next one asks for itself */
	}
	l->firing = false;
	l->in_turn = false;
	rearm(l);
	return 0;
}

int
loop_new(struct loop **ret)
{
	struct loop *l = mem_new(struct loop);
	int rc = -ENOMEM;

	l->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->fd < 0) {
		rc = -errno;
		goto out;
	}
	l->qb = qb_loop_create();
	if (l->qb == NULL)
		goto out;
	rc = qb_loop_poll_add(
	    l->qb, QB_LOOP_HIGH, l->fd, POLLIN, l, on_timerfd);
	if (rc < 0)
		goto out;
	*ret = l;
	return 0;
out:
	loop_free(l);
	return rc;
}

struct loop_end **
loop_ends(struct loop *l)
{
	return &l->ends;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	loop_end_all(l);
	if (l->qb != NULL) {
		(void)qb_loop_poll_del(l->qb, l->fd);
		qb_loop_destroy(l->qb);
	}
	if (l->fd >= 0)
		close(l->fd);
	timers_done(&l->timers);
	free(l);
}

void
loop_run(struct loop *l)
{
	qb_loop_run(l->qb);
}

void
loop_stop(struct loop *l)
{
	qb_loop_stop(l->qb);
}

struct qb_loop *
loop_qb(struct loop *l)
{
	return l->qb;
}

usec_t
loop_now(struct loop *l)
{
	usec_t now = usec_mono();

	if (l->in_turn)
		l->turn = now;
	return now;
}

usec_t
loop_turn(struct loop *l)
{
	return l->in_turn && l->turn != 0 ? l->turn : loop_now(l);
}

usec_t
loop_real(const struct loop *l)
{
	(void)l;
	return usec_real();
}

void
timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .loop = l, .fn = fn, .arg = arg };
}

void
timer_at(struct timer *t, usec_t when)
{
	timers_del(&t->loop->timers, t);
	t->when = when;
	timers_add(&t->loop->timers, t);
	if (timers_first(&t->loop->timers) == t && !t->loop->firing)
		rearm(t->loop);
}

void
timer_in(struct timer *t, usec_t delay)
{
	timer_at(t, loop_now(t->loop) + delay);
}

void
timer_stop(struct timer *t)
{
	if (t->slot != 0)
		timers_del(&t->loop->timers, t);
}

int
timer_armed(const struct timer *t)
{
	return t->slot != 0;
}

static int32_t
on_fd(int32_t fd, int32_t revents, void *arg)
{
	struct watch *w = arg;
	struct loop *l = w->loop; /* fn may free w */

	turn_begin(l, 0);
	w->fn(fd, revents, w->arg);
	l->in_turn = false;
	return 0;
}

int
watch_new(struct loop *l, int fd, int events, watch_fn fn, void *arg,
    struct watch **ret)
{
	struct watch *w = mem_new(struct watch);
	int rc;

	*w = (struct watch){ l, fd, events, fn, arg };
	rc = qb_loop_poll_add(l->qb, QB_LOOP_MED, fd, events, w, on_fd);
	if (rc < 0) {
		free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void
watch_set(struct watch *w, int events)
{
	if (w->events == events)
		return;
	w->events = events;
	(void)qb_loop_poll_mod(
	    w->loop->qb, QB_LOOP_MED, w->fd, events, w, on_fd);
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	(void)qb_loop_poll_del(w->loop->qb, w->fd);
	free(w);
}
