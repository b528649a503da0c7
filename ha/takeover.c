/*
 * takeover: taking the addresses and letting go of them.
 *
 * Taking over, in this order, none of it waiting for corosync or storage: a new
 * term, the table in IPVS (a no-op when this standby was in step), the VIPs in
 * one batch as one-second leases, announcements, a beat that tells the peer.
 * Only then does stable storage hear of it: unless the old active itself said
 * that the replica is the newest, the stored table is looked for beside all this
 * and replaces ours if it is newer (rollback at the same time as fake, in the
 * paper's words). What is changed meanwhile is done again on top of it. This
 * term's file is begun when storage has answered, or is late.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ha/director_impl.h"

#define LOAD_LATE (2 * USEC_S) /* a stored table later than this is not used */
#define LOAD_RETRY (50 * USEC_MS)
#define ASK_WAIT USEC_S        /* for the standby to take over */
#define ANNOUNCE_EVERY (30 * USEC_S)

/* When to announce, after the first time at once. The last is after a dead
 * manager's leases have run out, whoever it was that answered until then. */
static const usec_t announce_at[] = {
	50 * USEC_MS,
	200 * USEC_MS,
	USEC_S,
	2 * USEC_S,
};
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

void
announce_again(struct director *d)
{
	d->announced = 0;
	announce(d);
	timer_in(&d->announce, announce_at[0]);
}

/* A manager that was stopped for a while may have been replaced meanwhile: the
 * beats that wait in its sockets say so, and are read before it touches the
 * addresses again. There may be none, or only old ones (a machine that was
 * paused, a buffer that was full): who comes late listens first, for as long
 * as silence takes to be noticed. */
static bool
still_ours(struct director *d, struct timer *t)
{
	usec_t late = loop_now(d->loop) - t->when;
	usec_t listen = d->conf->beat_interval * (d->conf->beat_misses + 1);

	beats_drain(&d->beats);
	director_evaluate(d);
	if (role_holds(d->role) && late >= listen)
		timer_in(t, listen);
	return role_holds(d->role) && late < listen;
}

static void
on_announce(void *arg)
{
	struct director *d = arg;
	unsigned i = d->announced;
	usec_t next = ANNOUNCE_EVERY;

	if (!still_ours(d, &d->announce))
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

	/* Listening twice in a row would be too careful. After it the addresses
	 * are announced: somebody may have had them, and be gone. */
	if (!still_ours(d, &d->renew) && !d->listened) {
		d->listened = role_holds(d->role);
		return;
	}
	if (!role_holds(d->role))
		return;
	if (d->listened)
		announce_again(d);
	d->listened = false;
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
	early_forget(d);
	d->ports.store->open(d->ports.store_ctx, &d->table);
}

void
load_again(struct director *d)
{
	if (d->store_opened)
		return;
	if (loop_now(d->loop) - d->load_at >= LOAD_LATE) {
		open_store(d);
		return;
	}
	if (d->load_token == 0)
		load_table(d);
	timer_in(&d->load_wait, LOAD_RETRY);
}

void
director_on_store(struct director *d)
{
	if (!role_holds(d->role) || !d->store_opened)
		return; /* load_again() asks */
	d->ports.store->open(d->ports.store_ctx, &d->table);
	load_table(d); /* for the terms it has: see outrank() */
}

/* Which table this term begins with. */
static void
choose_table(struct director *d)
{
	struct restored *r = &d->restored;
	enum restored_from from = FROM_REPLICA;

	d->pre_epoch = d->table.epoch;
	d->pre_seq = d->table.seq;
	if (d->table.epoch == 0)
		from = FROM_CONFIG;
	else if (!d->replica.valid && r->from == FROM_CHECKPOINT &&
	    r->epoch == d->table.epoch && r->seq == d->table.seq)
		return; /* looked for while starting */
	*r = (struct restored){ .from = from,
		.epoch = d->table.epoch,
		.seq = d->table.seq,
		.changes = (uint32_t)d->replica.changes };
}

/* Did the old active itself tell us all? Silence does not: what it did last may
 * be on storage alone, even if we equal its last beat. */
static bool
was_told_all(const struct director *d, const struct transition *t)
{
	return (t->why == WHY_SWITCH || t->why == WHY_PEER_LEFT) &&
	    replica_newest(d);
}

static void
begin_term(struct director *d, const char *why)
{
	struct change c = { .what = CHANGE_EPOCH };

	if (d->table.epoch > d->epoch_seen)
		d->epoch_seen = d->table.epoch;
	d->epoch_seen++;
	c.epoch = d->epoch_seen;
	(void)snprintf(
	    c.cause, sizeof(c.cause), "%s: %s", d->conf->self->name, why);
	(void)mutate(d, &c);
}

