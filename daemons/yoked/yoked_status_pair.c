/*
 * yoked_status_pair: the other director, how far behind it or we are, and the
 * ways to it.
 */
#include "common/mem.h"
#include "daemons/yoked/yoked_status_impl.h"

static void
show_peer_lag(const struct director *d, struct out *o)
{
	const struct beat *b = &d->beats.report;
	bool known = d->beats.reported && status_holds(d) &&
		     b->table_epoch == d->table.epoch;

	status_lag(o, known, d->table.seq, b->seq);
	if (known && b->seq >= d->table.seq)
		out_ms(o, "lag_ms", 0);
	else
		out_null(o, "lag_ms");
}

void
status_peer(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	const struct beat *b = director_peer(d);
	bool said = d->beats.reported || link_report_counts(d);

	out_object(o, "peer");
	out_str(o, "node", y->conf->peer->name);
	out_num(o, "id", y->conf->peer->id);
	if (d->beats.heard != 0)
		out_ms(o, "heard_ms",
		    status_ago(loop_now(y->loop), d->beats.heard));
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
	out_bool(o, "in_step", status_peer_in_step(d));
	show_peer_lag(d, o);
	out_bool(o, "by_link", link_report_counts(d));
	out_bool(
	    o, "holds_vips", said && (b->flags & BEAT_VIPS) != 0);
	out_close(o);
}

void
status_replica(const struct yoked *y, struct out *o)
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
	status_lag(
	    o, known && b->table_epoch == d->table.epoch, b->seq, d->table.seq);
	if (d->role != ROLE_STANDBY)
		out_null(o, "lag_ms");
	else
		out_ms(o, "lag_ms",
		    r->behind_since == 0 || director_in_step(d)
			? 0
			: status_ago(loop_now(y->loop), r->behind_since));
	out_close(o);
}

void
status_beats(const struct yoked *y, struct out *o)
{
	const struct beats *b = &y->director.beats;
	unsigned i;

	out_object(o, "beats");
	out_usec(o, "interval_us", y->conf->beat_interval);
	out_num(o, "misses", y->conf->beat_misses);
	out_usec(o, "late_max_us", b->late_max);
	out_num(o, "sleeps", b->sleeps);
	out_object(o, "refused");
	for (i = 0; i < REFUSED__LAST; i++)
		out_num(o, beat_refusal_name(i), b->guard.refused[i]);
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
	out_ms(o, "for_ms", status_ago(loop_now(y->loop), p->since));
	out_bool(o, "peer_hears", peer_hears(b, i));
	out_num(o, "received", p->received);
	out_num(o, "sent", p->sent);
	out_num(o, "send_errors", p->send_errors);
	out_ms(o, "gap_max_ms", p->gap_max);
	out_usec(o, "interval_us", beats_interval(b, i));
	out_usec(o, "margin_us", beats_margin(b, i));
	show_line(p->path != NULL ? p->path->line : NULL, o);
	out_str(o, "problem", p->path != NULL ? p->path->problem : NULL);
	out_close(o);
}

void
status_paths(const struct yoked *y, struct out *o)
{
	unsigned i;

	out_array(o, "paths");
	for (i = 0; i < y->director.beats.n_paths; i++)
		show_path(y, i, o);
	out_close(o);
}

void
status_link(const struct yoked *y, struct out *o)
{
	out_object(o, "link");
	out_bool(o, "connected", y->director.members.connected);
	out_bool(o, "peer", y->director.members.peer);
	out_bool(o, "helper", y->link.conn != NULL);
	out_close(o);
}
