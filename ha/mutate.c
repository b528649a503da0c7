/*
 * mutate: the one way for the table to change, and whom it is told to: IPVS,
 * the peer, checkpointd, and whoever watches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/director_impl.h"

#define EARLY_MAX 4096

void
early_forget(struct director *d)
{
	free(d->early);
	d->early = NULL;
	d->n_early = d->cap_early = 0;
	d->early_lost = false;
}

/* A change of this term, while a newer table may still come from storage. */
static void
early_keep(struct director *d, const struct change *c)
{
	size_t cap = d->cap_early > 0 ? d->cap_early * 2 : 16;
	struct change *more;

	if (d->n_early == d->cap_early && !d->early_lost) {
		more = cap <= EARLY_MAX ?
		    realloc(d->early, cap * sizeof(*more)) : NULL;
		d->early_lost = more == NULL;
		if (more != NULL) {
			d->early = more;
			d->cap_early = cap;
		}
	}
	if (!d->early_lost)
		d->early[d->n_early++] = *c;
}

/* Numbered anew; what no longer has a server to be about is left out. */
void
early_redo(struct director *d)
{
	struct change *v = d->early;
	size_t i, n = d->n_early;

	d->early = NULL;
	early_forget(d);
	for (i = 0; i < n; i++)
		(void)mutate(d, &v[i]);
	free(v);
}

/* A service itself may have another key now, or be gone. */
void
ipvs_changed(struct director *d, const struct change *c)
{
	bool whole =
	    c->what == CHANGE_SERVICE_SET || c->what == CHANGE_SERVICE_DEL;

	if (c->what != CHANGE_EPOCH)
		ipvs_dirty(&d->ipvs, whole ? NULL : c->service);
}

static void
tell(struct director *d, const struct change *c)
{
	uint8_t mem[CHANGE_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));

	ipvs_changed(d, c);
	if (role_holds(d->role)) {
		change_pack(&b, c);
		if (!b.bad)
			(void)d->ports.link->send(d->ports.link_ctx,
			    MSG_PEER_CHANGE, mem, b.pos);
		if (d->store_opened)
			d->ports.store->change(d->ports.store_ctx, c);
		else if (d->load_token != 0 && c->what != CHANGE_EPOCH)
			early_keep(d, c);
	}
	d->listener->on_change(c, d->arg);
}

int
mutate(struct director *d, struct change *c)
{
	int rc;

	if (c->what != CHANGE_EPOCH)
		c->epoch = d->table.epoch;
	c->seq = d->table.seq + 1;
	c->when = loop_real(d->loop);
	rc = table_apply(&d->table, c);
	if (rc == 0)
		tell(d, c);
	return rc;
}

/* The peer notices by its beats that it has another table, and asks. */
void
table_replace(struct director *d, struct table *fresh)
{
	uint64_t epoch = d->table.epoch, seq = d->table.seq;

	table_done(&d->table);
	table_move(&d->table, fresh);
	if (role_holds(d->role)) {
		d->table.epoch = epoch;
		d->table.seq = (seq > d->table.seq ? seq : d->table.seq) + 1;
	}
	if (d->store_opened)
		d->ports.store->open(d->ports.store_ctx, &d->table);
	ipvs_dirty(&d->ipvs, NULL);
	follow_again(d);
	d->listener->on_table(d->arg);
}

int
director_change(struct director *d, struct change *c)
{
	const struct service *s;

	/* The standby may have taken over already: it would not hear of it. */
	if (d->role == ROLE_HANDING_OVER || d->role == ROLE_TAKING_OVER)
		return -ERR_BUSY;
	if (d->role != ROLE_ACTIVE)
		return -ERR_NOT_ACTIVE;
	s = table_service(&d->table, c->service);
	if (s == NULL)
		return -ERR_NO_SERVICE;
	if (service_server(s, c->server) == NULL)
		return -ERR_NO_SERVER;
	return mutate(d, c);
}

/* The server that monitord speaks of, while we decide what its state is. */
static int
reported(const struct director *d, const char *service, const char *server,
    const struct server **ret)
{
	const struct service *s = table_service(&d->table, service);

	if (d->role != ROLE_ACTIVE && d->role != ROLE_HANDING_OVER)
		return -ERR_NOT_ACTIVE;
	if (s == NULL)
		return -ERR_NO_SERVICE;
	*ret = service_server(s, server);
	return *ret != NULL ? 0 : -ERR_NO_SERVER;
}

int
director_on_health(struct director *d, const struct health_msg *m)
{
	struct change c = { .what = CHANGE_HEALTH, .value = m->health };
	const struct server *v;
	int rc = reported(d, m->service, m->server, &v);

	if (rc < 0 || v->health == m->health)
		return rc;
	memcpy(c.service, m->service, NAME_LEN);
	memcpy(c.server, m->server, NAME_LEN);
	memcpy(c.cause, m->cause, CAUSE_LEN);
	return mutate(d, &c);
}

int
director_on_weight(struct director *d, const struct weight_msg *m)
{
	struct change c = { .what = CHANGE_POLICY, .value = m->weight };
	const struct server *v;
	int rc = reported(d, m->service, m->server, &v);

	if (rc < 0 || v->policy == m->weight)
		return rc;
	memcpy(c.service, m->service, NAME_LEN);
	memcpy(c.server, m->server, NAME_LEN);
	memcpy(c.cause, m->cause, CAUSE_LEN);
	return mutate(d, &c);
}
