/*
 * test_role: the table of transitions: every pair is a row or refused, and what
 * the rows do fits what the roles hold.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "ha/role.h"
#include "test/tap.h"

#define ROWS 18

static bool
holds(enum role r)
{
	return r == ROLE_ACTIVE || r == ROLE_HANDING_OVER ||
	    r == ROLE_TAKING_OVER;
}

static void
test_pairs(void)
{
	unsigned from, ev, rows = 0, wrong = 0, take = 0, release = 0;
	const struct role_rule *r;

	for (from = 0; from < ROLE__LAST; from++)
		for (ev = 0; ev < EV__LAST; ev++) {
			r = role_rule(from, ev);
			if (r == NULL)
				continue;
			rows++;
			wrong += r->from != from || r->event != ev ||
			    r->to >= ROLE__LAST;
			take += !holds(from) && holds(r->to) &&
			    r->act != ACT_TAKE;
			release += holds(from) && !holds(r->to) &&
			    r->act != ACT_RELEASE;
		}
	is_int(rows, ROWS, "rows, and all other pairs are refused");
	is_int(wrong, 0, "a rule is the one asked for");
	is_int(take, 0, "who comes to hold the addresses takes them");
	is_int(release, 0, "who ceases to hold them lets go of them");
	ok(role_rule(ROLE__LAST, EV_TAKE) == NULL, "no such role");
	ok(role_rule(ROLE_STANDBY, EV__LAST) == NULL, "no such event");
}

static void
test_reach(void)
{
	bool reached[ROLE__LAST] = { [ROLE_STARTING] = true };
	const struct role_rule *r;
	unsigned round, from, ev, n = 0;

	for (round = 0; round < ROLE__LAST; round++)
		for (from = 0; from < ROLE__LAST; from++)
			for (ev = 0; ev < EV__LAST && reached[from]; ev++) {
				r = role_rule(from, ev);
				if (r != NULL)
					reached[r->to] = true;
			}
	for (from = 0; from < ROLE__LAST; from++)
		n += reached[from];
	is_int(n, ROLE__LAST, "every role can be reached");
}

/* From every role there is a way back to serving. */
static void
test_return(void)
{
	bool good[ROLE__LAST] = { [ROLE_ACTIVE] = true };
	const struct role_rule *r;
	unsigned round, from, ev, n = 0;

	for (round = 0; round < ROLE__LAST; round++)
		for (from = 0; from < ROLE__LAST; from++)
			for (ev = 0; ev < EV__LAST; ev++) {
				r = role_rule(from, ev);
				if (r != NULL && good[r->to])
					good[from] = true;
			}
	for (from = 0; from < ROLE__LAST; from++)
		n += good[from];
	is_int(n, ROLE__LAST, "from every role one can become active");
}

static void
test_names(void)
{
	unsigned i, k, twice = 0;

	for (i = 0; i < ROLE__LAST; i++)
		for (k = 0; k < i; k++)
			twice += strcmp(role_name(i), role_name(k)) == 0;
	for (i = 0; i < EV__LAST; i++)
		for (k = 0; k < i; k++)
			twice += strcmp(role_event_name(i),
				     role_event_name(k)) == 0;
	is_int(twice, 0, "names are different");
	is_str(role_name(ROLE__LAST), "?", "no name for what is no role");
	is_str(role_event_name(99), "?", "nor for what is no event");
}

int
main(void)
{
	test_pairs();
	test_reach();
	test_return();
	test_names();
	return done();
}
