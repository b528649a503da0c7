/*
 * test_decide: the pair's decisions over every combination of what they
 * depend on, no sample: what they are (test/golden/decide.txt, for people to
 * review), what must hold of each, and what must hold of two directors who
 * see each other.
 *
 * The golden file is the decision tree of each role with equal branches merged:
 * a line is one set of views that get one decision; what is not named on it
 * does not matter to it. GOLDEN=1 writes it anew.
 *
 * Under a sanitizer every 7th value of the inner dimensions is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ha/decide.h"
#include "test/tap.h"

#define GOLDEN "test/golden/decide.txt"
#define NODES_MAX 200000
#define KIDS 8

#if defined(__SANITIZE_ADDRESS__)
#define SAMPLED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SAMPLED 1
#endif
#endif
#ifndef SAMPLED
#define SAMPLED 0
#endif

/* --- the dimensions of a view --- */

static void
set_heard(struct view *v, unsigned i)
{
	/* never, silent, nic, serial, both, link */
	v->reported = i != 0 && i != 5;
	v->nics_up = i == 2 || i == 4;
	v->serials_up = i == 3 || i == 4;
	v->by_link = i == 5;
}

static void
set_corosync(struct view *v, unsigned i)
{
	static const enum link_loss losses[] = { LINK_THERE, LINK_THERE,
		LINK_PROCDOWN, LINK_LEFT, LINK_NODEDOWN };

	v->link = i != 0;
	v->link_peer = i == 1;
	v->loss = losses[i];
}

static void
set_peer(struct view *v, unsigned i)
{
	v->peer_leaving = i == ROLE__LAST;
	v->peer_role = i == ROLE__LAST ? ROLE_STANDBY : (enum role)i;
}

static void
set_term(struct view *v, unsigned i)
{
	v->peer_epoch = 4 + i;
}

static void
set_table(struct view *v, unsigned i)
{
	v->peer_seq = 6 + i;
}

static void
set_id(struct view *v, unsigned i)
{
	v->id = 1 + i;
	v->peer_id = 2 - i;
}

#define FLAG(field)                                                            \
	static void set_##field(struct view *v, unsigned i)                    \
	{                                                                      \
		v->field = i != 0;                                             \
	}
FLAG(maintain)
FLAG(uplink)
FLAG(serves)
FLAG(peer_uplink)
FLAG(peer_serves)
FLAG(loaded)
FLAG(peer_ready)
FLAG(waited)
FLAG(answered)
FLAG(fence)
FLAG(sure)
FLAG(in_step)
FLAG(peer_in_step)
FLAG(asked_lately)
FLAG(hurt_long)

#define NO_YES                                                                 \
	{                                                                      \
		"no", "yes"                                                    \
	}

#define START (1U << ROLE_STARTING)
#define STAND (1U << ROLE_STANDBY)
#define ACT (1U << ROLE_ACTIVE | 1U << ROLE_HANDING_OVER)

/* In the order in which a reader asks. What only some roles are asked is gone
 * through in those, and test_unasked() looks whether it matters to others. */
