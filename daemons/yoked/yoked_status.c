/*
 * yoked_status: one walk over everything an operator may want to see, written
 * as JSON. Only here and in yoked_status_services.c, _net.c, _tc.c are the fields
 * listed; schema/status.def has a row for each. It reads what is in memory:
 * nothing here asks the kernel or another process, so its cost is that of the
 * text alone. Of ten thousand servers that is 15 ms, more than a beat may wait:
 * it is written as it is fetched, a piece at a time.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/out.h"
#include "daemons/yoked/yoked.h"
#include "daemons/yoked/yoked_status.h"
#include "ha/mounting.h"

#define MONITOR_WORD (120 * USEC_S)
#define MONITOR_LATE (50U * 1000) /* us */
#define RECENT (3 * USEC_S) /* a refused beat of then still explains things */

static bool
holds(const struct director *d)
{
	return d->role == ROLE_ACTIVE || d->role == ROLE_HANDING_OVER ||
	       d->role == ROLE_TAKING_OVER;
}

static usec_t
ago(usec_t now, usec_t then)
{
	return now > then ? now - then : 0;
}

/* The peer follows our table, or the active's, and is heard now. */
static bool
peer_in_step(const struct director *d)
{
	const struct beat *b = &d->beats.report;

	return beats_any_up(&d->beats) && d->beats.reported &&
	       b->role == ROLE_STANDBY && (b->flags & BEAT_IN_STEP) != 0;
}

void
yoked_alarm(struct out *o, const char *name, const char *text)
{
	out_object(o, NULL);
	out_str(o, "name", name);
	out_str(o, "text", text);
	out_close(o);
}

/* Why a path that is down is down, as far as it shows. */
static const char *
path_trouble(const struct yoked *y, const struct path_state *p)
{
	static const char *const refusals[REFUSED__LAST] = {
		[REFUSED_MALFORMED] = "what is heard on it is no beat",
		[REFUSED_VERSION] = "its beats have another version",
		[REFUSED_AUTH] = ("its beats are not signed with our key; is "
				 "the key file the same on both directors?"),
		[REFUSED_FOREIGN] = "its beats are of another instance or node",
		[REFUSED_REPLAY] = "only old beats are heard on it",
		[REFUSED_UNPROVEN] = "its beats do not answer ours",
	};

	if (p->path != NULL && p->path->problem != NULL)
		return p->path->problem;
	if (p->refused != 0 && ago(loop_now(y->loop), p->refused) < RECENT)
		return refusals[p->refusal];
	if (p->path != NULL && p->path->line != NULL &&
	    p->path->line->carrier == CARRIER_NO)
		return "no carrier: the other side is off or the cable is "
		       "unplugged";
	return p->heard == 0 ? "nothing was ever heard on it"
			     : "nothing is heard on it";
}

static void
path_alarms(const struct yoked *y, struct out *o)
{
	const struct beats *b = &y->director.beats;
	char text[CONF_TEXT_LEN];
	unsigned i;

	for (i = 0; i < b->n_paths; i++) {
		const struct path_state *p = &b->paths[i];

		if (p->up)
			continue;
		(void)snprintf(text, sizeof(text), "path %s: %s", p->own->name,
		    path_trouble(y, p));
		yoked_alarm(o, "path", text);
	}
}

/* Connected is not enough: it may be stopped, or wait for a disk. */
static bool
helper_answers(const struct yoked *y, const struct helper *h)
{
	return h->conn != NULL && loop_now(y->loop) - h->heard < HELPER_SILENT;
}

static void
helper_alarm(const struct yoked *y, const struct helper *h, struct out *o)
{
	char text[64];

	if (helper_answers(y, h))
		return;
	(void)snprintf(text, sizeof(text), "yoke-%s %s", h->name,
	    h->conn == NULL ? "is not connected" : "does not answer");
	yoked_alarm(o, h->name, text);
}

/* Its last word counts for two minutes. */
static void
late_alarm(const struct yoked *y, struct out *o)
{
	const struct monitor_state *s = &y->monitor_state;
	char text[160];

	if (y->monitor.conn == NULL || y->monitor_said == 0 ||
	    ago(loop_now(y->loop), y->monitor_said) > MONITOR_WORD)
		return;
	if (s->late_p99_us > MONITOR_LATE) {
		(void)snprintf(text, sizeof(text), "probes begin late, one in "
		    "a hundred by %u ms or more: servers are judged later "
		    "than configured", s->late_p99_us / 1000);
		yoked_alarm(o, "monitord-late", text);
	}
	if (s->unasked > 0) {
		(void)snprintf(text, sizeof(text), "%u probes of %u could not "
		    "be made in the last minute, for reasons of this machine",
		    s->unasked, s->started);
		yoked_alarm(o, "monitord-unasked", text);
	}
}

