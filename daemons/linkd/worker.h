/*
 * worker: linkd's hold on the process of cpg.h: starts it, queues frames for
 * it, hands its frames over, kills it. Never blocks.
 */
#ifndef LINKD_WORKER_H
#define LINKD_WORKER_H

#include "common/loop.h"
#include "daemons/linkd/cpg.h"

struct worker;
struct worker_ops {
	void (*on_frame)(
	    enum frame f, const uint8_t *body, size_t len, void *arg);
	/* It ended by itself. Call worker_free(). */
	void (*on_gone)(void *arg);
};

int worker_start(struct loop *l, const char *group,
    const struct worker_ops *ops, void *arg, struct worker **ret);

/* Kills it if it still runs: what it had in corosync goes at once. NULL ok */
void worker_free(struct worker *w);

/* In order. 0, -ENOBUFS: too much waits already; -EPIPE: it is gone */
int worker_send(
    struct worker *w, enum frame f, const void *body, size_t len);
size_t worker_queued(const struct worker *w); /* bytes not yet taken */
void worker_drop_queue(struct worker *w);

/* Waits for it to end, for daemon stop only. True if it did. */
int worker_wait(struct worker *w, usec_t limit);

#endif