static const struct dim {
	const char *name;
	unsigned n;
	const char *values[KIDS];
	void (*set)(struct view *v, unsigned i);
	unsigned roles; /* 0: all */
} dims[] = {
	{ "maintain", 2, NO_YES, set_maintain, 0 },
	{ "heard", 6, { "never", "silent", "nic", "serial", "both", "link" },
	    set_heard, 0 },
	{ "peer", 8,
	    { "starting", "standby", "taking-over", "active", "handing-over",
		"fault", "maintenance", "leaving" },
	    set_peer, 0 },
	{ "loaded", 2, NO_YES, set_loaded, START },
	{ "uplink", 2, NO_YES, set_uplink, 0 },
	{ "serves", 2, NO_YES, set_serves, 0 },
	{ "peer-uplink", 2, NO_YES, set_peer_uplink, 0 },
	{ "peer-serves", 2, NO_YES, set_peer_serves, 0 },
	{ "peer-term", 3, { "lower", "same", "higher" }, set_term, ACT },
	{ "peer-table", 3, { "older", "same", "newer" }, set_table, 0 },
	{ "id", 2, { "lower", "higher" }, set_id, 0 },
	{ "in-step", 2, NO_YES, set_in_step, STAND },
	{ "peer-in-step", 2, NO_YES, set_peer_in_step, ACT },
	{ "corosync", 5,
	    { "off", "peer-there", "peer-died", "peer-left", "peer-gone" },
	    set_corosync, STAND | ACT },
	{ "asked-lately", 2, NO_YES, set_asked_lately, ACT },
	{ "hurt-long", 2, NO_YES, set_hurt_long, ACT },
	{ "peer-ready", 2, NO_YES, set_peer_ready, START },
	{ "waited", 2, NO_YES, set_waited, START },
	{ "answered", 2, NO_YES, set_answered, START },
	{ "sure", 2, NO_YES, set_sure, START | STAND },
	{ "fence", 2, NO_YES, set_fence, START | STAND },
};
#define DIMS ARRAY_LEN(dims)

/* --- what any decision must obey --- */

static bool
hears(const struct view *v)
{
	return v->by_link || (v->reported && v->nics_up + v->serials_up > 0);
}

static bool
holds(enum role r)
{
	return r == ROLE_ACTIVE || r == ROLE_TAKING_OVER ||
	       r == ROLE_HANDING_OVER;
}

static bool
peer_is_higher(const struct view *v)
{
	return (v->peer_role == ROLE_ACTIVE ||
		   v->peer_role == ROLE_TAKING_OVER) &&
	       !v->peer_leaving &&
	       (v->peer_epoch > v->epoch ||
		   (v->peer_epoch == v->epoch && v->peer_id < v->id));
}

static const char *
broken_take(const struct view *v, bool heard)
{
	bool died = v->link && !v->link_peer &&
		    (v->loss == LINK_PROCDOWN || v->loss == LINK_LEFT);

	if (v->role != ROLE_STARTING && v->role != ROLE_STANDBY)
		return "takes, being neither starting nor standby";
	if (v->maintain)
		return "takes though it is to be out of service";
	if (heard && holds(v->peer_role) && !v->peer_leaving &&
	    (v->peer_role != ROLE_HANDING_OVER || !v->in_step || v->by_link))
		return "takes from one who is heard and holds";
	if (v->role == ROLE_STARTING && !v->loaded)
		return "takes before it looked for a table";
	if (!heard && !v->uplink)
		return "takes though it may be the one cut off";
	if (v->role == ROLE_STARTING && !heard && !v->waited)
		return "takes before it listened";
	if (v->role == ROLE_STARTING && !heard && v->answered)
		return "takes what the peer's machine has";
	if (!heard && !v->sure && !(v->role == ROLE_STANDBY && died))
		return "takes though it is not sure of the outside";
	if (!heard && v->fence && !(v->role == ROLE_STANDBY && died))
		return "takes from a silent one who was not fenced";
	return NULL;
}

static const char *
broken_active(const struct view *v, const struct decision *d, bool heard)
{
	bool lets_go = d->intent == INTENT_RELEASE || d->intent == INTENT_FAULT;

	if (!heard && !v->uplink && !lets_go)
		return "an isolated active keeps the addresses";
	if (heard && peer_is_higher(v) && d->intent != INTENT_RELEASE)
		return "keeps the addresses though the peer has a higher term";
	if (v->uplink && v->serves && !v->maintain &&
	    !(heard && peer_is_higher(v)) && d->intent != INTENT_STAY)
		return "a healthy active gives up";
	return NULL;
}

