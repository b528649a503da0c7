/*
 * keeper: the copy of the table, and when it goes to storage.
 *
 *   a change       into the open transaction; committed when the loop has
 *                  handed over all that was waiting (group commit)
 *   every Tc       a snapshot, or if nothing changed a probe of the storage
 *   many rows      a snapshot, so that a load stays quick
 *   a failure      the file is given up; each second it is opened again with a
 *                  snapshot of the table as it is then
 */
#include "daemons/checkpointd/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

#define INTERVAL_AUTO (10 * USEC_S)
#define RETRY USEC_S
#define ROWS_MAX 20000

struct keeper {
	struct loop *loop;
	keeper_state_fn on_state;
	void *arg;
	usec_t interval;
	unsigned keep;
	struct store_id id;
	bool open;  /* yoked wants this epoch kept */
	bool whole; /* table is yoked's */
	struct table table;
	struct chunks chunks;
	struct store *store; /* NULL: closed, or failing */
	bool renew; /* the file itself failed: make it anew */
	struct store_state state;
	struct timer commit, tick, retry;
};

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
	store_close(k->store);
	k->store = NULL;
}

static void
fail(struct keeper *k, const struct store_err *e)
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
	fail(k, &e);
}

/* After every commit. */
static void
stored(struct keeper *k, usec_t began)
{
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
	timer_in(&k->tick, k->interval);
	stored(k, began);
}

static void
snapshot(struct keeper *k)
{
	usec_t began = usec_mono();
	struct store_err e;

	timer_stop(&k->commit);
	if (store_snapshot(k->store, &k->table, &e) < 0)
		fail(k, &e);
	else
		snapshot_done(k, began);
}

static void
start(struct keeper *k)
{
	usec_t began = usec_mono();
	struct store_err e;

	let_go(k);
	if (store_open(&k->id, &k->table, k->renew, &k->store, &e) < 0) {
		fail(k, &e);
		return;
	}
	k->renew = false;
	set_text(
	    k->state.file, sizeof(k->state.file), store_path(k->store));
	snapshot_done(k, began);
	(void)store_prune(k->id.dir, k->id.instance, k->id.epoch, k->keep);
}

static void
on_commit(void *arg)
{
	struct keeper *k = arg;
	usec_t began = usec_mono();
	struct store_err e;

	if (store_rows(k->store) >= ROWS_MAX)
		snapshot(k);
	else if (store_commit(k->store, &e) < 0)
		fail(k, &e);
	else
		stored(k, began);
}

static void
on_tick(void *arg)
{
	struct keeper *k = arg;
	usec_t began = usec_mono();
	struct store_err e;

	timer_in(&k->tick, k->interval);
	if (k->table.seq != k->state.snapshot_seq)
		snapshot(k);
	else if (store_probe(k->store, &e) < 0)
		fail(k, &e);
	else
		stored(k, began);
}

static void
on_retry(void *arg)
{
	start(arg);
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
	timer_init(&k->tick, l, on_tick, k);
	timer_init(&k->retry, l, on_retry, k);
	*ret = k;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	keeper_close(k);
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
	k->keep = c->checkpoint_keep;
	k->interval = c->checkpoint_interval > 0 ? c->checkpoint_interval
						 : INTERVAL_AUTO;
	if (moved)
		k->renew = false;
	if (moved && writing)
		start(k);
	else if (k->store != NULL)
		timer_in(&k->tick, k->interval);
}

/* Forgets the table; what was added is committed first. */
static void
forget(struct keeper *k)
{
	if (k->store != NULL)
		(void)store_commit(k->store, NULL);
	let_go(k);
	k->open = k->whole = k->renew = false;
	chunks_done(&k->chunks);
	table_done(&k->table);
}

void
keeper_open(struct keeper *k, const struct store_open *m)
{
	forget(k);
	k->state = (struct store_state){ .epoch = m->epoch };
	k->id.epoch = m->epoch;
	k->id.node = m->node;
	k->open = true;
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
	struct store_err e;

	if (!k->whole || c->seq <= k->table.seq)
		return 0; /* the snapshot to come has it, or this one had */
	if (table_apply(&k->table, c) < 0) {
		astray(k, "something got lost");
		return -ERR_STALE;
	}
	if (k->store == NULL)
		return 0;
	if (store_add(k->store, c, &e) < 0)
		fail(k, &e);
	else if (!timer_armed(&k->commit))
		timer_in(&k->commit, 0);
	return 0;
}

void
keeper_close(struct keeper *k)
{
	forget(k);
}

int
keeper_load(struct keeper *k, struct store_loaded *ret)
{
	bool writing = k->store != NULL;
	int rc;

	if (writing)
		(void)store_commit(k->store, NULL);
	if (writing)
		let_go(k);
	rc = store_load(k->id.dir, k->id.instance, NULL, ret);
	if (writing)
		start(k);
	return rc;
}
