/*
 * sim_check: what is true of the simulated pair at this instant.
 */
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"

static struct addr
vip(unsigned i)
{
	return (struct addr){ AF_INET, { 10, 0, 77, (uint8_t)(10 + i) } };
}

bool
sim_is(const struct sim *s, unsigned n, enum role r)
{
	return s->nodes[n].runs && s->nodes[n].director.role == r;
}

bool
sim_holds(const struct sim *s, unsigned n)
{
	struct addr a;
	unsigned i;

	for (i = 0; i < SIM_VIPS; i++) {
		a = vip(i);
		if (!vip_fake_has(&s->nodes[n].vip, &a))
			return false;
	}
	return true;
}

int
sim_holder(const struct sim *s)
{
	bool a = sim_holds(s, 0), b = sim_holds(s, 1);

	return a && b ? -2 : a ? 0 : b ? 1 : -1;
}

int
sim_active(const struct sim *s)
{
	unsigned n;

	for (n = 0; n < SIM_NODES; n++)
		if (sim_is(s, n, ROLE_ACTIVE) &&
		    !loop_fake_paused(s->nodes[n].loop))
			return (int)n;
	return -1;
}

bool
sim_tables_equal(const struct sim *s)
{
	const struct table *a = &s->nodes[0].director.table;
	const struct table *b = &s->nodes[1].director.table;

	return s->nodes[0].runs && s->nodes[1].runs && a->epoch == b->epoch &&
	    a->seq == b->seq && table_equal(a, b);
}

static bool
service_right(const struct lvs_service *w, const struct lvs_service *h)
{
	size_t i;

	if (h == NULL || h->n_dests != w->n_dests || !lvs_service_same(w, h))
		return false;
	for (i = 0; i < w->n_dests; i++)
		if (lvs_dest_cmp(&w->dests[i], &h->dests[i]) != 0 ||
		    !lvs_dest_same(&w->dests[i], &h->dests[i]))
			return false;
	return true;
}

/* Every service of ours is there as it should be, none that should not. */
bool
sim_kernel_right(const struct sim *s, unsigned n)
{
	const struct lvs_table *have = &s->nodes[n].kernel.table;
	struct lvs_table want;
	size_t i, foreign = 0;
	bool right = true;
	uint16_t port;

	if (!s->nodes[n].runs ||
	    ipvs_want(&s->nodes[n].director.table, &want) < 0)
		return false;
	for (i = 0; i < want.n && right; i++)
		right = service_right(&want.services[i],
		    lvs_table_find(have, &want.services[i].key));
	for (i = 0; i < have->n; i++) {
		port = have->services[i].key.port;
		foreign += port == 8080;
	}
	right = right && have->n == want.n + foreign;
	lvs_table_done(&want);
	return right;
}

bool
sim_in_step(const struct sim *s)
{
	unsigned n;

	for (n = 0; n < SIM_NODES; n++)
		if (sim_is(s, n, ROLE_STANDBY) &&
		    director_in_step(&s->nodes[n].director))
			return sim_is(s, !n, ROLE_ACTIVE) &&
			    sim_tables_equal(s);
	return false;
}

bool
sim_stored(const struct sim *s)
{
	int n = sim_active(s);
	const struct table *f, *t;

	if (n < 0)
		return false;
	t = &s->nodes[n].director.table;
	f = store_disk_newest(s->nodes[n].store.disk);
	return f != NULL && f->epoch == t->epoch && f->seq == t->seq &&
	    table_equal(f, t);
}

bool
sim_replica_true(const struct sim *s)
{
	const struct director *a, *b;
	int n = sim_active(s);

	if (n < 0 || !sim_is(s, !n, ROLE_STANDBY))
		return true;
	a = &s->nodes[n].director;
	b = &s->nodes[!n].director;
	return !b->replica.valid || a->table.epoch != b->table.epoch ||
	    a->table.seq != b->table.seq || table_equal(&a->table, &b->table);
}

const char *
sim_well(const struct sim *s)
{
	int active = sim_active(s);

	if (active < 0)
		return "nobody is active";
	if (sim_holder(s) != active)
		return "the active one does not hold the addresses alone";
	if (s->announcer != (unsigned)active ||
	    s->nodes[active].vip.announced < s->nodes[!active].had)
		return "the other one may have answered for the addresses last";
	if (!sim_is(s, !active, ROLE_STANDBY))
		return "the other one is not standby";
	if (!s->opt.no_replica && !sim_in_step(s))
		return "not in step";
	if (!sim_kernel_right(s, 0) || !sim_kernel_right(s, 1))
		return "a kernel's table is not ours";
	return NULL;
}

void
sim_remember(struct sim *s, unsigned n)
{
	uint8_t *bytes;
	size_t len;

	if (s->has_remembered)
		table_done(&s->remembered);
	if (table_pack(&s->nodes[n].director.table, &bytes, &len) < 0 ||
	    table_unpack(bytes, len, &s->remembered) < 0)
		abort();
	s->has_remembered = true;
	free(bytes);
}