static const char *
broken_intent(const struct view *v, const struct decision *d, bool heard)
{
	switch (d->intent) {
	case INTENT_RELEASE:
		return heard && peer_is_higher(v)
			   ? NULL
			   : "lets go though nobody took over";
	case INTENT_HAND_OVER:
		return v->role == ROLE_ACTIVE && heard && v->link_peer &&
			       v->peer_role == ROLE_STANDBY &&
			       v->peer_in_step && v->peer_serves &&
			       v->peer_uplink && !v->peer_leaving
			   ? NULL
			   : "hands over to one who cannot take";
	case INTENT_STAND_BY:
		return heard && holds(v->peer_role) && !v->peer_leaving
			   ? NULL
			   : "stands by for nobody";
	case INTENT_FAULT:
		if (!heard)
			return v->uplink ? "gives up though nobody is better"
					 : NULL;
		return (!v->serves && v->peer_serves) ||
			       (!v->uplink && v->peer_uplink)
			   ? NULL
			   : "gives up though nobody is better";
	case INTENT_FENCE:
		return !heard && v->fence && v->uplink
			   ? NULL
			   : "fences without a reason";
	default:
		return NULL;
	}
}

static const char *
broken(const struct view *v, const struct decision *d)
{
	bool heard = hears(v);
	const char *bad = broken_intent(v, d, heard);

	if (bad == NULL && d->intent == INTENT_TAKE)
		bad = broken_take(v, heard);
	if (bad == NULL && v->role == ROLE_ACTIVE)
		bad = broken_active(v, d, heard);
	if (bad == NULL && intent_event(d->intent) != EV__LAST &&
	    role_rule(v->role, intent_event(d->intent)) == NULL)
		bad = "decides what its role does not allow";
	if (bad == NULL && v->role == ROLE_STANDBY && !heard && v->uplink &&
	    !v->maintain && v->sure && d->intent != INTENT_TAKE &&
	    d->intent != INTENT_FENCE)
		bad = "stands by for a silent active";
	return bad;
}

/* --- the tree --- */

struct node { /* a leaf has dim == DIMS and its decision in kids[0] */
	unsigned dim, kids[KIDS];
};

static struct node nodes[NODES_MAX];
static unsigned n_nodes, buckets[1 << 18];
static uint64_t views;
static const char *first_bad;
static char bad_role[32];

static unsigned
node_of(const struct node *want)
{
	uint32_t h = want->dim * 2654435761U;
	unsigned i;

	for (i = 0; i < KIDS; i++)
		h = (h ^ want->kids[i]) * 16777619U;
	for (h &= ARRAY_LEN(buckets) - 1; buckets[h] != 0;
	     h = (h + 1) & (ARRAY_LEN(buckets) - 1))
		if (memcmp(&nodes[buckets[h]], want, sizeof(*want)) == 0)
			return buckets[h];
	if (n_nodes + 1 >= NODES_MAX)
		abort();
	nodes[++n_nodes] = *want;
	return buckets[h] = n_nodes;
}

static unsigned
leaf(const struct view *v)
{
	static unsigned known[INTENT__LAST][WHY__LAST][2];
	struct decision d = decide(v);
	const char *bad = broken(v, &d);
	unsigned *k = &known[d.intent][d.why][d.alarm];

	views++;
	if (bad != NULL && first_bad == NULL) {
		first_bad = bad;
		(void)snprintf(
		    bad_role, sizeof(bad_role), "%s: ", role_name(v->role));
	}
	if (*k == 0) {
		struct node n = { DIMS, { (unsigned)d.intent << 16 |
					    (unsigned)d.why << 1 | d.alarm } };
		*k = node_of(&n);
	}
	return *k;
}

static unsigned
explore(struct view *v, unsigned dim)
{
	struct node n = { .dim = dim };
	const struct dim *d = &dims[dim];
	bool same = true;
	unsigned i;

	if (dim == DIMS)
		return leaf(v);
	if (d->roles != 0 && (d->roles & 1U << v->role) == 0) {
		d->set(v, 0);
		return explore(v, dim + 1);
	}
	for (i = 0; i < d->n; i++) {
		if (SAMPLED && dim > 4 && (views + i) % 7 == 0 && i > 0) {
			n.kids[i] = n.kids[0];
			continue;
		}
		d->set(v, i);
		n.kids[i] = explore(v, dim + 1);
		same &= n.kids[i] == n.kids[0];
	}
	return same ? n.kids[0] : node_of(&n);
}

