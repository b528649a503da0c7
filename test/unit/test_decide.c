/*
 * test_decide: every row of the decisions is reached and no other; what must
 * hold in any view; and what must hold of two directors who see each other.
 */
#include <stdlib.h>

#include "common/mem.h"
#include "ha/decide.h"
#include "test/tap.h"

#define VIEWS 3000000

/* clang-format off */
static const struct {
	enum role role;
	enum intent intent;
	enum why why;
	bool alarm;
} expected[] = {
	{ ROLE_STARTING,     INTENT_STAND_BY,  WHY_PEER_ACTIVE,   false },
	{ ROLE_STARTING,     INTENT_STAY,      WHY_LOADING,       false },
	{ ROLE_STARTING,     INTENT_FAULT,     WHY_CANNOT_SERVE,  true },
	{ ROLE_STARTING,     INTENT_STAY,      WHY_PEER_FIRST,    false },
	{ ROLE_STARTING,     INTENT_TAKE,      WHY_WE_FIRST,      false },
	{ ROLE_STARTING,     INTENT_TAKE,      WHY_PEER_LEFT,     false },
	{ ROLE_STARTING,     INTENT_TAKE,      WHY_NOBODY_ACTIVE, false },
	{ ROLE_STARTING,     INTENT_STAY,      WHY_ISOLATED,      true },
	{ ROLE_STARTING,     INTENT_TAKE,      WHY_ALONE,         true },
	{ ROLE_STARTING,     INTENT_STAY,      WHY_WAITING,       false },
	{ ROLE_STANDBY,      INTENT_FAULT,     WHY_CANNOT_SERVE,  true },
	{ ROLE_STANDBY,      INTENT_TAKE,      WHY_PEER_LEFT,     false },
	{ ROLE_STANDBY,      INTENT_TAKE,      WHY_NOBODY_ACTIVE, false },
	{ ROLE_STANDBY,      INTENT_STAY,      WHY_ONLY_SERIAL,   true },
	{ ROLE_STANDBY,      INTENT_STAY,      WHY_ISOLATED,      true },
	{ ROLE_STANDBY,      INTENT_TAKE,      WHY_PROCESS_DIED,  false },
	{ ROLE_STANDBY,      INTENT_TAKE,      WHY_SILENCE,       false },
	{ ROLE_STANDBY,      INTENT_STAY,      WHY_WELL,          false },
	{ ROLE_TAKING_OVER,  INTENT_STAY,      WHY_NONE,          false },
	{ ROLE_ACTIVE,       INTENT_RELEASE,   WHY_PEER_HIGHER,   false },
	{ ROLE_ACTIVE,       INTENT_FAULT,     WHY_ISOLATED,      true },
	{ ROLE_ACTIVE,       INTENT_HAND_OVER, WHY_UPLINK_LOST,   true },
	{ ROLE_ACTIVE,       INTENT_HAND_OVER, WHY_CANNOT_SERVE,  true },
	{ ROLE_ACTIVE,       INTENT_FAULT,     WHY_CANNOT_SERVE,  true },
	{ ROLE_ACTIVE,       INTENT_STAY,      WHY_CANNOT_SERVE,  true },
	{ ROLE_ACTIVE,       INTENT_STAY,      WHY_ALONE,         true },
	{ ROLE_ACTIVE,       INTENT_STAY,      WHY_ONLY_SERIAL,   true },
	{ ROLE_ACTIVE,       INTENT_STAY,      WHY_WELL,          false },
	{ ROLE_HANDING_OVER, INTENT_RELEASE,   WHY_PEER_HIGHER,   false },
	{ ROLE_HANDING_OVER, INTENT_STAY,      WHY_NONE,          false },
	{ ROLE_FAULT,        INTENT_STAY,      WHY_ISOLATED,      true },
	{ ROLE_FAULT,        INTENT_CLEAR,     WHY_RECOVERED,     false },
	{ ROLE_FAULT,        INTENT_STAY,      WHY_CANNOT_SERVE,  true },
	{ ROLE_MAINTENANCE,  INTENT_STAY,      WHY_NONE,          false },
};
/* clang-format on */