enum role_event
take_over(struct director *d, struct transition *t)
{
	usec_t start = loop_now(d->loop), now;
	bool told_all = was_told_all(d, t);

	d->load_token = 0;
	d->store_opened = false;
	d->began_as = t->from;
	early_forget(d);
	choose_table(d);
	begin_term(d, why_text(t->why));
	if (d->began_as == ROLE_STARTING)
		(void)table_follow_conf(d, d->conf);
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

	announce_again(d);
	d->listened = false;
	timer_in(&d->renew, VIP_RENEW);
	transition_step(t, "announce", loop_now(d->loop) - start);
	d->load_at = loop_now(d->loop);
	if (told_all)
		open_store(d);
	else
		load_again(d);
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
	early_forget(d);
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
	uint8_t mem[32];
	struct buf b = buf_writer(mem, sizeof(mem));

	(void)t;
	put_u64(&b, d->table.epoch);
	put_u64(&b, d->table.seq);
	/* from this beat on we are handing over: it tells a late message */
	put_u64(&b, d->beats.guard.session);
	put_u64(&b, d->beats.guard.number + 1);
	timer_in(&d->ask, ASK_WAIT);
	if (d->ports.link->send(
		d->ports.link_ctx, MSG_PEER_SWITCH, mem, b.pos) < 0)
		return EV_REFUSED;
	return EV__LAST;
}

static bool
vip_stays(const struct conf_vip *v, const struct conf *fresh)
{
	size_t i;

	for (i = 0; i < fresh->n_vips; i++)
		if (addr_cmp(&v->addr, &fresh->vips[i].addr) == 0 &&
		    v->bits == fresh->vips[i].bits &&
		    strcmp(v->device, fresh->vips[i].device) == 0)
			return true;
	return false;
}

/* What stays is not touched: it is never away, not for an instant. */
void
vips_reload(struct director *d, const struct conf *fresh)
{
	size_t i;

	if (!d->holding)
		return;
	for (i = 0; i < d->conf->n_vips; i++)
		if (!vip_stays(&d->conf->vips[i], fresh))
			(void)d->ports.vip->drop(
			    d->ports.vip_ctx, &d->conf->vips[i], 1);
	vip_result(d, "reload", d->ports.vip->hold(
	    d->ports.vip_ctx, fresh->vips, fresh->n_vips));
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
	if (!role_holds(d->role))
		return;
	early_redo(d);
	if (d->began_as == ROLE_STARTING)
		(void)table_follow_conf(d, d->conf);
}

/* Storage has terms that we did not know of. Ours must be above them, or the
 * next start would find theirs and not ours. */
static void
outrank(struct director *d, uint64_t highest)
{
	if (highest > d->epoch_seen)
		d->epoch_seen = highest;
	if (!role_holds(d->role) || highest < d->table.epoch ||
	    (highest == d->table.epoch && d->store_opened))
		return;
	d->store_opened = false;
	begin_term(d, "there were higher terms");
}

/* Two terms of one number, after a split: who stays begins another one. A file
 * and a change belong to one term of one writer. */
static bool
tied(const struct director *d)
{
	const struct beat *b = &d->beats.report;

	return b->role == ROLE_ACTIVE && b->epoch == d->table.epoch &&
	    (b->flags & BEAT_LEAVING) == 0;
}

void
outrank_seen(struct director *d)
{
	if (d->role != ROLE_ACTIVE ||
	    (d->epoch_seen <= d->table.epoch && !tied(d)))
		return;
	d->store_opened = false;
	begin_term(d, "there were higher terms");
	load_again(d);
}

static void
on_loaded(struct director *d, const struct store_found *f, struct table *found)
{
	uint64_t epoch = d->pre_epoch, seq = d->pre_seq;

	if (d->role == ROLE_STARTING) {
		epoch = d->table.epoch;
		seq = d->table.seq;
	} else if (!role_holds(d->role)) {
		return;
	}
	if (f->rc != 0 || table_age_cmp(f->epoch, f->seq, epoch, seq) <= 0)
		return;
	if (d->store_opened && f->epoch == d->table.epoch)
		return; /* our own file: see director_on_store() */
	if (role_holds(d->role) && (d->store_opened || d->early_lost)) {
		director_note(d, NOTE_WARNING,
		    "stored table epoch=%" PRIu64 " seq=%" PRIu64
		    " came too late and is not used", f->epoch, f->seq);
		return;
	}
	roll_back(d, f, found);
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
	outrank(d, f->epoch > f->highest_epoch ? f->epoch : f->highest_epoch);
	d->loaded = true;
	if (role_holds(d->role))
		open_store(d);
	director_evaluate(d);
}
