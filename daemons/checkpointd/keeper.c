/*
 * keeper: the copy of the table, and when it goes to storage.
 *
 *   a change       into the open transaction; committed when the loop has
 *                  handed over all that was waiting, but commits are not
 *                  nearer to each other than commit_interval (group commit);
 *                  so the first change after a pause is not delayed
 *   many rows      a snapshot, so that a load stays quick
 *   a failure      the file is given up; each second it is opened again with a
 *                  snapshot of the table as it is then
 *
 * The rest is in keeper_chores.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "daemons/checkpointd/keeper_impl.h"

#define RETRY USEC_S

static void
tell(struct keeper *k)
{
	k->state.interval_us = k->interval;
	k->on_state(&k->state, k->arg);
}

/* A text as the wire takes it: bounded, no control bytes. */
static void
set_text(char *dst, size_t len, const char *src)
{
	size_t i;

	for (i = 0; i + 1 < len && src[i] != '\0'; i++)
		dst[i] = (unsigned char)src[i] < 0x20 || src[i] == 0x7f
		    ? '?'
		    : src[i];
	dst[i] = '\0';
}

static void
let_go(struct keeper *k)
{
	timer_stop(&k->commit);
	timer_stop(&k->tick);
	timer_stop(&k->retry);
	timer_stop(&k->chores);
	store_close(k->store);
	k->store = NULL;
}

void
keeper_failed(struct keeper *k, const struct store_err *e)
{
	char full[STORE_TEXT_LEN + 64];

	if (k->store != NULL)
		k->renew = e->rc == -EIO || e->rc == -ERR_CORRUPT;
	let_go(k);
	(void)snprintf(full, sizeof(full),
	    "%s; yoke goes on without checkpoints", e->text);
	set_text(k->state.error, sizeof(k->state.error), full);
	k->state.ok = 0;
	if (k->open && k->whole)
		timer_in(&k->retry, RETRY);
	tell(k);
}

/* Our copy is not yoked's table any more. */
static void
astray(struct keeper *k, const char *how)
{
	struct store_err e = { .rc = -ERR_STALE };

	k->whole = false;
	(void)snprintf(e.text, sizeof(e.text),
	    "%s after change %llu: asking yoked for all of it", how,
	    (unsigned long long)k->table.seq);
	keeper_failed(k, &e);
}

void
keeper_stored(struct keeper *k, usec_t began)
{
	k->committed = loop_now(k->loop);
	k->state.ok = 1;
	k->state.error[0] = '\0';
	k->state.epoch = k->table.epoch;
	k->state.seq = store_seq(k->store);
	k->state.journal_rows = store_rows(k->store);
	k->state.commit_us = (uint32_t)(usec_mono() - began);
	tell(k);
}

static void
snapshot_done(struct keeper *k, usec_t began)
{
	k->state.snapshot_seq = k->table.seq;
	k->state.snapshot_when = loop_real(k->loop);
	k->snapshot_at = loop_now(k->loop);
	keeper_choose(k);
	keeper_tick_soon(k);
	keeper_stored(k, began);
}

void
keeper_snapshot(struct keeper *k)
{
	usec_t began = usec_mono();
	struct store_err e;

	timer_stop(&k->commit);
	if (store_snapshot(k->store, &k->table, &e) < 0) {
		keeper_failed(k, &e);
		return;
	}
	tuner_snapshot(&k->tuner, usec_mono() - began);
	snapshot_done(k, began);
}

/* Why the directory behind it is not to be touched. */
static void
no_device(struct keeper *k, struct store_err *e)
{
	const char *text = mounter_text(k->mounter);

	e->rc = -ENODEV;
	(void)snprintf(e->text, sizeof(e->text), "%s",
	    text[0] != '\0' ? text : "the device is not mounted");
}

static void
start(struct keeper *k)
{
	usec_t began = usec_mono();
	struct store_err e;

	let_go(k);
	if (!mounter_ready(k->mounter)) {
		no_device(k, &e);
		keeper_failed(k, &e);
		return;
	}
	if (store_open(&k->id, &k->table, k->renew, &k->store, &e) < 0) {
		keeper_failed(k, &e);
		return;
	}
	k->renew = false;
	if (k->tuner.cost == 0) /* with the making of the file: a bit too much */
		tuner_snapshot(&k->tuner, usec_mono() - began);
	set_text(
	    k->state.file, sizeof(k->state.file), store_path(k->store));
	k->state.storage = (uint8_t)store_storage(k->store);
	snapshot_done(k, began);
	keeper_roles_begin(k);
}

static void
on_commit(void *arg)
{
	struct keeper *k = arg;
	usec_t began = usec_mono();
	struct store_err e;

	if (store_rows(k->store) >= ROWS_MAX)
		keeper_snapshot(k);
	else if (store_commit(k->store, &e) < 0)
		keeper_failed(k, &e);
	else
		keeper_stored(k, began);
}

void
keeper_commit_soon(struct keeper *k)
{
	usec_t next = k->committed + k->commit_interval;
	usec_t now = loop_now(k->loop);

	if (!timer_armed(&k->commit))
		timer_in(&k->commit, next > now ? next - now : 0);
}

static void
on_retry(void *arg)
{
	start(arg);
}