static void
print_leaf(FILE *f, const char *path, unsigned packed)
{
	unsigned intent = packed >> 16, why = packed >> 1 & 0x7fff;

	fprintf(f, "%-8s %s%-14s %s\n", intent_name(intent),
	    packed & 1 ? "! " : "  ", why_name(why), path);
}

static void
print_tree(FILE *f, unsigned at, const char *path)
{
	const struct node *n = &nodes[at];
	const struct dim *d = &dims[n->dim];
	unsigned i, k, seen = 0;
	char more[1024];
	size_t len;

	if (n->dim == DIMS) {
		print_leaf(f, path, n->kids[0]);
		return;
	}
	for (i = 0; i < d->n; i++) {
		if (seen & 1U << i)
			continue;
		len = (size_t)snprintf(
		    more, sizeof(more), "%s %s=", path, d->name);
		for (k = i; k < d->n; k++) {
			if (n->kids[k] != n->kids[i])
				continue;
			seen |= 1U << k;
			len += (size_t)snprintf(more + len, sizeof(more) - len,
			    "%s%s", k > i ? "," : "", d->values[k]);
		}
		print_tree(f, n->kids[i], more);
	}
}

static char *
all_decisions(size_t *ret_len)
{
	struct view v = {
		.epoch = 5, .table_epoch = 5, .peer_table_epoch = 5, .seq = 7
	};
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);
	unsigned role;

	fprintf(f,
	    "What a director does, for everything that it may know. "
	    "\"!\" alarms. What a line\ndoes not name does not matter to it. "
	    "Written by GOLDEN=1 test_decide.\n");
	for (role = 0; role < ROLE__LAST; role++) {
		v.role = role;
		fprintf(f, "\n%s\n", role_name(role));
		print_tree(f, explore(&v, 0), "");
	}
	fclose(f);
	return text;
}

static char *
read_golden(void)
{
	FILE *f = fopen(GOLDEN, "r");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL || getdelim(&text, &n, '\0', f) < 0)
		printf("# cannot read " GOLDEN "\n");
	if (f != NULL)
		fclose(f);
	return text;
}

static void
test_golden(void)
{
	size_t len = 0;
	char *now = all_decisions(&len), *was;
	FILE *f;

	is_str(first_bad != NULL ? first_bad : "", "",
	    "%sall %" PRIu64 " views get a decision that obeys the rules",
	    bad_role, views);
	if (SAMPLED)
		goto out; /* a part of the tree */
	if (getenv("GOLDEN") != NULL) {
		f = fopen(GOLDEN, "w");
		if (f == NULL || fputs(now, f) < 0 || fclose(f) != 0)
			printf("# cannot write " GOLDEN "\n");
	}
	was = read_golden();
	ok(was != NULL && strcmp(was, now) == 0,
	    "the decisions are those of " GOLDEN);
	free(was);
out:
	free(now);
}

/* --- two directors who see each other --- */

/* What one of the two is: a number, taken apart. */
#define SELF_BITS 7
static void
self_from(struct view *v, unsigned role, unsigned bits)
{
	*v = (struct view){ .role = role, .epoch = 5, .table_epoch = 5 };
	v->loaded = bits & 1;
	v->waited = true;
	v->serves = bits >> 1 & 1;
	v->uplink = bits >> 2 & 1;
	v->peer_in_step = bits >> 3 & 1;
	v->maintain = bits >> 4 & 1;
	v->hurt_long = bits >> 5 & 1;
	v->asked_lately = bits >> 6 & 1;
}

static void
mirror(struct view *x, const struct view *y, unsigned id, bool by_link)
{
	x->id = id;
	x->peer_id = 3 - id;
	x->peer_role = y->role;
	x->peer_ready = y->loaded;
	x->peer_serves = y->serves;
	x->peer_uplink = y->uplink;
	x->peer_table_epoch = y->table_epoch;
	x->peer_seq = y->seq;
	x->peer_epoch = y->epoch;
	x->reported = x->link = x->link_peer = true;
	x->by_link = by_link;
	x->nics_up = !by_link;
}

struct count {
	uint64_t pairs, both, two, none, stuck;
};