static void
link_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;

	helper_alarm(y, &y->link, o);
	if (y->link.conn == NULL)
		return;
	if (!d->members.connected)
		yoked_alarm(o, "link", "corosync is not connected");
	else if (!d->members.peer && beats_any_up(&d->beats))
		yoked_alarm(o, "link", "the peer is not in the corosync group");
}

static void
store_alarms(const struct yoked *y, struct out *o)
{
	const struct store_state *s = &y->store_state;
	char text[WIRE_TEXT_LEN + 32];

	helper_alarm(y, &y->store, o);
	if (s->mounting == MOUNTING_STUCK) {
		(void)snprintf(text, sizeof(text),
		    "%.120s cannot be unmounted here; the other director waits",
		    y->conf->checkpoint_device);
		yoked_alarm(o, "device", text);
	}
	if (!holds(&y->director) || s->ok || s->error[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "checkpoint: %s", s->error);
	yoked_alarm(o, "checkpoint", text);
}

static void
service_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	char text[128];

	if (d->vip_rc < 0) {
		(void)snprintf(text, sizeof(text), "virtual addresses: %s",
		    err_text(d->vip_rc));
		yoked_alarm(o, "vips", text);
	}
	if (d->ipvs.rc < 0 || d->ipvs.error[0] != '\0')
		yoked_alarm(o, "ipvs", d->ipvs.error);
	helper_alarm(y, &y->monitor, o);
	late_alarm(y, o);
	if (y->conf->sync)
		helper_alarm(y, &y->sync, o);
}

static void
fence_alarm(const struct yoked *y, struct out *o)
{
	const struct fence *f = &y->director.fence;
	char text[256];

	if (f->state != FENCE_FAILED)
		return;
	(void)snprintf(text, sizeof(text), "fencing %s failed: %s; tried again",
	    y->conf->peer->name, f->text);
	yoked_alarm(o, "fence", text);
}

static void
show_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	enum why why = d->decision.why;

	out_array(o, "alarms");
	if (d->decision.alarm)
		yoked_alarm(o, why_name(why), why_text(why));
	if (d->role == ROLE_ACTIVE && !peer_in_step(d) &&
	    !(d->decision.alarm && why == WHY_ALONE))
		yoked_alarm(o, "no-standby", "no standby is in step");
	fence_alarm(y, o);
	yoked_alarms_net(y, o);
	service_alarms(y, o);
	path_alarms(y, o);
	link_alarms(y, o);
	store_alarms(y, o);
	out_close(o);
}

static void
show_self(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	usec_t now = loop_now(y->loop), real = loop_real(y->loop);

	out_str(o, "yoke", YOKE_VERSION);
	out_str(o, "instance", y->conf->instance);
	out_str(o, "node", y->conf->self->name);
	out_num(o, "id", y->conf->self->id);
	out_num(o, "pid", (uint64_t)getpid());
	out_time(o, "time", real);
	out_usec(o, "time_us", real);
	out_str(o, "role", role_name(d->role));
	out_ms(o, "role_since_ms",
	    ago(now, d->role_since != 0 ? d->role_since : y->start));
	out_num(o, "epoch", d->table.epoch);
	out_num(o, "seq", d->table.seq);
	out_str(o, "why", why_name(d->decision.why));
	out_str(o, "text", why_text(d->decision.why));
	out_ms(o, "uptime_ms", ago(now, y->start));
}

/* How far `behind` is from `seq`; null unless it makes sense to ask. */
static void
show_lag(struct out *o, bool known, uint64_t seq, uint64_t behind)
{
	if (known)
		out_num(o, "lag_changes", seq > behind ? seq - behind : 0);
	else
		out_null(o, "lag_changes");
}

static void
show_peer_lag(const struct director *d, struct out *o)
{
	const struct beat *b = &d->beats.report;
	bool known =
	    d->beats.reported && holds(d) && b->table_epoch == d->table.epoch;

	show_lag(o, known, d->table.seq, b->seq);
	if (known && b->seq >= d->table.seq)
		out_ms(o, "lag_ms", 0);
	else
		out_null(o, "lag_ms");
}

