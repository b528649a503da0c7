/*
 * role: the table of transitions.
 */
#include "ha/role.h"

#include <assert.h>
#include <stddef.h>

#include "common/mem.h"

/* clang-format off */
static const struct role_rule rules[] = {
	/* from              event         to                 action */
	{ ROLE_STARTING,     EV_STAND_BY,  ROLE_STANDBY,      ACT_JOIN },
	{ ROLE_STARTING,     EV_TAKE,      ROLE_TAKING_OVER,  ACT_TAKE },
	{ ROLE_STARTING,     EV_FAULT,     ROLE_FAULT,        ACT_RELEASE },
	{ ROLE_STARTING,     EV_MAINTAIN,  ROLE_MAINTENANCE,  ACT_NONE },

	{ ROLE_STANDBY,      EV_TAKE,      ROLE_TAKING_OVER,  ACT_TAKE },
	{ ROLE_STANDBY,      EV_FAULT,     ROLE_FAULT,        ACT_RELEASE },
	{ ROLE_STANDBY,      EV_MAINTAIN,  ROLE_MAINTENANCE,  ACT_NONE },

	{ ROLE_TAKING_OVER,  EV_TOOK,      ROLE_ACTIVE,       ACT_NONE },
	{ ROLE_TAKING_OVER,  EV_FAULT,     ROLE_FAULT,        ACT_RELEASE },

	{ ROLE_ACTIVE,       EV_HAND_OVER, ROLE_HANDING_OVER, ACT_ASK },
	{ ROLE_ACTIVE,       EV_RELEASE,   ROLE_STANDBY,      ACT_RELEASE },
	{ ROLE_ACTIVE,       EV_FAULT,     ROLE_FAULT,        ACT_RELEASE },

	{ ROLE_HANDING_OVER, EV_RELEASE,   ROLE_STANDBY,      ACT_RELEASE },
	{ ROLE_HANDING_OVER, EV_REFUSED,   ROLE_ACTIVE,       ACT_NONE },
	{ ROLE_HANDING_OVER, EV_FAULT,     ROLE_FAULT,        ACT_RELEASE },

	{ ROLE_FAULT,        EV_CLEARED,   ROLE_STARTING,     ACT_NONE },
	{ ROLE_FAULT,        EV_MAINTAIN,  ROLE_MAINTENANCE,  ACT_NONE },

	{ ROLE_MAINTENANCE,  EV_RETURN,    ROLE_STARTING,     ACT_NONE },
};
/* clang-format on */

static const char *const role_names[] = {
	[ROLE_STARTING] = "starting",
	[ROLE_STANDBY] = "standby",
	[ROLE_TAKING_OVER] = "taking-over",
	[ROLE_ACTIVE] = "active",
	[ROLE_HANDING_OVER] = "handing-over",
	[ROLE_FAULT] = "fault",
	[ROLE_MAINTENANCE] = "maintenance",
};
static_assert(ARRAY_LEN(role_names) == ROLE__LAST, "name every role");

static const char *const event_names[] = {
	[EV_STAND_BY] = "stand-by",
	[EV_TAKE] = "take",
	[EV_TOOK] = "took",
	[EV_HAND_OVER] = "hand-over",
	[EV_REFUSED] = "refused",
	[EV_RELEASE] = "release",
	[EV_FAULT] = "fault",
	[EV_CLEARED] = "cleared",
	[EV_MAINTAIN] = "maintain",
	[EV_RETURN] = "return",
};
static_assert(ARRAY_LEN(event_names) == EV__LAST, "name every event");

const struct role_rule *
role_rule(enum role from, enum role_event ev)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].from == from && rules[i].event == ev)
			return &rules[i];
	return NULL;
}

const char *
role_name(unsigned role)
{
	return role < ROLE__LAST ? role_names[role] : "?";
}

const char *
role_event_name(unsigned ev)
{
	return ev < EV__LAST ? event_names[ev] : "?";
}
