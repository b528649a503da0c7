/*
 * director: life and roles. Everything that happens ends in
 * director_evaluate(): view, decide(), and at most one event. Roles change in
 * set_role() only; what a transition does is the rule's action.
 */
#include "ha/director_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/table_diff.h"

#define LOAD_WAIT (2 * USEC_S) /* give up on a stored table at start */
#define LEAVE_WAIT (USEC_S)    /* for the standby to take over */
#define HURT_LONG (500 * USEC_MS) /* for the standby to come into step */
#define ASK_AGAIN USEC_S       /* after a refused handover */
#define LISTEN USEC_S          /* after having been cut off */
#define SEEN_LATELY USEC_S     /* of the outside; enough when alone */

void
director_note(struct director *d, enum note level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->listener->on_note(level, text, d->arg);
}

bool
role_holds(enum role r)
{
	return r == ROLE_ACTIVE || r == ROLE_HANDING_OVER ||
	       r == ROLE_TAKING_OVER;
}

static struct transition *
set_role(struct director *d, enum role to, enum role_event ev, enum why why)
{
	struct transition *t = transitions_add(&d->log);

	t->from = d->role;
	t->to = to;
	t->event = ev;
	t->why = why;
	t->at = loop_now(d->loop);
	t->at_real = loop_real(d->loop);
	if (ev == EV_TAKE && d->beats.heard != 0)
		t->silence = t->at - d->beats.heard;
	d->role = to;
	d->role_since = t->at;
	return t;
}

static enum role_event
act(struct director *d, enum role_act a, struct transition *t)
{
	static enum role_event (*const acts[])(
	    struct director *, struct transition *) = {
		[ACT_TAKE] = take_over,
		[ACT_RELEASE] = let_go,
		[ACT_ASK] = ask_standby,
		[ACT_JOIN] = join_as_standby,
	};

	return a == ACT_NONE ? EV__LAST : acts[a](d, t);
}

void
director_event(struct director *d, enum role_event ev, enum why why)
{
	const struct role_rule *r;
	struct transition *t;

	if (ev == EV_REFUSED) {
		d->refused_at = loop_now(d->loop);
		d->maintain = false;
	}
	while (ev != EV__LAST) {
		r = role_rule(d->role, ev);
		if (r == NULL) {
			director_note(d, NOTE_WARNING,
			    "event=%s refused role=%s why=%s",
			    role_event_name(ev), role_name(d->role),
			    why_name(why));
			return;
		}
		t = set_role(d, r->to, ev, why);
		ev = act(d, r->act, t);
		t->epoch = d->table.epoch;
		d->listener->on_role(t, d->arg);
	}
	if (d->listener->on_tick != NULL)
		d->listener->on_tick(d->arg);
	beats_send(&d->beats); /* the peer hears of it now, not in a Tb */
	link_report_send(d);
}

const struct beat *
director_peer(const struct director *d)
{
	return link_report_counts(d) ? &d->link_report.said : &d->beats.report;
}

static bool
within(const struct director *d, usec_t at, usec_t time)
{
	return at != 0 && loop_turn(d->loop) - at < time;
}

/* Who was cut off, and is not any more, listens before it takes silence for
 * the other one's death. When nothing is heard, what is seen right now counts,
 * not the verdict that follows later. */
static bool
reaches_outside(const struct director *d)
{
	const struct outside_ops *o = d->ports.outside;

	if (!d->uplink || beats_any_up(&d->beats))
		return d->uplink;
	return !within(d, d->uplink_back, LISTEN) &&
	    (o == NULL || o->fine(d->ports.outside_ctx));
}

/* Was the outside seen after the peer's next beat was due? */
static bool
sure_of_outside(const struct director *d)
{
	const struct outside_ops *o = d->ports.outside;
	usec_t now = loop_turn(d->loop), since;

	if (o == NULL || beats_any_up(&d->beats))
		return true;
	since = d->beats.heard + d->beats.report.interval_us;
	if (now > SEEN_LATELY && since < now - SEEN_LATELY)
		since = now - SEEN_LATELY;
	return o->sure(d->ports.outside_ctx, since);
}

