/*
 * role: what a director is to its pair, and how that may change. Every legal
 * transition is a row; pairs that have none are refused.
 */
#ifndef HA_ROLE_H
#define HA_ROLE_H

enum role {
	ROLE_STARTING,    /* looking for a peer and for the last table */
	ROLE_STANDBY,
	ROLE_TAKING_OVER, /* between the decision and the addresses */
	ROLE_ACTIVE,
	ROLE_HANDING_OVER, /* asked the standby to take over; still serving */
	ROLE_FAULT,       /* cannot serve; holds nothing */
	ROLE_MAINTENANCE, /* kept out of service by hand */
	ROLE__LAST
};

enum role_event {
	EV_STAND_BY,  /* the peer is active, or will be */
	EV_TAKE,      /* be the active one */
	EV_TOOK,      /* addresses are ours and announced */
	EV_HAND_OVER, /* let the standby take over */
	EV_REFUSED,   /* it did not */
	EV_RELEASE,   /* the peer is active: let go */
	EV_FAULT,     /* cannot serve */
	EV_CLEARED,   /* can serve again */
	EV_MAINTAIN,  /* the operator takes this director out of service */
	EV_RETURN,    /* and puts it back */
	EV__LAST
};

/* What a transition does, beyond changing the role. */
enum role_act { ACT_NONE, ACT_TAKE, ACT_RELEASE, ACT_ASK, ACT_JOIN };

struct role_rule {
	enum role from;
	enum role_event event;
	enum role to;
	enum role_act act;
};

/* The rule for this pair, or NULL: not a legal transition. */
const struct role_rule *role_rule(enum role from, enum role_event ev);

const char *role_name(unsigned role);        /* "active", "taking-over" */
const char *role_event_name(unsigned ev);

#endif
