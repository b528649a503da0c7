/*
 * yoked_sync_view: what is known of the connections on both sides, for status
 * and for those who decide.
 */
#include "daemons/yoked/yoked.h"

/* As the kernel counts them, server by server. */
uint64_t
yoked_sync_conns(const struct yoked *y)
{
	const struct table *t = &y->director.table;
	const struct lvs_service *have;
	uint64_t n = 0;
	size_t i, j;

	for (i = 0; i < t->n_services; i++) {
		have = ipvs_have(&y->director.ipvs, &t->services[i]->def);
		for (j = 0; have != NULL && j < have->n_dests; j++)
			n += (uint64_t)have->dests[j].active +
			     have->dests[j].inactive;
	}
	return n;
}

static bool
answers(const struct yoked *y)
{
	return y->sync.conn != NULL &&
	       loop_now(y->loop) - y->sync.heard < HELPER_SILENT;
}

bool
yoked_sync_full(const struct yoked *y)
{
	const struct sync_state_msg *s = &y->sync_state;
	const struct director *d = &y->director;

	if (!y->conf->sync)
		return false;
	if (d->role == ROLE_ACTIVE || d->role == ROLE_HANDING_OVER)
		return beats_any_up(&d->beats) && d->beats.reported &&
		       d->beats.report.role == ROLE_STANDBY &&
		       (d->beats.report.flags & BEAT_FULL) != 0;
	return answers(y) && s->role == SYNC_STANDBY &&
	       s->phase == SYNC_PHASE_FULL && s->gen == y->sync_role.gen;
}
