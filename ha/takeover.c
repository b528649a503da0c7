/*
 * takeover: taking the addresses and letting go of them.
 *
 * Taking over, in this order, none of it waiting for corosync or storage: a new
 * term, the table in IPVS (a no-op when this standby was in step), the VIPs in
 * one batch as one-second leases, announcements, a beat that tells the peer.
 * Only then does stable storage hear of it: when the replica is not known to be
 * the newest, the stored table is looked for beside all this and replaces ours
 * if it is newer (rollback at the same time as fake, in the paper's words).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ha/director_impl.h"

#define LOAD_LATE (2 * USEC_S) /* a stored table later than this is not used */
#define ASK_WAIT USEC_S        /* for the standby to take over */
#define ANNOUNCE_EVERY (30 * USEC_S)

/* When to announce, after the first time at once. */
static const usec_t announce_at[] = { 50 * USEC_MS, 200 * USEC_MS, USEC_S };
#define ANNOUNCES (sizeof(announce_at) / sizeof(announce_at[0]))

static void
vip_result(struct director *d, const char *what, int rc)
{
	if (rc < 0 && rc != d->vip_rc)
		director_note(d, NOTE_ERR, "vip %s failed: %s", what,
		    err_text(rc));
	d->vip_rc = rc;
}

static void
announce(struct director *d)
{
	int rc = d->ports.vip->announce(
	    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips);

	if (rc < 0)
		vip_result(d, "announcement", rc);
	d->announced++;
}

/* A manager that was stopped for a while may have been replaced meanwhile: the
 * beats that wait in its sockets say so, and are read before it touches the
 * addresses again. */
static bool
still_ours(struct director *d)
{
	beats_drain(&d->beats);
	director_evaluate(d);
	return role_holds(d->role);
}

static void
on_announce(void *arg)
{
	struct director *d = arg;
	unsigned i = d->announced;
	usec_t next = ANNOUNCE_EVERY;

	if (!still_ours(d))
		return;
	announce(d);
	if (i < ANNOUNCES)
		next = announce_at[i] - announce_at[i - 1];
	timer_in(&d->announce, next);
}