static uint64_t state = 1;

static unsigned
upto(unsigned n)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state >> 33) % n;
}

static bool
coin(void)
{
	return upto(2) != 0;
}

static struct view
random_view(void)
{
	struct view v;

	v.role = upto(ROLE__LAST);
	v.id = 1 + upto(2);
	v.peer_id = 3 - v.id;
	v.epoch = 5 + upto(3);
	v.table_epoch = 5 + upto(2);
	v.seq = 7 + upto(2);
	v.loaded = coin();
	v.waited = coin();
	v.serves = coin();
	v.uplink = coin();
	v.nics_up = upto(3);
	v.serials_up = upto(2);
	v.reported = coin();
	v.peer_role = upto(ROLE__LAST);
	v.peer_ready = coin();
	v.peer_in_step = coin();
	v.peer_leaving = coin();
	v.peer_serves = coin();
	v.peer_uplink = coin();
	v.peer_epoch = 5 + upto(3);
	v.peer_table_epoch = 5 + upto(2);
	v.peer_seq = 7 + upto(2);
	v.link = coin();
	v.link_peer = coin();
	v.loss = upto(LINK_NODEDOWN + 1);
	return v;
}

static bool
hears(const struct view *v)
{
	return v->reported && v->nics_up + v->serials_up > 0;
}

static bool
holds(enum role r)
{
	return r == ROLE_ACTIVE || r == ROLE_TAKING_OVER ||
	    r == ROLE_HANDING_OVER;
}

static bool
higher(const struct view *v)
{
	return v->peer_epoch > v->epoch ||
	    (v->peer_epoch == v->epoch && v->peer_id < v->id);
}

/* What any decision must obey; NULL or what it breaks. */
static const char *
broken(const struct view *v, const struct decision *d)
{
	bool heard = hears(v);
	bool peer_holds = heard && holds(v->peer_role) && !v->peer_leaving;

	switch (d->intent) {
	case INTENT_TAKE:
		if (v->role != ROLE_STARTING && v->role != ROLE_STANDBY)
			return "takes, being neither starting nor standby";
		if (peer_holds)
			return "takes from one who is heard and holds";
		if (v->role == ROLE_STARTING && !v->loaded)
			return "takes before it looked for a table";
		if (!heard && !v->uplink)
			return "takes though it may be the one cut off";
		if (v->role == ROLE_STARTING && !heard && !v->waited)
			return "takes before it listened";
		break;
	case INTENT_RELEASE:
		if (!heard || v->peer_leaving || !higher(v) ||
		    (v->peer_role != ROLE_ACTIVE &&
			v->peer_role != ROLE_TAKING_OVER))
			return "lets go though nobody took over";
		break;
	case INTENT_HAND_OVER:
		if (v->role != ROLE_ACTIVE || !heard || !v->link_peer ||
		    v->peer_role != ROLE_STANDBY || !v->peer_in_step ||
		    !v->peer_serves)
			return "hands over to one who cannot take";
		break;
	case INTENT_STAND_BY:
		if (!peer_holds)
			return "stands by for nobody";
		break;
	case INTENT_FAULT:
		if (heard ? v->serves || !v->peer_serves : v->uplink)
			return "gives up though nobody is better";
		break;
	default:
		break;
	}
	if (v->role == ROLE_STANDBY && !heard && v->uplink &&
	    d->intent != INTENT_TAKE)
		return "stands by for a silent active";
	return NULL;
}

