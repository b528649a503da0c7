/*
 * keeper_impl: what keeper.c (the table, and when it is written) and
 * keeper_chores.c (the look at the storage each few seconds, Tc, the history of
 * roles, old files) share.
 */
#ifndef CHECKPOINTD_KEEPER_IMPL_H
#define CHECKPOINTD_KEEPER_IMPL_H

#include "daemons/checkpointd/keeper.h"
#include "daemons/checkpointd/mounter.h"
#include "daemons/checkpointd/tuner.h"

#define ROWS_MAX 20000 /* then a snapshot, so that a load stays quick */

struct keeper {
	struct loop *loop;
	keeper_state_fn on_state;
	void *arg;
	usec_t configured; /* Tc; 0: auto */
	usec_t interval;   /* in force */
	usec_t commit_interval, committed; /* when, monotonic; 0: never */
	usec_t snapshot_at; /* monotonic */
	unsigned keep;
	usec_t keep_age, mtbf;
	struct store_id id;
	bool open;  /* yoked wants this epoch kept */
	bool whole; /* table is yoked's */
	struct table table;
	struct chunks chunks;
	struct store *store; /* NULL: closed, or failing */
	bool renew; /* the file itself failed: make it anew */
	bool carried; /* the history of earlier files is in ours */
	struct store_state state;
	struct tuner tuner;
	struct history history;
	struct timer commit, tick, retry, chores;
	struct mounter *mounter;
	void (*on_device)(void *arg); /* see keeper_on_device() */
	void *device_arg;
};

/* keeper.c */
void keeper_failed(struct keeper *k, const struct store_err *e);
void keeper_stored(struct keeper *k, usec_t began); /* after every commit */
void keeper_snapshot(struct keeper *k);
void keeper_commit_soon(struct keeper *k);

/* keeper_chores.c */
void keeper_on_tick(void *arg);
void keeper_on_chores(void *arg);
void keeper_tick_soon(struct keeper *k); /* as Tc and the storage want it */
void keeper_choose(struct keeper *k);    /* Tc */
void keeper_roles_begin(struct keeper *k); /* a file was opened */

#endif
