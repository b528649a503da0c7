/*
 * scn_expect: the terms of an expectation: NAME, or NAME=VALUE (also <= and >=
 * for numbers and times).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "test/sim/scn.h"

struct term {
	char name[64];
	char op;           /* 0: no value; = < > */
	const char *value;
};

__attribute__((format(printf, 2, 3))) static bool
no(struct scn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->why_not, sizeof(c->why_not), fmt, ap);
	va_end(ap);
	return false;
}

static const char *
node_text(int n)
{
	return n == 0 ? "d1" : n == 1 ? "d2" : n == -2 ? "both" : "none";
}

static bool
same(struct scn *c, const struct term *t, const char *got)
{
	return strcmp(got, t->value) == 0 || no(c, "%s is %s", t->name, got);
}

static bool
number(struct scn *c, const struct term *t, uint64_t got)
{
	uint64_t want = strtoull(t->value, NULL, 10);
	bool good = t->op == '<' ? got <= want :
		t->op == '>'	 ? got >= want :
				   got == want;

	return good || no(c, "%s is %" PRIu64, t->name, got);
}

static bool
duration(struct scn *c, const struct term *t, usec_t got)
{
	usec_t want;
	bool good;

	if (usec_parse(t->value, &want) < 0)
		return no(c, "%s: not a time", t->value);
	good = t->op == '<' ? got <= want :
		t->op == '>' ? got >= want :
			       got == want;
	return good || no(c, "%s is %" PRIu64 "us", t->name, got);
}

static bool
is_active(struct scn *c, const struct term *t)
{
	return same(c, t, node_text(sim_active(c->sim)));
}

static bool
is_standby(struct scn *c, const struct term *t)
{
	unsigned n;

	for (n = 0; n < SIM_NODES; n++)
		if (sim_is(c->sim, n, ROLE_STANDBY))
			return same(c, t, node_text((int)n));
	return same(c, t, "none");
}

static bool
is_role(struct scn *c, const struct term *t)
{
	const struct sim_node *n = &c->sim->nodes[scn_node(t->name)];

	return same(
	    c, t, n->runs ? role_name(n->director.role) : "down");
}

static bool
is_holders(struct scn *c, const struct term *t)
{
	return same(c, t, node_text(sim_holder(c->sim)));
}

static bool
is_announcer(struct scn *c, const struct term *t)
{
	return same(c, t, node_text((int)c->sim->announcer));
}

static bool
is_in_step(struct scn *c, const struct term *t)
{
	(void)t;
	return sim_in_step(c->sim) || no(c, "not in step");
}

static bool
is_out_of_step(struct scn *c, const struct term *t)
{
	(void)t;
	return !sim_in_step(c->sim) || no(c, "in step");
}

static bool
is_tables(struct scn *c, const struct term *t)
{
	return same(c, t, sim_tables_equal(c->sim) ? "equal" : "different");
}

static bool
is_kernel(struct scn *c, const struct term *t)
{
	bool a = sim_kernel_right(c->sim, 0), b = sim_kernel_right(c->sim, 1);

	return same(c, t, a && b ? "both" : a ? "d1" : b ? "d2" : "none");
}

static bool
is_well(struct scn *c, const struct term *t)
{
	const char *bad = sim_well(c->sim);

	(void)t;
	return bad == NULL || no(c, "%s", bad);
}

static const struct director *
active(struct scn *c)
{
	int n = sim_active(c->sim);

	return n < 0 ? NULL : &c->sim->nodes[n].director;
}

static bool
is_epoch(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);

	return d != NULL ? number(c, t, d->table.epoch) :
			   no(c, "nobody is active");
}

static bool
is_from(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);

	return d != NULL ? same(c, t, restored_name(d->restored.from)) :
			   no(c, "nobody is active");
}

/* A word of what storage had to say; "none": nothing. */
static bool
is_remark(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);
	const char *text = d != NULL ? d->restored.text : "";

	if (strcmp(t->value, "none") == 0 ? text[0] == '\0'
					  : strstr(text, t->value) != NULL)
		return true;
	return no(c, "the remark is \"%s\"", text);
}

/* Why the active one took over. */
static bool
is_why(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);
	const struct transition *r;
	unsigned i;

	for (i = 0; d != NULL && (r = transitions_get(&d->log, i)) != NULL; i++)
		if (r->event == EV_TAKE)
			return same(c, t, why_name(r->why));
	return no(c, "no takeover is kept");
}

static bool
is_table(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);

	(void)t;
	if (d == NULL || !c->sim->has_remembered)
		return no(c, "nothing to compare");
	return table_equal(&d->table, &c->sim->remembered) ||
	    no(c, "the table is another");
}

static bool
is_servers(struct scn *c, const struct term *t)
{
	const struct director *d = active(c);
	const struct service *s =
	    d != NULL ? table_service(&d->table, "web") : NULL;

	return s != NULL ? number(c, t, s->n_servers) : no(c, "no service");
}