static void
on_renew(void *arg)
{
	struct director *d = arg;

	if (!still_ours(d))
		return;
	vip_result(d, "lease", d->ports.vip->hold(
	    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	timer_in(&d->renew, VIP_RENEW);
}

static void
on_ask(void *arg)
{
	struct director *d = arg;

	if (d->role == ROLE_HANDING_OVER)
		director_event(d, EV_REFUSED, WHY_SWITCH);
}

void
takeover_start(struct director *d)
{
	timer_init(&d->renew, d->loop, on_renew, d);
	timer_init(&d->announce, d->loop, on_announce, d);
	timer_init(&d->ask, d->loop, on_ask, d);
}

void
takeover_stop(struct director *d)
{
	timer_stop(&d->renew);
	timer_stop(&d->announce);
	timer_stop(&d->ask);
}

void
load_table(struct director *d)
{
	uint64_t token = ++d->load_count;

	if (d->ports.store->load(d->ports.store_ctx, token) == 0)
		d->load_token = token;
}

static void
open_store(struct director *d)
{
	if (d->store_opened)
		return;
	d->store_opened = true;
	d->ports.store->open(d->ports.store_ctx, &d->table);
}

/* Which table this term begins with, and whether storage has to be asked. */
static void
choose_table(struct director *d, enum role from)
{
	struct restored *r = &d->restored;

	d->pre_epoch = d->table.epoch;
	d->pre_seq = d->table.seq;
	if (d->replica.valid && replica_newest(d)) {
		*r = (struct restored){ .from = FROM_REPLICA,
			.epoch = d->table.epoch,
			.seq = d->table.seq,
			.changes = (uint32_t)d->replica.changes };
		return;
	}
	if (d->table.epoch == 0 || r->from == FROM_REPLICA)
		*r = (struct restored){ .from = d->replica.valid ?
			    FROM_REPLICA : FROM_CONFIG,
			.epoch = d->table.epoch,
			.seq = d->table.seq };
	if (from == ROLE_STANDBY) {
		d->load_at = loop_now(d->loop);
		load_table(d);
	}
}

enum role_event
take_over(struct director *d, struct transition *t)
{
	usec_t start = loop_now(d->loop), now;
	struct change c = { .what = CHANGE_EPOCH };

	d->load_token = 0;
	d->store_opened = false;
	choose_table(d, t->from);
	if (d->table.epoch > d->epoch_seen)
		d->epoch_seen = d->table.epoch;
	d->epoch_seen++;
	c.epoch = d->epoch_seen;
	(void)snprintf(c.cause, sizeof(c.cause), "%s: %s",
	    d->conf->self->name, why_text(t->why));
	(void)mutate(d, &c);
	ipvs_flush(&d->ipvs);
	now = loop_now(d->loop);
	transition_step(t, "table", now - start);
	start = now;

	d->holding = true;
	vip_result(d, "takeover", d->ports.vip->hold(
	    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	now = loop_now(d->loop);
	transition_step(t, "vips", now - start);
	start = now;

	d->announced = 0;
	announce(d);
	timer_in(&d->announce, announce_at[0]);
	timer_in(&d->renew, VIP_RENEW);
	transition_step(t, "announce", loop_now(d->loop) - start);
	if (d->load_token == 0)
		open_store(d);
	return EV_TOOK;
}

enum role_event
let_go(struct director *d, struct transition *t)
{
	usec_t start = loop_now(d->loop);

	takeover_stop(d);
	if (d->holding)
		vip_result(d, "release", d->ports.vip->drop(
		    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	d->holding = false;
	transition_step(t, "release", loop_now(d->loop) - start);
	d->ports.store->close(d->ports.store_ctx);
	d->store_opened = false;
	d->load_token = 0;
	return join_as_standby(d, t);
}

enum role_event
join_as_standby(struct director *d, struct transition *t)
{
	(void)t;
	d->loaded = true;
	replica_lost(d);
	return EV__LAST;
}

enum role_event
ask_standby(struct director *d, struct transition *t)
{
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	(void)t;
	put_u64(&b, d->table.epoch);
	put_u64(&b, d->table.seq);
	timer_in(&d->ask, ASK_WAIT);
	if (d->ports.link->send(
		d->ports.link_ctx, MSG_PEER_SWITCH, mem, b.pos) < 0)
		return EV_REFUSED;
	return EV__LAST;
}

void
vips_reload(struct director *d, const struct conf *fresh)
{
	if (!d->holding)
		return;
	(void)d->ports.vip->drop(
	    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips);
	(void)d->ports.vip->hold(
	    d->ports.vip_ctx, fresh->vips, fresh->n_vips);
	(void)d->ports.vip->announce(
	    d->ports.vip_ctx, fresh->vips, fresh->n_vips);
}

/* The stored table, when it is newer than what this term began with. */
static void
roll_back(struct director *d, const struct store_found *f, struct table *found)
{
	struct restored *r = &d->restored;

	*r = (struct restored){ .from = FROM_CHECKPOINT,
		.epoch = found->epoch,
		.seq = found->seq,
		.snapshot_seq = f->snapshot_seq,
		.changes = f->changes,
		.took = f->took_us };
	memcpy(r->file, f->file, sizeof(r->file));
	memcpy(r->text, f->text, sizeof(r->text));
	table_replace(d, found);
}

static void
on_loaded(struct director *d, const struct store_found *f, struct table *found)
{
	uint64_t epoch = d->pre_epoch, seq = d->pre_seq;

	if (f->epoch > d->epoch_seen)
		d->epoch_seen = f->epoch;
	if (d->role == ROLE_STARTING) {
		epoch = d->table.epoch;
		seq = d->table.seq;
	} else if (!role_holds(d->role)) {
		return;
	}
	if (f->rc != 0 || table_age_cmp(f->epoch, f->seq, epoch, seq) <= 0)
		return;
	if (role_holds(d->role) &&
	    loop_now(d->loop) - d->load_at > LOAD_LATE) {
		director_note(d, NOTE_WARNING,
		    "stored table epoch=%" PRIu64 " seq=%" PRIu64
		    " came too late and is not used", f->epoch, f->seq);
		return;
	}
	roll_back(d, f, found);
	if (d->role == ROLE_STARTING)
		(void)table_follow_conf(d, d->conf);
}

void
director_on_found(struct director *d, const struct store_found *f,
    const void *bytes, size_t len)
{
	struct table found;
	int rc = 0;

	if (f->token != d->load_token || d->load_token == 0)
		return;
	d->load_token = 0;
	table_init(&found);
	if (f->rc == 0)
		rc = table_unpack(bytes, len, &found);
	if (rc < 0)
		director_note(d, NOTE_ERR, "stored table refused: %s",
		    err_text(rc));
	else
		on_loaded(d, f, &found);
	if (f->text[0] != '\0')
		director_note(d, NOTE_WARNING, "checkpoint: %s", f->text);
	table_done(&found);
	d->loaded = true;
	if (role_holds(d->role))
		open_store(d);
	director_evaluate(d);
}
