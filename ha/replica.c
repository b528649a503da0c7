/*
 * replica: the standby's copy of the active's table, over the link.
 *
 * The active sends every change. A standby that has no snapshot, or finds a
 * gap, or sees in the beats that its table is not the active's although nothing
 * is under way, asks for a snapshot; messages are ordered, so the changes after
 * it follow it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ha/director_impl.h"

#define ASK_EVERY (250 * USEC_MS)
#define BEHIND_MAX (100 * USEC_MS) /* then a snapshot is asked for */

void
replica_lost(struct director *d)
{
	chunks_done(&d->replica.chunks);
	d->replica.valid = false;
	d->replica.asked = 0;
	d->replica.behind_since = 0;
}

/* Does ours equal what the active last said of its table? */
static bool
level(const struct director *d)
{
	const struct beat *b = &d->beats.report;

	return d->beats.reported && d->table.epoch == b->table_epoch &&
	    d->table.seq >= b->seq;
}

bool
director_in_step(const struct director *d)
{
	return d->role == ROLE_STANDBY && d->replica.valid && level(d);
}

bool
replica_newest(const struct director *d)
{
	return d->replica.valid && level(d);
}

static void
want_snapshot(struct director *d)
{
	usec_t now = loop_now(d->loop);
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	if (d->replica.asked != 0 && now - d->replica.asked < ASK_EVERY)
		return;
	d->replica.asked = now;
	put_u64(&b, d->table.epoch);
	put_u64(&b, d->table.seq);
	(void)d->ports.link->send(
	    d->ports.link_ctx, MSG_PEER_WANT_SNAP, mem, b.pos);
}

void
replica_tick(struct director *d)
{
	struct replica *r = &d->replica;

	if (d->role != ROLE_STANDBY || !d->members.connected ||
	    !d->members.peer || d->conf->test_no_replica)
		return;
	if (r->valid && level(d)) {
		r->behind_since = 0;
		return;
	}
	if (r->behind_since == 0)
		r->behind_since = loop_now(d->loop);
	if (!r->valid || loop_now(d->loop) - r->behind_since > BEHIND_MAX)
		want_snapshot(d);
}

static void
send_snapshot(struct director *d, const void *body, size_t len)
{
	uint8_t mem[CHUNK_HEAD + CHUNK_DATA], *bytes;
	struct chunk k;
	size_t total, off;
	struct buf b;

	(void)body;
	if (len != 16 || (d->role != ROLE_ACTIVE &&
			     d->role != ROLE_HANDING_OVER) ||
	    table_pack(&d->table, &bytes, &total) < 0)
		return;
	for (off = 0; off < total; off += k.len) {
		(void)chunk_cut(&k, bytes, total, off, d->table.epoch,
		    d->table.seq);
		b = buf_writer(mem, sizeof(mem));
		chunk_pack(&b, &k);
		if (d->ports.link->send(d->ports.link_ctx, MSG_PEER_SNAPSHOT,
			mem, b.pos) < 0)
			break; /* it will ask again */
	}
	free(bytes);
}

static void
on_snapshot(struct director *d, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct table fresh;
	struct chunk k;
	int rc;

	if (d->role != ROLE_STANDBY || d->conf->test_no_replica ||
	    chunk_unpack(&b, &k) < 0)
		return;
	rc = chunks_add(&d->replica.chunks, &k);
	d->replica.asked = loop_now(d->loop); /* it is coming */
	if (rc != 1)
		return;
	rc = table_unpack(d->replica.chunks.bytes, d->replica.chunks.total,
	    &fresh);
	chunks_done(&d->replica.chunks);
	if (rc < 0) {
		director_note(d, NOTE_ERR, "snapshot from the peer refused: %s",
		    err_text(rc));
		return;
	}
	table_replace(d, &fresh);
	d->replica.valid = true;
	d->replica.snapshots++;
	d->replica.changes = 0;
	if (d->table.epoch > d->epoch_seen)
		d->epoch_seen = d->table.epoch;
}

static void
on_peer_change(struct director *d, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct change c;
	int rc;

	if (d->role != ROLE_STANDBY || d->conf->test_no_replica ||
	    !d->replica.valid)
		return;
	rc = change_unpack(&b, &c);
	if (rc == 0 && c.epoch == d->table.epoch && c.seq <= d->table.seq)
		return; /* in the snapshot already */
	if (rc == 0)
		rc = table_apply(&d->table, &c);
	if (rc < 0) {
		d->replica.gaps++;
		replica_lost(d);
		want_snapshot(d);
		return;
	}
	d->replica.changes++;
	if (c.epoch > d->epoch_seen)
		d->epoch_seen = c.epoch;
	ipvs_changed(d, &c);
	d->listener->on_change(&c, d->arg);
}

static void
refuse(struct director *d, const char *why)
{
	uint8_t mem[64];
	struct buf b = buf_writer(mem, sizeof(mem));

	put_str(&b, why);
	(void)d->ports.link->send(
	    d->ports.link_ctx, MSG_PEER_REFUSE, mem, b.pos);
}

/* The active asks us to take over. */
static void
on_switch(struct director *d, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	uint64_t epoch = get_u64(&b), seq = get_u64(&b);
	uint64_t session = get_u64(&b), number = get_u64(&b);

	if (b.bad || buf_left(&b) != 0 || d->role != ROLE_STANDBY)
		return;
	if (d->beats.report.session == session &&
	    d->beats.report.number >= number &&
	    d->beats.report.role != ROLE_HANDING_OVER)
		return; /* so late that it gave up asking */
	if (d->leaving)
		refuse(d, "the standby is leaving");
	else if (!d->replica.valid || d->table.epoch != epoch ||
	    d->table.seq != seq)
		refuse(d, "the standby is not in step");
	else if (!d->ipvs.drives)
		refuse(d, "the standby cannot drive IPVS");
	else if (!d->uplink)
		refuse(d, "the standby's uplink is lost");
	else if (d->maintain)
		refuse(d, "the standby goes into maintenance");
	else
		director_event(d, EV_TAKE, WHY_SWITCH);
}

static void
on_refuse(struct director *d, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	char text[64];

	get_str(&b, text, sizeof(text));
	if (b.bad || d->role != ROLE_HANDING_OVER)
		return;
	director_note(d, NOTE_WARNING, "handover refused: %s", text);
	director_event(d, EV_REFUSED, WHY_SWITCH);
}

void
director_on_message(
    struct director *d, enum msg_id id, const void *body, size_t len)
{
	static const struct {
		enum msg_id id;
		void (*fn)(struct director *, const void *, size_t);
	} rows[] = {
		{ MSG_PEER_CHANGE, on_peer_change },
		{ MSG_PEER_SNAPSHOT, on_snapshot },
		{ MSG_PEER_WANT_SNAP, send_snapshot },
		{ MSG_PEER_SWITCH, on_switch },
		{ MSG_PEER_REFUSE, on_refuse },
		{ MSG_PEER_REPORT, link_report_on },
	};
	size_t i;

	if (msg_check(id, WHO_PEER, WHO_PEER, PRIV_NONE, len) < 0)
		return;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].id == id)
			rows[i].fn(d, body, len);
}
