/*
 * linkd: carries messages and membership between yoked and the worker.
 *
 * In the group exactly while yoked is connected. When yoked's connection ends
 * without LINK_LEAVE, the worker is killed, and the other node learns PROCDOWN
 * within milliseconds.
 *
 * No message is lost without a sign. When corosync does not answer for a
 * while, when it takes no more or yoked reads no more, we are `broken`: yoked
 * is told connected = 0, both directions drop what comes; once that report is
 * delivered and corosync answers again, the members are reported anew and
 * yoked can synchronise. The worker stays in the group meanwhile: leaving
 * would look like a dead manager to the other node.
 */
#include "daemons/linkd/linkd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"

#define TICK (100 * USEC_MS)
#define SILENT USEC_S	      /* corosync counts as stopped */
#define RETRY (200 * USEC_MS) /* a new worker */
#define LEAVE_TIME (500 * USEC_MS)

/* Tells yoked where we stand; tick tries again when its ring is full. */
static void
report(struct linkd *k)
{
	struct link_members_msg m = k->members;
	uint8_t mem[256];
	struct buf b = buf_writer(mem, sizeof(mem));

	if (k->broken) {
		m.connected = false;
		m.n_members = m.n_left = 0;
	}
	link_members_pack(&b, &m);
	k->due =
	    k->up && ipcc_keep_send(k->yoked, MSG_LINK_MEMBERS, mem, b.pos) < 0;
	if (!k->due && !k->broken)
		k->members.n_left = 0; /* said once */
}

/* Who left and was not reported yet still has to be, unless it is back. */
static void
keep_left(struct link_members_msg *m, const struct link_members_msg *old)
{
	unsigned i, j;

	for (i = 0; i < old->n_left && m->n_left < LINK_LIST_MAX; i++) {
		for (j = 0; j < m->n_left; j++)
			if (m->left[j].node == old->left[i].node)
				break;
		if (j == m->n_left && !link_members_have(m, old->left[i].node))
			m->left[m->n_left++] = old->left[i];
	}
}

static void
set_broken(struct linkd *k, const char *why)
{
	if (k->broken || !k->members.connected)
		return;
	log_warning("link=%s state=broken why=\"%s\" "
		    "action=\"dropping, will synchronise\"",
	    k->group, why);
	k->broken = true;
	if (k->worker != NULL)
		worker_drop_queue(k->worker);
	report(k);
}

static void
set_whole(struct linkd *k)
{
	if (!k->broken || k->due || worker_queued(k->worker) > 0)
		return;
	k->broken = false;
	report(k);
	if (k->due) {
		k->broken = true;
		return;
	}
	log_notice("link=%s state=whole was=broken", k->group);
}

/* ---- from the worker ---- */

static void
log_members(const struct linkd *k, const struct link_members_msg *m)
{
	char text[LINK_LIST_MAX * 24] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; i < m->n_members; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu32,
		    i > 0 ? "," : "", m->members[i]);
	log_notice("link=%s members=%s", k->group, text);
	for (i = 0; i < m->n_left; i++)
		log_notice("link=%s left=%" PRIu32 " why=%s", k->group,
		    m->left[i].node, link_reason_name(m->left[i].reason));
}

static void
on_members(struct linkd *k, const uint8_t *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct link_members_msg m;

	if (link_members_unpack(&b, &m) < 0)
		return;
	if (m.connected && !k->members.connected && m.own != k->id)
		log_err("link=%s corosync_id=%" PRIu32 " configured_id=%" PRIu32
			" effect=\"the peer is not recognised\" "
			"action=\"make nodeid in corosync.conf and id in "
			"yoke.conf equal\"",
		    k->group, m.own, k->id);
	log_members(k, &m);
	keep_left(&m, &k->members);
	k->members = m;
	report(k);
}

static void
on_fail(struct linkd *k, const uint8_t *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	char stage[32];
	uint32_t code;

	get_str(&b, stage, sizeof(stage));
	code = get_u32(&b);
	log_warning("link=%s corosync=unreachable step=\"%s\" "
		    "cs_error=%" PRIu32 " action=retrying",
	    k->group, stage, code);
}

static void
on_frame(enum frame f, const uint8_t *body, size_t len, void *arg)
{
	struct linkd *k = arg;

	k->alive = loop_now(k->loop);
	switch (f) {
	case FRAME_RECV:
		if (!k->broken &&
		    ipcc_keep_send(k->yoked, MSG_LINK_RECV, body, len) < 0)
			set_broken(k, "yoked does not read");
		break;
	case FRAME_MEMBERS:
		on_members(k, body, len);
		break;
	case FRAME_ALIVE:
		set_whole(k);
		break;
	case FRAME_FAIL:
		on_fail(k, body, len);
		break;
	default:
		log_debug("frame=%u from=worker action=ignored", (unsigned)f);
	}
}