static bool
may_begin(const struct view *v)
{
	return (v->role == ROLE_STARTING || v->role == ROLE_STANDBY ||
		   v->role == ROLE_FAULT) &&
	       v->loaded && !v->maintain;
}

static void
judge(struct count *c, const struct view *a, const struct view *b)
{
	enum intent x = decide(a).intent, y = decide(b).intent;

	c->pairs++;
	c->both += x == INTENT_TAKE && y == INTENT_TAKE;
	if (a->role == ROLE_ACTIVE && b->role == ROLE_ACTIVE) {
		c->two += x != INTENT_RELEASE && y != INTENT_RELEASE;
		c->none += x == INTENT_RELEASE && y == INTENT_RELEASE;
	}
	if (may_begin(a) && may_begin(b))
		c->stuck += x == INTENT_STAY && y == INTENT_STAY;
}

static void
pair_of(struct count *c, unsigned ra, unsigned rb, unsigned bits)
{
	unsigned term, seq, link, m = (1U << SELF_BITS) - 1;
	struct view a, b, x, y;

	self_from(&a, ra, bits & m);
	self_from(&b, rb, bits >> SELF_BITS & m);
	for (term = 0; term < 3; term++)
		for (seq = 0; seq < 3; seq++)
			for (link = 0; link < 2; link++) {
				a.epoch = 5;
				b.epoch = 4 + term;
				a.seq = 7;
				b.seq = 6 + seq;
				x = a;
				y = b;
				mirror(&x, &b, 1, link);
				mirror(&y, &a, 2, link);
				judge(c, &x, &y);
			}
}

static void
test_pairs(void)
{
	unsigned step = SAMPLED ? 61 : 1;
	struct count c = { 0 };
	unsigned ra, rb, bits;

	for (ra = 0; ra < ROLE__LAST; ra++)
		for (rb = 0; rb < ROLE__LAST; rb++)
			for (bits = 0; bits < 1U << 2 * SELF_BITS; bits += step)
				pair_of(&c, ra, rb, bits);
	is_int(c.both, 0,
	    "of %" PRIu64 " pairs that see each other, never "
	    "both take",
	    c.pairs);
	is_int(c.two, 0, "of two active ones, one lets go");
	is_int(c.none, 0, "and the other one does not");
	is_int(c.stuck, 0, "nobody waits for somebody who waits");
}

static unsigned
upto(unsigned n)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state >> 33) % n;
}

/* What a role is not asked does not matter to it, nor to the rules. */
static void
test_unasked(void)
{
	struct view v = { .epoch = 5, .table_epoch = 5, .peer_table_epoch = 5,
		.seq = 7 };
	unsigned i, k, differ = 0;
	struct decision a, b;
	const char *bad;

	for (i = 0; i < 1000000; i++) {
		v.role = upto(ROLE__LAST);
		for (k = 0; k < DIMS; k++)
			dims[k].set(&v, upto(dims[k].n));
		a = decide(&v);
		bad = broken(&v, &a);
		for (k = 0; k < DIMS; k++)
			if (dims[k].roles != 0 &&
			    (dims[k].roles & 1U << v.role) == 0)
				dims[k].set(&v, upto(dims[k].n));
		b = decide(&v);
		differ += a.intent != b.intent || a.why != b.why ||
		    a.alarm != b.alarm || bad != NULL;
	}
	is_int(differ, 0, "what a role is not asked does not matter to it");
}

static void
test_names(void)
{
	unsigned i, bad = 0;

	for (i = 0; i < WHY__LAST; i++)
		bad += why_name(i) == NULL || why_text(i) == NULL;
	for (i = 0; i < INTENT__LAST; i++)
		bad += intent_name(i) == NULL;
	is_int(bad, 0, "everything has a name");
	is_str(why_name(WHY__LAST), "?", "what is not there has none");
	is_str(why_text(99), "?", "nor a text");
	is_str(intent_name(99), "?", "nor is it an intent");
}

int
main(void)
{
	test_golden();
	test_unasked();
	test_pairs();
	test_names();
	return done();
}