static void
test_rows(void)
{
	uint64_t seen[ARRAY_LEN(expected)] = { 0 };
	const char *bad = NULL, *b;
	unsigned strange = 0, i, k;
	struct decision d;
	struct view v;

	for (i = 0; i < VIEWS; i++) {
		v = random_view();
		d = decide(&v);
		for (k = 0; k < ARRAY_LEN(expected); k++)
			if (expected[k].role == v.role &&
			    expected[k].intent == d.intent &&
			    expected[k].why == d.why &&
			    expected[k].alarm == d.alarm)
				break;
		if (k < ARRAY_LEN(expected))
			seen[k]++;
		else
			strange++;
		b = broken(&v, &d);
		if (bad == NULL && b != NULL)
			bad = b;
	}
	for (k = 0; k < ARRAY_LEN(expected); k++)
		ok(seen[k] > 0, "%s: %s because of %s",
		    role_name(expected[k].role),
		    intent_name(expected[k].intent),
		    why_name(expected[k].why));
	is_int(strange, 0, "no other decision in %d views", VIEWS);
	is_str(bad != NULL ? bad : "", "", "nothing breaks the rules");
}

/* Each decision's event must be a row of the roles. */
static void
test_events(void)
{
	static const enum role_event events[INTENT__LAST] = {
		[INTENT_STAND_BY] = EV_STAND_BY,
		[INTENT_TAKE] = EV_TAKE,
		[INTENT_RELEASE] = EV_RELEASE,
		[INTENT_HAND_OVER] = EV_HAND_OVER,
		[INTENT_FAULT] = EV_FAULT,
		[INTENT_CLEAR] = EV_CLEARED,
	};
	unsigned k;

	for (k = 0; k < ARRAY_LEN(expected); k++)
		if (expected[k].intent != INTENT_STAY)
			ok(role_rule(expected[k].role,
			       events[expected[k].intent]) != NULL,
			    "%s may %s", role_name(expected[k].role),
			    intent_name(expected[k].intent));
}

/* b as a sees it, and the other way round. */
static void
mirror(struct view *a, struct view *b)
{
	struct view *v[2] = { a, b };
	unsigned i;

	for (i = 0; i < 2; i++) {
		struct view *x = v[i], *y = v[!i];

		x->id = i + 1;
		x->peer_id = 2 - i;
		x->peer_role = y->role;
		x->peer_ready = y->loaded;
		x->peer_serves = y->serves;
		x->peer_uplink = y->uplink;
		x->peer_table_epoch = y->table_epoch;
		x->peer_seq = y->seq;
		x->peer_epoch = y->epoch;
		x->peer_leaving = false;
		x->reported = true;
		x->link = x->link_peer = true;
		x->nics_up = 1;
	}
}

static bool
may_begin(const struct view *v)
{
	return v->role == ROLE_STARTING || v->role == ROLE_STANDBY ||
	    v->role == ROLE_FAULT;
}

static void
test_mirror(void)
{
	unsigned i, both = 0, two = 0, none = 0, stuck = 0;
	enum intent x, y;
	struct view a, b;

	for (i = 0; i < VIEWS; i++) {
		a = random_view();
		b = random_view();
		mirror(&a, &b);
		x = decide(&a).intent;
		y = decide(&b).intent;
		both += x == INTENT_TAKE && y == INTENT_TAKE;
		if (a.role == ROLE_ACTIVE && b.role == ROLE_ACTIVE) {
			two += x != INTENT_RELEASE && y != INTENT_RELEASE;
			none += x == INTENT_RELEASE && y == INTENT_RELEASE;
		}
		if (may_begin(&a) && may_begin(&b) && a.loaded && b.loaded)
			stuck += x == INTENT_STAY && y == INTENT_STAY;
	}
	is_int(both, 0, "two who see each other never both take");
	is_int(two, 0, "of two active ones, one lets go");
	is_int(none, 0, "and the other one does not");
	is_int(stuck, 0, "nobody waits for somebody who waits");
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
	test_rows();
	test_events();
	test_mirror();
	test_names();
	return done();
}
