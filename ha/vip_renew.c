/*
 * vip_renew: see vip_renew.h. One slot: the thread has it while it is busy.
 */
#include "ha/vip_renew.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/thread.h"
#include "common/urgent.h"
#include "common/usec.h"

/* A lease needs far less. */
#define RUNTIME USEC_MS
#define PERIOD (20 * USEC_MS)

#define STOP_WAIT (100 * USEC_MS) /* at an orderly stop it is idle */

struct vip_renew {
	int (*hold)(void *ctx, const struct conf_vip *vips, size_t n);
	void (*done)(void *ctx);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work, idle;
	bool busy;  /* vips, n and asked are the thread's */
	bool stop;
	bool alone; /* the other one has left: who leaves now frees */
	struct conf_vip *vips;
	size_t n, room;
	usec_t asked;
	int rc; /* of the last one */
};

static void
leave(struct vip_renew *r)
{
	bool last;

	(void)pthread_mutex_lock(&r->lock);
	last = r->alone;
	r->alone = true;
	(void)pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	if (r->done != NULL)
		r->done(r->ctx);
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->work);
	(void)pthread_cond_destroy(&r->idle);
	free(r->vips);
	free(r);
}

/* With the lock, but not while it waits for the kernel. */
static void
serve(struct vip_renew *r)
{
	int rc = 0;

	(void)pthread_mutex_unlock(&r->lock);
	if (usec_mono() - r->asked <= VIP_RENEW_STALE)
		rc = r->hold(r->ctx, r->vips, r->n);
	(void)pthread_mutex_lock(&r->lock);
	r->rc = rc;
	r->busy = false;
	(void)pthread_cond_broadcast(&r->idle);
}

/* It works on the active only, whose leases must not run out because real-time
 * work is halted. */
static void
be_urgent(void)
{
	if (urgent_deadline(RUNTIME, PERIOD) < 0)
		urgent_too();
}

static void *
renewer(void *arg)
{
	struct vip_renew *r = arg;

	be_urgent();
	(void)pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		if (r->busy)
			serve(r);
		else
			(void)pthread_cond_wait(&r->work, &r->lock);
	}
	(void)pthread_mutex_unlock(&r->lock);
	leave(r);
	return NULL;
}

int
vip_renew_start(int (*hold)(void *ctx, const struct conf_vip *vips, size_t n),
    void (*done)(void *ctx), void *ctx, struct vip_renew **ret)
{
	struct vip_renew *r = mem_new(struct vip_renew);
	int rc;

	r->hold = hold;
	r->ctx = ctx;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->work, NULL);
	(void)pthread_cond_init(&r->idle, NULL);
	rc = thread_start(renewer, r, &r->thread);
	if (rc < 0) {
		r->alone = true;
		leave(r);
		return rc;
	}
	r->done = done;
	*ret = r;
	return 0;
}

static int
put(struct vip_renew *r, const struct conf_vip *vips, size_t n)
{
	struct conf_vip *more;

	if (n > r->room) {
		more = realloc(r->vips, n * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		r->vips = more;
		r->room = n;
	}
	if (n > 0)
		memcpy(r->vips, vips, n * sizeof(*vips));
	r->n = n;
	r->asked = usec_mono();
	r->busy = true;
	(void)pthread_cond_signal(&r->work);
	return 0;
}

int
vip_renew(struct vip_renew *r, const struct conf_vip *vips, size_t n)
{
	int rc = -ETIMEDOUT, put_rc = 0;

	(void)pthread_mutex_lock(&r->lock);
	if (!r->busy) {
		rc = r->rc;
		put_rc = put(r, vips, n);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return rc != 0 ? rc : put_rc;
}

void
vip_renew_settle(struct vip_renew *r)
{
	(void)pthread_mutex_lock(&r->lock);
	while (r->busy)
		(void)pthread_cond_wait(&r->idle, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
}

void
vip_renew_stop(struct vip_renew *r)
{
	pthread_t thread;

	if (r == NULL)
		return;
	thread = r->thread;
	(void)pthread_mutex_lock(&r->lock);
	r->stop = true;
	(void)pthread_cond_signal(&r->work);
	(void)pthread_mutex_unlock(&r->lock);
	leave(r);
	thread_end(thread, STOP_WAIT);
}