static void
show_peer(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	const struct beat *b = director_peer(d);
	bool said = d->beats.reported || link_report_counts(d);

	out_object(o, "peer");
	out_str(o, "node", y->conf->peer->name);
	out_num(o, "id", y->conf->peer->id);
	if (d->beats.heard != 0)
		out_ms(o, "heard_ms", ago(loop_now(y->loop), d->beats.heard));
	else
		out_null(o, "heard_ms");
	if (said) {
		out_str(o, "role", role_name(b->role));
		out_num(o, "epoch", b->table_epoch);
		out_num(o, "seq", b->seq);
	} else {
		out_null(o, "role");
		out_null(o, "epoch");
		out_null(o, "seq");
	}
	out_bool(o, "in_step", peer_in_step(d));
	show_peer_lag(d, o);
	out_bool(o, "by_link", link_report_counts(d));
	out_bool(
	    o, "holds_vips", said && (b->flags & BEAT_VIPS) != 0);
	out_close(o);
}

static void
show_replica(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	const struct replica *r = &d->replica;
	const struct beat *b = &d->beats.report;
	bool known = d->role == ROLE_STANDBY && d->beats.reported;

	out_object(o, "replica");
	out_bool(o, "valid", r->valid);
	out_bool(o, "in_step", director_in_step(d));
	out_num(o, "snapshots", r->snapshots);
	out_num(o, "changes", r->changes);
	out_num(o, "gaps", r->gaps);
	show_lag(
	    o, known && b->table_epoch == d->table.epoch, b->seq, d->table.seq);
	if (d->role != ROLE_STANDBY)
		out_null(o, "lag_ms");
	else
		out_ms(o, "lag_ms",
		    r->behind_since == 0 || director_in_step(d)
			? 0
			: ago(loop_now(y->loop), r->behind_since));
	out_close(o);
}

static void
show_beats(const struct yoked *y, struct out *o)
{
	static const char *const names[REFUSED__LAST] = {
		[REFUSED_MALFORMED] = "malformed",
		[REFUSED_VERSION] = "version",
		[REFUSED_AUTH] = "signature",
		[REFUSED_FOREIGN] = "foreign",
		[REFUSED_REPLAY] = "replayed",
		[REFUSED_UNPROVEN] = "unproven",
	};
	const struct beats *b = &y->director.beats;
	unsigned i;

	out_object(o, "beats");
	out_usec(o, "interval_us", y->conf->beat_interval);
	out_num(o, "misses", y->conf->beat_misses);
	out_usec(o, "late_max_us", b->late_max);
	out_num(o, "sleeps", b->sleeps);
	out_object(o, "refused");
	for (i = 0; i < REFUSED__LAST; i++)
		out_num(o, names[i], b->guard.refused[i]);
	out_close(o);
	out_close(o);
}

/* Both directors number the paths alike; see ha/beats.c. */
static bool
peer_hears(const struct beats *b, unsigned i)
{
	return b->reported && beats_any_up(b) &&
	       (b->report.hears >> i & 1) != 0;
}

static void
show_line(const struct path_line *l, struct out *o)
{
	static const struct path_line none;
	const struct path_line *c = l != NULL ? l : &none;
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "crc_errors", c->crc_errors },
		{ "garbage_bytes", c->garbage },
		{ "hangups", c->hangups },
	};
	size_t i;

	if (c->carrier == CARRIER_UNKNOWN)
		out_null(o, "carrier");
	else
		out_bool(o, "carrier", c->carrier == CARRIER_YES);
	for (i = 0; i < ARRAY_LEN(counts); i++)
		if (l != NULL)
			out_num(o, counts[i].name, counts[i].n);
		else
			out_null(o, counts[i].name);
}

static void
show_path(const struct yoked *y, unsigned i, struct out *o)
{
	const struct beats *b = &y->director.beats;
	const struct path_state *p = &b->paths[i];

	out_object(o, NULL);
	out_str(o, "name", p->own->name);
	out_str(o, "type", p->own->type == PATH_SERIAL ? "serial" : "udp");
	out_str(o, "device", p->own->device);
	out_bool(o, "up", p->up);
	out_ms(o, "for_ms", ago(loop_now(y->loop), p->since));
	out_bool(o, "peer_hears", peer_hears(b, i));
	out_num(o, "received", p->received);
	out_num(o, "sent", p->sent);
	out_num(o, "send_errors", p->send_errors);
	out_ms(o, "gap_max_ms", p->gap_max);
	out_usec(o, "interval_us", beats_interval(b, i));
	show_line(p->path != NULL ? p->path->line : NULL, o);
	out_str(o, "problem", p->path != NULL ? p->path->problem : NULL);
	out_close(o);
}