static void
on_mounter(void *arg)
{
	struct keeper *k = arg;
	bool ready = mounter_state(k->mounter) == MOUNTING_ON;

	k->state.mounting = (uint8_t)mounter_state(k->mounter);
	k->state.guard = (uint8_t)mounter_guard(k->mounter);
	if (k->on_device != NULL)
		k->on_device(k->device_arg);
	if (ready && k->open && k->whole && k->store == NULL)
		start(k);
	else
		tell(k);
}

void
keeper_new(
    struct loop *l, keeper_state_fn on_state, void *arg, struct keeper **ret)
{
	struct keeper *k = mem_new(struct keeper);

	k->loop = l;
	k->on_state = on_state;
	k->arg = arg;
	table_init(&k->table);
	timer_init(&k->commit, l, on_commit, k);
	timer_init(&k->tick, l, keeper_on_tick, k);
	timer_init(&k->chores, l, keeper_on_chores, k);
	timer_init(&k->retry, l, on_retry, k);
	mounter_new(l, on_mounter, k, &k->mounter);
	*ret = k;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	keeper_close(k);
	mounter_free(k->mounter);
	free(k);
}

void
keeper_conf(struct keeper *k, const struct conf *c)
{
	bool moved = strcmp(k->id.dir, c->checkpoint_dir) != 0;
	bool writing = k->open && k->whole;

	if (moved && k->store != NULL)
		(void)store_commit(k->store, NULL);
	memcpy(k->id.dir, c->checkpoint_dir, sizeof(k->id.dir));
	memcpy(k->id.instance, c->instance, sizeof(k->id.instance));
	moved |= k->id.storage != c->checkpoint_storage ||
	    mounter_moves(k->mounter, c);
	k->id.storage = c->checkpoint_storage;
	k->keep = c->checkpoint_keep;
	k->keep_age = c->checkpoint_keep_age;
	k->mtbf = c->checkpoint_mtbf;
	k->commit_interval = c->checkpoint_commit;
	k->configured = c->checkpoint_interval;
	keeper_choose(k);
	if (moved) {
		let_go(k);
		k->renew = k->carried = false;
	}
	mounter_conf(k->mounter, c);
	if (moved && writing)
		start(k);
	else if (k->store != NULL)
		keeper_tick_soon(k);
}

/* Forgets the table; what was added is committed first. */
static void
forget(struct keeper *k)
{
	if (k->store != NULL)
		(void)store_commit(k->store, NULL);
	let_go(k);
	k->open = k->whole = k->renew = k->carried = false;
	chunks_done(&k->chunks);
	table_done(&k->table);
}

void
keeper_open(struct keeper *k, const struct store_open *m)
{
	forget(k);
	k->state = (struct store_state){ .epoch = m->epoch,
		.mounting = k->state.mounting, .guard = k->state.guard };
	k->id.epoch = m->epoch;
	k->id.node = m->node;
	k->open = true;
	mounter_want(k->mounter, true);
}

int
keeper_chunk(struct keeper *k, const struct chunk *c)
{
	struct table t;
	int rc;

	if (!k->open)
		return 0;
	rc = chunks_add(&k->chunks, c);
	if (rc == 1)
		rc = table_unpack(k->chunks.bytes, k->chunks.total, &t);
	else if (rc == 0)
		return 0;
	chunks_done(&k->chunks);
	if (rc < 0) {
		astray(k, "the table came damaged");
		return -EBADMSG;
	}
	table_done(&k->table);
	table_move(&k->table, &t);
	k->whole = true;
	start(k);
	return 0;
}

int
keeper_change(struct keeper *k, const struct change *c)
{
	usec_t began = usec_mono();
	struct store_err e;

	if (!k->whole || c->seq <= k->table.seq)
		return 0; /* the snapshot to come has it, or this one had */
	if (table_apply(&k->table, c) < 0) {
		astray(k, "something got lost");
		return -ERR_STALE;
	}
	if (k->store == NULL)
		return 0;
	if (store_add(k->store, c, &e) < 0) {
		keeper_failed(k, &e);
		return 0;
	}
	tuner_change(&k->tuner, usec_mono() - began);
	keeper_commit_soon(k);
	return 0;
}

void
keeper_close(struct keeper *k)
{
	forget(k);
	mounter_want(k->mounter, false);
}

void
keeper_hold(struct keeper *k)
{
	mounter_want(k->mounter, true);
}

bool
keeper_device_waits(struct keeper *k)
{
	return mounter_waits(k->mounter);
}

bool
keeper_device_ready(struct keeper *k)
{
	return mounter_ready(k->mounter);
}

void
keeper_on_device(struct keeper *k, void (*fn)(void *arg), void *arg)
{
	k->on_device = fn;
	k->device_arg = arg;
}

int
keeper_load(struct keeper *k, struct store_loaded *ret)
{
	bool writing = k->store != NULL;
	int rc;

	if (!mounter_ready(k->mounter)) {
		memset(ret, 0, sizeof(*ret));
		(void)snprintf(ret->text, sizeof(ret->text), "%s",
		    mounter_text(k->mounter));
		return -ENODEV;
	}
	if (writing)
		(void)store_commit(k->store, NULL);
	if (writing)
		let_go(k);
	rc = store_load(k->id.dir, k->id.instance, NULL, ret);
	if (rc == 0)
		tuner_load(&k->tuner, ret->changes, ret->replay);
	if (writing)
		start(k);
	return rc;
}
