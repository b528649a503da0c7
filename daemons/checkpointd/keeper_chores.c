/*
 * keeper_chores: what is done now and then, beside writing changes.
 *
 *   every Tc         a snapshot, if something changed
 *   every 10 s       else a probe: does the storage still work?
 *   a second after a file was begun, and every hour: the history of roles is
 *                    carried over from earlier files, then old ones removed
 */
#include "daemons/checkpointd/keeper_impl.h"

#define LOOK (10 * USEC_S)
#define CHORES_FIRST USEC_S
#define CHORES_EVERY (3600 * USEC_S)

void
keeper_choose(struct keeper *k)
{
	usec_t chosen;

	tuner_rate(&k->tuner, loop_now(k->loop));
	chosen = tuner_choose(&k->tuner, k->mtbf, &k->history,
	    loop_real(k->loop), ROWS_MAX, &k->state.tc);
	k->interval = k->configured > 0 ? k->configured : chosen;
}

static usec_t
until_snapshot(const struct keeper *k)
{
	usec_t due = k->snapshot_at + k->interval, now = loop_now(k->loop);

	return due > now ? due - now : 0;
}

void
keeper_tick_soon(struct keeper *k)
{
	usec_t wait = k->interval < LOOK ? k->interval : LOOK;
	usec_t due = until_snapshot(k);

	timer_in(&k->tick, due > 0 && due < wait ? due : wait);
}

void
keeper_on_tick(void *arg)
{
	struct keeper *k = arg;
	usec_t began = usec_mono();
	struct store_err e;

	keeper_choose(k);
	keeper_tick_soon(k);
	if (k->table.seq != k->state.snapshot_seq && until_snapshot(k) == 0)
		keeper_snapshot(k);
	else if (store_probe(k->store, &e) < 0)
		keeper_failed(k, &e);
	else
		keeper_stored(k, began);
}

/* What we know, into the file that is open. */
static int
write_roles(struct keeper *k, struct store_err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < k->history.n; i++)
		rc = store_role(k->store, &k->history.v[i], e);
	if (k->history.n > 0)
		keeper_commit_soon(k);
	return rc;
}

void
keeper_roles_begin(struct keeper *k)
{
	struct store_err e;

	store_roles(k->store, &k->history);
	if (write_roles(k, &e) < 0)
		keeper_failed(k, &e);
	else
		timer_in(&k->chores, CHORES_FIRST);
}

void
keeper_on_chores(void *arg)
{
	struct keeper *k = arg;
	struct store_err e;

	timer_in(&k->chores, CHORES_EVERY);
	if (!k->carried) {
		(void)store_history(k->id.dir, k->id.instance, NULL,
		    k->id.epoch, &k->history);
		k->carried = true;
		if (write_roles(k, &e) < 0) {
			keeper_failed(k, &e);
			return;
		}
	}
	(void)store_prune(k->id.dir, k->id.instance, k->id.epoch, k->keep,
	    k->keep_age);
}

void
keeper_role(struct keeper *k, const struct history_record *r)
{
	struct store_err e;

	if (!history_add(&k->history, r) || k->store == NULL)
		return; /* written when the next file is begun */
	if (store_role(k->store, r, &e) < 0)
		keeper_failed(k, &e);
	else
		keeper_commit_soon(k);
}