static void
show_paths(const struct yoked *y, struct out *o)
{
	unsigned i;

	out_array(o, "paths");
	for (i = 0; i < y->director.beats.n_paths; i++)
		show_path(y, i, o);
	out_close(o);
}

static void
show_link(const struct yoked *y, struct out *o)
{
	out_object(o, "link");
	out_bool(o, "connected", y->director.members.connected);
	out_bool(o, "peer", y->director.members.peer);
	out_bool(o, "helper", y->link.conn != NULL);
	out_close(o);
}

static void
show_vips(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	char text[ADDR_TEXT_MAX];
	size_t i;

	out_array(o, "vips");
	for (i = 0; i < y->conf->n_vips; i++) {
		const struct conf_vip *v = &y->conf->vips[i];

		out_object(o, NULL);
		out_str(
		    o, "address", addr_format(&v->addr, text, sizeof(text)));
		out_num(o, "bits", v->bits);
		out_str(o, "device", v->device);
		out_bool(o, "held", d->holding);
		yoked_status_vip(y, i, o);
		out_close(o);
	}
	out_close(o);
	out_str(o, "vip_error", d->vip_rc < 0 ? err_text(d->vip_rc) : NULL);
}

static void
show_ipvs(const struct yoked *y, struct out *o)
{
	const struct ipvs *i = &y->director.ipvs;

	out_object(o, "ipvs");
	out_bool(o, "ok", i->rc == 0);
	out_str(o, "error", i->error);
	out_num(o, "passes", i->passes);
	out_num(o, "applied", i->applied);
	out_num(o, "repairs", i->repairs);
	out_usec(o, "cost_us", i->cost);
	out_close(o);
}

static void
show_checkpoint(const struct yoked *y, struct out *o)
{
	const struct store_state *s = &y->store_state;

	out_object(o, "checkpoint");
	out_bool(o, "helper", y->store.conn != NULL);
	if (s->ok || s->error[0] != '\0')
		out_bool(o, "ok", s->ok);
	else
		out_null(o, "ok");
	out_str(o, "file", s->file);
	out_num(o, "epoch", s->epoch);
	out_num(o, "seq", s->seq);
	show_lag(o, holds(&y->director), y->director.table.seq, s->seq);
	out_num(o, "snapshot_seq", s->snapshot_seq);
	if (s->snapshot_when != 0)
		out_ms(o, "age_ms", ago(loop_real(y->loop), s->snapshot_when));
	else
		out_null(o, "age_ms");
	out_ms(o, "interval_ms", s->interval_us);
	out_num(o, "journal_rows", s->journal_rows);
	out_usec(o, "commit_us", s->commit_us);
	out_str(o, "storage", conf_storage_name(s->storage));
	out_str(o, "device", y->conf->checkpoint_device);
	out_str(o, "device_state", mounting_name(s->mounting));
	out_str(o, "device_guard", mount_guard_name(s->guard));
	yoked_status_tc(y, o);
	out_str(o, "error", s->error);
	out_close(o);
}

static void
show_monitor(const struct yoked *y, struct out *o)
{
	const struct monitor_state *s = &y->monitor_state;

	out_object(o, "monitor");
	out_bool(o, "helper", y->monitor.conn != NULL);
	out_num(o, "probes", s->probes);
	out_num(o, "started", s->started);
	out_num(o, "unasked", s->unasked);
	out_num(o, "late_p99_us", s->late_p99_us);
	out_num(o, "late_max_us", s->late_max_us);
	out_close(o);
}

static void
show_sync(const struct yoked *y, struct out *o)
{
	const struct sync_state_msg *s = &y->sync_state;

	out_object(o, "sync");
	out_bool(o, "enabled", y->conf->sync);
	out_bool(o, "helper", y->sync.conn != NULL);
	out_bool(o, "full", yoked_sync_full(y));
	out_str(o, "phase", sync_phase_name(s->phase));
	out_num(o, "connections", yoked_sync_conns(y));
	if (y->sync.conn != NULL && s->role != SYNC_IDLE)
		out_num(o, "peer_connections", s->peer_conns);
	else
		out_null(o, "peer_connections");
	out_num(o, "known", s->known);
	out_num(o, "resyncs", s->resyncs);
	out_num(o, "resync_connections", s->resync_conns);
	out_ms(o, "resync_ms", s->resync_ms * USEC_MS);
	out_num(o, "resync_again", s->again);
	out_bool(o, "early", s->early != 0);
	out_num(o, "early_sent", s->early_sent);
	out_num(o, "early_lost", s->early_lost);
	out_num(o, "early_unsure", s->early_unsure);
	out_close(o);
}