/* A beat is late: the question is on its way before the answer is needed. */
static void
ask_outside(struct director *d)
{
	const struct outside_ops *o = d->ports.outside;
	usec_t tb = d->beats.report.interval_us;

	if (o != NULL && d->role == ROLE_STANDBY && d->beats.reported &&
	    loop_turn(d->loop) - d->beats.heard > tb + tb / 4)
		(void)o->sure(d->ports.outside_ctx, d->beats.heard + tb);
}

void
director_view(const struct director *d, struct view *v)
{
	const struct beat *b = director_peer(d);

	*v = (struct view){ .role = d->role,
		.id = d->conf->self->id,
		.peer_id = d->conf->peer->id,
		.epoch = d->table.epoch,
		.table_epoch = d->table.epoch,
		.seq = d->table.seq,
		.loaded = d->loaded,
		.waited = d->waited,
		.answered = d->answered,
		.serves = d->ipvs.drives,
		.uplink = reaches_outside(d),
		.sure = sure_of_outside(d),
		.hurt_long =
		    d->hurt_since != 0 && !within(d, d->hurt_since, HURT_LONG),
		.maintain = d->maintain,
		.fence = fence_needed(d),
		.in_step = director_in_step(d),
		.asked_lately = within(d, d->refused_at, ASK_AGAIN),
		.by_link = link_report_counts(d),
		.nics_up = beats_up(&d->beats, PATH_UDP),
		.serials_up = beats_up(&d->beats, PATH_SERIAL),
		.reported = d->beats.reported,
		.peer_role = b->role,
		.peer_ready = (b->flags & BEAT_READY) != 0,
		.peer_in_step = (b->flags & BEAT_IN_STEP) != 0,
		.peer_leaving = (b->flags & BEAT_LEAVING) != 0,
		.peer_serves = (b->flags & BEAT_SERVES) != 0,
		.peer_uplink = (b->flags & BEAT_UPLINK) != 0,
		.peer_epoch = b->epoch,
		.peer_table_epoch = b->table_epoch,
		.peer_seq = b->seq,
		.link = d->members.connected,
		.link_peer = d->members.peer,
		.loss = d->members.loss };
}

/* On the way out: hands over as soon as the standby is in step (a change may
 * still be on its way to it), goes at once when there is none. */
static void
leave_step(struct director *d)
{
	struct view v;

	director_view(d, &v);
	if (d->role == ROLE_ACTIVE && v.link_peer &&
	    v.peer_role == ROLE_STANDBY && beats_any_up(&d->beats)) {
		if (v.peer_in_step && v.peer_seq == v.seq)
			director_event(d, EV_HAND_OVER, WHY_SWITCH);
	} else if (d->role != ROLE_HANDING_OVER) {
		timer_in(&d->left, 0);
	}
}

/* The beat that asks us to take over may be an old one, if this process did not
 * run for a while: what came after it is read first. */
static void
ask_again(struct director *d)
{
	struct view v;

	if (d->rereading) {
		d->decision = (struct decision){ INTENT_STAY, WHY_WELL, false };
		return;
	}
	d->rereading = true;
	beats_drain(&d->beats);
	d->rereading = false;
	director_view(d, &v);
	d->decision = decide(&v);
}

void
director_evaluate(struct director *d)
{
	struct decision was = d->decision;
	struct view v;

	director_view(d, &v);
	if (v.serves && v.uplink)
		d->hurt_since = 0;
	else if (d->hurt_since == 0)
		d->hurt_since = loop_now(d->loop);
	if (d->leaving && d->role != ROLE_HANDING_OVER) {
		leave_step(d);
		return;
	}
	d->decision = decide(&v);
	if (d->decision.intent == INTENT_TAKE && d->decision.why == WHY_SWITCH)
		ask_again(d);
	if (d->decision.alarm && d->decision.why != was.why)
		director_note(d, NOTE_WARNING, "alarm=%s text=\"%s\"",
		    why_name(d->decision.why), why_text(d->decision.why));
	if (d->decision.intent == INTENT_FENCE)
		fence_begin(d);
	if (d->decision.intent == INTENT_RELEASE && still_lingering(d))
		return;
	if (intent_event(d->decision.intent) != EV__LAST)
		director_event(
		    d, intent_event(d->decision.intent), d->decision.why);
	if (d->leaving)
		leave_step(d);
}

