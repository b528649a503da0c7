/*
 * fence: see fence.h.
 */
#include "ha/fence.h"

#include <errno.h>
#include <stdio.h>

#include "common/err.h"
#include "ha/director_impl.h"

#define FENCE_RETRY (5 * USEC_S) /* after a failure */
#define FENCE_LIED (5 * USEC_S)	 /* heard so long after it was dead */

static void
fence_set(struct director *d, enum fence_state to, int rc, const char *text)
{
	struct fence *f = &d->fence;
	enum fence_state was = f->state;

	f->state = to;
	f->since = loop_now(d->loop);
	f->rc = rc;
	(void)snprintf(f->text, sizeof(f->text), "%s", text);
	director_note(d, to == FENCE_FAILED ? NOTE_ERR : NOTE_NOTICE,
	    "fence=%s was=%s peer=%s text=\"%s\"", fence_state_name(to),
	    fence_state_name(was), d->conf->peer->name, f->text);
}

bool
fence_needed(const struct director *d)
{
	const struct fence *f = &d->fence;

	return d->ports.fence != NULL &&
	       d->conf->peer->fence_command[0] != '\0' &&
	       (f->state != FENCE_DONE ||
		   d->beats.heard > f->since + FENCE_LIED);
}

static void
fence_failed(struct director *d, int rc, const char *text)
{
	d->fence.failures++;
	fence_set(d, FENCE_FAILED, rc, text);
}

void
fence_begin(struct director *d)
{
	struct fence *f = &d->fence;
	int rc;

	if (f->state == FENCE_RUNNING ||
	    (f->state == FENCE_FAILED &&
		loop_now(d->loop) - f->since < FENCE_RETRY))
		return;
	f->tries++;
	fence_set(d, FENCE_RUNNING, 0, d->conf->peer->fence_command);
	rc = d->ports.fence->start(d->ports.fence_ctx);
	if (rc < 0)
		fence_failed(d, rc, err_text(rc));
}

/* What still runs is not stopped: half a fence is worse than a whole one. The
 * peer is heard until it dies of it, so its result holds for what follows. */
void
fence_peer_heard(struct director *d)
{
	if (d->fence.state == FENCE_DONE || d->fence.state == FENCE_FAILED)
		fence_set(d, FENCE_IDLE, 0, "the peer is heard again");
}

void
director_on_fence(struct director *d, int rc, const char *text)
{
	if (d->fence.state != FENCE_RUNNING)
		return;
	if (rc < 0)
		fence_failed(d, rc, text);
	else
		fence_set(d, FENCE_DONE, 0, text);
	if (d->fence.state == FENCE_DONE)
		link_report_forget(d); /* it was of a living one */
	director_evaluate(d);
}

const char *
fence_state_name(unsigned state)
{
	static const char *const names[FENCE__LAST] = {
		[FENCE_IDLE] = "idle",
		[FENCE_RUNNING] = "running",
		[FENCE_DONE] = "done",
		[FENCE_FAILED] = "failed",
	};

	return state < FENCE__LAST ? names[state] : "?";
}
