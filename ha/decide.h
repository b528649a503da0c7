/*
 * decide: what a director should do, as a pure function of what it knows.
 * No I/O, no clock, no globals, no logging: same view, same intent. The rules
 * are rows in decide.c, the first that matches wins.
 */
#ifndef HA_DECIDE_H
#define HA_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/role.h"

enum link_loss { LINK_THERE, LINK_LEFT, LINK_PROCDOWN, LINK_NODEDOWN };

struct view {
	enum role role;
	uint32_t id, peer_id;
	uint64_t epoch;        /* of our own term when active */
	uint64_t table_epoch, seq;
	bool loaded;           /* looked for a stored table, or gave up on it */
	bool waited;           /* start_wait is over */
	bool answered;         /* its machine answers for the VIPs */
	bool serves;           /* can drive IPVS */
	bool uplink;           /* reaches the outside; true while not watched */
	bool sure;             /* that was seen since the peer fell silent */
	bool hurt_long;        /* one of the two was false for a while */
	bool maintain;         /* the operator wants this one out of service */
	bool fence;            /* the peer must be fenced first, and is not yet */
	bool in_step;          /* standby, and its table is the active's */
	bool asked_lately;     /* the standby refused to take over just now */
	/* the peer */
	unsigned nics_up, serials_up; /* paths on which it is heard */
	bool by_link;          /* on none, but its report came over corosync
				  since they fell silent */
	bool reported;         /* it has ever reported in this session of it */
	enum role peer_role;
	bool peer_ready, peer_in_step, peer_leaving, peer_serves, peer_uplink;
	uint64_t peer_epoch, peer_table_epoch, peer_seq;
	/* corosync */
	bool link;             /* our own is there */
	bool link_peer;        /* the peer's manager is in the group */
	enum link_loss loss;   /* how it left, if it did */
};

enum intent { INTENT_STAY, INTENT_STAND_BY, INTENT_TAKE, INTENT_RELEASE,
	INTENT_HAND_OVER, INTENT_FAULT, INTENT_CLEAR, INTENT_FENCE,
	INTENT_MAINTAIN, INTENT_RETURN, INTENT__LAST };

enum why {
	WHY_NONE,
	WHY_LOADING,
	WHY_PEER_ACTIVE,
	WHY_PEER_FIRST,     /* both starting, it goes first */
	WHY_WE_FIRST,
	WHY_ALONE,          /* nobody heard since start */
	WHY_WAITING,
	WHY_SILENCE,        /* every path silent for n beats */
	WHY_PROCESS_DIED,   /* its manager left the group and missed a beat */
	WHY_PEER_LEFT,      /* it stops on purpose */
	WHY_NOBODY_ACTIVE,  /* it is up but does not serve */
	WHY_PEER_HIGHER,    /* two active: its epoch is higher */
	WHY_ISOLATED,       /* silence, but our own uplink is gone too */
	WHY_ONLY_SERIAL,    /* cluster network lost, the serial line says well */
	WHY_CANNOT_SERVE,
	WHY_UPLINK_LOST,
	WHY_WELL,
	WHY_SWITCH,         /* the operator asked */
	WHY_RECOVERED,
	WHY_LINK_ONLY,      /* no beat arrives, corosync carries its report */
	WHY_FENCING,        /* silence, and it must be fenced first */
	WHY_ASKING,         /* silence; witnesses are asked whether it is ours */
	WHY_MAINTENANCE,    /* the operator took it out of service */
	WHY_RETURNED,       /* and put it back */
	WHY_PEER_ANSWERS,   /* not heard, but its machine has the VIPs */
	WHY__LAST
};

struct decision {
	enum intent intent;
	enum why why;
	bool alarm; /* worth an operator's attention while it lasts */
};

struct decision decide(const struct view *v);

/* The event that carries an intent out; EV__LAST: nothing of the roles. */
enum role_event intent_event(enum intent intent);

const char *why_text(unsigned why);
const char *why_name(unsigned why);
const char *intent_name(unsigned intent);

#endif