static void
show_fence(const struct yoked *y, struct out *o)
{
	const struct fence *f = &y->director.fence;
	usec_t now = loop_now(y->loop);

	out_object(o, "fence");
	out_bool(o, "configured", y->conf->peer->fence_command[0] != '\0');
	out_str(o, "state", fence_state_name(f->state));
	if (f->since != 0)
		out_ms(o, "since_ms", now - f->since);
	else
		out_null(o, "since_ms");
	out_num(o, "tries", f->tries);
	out_num(o, "failures", f->failures);
	out_str(o, "text", f->text);
	out_close(o);
}

static void
show_restored(const struct yoked *y, struct out *o)
{
	const struct restored *r = &y->director.restored;

	out_object(o, "restored");
	out_str(o, "from", restored_name(r->from));
	out_num(o, "epoch", r->epoch);
	out_num(o, "seq", r->seq);
	out_num(o, "snapshot_seq", r->snapshot_seq);
	out_num(o, "changes", r->changes);
	out_usec(o, "took_us", r->took);
	out_str(o, "file", r->file);
	out_str(o, "text", r->text);
	out_close(o);
}

static void
show_transition(const struct transition *t, struct out *o)
{
	usec_t total = 0;
	unsigned i;

	out_object(o, NULL);
	out_str(o, "from", role_name(t->from));
	out_str(o, "to", role_name(t->to));
	out_str(o, "event", role_event_name(t->event));
	out_str(o, "why", why_name(t->why));
	out_str(o, "text", why_text(t->why));
	out_num(o, "epoch", t->epoch);
	out_time(o, "at", t->at_real);
	out_usec(o, "at_us", t->at_real);
	if (t->silence != 0)
		out_usec(o, "silence_us", t->silence);
	else
		out_null(o, "silence_us");
	out_array(o, "steps");
	for (i = 0; i < t->n_steps; i++) {
		out_object(o, NULL);
		out_str(o, "name", t->steps[i].name);
		out_usec(o, "us", t->steps[i].took);
		out_close(o);
		total += t->steps[i].took;
	}
	out_close(o);
	out_usec(o, "total_us", total);
	out_close(o);
}

static void
show_transitions(const struct yoked *y, struct out *o)
{
	const struct transition *t;
	unsigned i;

	out_array(o, "transitions");
	for (i = 0; (t = transitions_get(&y->director.log, i)) != NULL; i++)
		show_transition(t, o);
	out_close(o);
}

typedef void (*part_fn)(const struct yoked *y, struct out *o);

static const part_fn before_services[] = {
	show_self,
	show_alarms,
	show_peer,
	show_replica,
	show_beats,
	show_paths,
	show_link,
	show_fence,
	show_vips,
	yoked_status_uplink,
};

static const part_fn after_services[] = {
	show_ipvs,
	show_checkpoint,
	show_monitor,
	show_sync,
	show_restored,
	show_transitions,
};

void
status_walk_begin(struct status_walk *w)
{
	*w = (struct status_walk){ .at = STATUS_HEAD };
	out_init(&w->out);
}

static void
show_parts(
    const struct yoked *y, struct out *o, const part_fn *parts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		parts[i](y, o);
}

bool
status_walk(const struct yoked *y, struct status_walk *w, size_t enough)
{
	if (w->at == STATUS_HEAD) {
		out_object(&w->out, NULL);
		show_parts(y, &w->out, before_services,
		    ARRAY_LEN(before_services));
		out_array(&w->out, "services");
		w->at = STATUS_SERVICES;
	}
	if (w->at == STATUS_SERVICES && status_services(y, w, enough)) {
		out_close(&w->out);
		show_parts(y, &w->out, after_services,
		    ARRAY_LEN(after_services));
		out_close(&w->out);
		w->at = STATUS_WHOLE;
	}
	return w->at == STATUS_WHOLE;
}

void
status_walk_done(struct status_walk *w)
{
	out_done(&w->out);
}

char *
yoked_status(const struct yoked *y, size_t *ret_len)
{
	struct status_walk w;

	status_walk_begin(&w);
	(void)status_walk(y, &w, SIZE_MAX);
	return out_take(&w.out, ret_len);
}