static bool
is_gap(struct scn *c, const struct term *t)
{
	usec_t most = 0;
	unsigned i;

	sim_watch_now(c->sim);
	for (i = 0; i < SIM_VIPS; i++)
		if (c->sim->watch[i].none_max > most)
			most = c->sim->watch[i].none_max;
	return duration(c, t, most);
}

static bool
is_lost(struct scn *c, const struct term *t)
{
	return number(c, t, c->sim->watch[0].lost);
}

static bool
is_double(struct scn *c, const struct term *t)
{
	usec_t most = 0;
	unsigned i;

	sim_watch_now(c->sim);
	for (i = 0; i < SIM_VIPS; i++)
		if (c->sim->watch[i].two_max > most)
			most = c->sim->watch[i].two_max;
	return duration(c, t, most);
}

static bool
is_takes(struct scn *c, const struct term *t)
{
	return number(
	    c, t, c->sim->nodes[0].takes + c->sim->nodes[1].takes);
}

static bool
is_moves(struct scn *c, const struct term *t)
{
	return number(
	    c, t, c->sim->nodes[0].moves + c->sim->nodes[1].moves);
}

static bool
is_gaps(struct scn *c, const struct term *t)
{
	return number(c, t, c->sim->nodes[0].director.replica.gaps +
		c->sim->nodes[1].director.replica.gaps);
}

static bool
is_switch(struct scn *c, const struct term *t)
{
	return same(c, t, c->switch_rc == 0 ? "ok" :
		    c->switch_rc == -ERR_NO_PEER ? "no-peer" :
		    c->switch_rc == -ERR_BUSY ? "busy" : "refused");
}

static bool
is_change(struct scn *c, const struct term *t)
{
	return same(c, t, c->change_rc == 0 ? "ok" :
		    c->change_rc == -ERR_BUSY ? "busy" : "refused");
}

static bool
is_decision(struct scn *c, const struct term *t)
{
	char node[3] = { t->name[0], t->name[1], '\0' };

	return same(c, t, why_name(c->sim->nodes[scn_node(node)]
				       .director.decision.why));
}

static bool
is_stored(struct scn *c, const struct term *t)
{
	return same(c, t, sim_stored(c->sim) ? "equal" : "different");
}

static const struct {
	const char *name;
	bool (*fn)(struct scn *, const struct term *);
	bool value;
} rows[] = {
	{ "active", is_active, true },
	{ "standby", is_standby, true },
	{ "d1", is_role, true },
	{ "d2", is_role, true },
	{ "d1.why", is_decision, true },
	{ "d2.why", is_decision, true },
	{ "holders", is_holders, true },
	{ "announcer", is_announcer, true },
	{ "in_step", is_in_step, false },
	{ "out_of_step", is_out_of_step, false },
	{ "tables", is_tables, true },
	{ "kernel", is_kernel, true },
	{ "well", is_well, false },
	{ "epoch", is_epoch, true },
	{ "from", is_from, true },
	{ "remark", is_remark, true },
	{ "why", is_why, true },
	{ "table", is_table, true },
	{ "stored", is_stored, true },
	{ "servers", is_servers, true },
	{ "gap", is_gap, true },
	{ "lost", is_lost, true },
	{ "double", is_double, true },
	{ "takes", is_takes, true },
	{ "moves", is_moves, true },
	{ "gaps", is_gaps, true },
	{ "switch", is_switch, true },
	{ "change", is_change, true },
};

static bool
one(struct scn *c, const char *word)
{
	size_t n = strcspn(word, "=<>"), i;
	struct term t = { .op = word[n] };

	(void)snprintf(t.name, sizeof(t.name), "%.*s", (int)n, word);
	t.value = word + n + (t.op == '\0' ? 0 : t.op == '=' ? 1 : 2);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, t.name) == 0 &&
		    rows[i].value == (t.op != '\0'))
			return rows[i].fn(c, &t);
	return no(c, "\"%s\" is no term", word);
}

/* weight web/rs1 37, on the active one */
static bool
weight(struct scn *c, const char *name, const char *value)
{
	char service[NAME_LEN], server[NAME_LEN];
	const struct director *d = active(c);
	const struct service *s;
	const struct server *v = NULL;

	if (d == NULL || !scn_server(name, service, server))
		return no(c, "nobody is active");
	s = table_service(&d->table, service);
	v = s != NULL ? service_server(s, server) : NULL;
	if (v == NULL)
		return no(c, "no server %s", name);
	return server_weight(v) == (uint32_t)atoi(value) ||
	    no(c, "weight %s is %u", name, server_weight(v));
}

bool
scn_expect(struct scn *c, const struct scn_line *l)
{
	unsigned i;

	for (i = 1; i < l->n; i++) {
		if (strcmp(l->word[i], "weight") == 0 && i + 2 < l->n) {
			if (!weight(c, l->word[i + 1], l->word[i + 2]))
				return false;
			i += 2;
		} else if (!one(c, l->word[i])) {
			return false;
		}
	}
	return l->n > 1 || no(c, "nothing expected");
}
