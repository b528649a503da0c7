/*
 * rollback: which table a term begins with, and what storage has to say to it.
 *
 * A takeover begins with the replica. Unless the old active itself said that
 * the replica is the newest, the stored table is looked for beside the takeover
 * and replaces ours if it is newer (rollback at the same time as fake, in the
 * paper's words). What is changed meanwhile is done again on top of it. This
 * term's file is begun when storage has answered, or is late.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ha/director_impl.h"

/* A stored table later than this is not used. */
#define LOAD_LATE (2 * USEC_S)
/* A device's mount takes its time: ext4's multi-mount protection looks for 43 s,
 * with its usual interval, whether a dead director still signs. What is changed
 * meanwhile is kept. */
#define LOAD_LATE_DEVICE (120 * USEC_S)
#define LOAD_RETRY (50 * USEC_MS)

void
load_table(struct director *d)
{
	uint64_t token = ++d->load_count;

	if (d->ports.store->load(d->ports.store_ctx, token) == 0)
		d->load_token = token;
}

void
open_store(struct director *d)
{
	if (d->store_opened)
		return;
	d->store_opened = true;
	early_forget(d);
	d->ports.store->open(d->ports.store_ctx, &d->table);
}

static usec_t
late(const struct director *d)
{
	return d->conf->checkpoint_device[0] != '\0' ? LOAD_LATE_DEVICE
						     : LOAD_LATE;
}

void
load_again(struct director *d)
{
	if (d->store_opened)
		return;
	if (loop_now(d->loop) - d->load_at >= late(d)) {
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
void
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
bool
was_told_all(const struct director *d, const struct transition *t)
{
	return (t->why == WHY_SWITCH || t->why == WHY_PEER_LEFT) &&
	       replica_newest(d);
}

void
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
		table_follow_conf(d);
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
	const struct beat *b = director_peer(d);

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

/* 1: the table is another one now. */
static int
on_loaded(struct director *d, const struct store_found *f, struct table *found)
{
	uint64_t epoch = d->pre_epoch, seq = d->pre_seq;

	if (d->role == ROLE_STARTING) {
		epoch = d->table.epoch;
		seq = d->table.seq;
	} else if (!role_holds(d->role)) {
		return 0;
	}
	if (f->rc != 0 || table_age_cmp(f->epoch, f->seq, epoch, seq) <= 0)
		return 0;
	if (d->store_opened && f->epoch == d->table.epoch)
		return 0; /* our own file: see director_on_store() */
	if (role_holds(d->role) && (d->store_opened || d->early_lost)) {
		director_note(d, NOTE_WARNING,
		    "stored table epoch=%" PRIu64 " seq=%" PRIu64
		    " came too late and is not used",
		    f->epoch, f->seq);
		return 0;
	}
	roll_back(d, f, found);
	return 1;
}

/* In front: what came before is cut if it must be. */
__attribute__((format(printf, 2, 3))) static void
remark(struct restored *r, const char *fmt, ...)
{
	char was[sizeof(r->text)];
	size_t n;
	va_list ap;

	memcpy(was, r->text, sizeof(was));
	va_start(ap, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	n = strlen(r->text);
	if (was[0] != '\0')
		(void)snprintf(r->text + n, sizeof(r->text) - n, "; %s", was);
}

/* Storage may end before what its writer had: not written yet when that died,
 * or the last commit in the log damaged, which looks as if it had never been
 * (a torn end is what a power cut leaves; the file alone cannot tell the two
 * apart). The beats and the replica can. */
static void
note_behind(struct director *d, const struct store_found *f)
{
	const struct beat *b = &d->beats.report;
	uint64_t epoch = d->pre_epoch, seq = d->pre_seq;
	const char *who = "the replica";
	char text[160];

	if (d->beats.reported &&
	    table_age_cmp(b->table_epoch, b->seq, epoch, seq) > 0) {
		who = "the active one";
		epoch = b->table_epoch;
		seq = b->seq;
	}
	if (f->rc != 0 || table_age_cmp(epoch, seq, f->epoch, f->seq) <= 0)
		return;
	if (epoch == f->epoch)
		(void)snprintf(text, sizeof(text),
		    "storage ends at change %" PRIu64 ", %s had %" PRIu64,
		    f->seq, who, seq);
	else
		(void)snprintf(text, sizeof(text),
		    "storage ends at change %" PRIu64 " of term %" PRIu64
		    ", %s had %" PRIu64 " of term %" PRIu64,
		    f->seq, f->epoch, who, seq, epoch);
	remark(&d->restored, "%s", text);
	director_note(d, NOTE_WARNING, "%s", text);
}

/* What this term's search of the storage has to say, whatever it begins with;
 * what it begins with says so already. */
static void
note_found(struct director *d, const struct store_found *f, bool rolled_back)
{
	if (!role_holds(d->role) || d->store_opened)
		return;
	if (!rolled_back && f->text[0] != '\0')
		remark(&d->restored, "%s", f->text);
	note_behind(d, f);
}

void
director_on_found(struct director *d, const struct store_found *f,
    const void *bytes, size_t len)
{
	struct table found;
	int rc = 0, rolled_back = 0;

	if (f->token != d->load_token || d->load_token == 0)
		return;
	d->load_token = 0;
	table_init(&found);
	if (f->rc == 0)
		rc = table_unpack(bytes, len, &found);
	if (rc < 0)
		director_note(
		    d, NOTE_ERR, "stored table refused: %s", err_text(rc));
	else
		rolled_back = on_loaded(d, f, &found);
	note_found(d, f, rolled_back);
	if (f->text[0] != '\0')
		director_note(d, NOTE_WARNING, "checkpoint: %s", f->text);
	table_done(&found);
	outrank(d, f->epoch > f->highest_epoch ? f->epoch : f->highest_epoch);
	d->loaded = true;
	if (role_holds(d->role))
		open_store(d);
	director_evaluate(d);
}
