/*
 * yoked_status: one walk over everything an operator may want to see, written
 * as JSON. Only here and in yoked_status_*.c are the fields listed;
 * schema/status.def has a row for each. It reads what is in memory: nothing
 * here asks the kernel or another process, so its cost is that of the
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
#include "daemons/yoked/yoked_status_impl.h"
#include "ha/mounting.h"

bool
status_holds(const struct director *d)
{
	return d->role == ROLE_ACTIVE || d->role == ROLE_HANDING_OVER ||
	       d->role == ROLE_TAKING_OVER;
}

bool
status_peer_in_step(const struct director *d)
{
	const struct beat *b = &d->beats.report;

	return beats_any_up(&d->beats) && d->beats.reported &&
	       b->role == ROLE_STANDBY && (b->flags & BEAT_IN_STEP) != 0;
}

void
status_lag(struct out *o, bool known, uint64_t seq, uint64_t behind)
{
	if (known)
		out_num(o, "lag_changes", seq > behind ? seq - behind : 0);
	else
		out_null(o, "lag_changes");
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
	    status_ago(now, d->role_since != 0 ? d->role_since : y->start));
	out_num(o, "epoch", d->table.epoch);
	out_num(o, "seq", d->table.seq);
	out_str(o, "why", why_name(d->decision.why));
	out_str(o, "text", why_text(d->decision.why));
	out_ms(o, "uptime_ms", status_ago(now, y->start));
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
	status_lag(
	    o, status_holds(&y->director), y->director.table.seq, s->seq);
	out_num(o, "snapshot_seq", s->snapshot_seq);
	if (s->snapshot_when != 0)
		out_ms(o, "age_ms",
		    status_ago(loop_real(y->loop), s->snapshot_when));
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
	out_bool(o, "mirror", s->mirror != 0);
	out_num(o, "copies", s->copies);
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
	status_alarms,
	status_peer,
	status_replica,
	status_beats,
	status_paths,
	status_link,
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