void
director_fill(struct beat *b, void *arg)
{
	struct director *d = arg;

	b->role = (uint8_t)d->role;
	b->flags = d->uplink ? BEAT_UPLINK : 0;
	b->flags |= d->loaded ? BEAT_READY : 0;
	b->flags |= director_in_step(d) ? BEAT_IN_STEP : 0;
	b->flags |= d->holding ? BEAT_VIPS : 0;
	b->flags |= d->members.connected ? BEAT_LINK : 0;
	b->flags |= d->ipvs.drives ? BEAT_SERVES : 0;
	b->flags |= d->leaving && !d->holding ? BEAT_LEAVING : 0;
	b->flags |= director_in_step(d) && d->conns_full ? BEAT_FULL : 0;
	b->epoch = role_holds(d->role) ? d->table.epoch : d->epoch_seen;
	b->table_epoch = d->table.epoch;
	b->seq = d->table.seq;
}

void
director_heard_of(struct director *d, const struct beat *b)
{
	if (b->epoch > d->epoch_seen)
		d->epoch_seen = b->epoch;
	if (b->table_epoch > d->epoch_seen)
		d->epoch_seen = b->table_epoch;
	director_evaluate(d);
	outrank_seen(d); /* of one who was active while we did not hear it */
}

static void
on_report(const struct beat *b, void *arg)
{
	struct director *d = arg;
	bool held;

	director_heard_of(d, b);
	/* It may have answered for the addresses until now. */
	held = d->peer_held;
	d->peer_held = (d->beats.report.flags & BEAT_VIPS) != 0;
	if (held && !d->peer_held && d->holding)
		announce_again(d);
}

static void
on_path(unsigned index, bool up, void *arg)
{
	struct director *d = arg;

	d->listener->on_path(index, up, d->arg);
	if (!beats_any_up(&d->beats)) {
		d->peer_held = true; /* for all that we know */
		link_report_forget(d);
	} else if (up) {
		fence_peer_heard(d);
	}
	if (!up)
		director_evaluate(d);
}

static void
on_tick(void *arg)
{
	struct director *d = arg;

	replica_tick(d);
	ask_outside(d);
	director_evaluate(d);
	if (d->listener->on_tick != NULL)
		d->listener->on_tick(d->arg);
}

static const struct beats_ops beats_ops = {
	.fill = director_fill,
	.on_report = on_report,
	.on_path = on_path,
	.on_tick = on_tick,
};

static void
on_waited(void *arg)
{
	struct director *d = arg;

	d->waited = true;
	director_evaluate(d);
}

/* Asks again while checkpointd is not there yet; then goes on without. */
static void
on_load_wait(void *arg)
{
	struct director *d = arg;

	if (role_holds(d->role))
		load_again(d);
	if (d->loaded)
		return;
	if (loop_now(d->loop) - d->load_at < LOAD_WAIT) {
		if (d->load_token == 0)
			load_table(d);
		timer_in(&d->load_wait, 50 * USEC_MS);
		return;
	}
	director_note(d, NOTE_WARNING,
	    "no answer from checkpointd: starting without a stored table");
	d->loaded = true;
	director_evaluate(d);
}

void
director_on_members(struct director *d, const struct link_members *m)
{
	bool had = d->members.connected && d->members.peer;

	d->members = *m;
	if (!had && m->connected && m->peer)
		d->replica.asked = 0;
	if (had && !m->peer && m->connected &&
	    (m->loss == LINK_PROCDOWN || m->loss == LINK_LEFT))
		beats_hint(&d->beats);
	director_evaluate(d);
}

void
director_on_uplink(struct director *d, bool well)
{
	if (d->uplink == well)
		return;
	d->uplink = well;
	if (well)
		d->uplink_back = loop_now(d->loop);
	director_evaluate(d);
	beats_send(&d->beats); /* whoever takes over goes by it */
}

void
director_on_witness(struct director *d)
{
	if (d->decision.why == WHY_ASKING)
		director_evaluate(d);
}

void
director_on_answered(struct director *d, bool answered)
{
	if (d->answered == answered)
		return;
	d->answered = answered;
	director_evaluate(d);
}