static void
on_gone(void *arg)
{
	struct linkd *k = arg;
	bool was = k->members.connected;

	worker_free(k->worker);
	k->worker = NULL;
	k->broken = false;
	memset(&k->members, 0, sizeof(k->members));
	timer_stop(&k->retry);
	if (was)
		log_warning("link=%s state=down action=retrying", k->group);
	if (!k->up)
		return;
	report(k);
	if (!k->leaving)
		timer_in(&k->retry, RETRY);
}

static const struct worker_ops worker_ops = { on_frame, on_gone };

/* ---- the worker's life ---- */

static void
kill_worker(struct linkd *k)
{
	worker_free(k->worker);
	k->worker = NULL;
	k->broken = k->due = false;
	memset(&k->members, 0, sizeof(k->members));
}

static void
start_worker(struct linkd *k)
{
	int rc;

	k->alive = loop_now(k->loop);
	rc = worker_start(k->loop, k->group, &worker_ops, k, &k->worker);
	if (rc < 0) {
		log_err("link=%s worker=failed why=\"%s\" action=retrying",
		    k->group, err_text(rc));
		timer_in(&k->retry, RETRY);
	}
}

/* Also the end of the time that leaving may take. */
static void
on_retry(void *arg)
{
	struct linkd *k = arg;

	if (k->leaving)
		kill_worker(k);
	else if (k->up && k->worker == NULL)
		start_worker(k);
}

static void
on_tick(void *arg)
{
	struct linkd *k = arg;
	usec_t now = loop_now(k->loop);

	/* Time in which we did not run ourselves is not corosync's silence. */
	if (now > k->ticked + TICK && k->ticked > 0)
		k->alive += now - k->ticked - TICK;
	if (k->alive > now)
		k->alive = now;
	k->ticked = now;
	timer_in(&k->tick, TICK);
	if (!k->up || k->worker == NULL)
		return;
	if (now - k->alive > SILENT)
		set_broken(k, "corosync does not answer");
	if (k->due)
		report(k);
}

/* ---- from yoked ---- */

static void
on_up(void *arg)
{
	struct linkd *k = arg;

	log_notice("yoked=connected group=%s", k->group);
	kill_worker(k); /* one may still be leaving */
	k->up = true;
	k->leaving = false;
	timer_stop(&k->retry);
	report(k);
	start_worker(k);
}

static void
on_down(void *arg)
{
	struct linkd *k = arg;

	k->up = false;
	if (k->leaving && k->worker != NULL)
		return; /* in good order, within LEAVE_TIME */
	kill_worker(k);
	timer_stop(&k->retry);
	log_notice("yoked=gone group=%s left=%s", k->group,
	    k->leaving ? "in-order" : "abruptly");
}

static void
on_send(struct linkd *k, const void *body, size_t len)
{
	int rc;

	if (k->worker == NULL || !k->members.connected || k->broken)
		return; /* yoked knows or is about to */
	if (len > LINK_DATA_MAX) {
		log_err("message=LINK_SEND bytes=%zu why=\"too long\"", len);
		return;
	}
	rc = worker_send(k->worker, FRAME_SEND, body, len);
	if (rc == -ENOBUFS)
		set_broken(k, "corosync takes no more");
}

static void
on_leave(struct linkd *k)
{
	k->leaving = true;
	if (k->worker == NULL)
		return;
	log_notice("link=%s action=leave", k->group);
	(void)worker_send(k->worker, FRAME_LEAVE, NULL, 0);
	timer_in(&k->retry, LEAVE_TIME);
}

static void
on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	if (id == MSG_LINK_SEND)
		on_send(arg, body, len);
	else if (id == MSG_LINK_LEAVE)
		on_leave(arg);
}

static const struct ipcc_ops yoked_ops = { .on_up = on_up, .on_down = on_down,
	.on_event = on_event };

int
linkd_start(struct linkd *k, struct loop *l, const struct conf *conf)
{
	k->loop = l;
	k->id = conf->self->id;
	(void)snprintf(k->group, sizeof(k->group), "yoke:%s", conf->instance);
	timer_init(&k->tick, l, on_tick, k);
	timer_init(&k->retry, l, on_retry, k);
	timer_in(&k->tick, TICK);
	return ipcc_keep_new(
	    l, conf->instance, WHO_LINK, &yoked_ops, k, &k->yoked);
}

void
linkd_stop(struct linkd *k)
{
	if (k->worker != NULL &&
	    worker_send(k->worker, FRAME_LEAVE, NULL, 0) == 0)
		(void)worker_wait(k->worker, LEAVE_TIME);
	kill_worker(k);
	ipcc_keep_free(k->yoked);
	k->yoked = NULL;
	timer_stop(&k->tick);
	timer_stop(&k->retry);
}