static void
on_left(void *arg)
{
	struct director *d = arg;

	if (d->holding)
		director_event(d, EV_RELEASE, WHY_SWITCH);
	beats_send(&d->beats);
	d->listener->on_left(d->arg);
}

void
director_leave(struct director *d)
{
	d->leaving = true;
	timer_in(&d->left, LEAVE_WAIT);
	leave_step(d);
}

int
director_start(struct director *d, struct loop *l, struct conf *conf,
    const struct director_ports *ports,
    const struct director_listener *listener, void *arg)
{
	int rc;

	*d = (struct director){ .loop = l,
		.conf = conf,
		.ports = *ports,
		.listener = listener,
		.arg = arg,
		.role = ROLE_STARTING,
		.uplink = true,
		.role_since = loop_now(l),
		.load_at = loop_now(l) };
	rc = table_from_conf(conf, &d->table);
	if (rc < 0)
		return rc;
	timer_init(&d->start_wait, l, on_waited, d);
	timer_init(&d->load_wait, l, on_load_wait, d);
	timer_init(&d->left, l, on_left, d);
	takeover_start(d);
	follow_start(d);
	link_report_start(d);
	(void)ports->vip->drop(ports->vip_ctx, conf->vips, conf->n_vips);
	ipvs_start(&d->ipvs, l, ports->lvs, ports->lvs_ctx, &d->table, conf);
	rc = beats_start(&d->beats, l, conf, ports->path_open, &beats_ops, d);
	if (rc < 0) {
		director_stop(d);
		return rc;
	}
	timer_in(&d->start_wait, conf->start_wait);
	timer_in(&d->load_wait, 0);
	return 0;
}

void
director_stop(struct director *d)
{
	if (d->holding)
		(void)d->ports.vip->drop(
		    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips);
	d->holding = false;
	timer_stop(&d->start_wait);
	timer_stop(&d->load_wait);
	timer_stop(&d->left);
	follow_stop(d);
	takeover_stop(d);
	link_report_stop(d);
	beats_stop(&d->beats);
	ipvs_stop(&d->ipvs);
	chunks_done(&d->replica.chunks);
	early_forget(d);
	table_done(&d->table);
}

int
director_switch(struct director *d)
{
	struct view v;

	director_view(d, &v);
	if (d->role == ROLE_HANDING_OVER || d->role == ROLE_TAKING_OVER)
		return -ERR_BUSY;
	if (d->role != ROLE_ACTIVE)
		return -ERR_NOT_ACTIVE;
	if (!v.link_peer || !v.peer_in_step || v.peer_role != ROLE_STANDBY ||
	    !beats_any_up(&d->beats))
		return -ERR_NO_PEER;
	director_event(d, EV_HAND_OVER, WHY_SWITCH);
	return 0;
}

int
director_maintain(struct director *d, bool on)
{
	struct view v;

	director_view(d, &v);
	if (on && (d->role == ROLE_HANDING_OVER || d->role == ROLE_TAKING_OVER))
		return -ERR_BUSY;
	if (on && d->role == ROLE_ACTIVE &&
	    (!v.link_peer || !v.peer_in_step || v.peer_role != ROLE_STANDBY ||
		!beats_any_up(&d->beats)))
		return -ERR_NO_PEER;
	if (on && d->role == ROLE_STANDBY && !beats_any_up(&d->beats))
		return -ERR_NO_PEER; /* it is needed, or will be */
	if (on)
		d->refused_at = 0;
	d->maintain = on;
	director_evaluate(d);
	return 0;
}

int
director_reload(struct director *d, struct conf *fresh,
    const struct table *want, size_t *ret_changes)
{
	struct conf *was = d->conf;
	unsigned what = conf_diff(was, fresh);

	if ((what & CONF_CHANGE_RESTART) != 0)
		return -EINVAL;
	*ret_changes = 0;
	if ((what & CONF_CHANGE_VIPS) != 0)
		vips_reload(d, fresh);
	d->conf = fresh;
	ipvs_set_conf(&d->ipvs, fresh);
	/* Only the active director numbers changes; the others' tables follow
	 * its, or the configuration when a term begins. */
	if ((what & CONF_CHANGE_TABLE) != 0 && role_holds(d->role))
		*ret_changes = table_follow(d, want);
	beats_retime(&d->beats, fresh);
	return 0;
}
