/*
 * decide: the pair's decisions as rows.
 *
 * Called at every beat and whenever a path, the link or the peer's report
 * changes. Each row: the roles it is for, a condition, what to do and why.
 * First match wins; a role's last row is its default.
 */
#include "ha/decide.h"

#include <stddef.h>

#include "common/mem.h"
#include "ha/table.h"

static bool
heard(const struct view *v)
{
	return v->by_link || (v->reported && v->nics_up + v->serials_up > 0);
}

static bool
silent(const struct view *v)
{
	return !heard(v);
}

static bool
peer_holds(const struct view *v)
{
	return heard(v) && !v->peer_leaving &&
	       (v->peer_role == ROLE_ACTIVE ||
		   v->peer_role == ROLE_TAKING_OVER ||
		   v->peer_role == ROLE_HANDING_OVER);
}

/* Between two that could begin: who can serve, who reaches the outside, the
 * newer table, the lower id. */
static bool
we_go_first(const struct view *v)
{
	int age = table_age_cmp(
	    v->table_epoch, v->seq, v->peer_table_epoch, v->peer_seq);

	if (v->serves != v->peer_serves)
		return v->serves;
	if (v->uplink != v->peer_uplink)
		return v->uplink;
	return age != 0 ? age > 0 : v->id < v->peer_id;
}

static bool
cannot_serve(const struct view *v)
{
	return !v->serves;
}

/* Is it there to take what we cannot do? */
static bool
peer_available(const struct view *v)
{
	return heard(v) && !v->peer_leaving && v->peer_role != ROLE_MAINTENANCE;
}

/* We cannot drive IPVS but the peer can. When neither can, half a service is
 * better than none: the usual rules hold. */
static bool
peer_serves_better(const struct view *v)
{
	return !v->serves && peer_available(v) && v->peer_serves;
}

static bool
loading(const struct view *v)
{
	return !v->loaded;
}

static bool
both_starting_we_first(const struct view *v)
{
	return heard(v) && v->peer_role == ROLE_STARTING && we_go_first(v) &&
	       (v->peer_ready || !v->peer_serves);
}

static bool
both_starting_peer_first(const struct view *v)
{
	return heard(v) && v->peer_role == ROLE_STARTING &&
	       !both_starting_we_first(v);
}

/* A standby that hears us starting takes over by itself. */
static bool
peer_stands_by(const struct view *v)
{
	return heard(v) && v->peer_role == ROLE_STANDBY && !v->peer_leaving &&
	       (v->peer_serves || !v->serves);
}

static bool
peer_cannot(const struct view *v)
{
	return heard(v) && !peer_holds(v);
}

static bool
alone(const struct view *v)
{
	return silent(v) && v->waited;
}

/* Not heard, for whatever reason: another key, paths cut, a version we do not
 * understand. But it has what we would take. */
static bool
peer_answers(const struct view *v)
{
	return alone(v) && v->answered;
}

/* Asked by its beat, which is here long before what corosync carries. It has
 * made no change since it asks. */
static bool
peer_hands_over(const struct view *v)
{
	return heard(v) && !v->by_link && v->peer_role == ROLE_HANDING_OVER &&
	    !v->peer_leaving && v->in_step && v->serves && v->uplink;
}

static bool
peer_left(const struct view *v)
{
	return heard(v) && v->peer_leaving;
}

static bool
peer_idle(const struct view *v)
{
	return heard(v) && !peer_holds(v) &&
	       (v->peer_role != ROLE_STANDBY || we_go_first(v));
}

static bool
link_only(const struct view *v)
{
	return v->by_link;
}

static bool
only_serial(const struct view *v)
{
	return heard(v) && !v->by_link && v->nics_up == 0;
}

static bool
isolated(const struct view *v)
{
	return silent(v) && !v->uplink;
}

static bool
maintained(const struct view *v)
{
	return v->maintain;
}

static bool
returned(const struct view *v)
{
	return !v->maintain;
}

/* Silence, but nothing was seen of the outside since it began: is it the other
 * one that is gone, or this one that is cut off? */
static bool
unsure(const struct view *v)
{
	return silent(v) && !v->sure;
}

static bool
alone_unsure(const struct view *v)
{
	return alone(v) && !v->sure;
}

static bool
unfenced(const struct view *v)
{
	return silent(v) && v->fence;
}

static bool
alone_unfenced(const struct view *v)
{
	return alone(v) && v->fence;
}

static bool
process_died(const struct view *v)
{
	return silent(v) && v->reported && v->link && !v->link_peer &&
	       (v->loss == LINK_PROCDOWN || v->loss == LINK_LEFT);
}

static bool
two_active_peer_higher(const struct view *v)
{
	if (!heard(v) || v->peer_leaving ||
	    (v->peer_role != ROLE_ACTIVE && v->peer_role != ROLE_TAKING_OVER))
		return false;
	if (v->peer_epoch != v->epoch)
		return v->peer_epoch > v->epoch;
	return v->peer_id < v->id;
}

static bool
peer_can_take(const struct view *v)
{
	return heard(v) && v->peer_role == ROLE_STANDBY && v->peer_in_step &&
	       v->peer_serves && v->peer_uplink && v->link_peer &&
	       !v->peer_leaving && !v->asked_lately;
}

static bool
maintained_peer_can(const struct view *v)
{
	return v->maintain && peer_can_take(v);
}

static bool
uplink_lost_peer_can(const struct view *v)
{
	return !v->uplink && peer_can_take(v);
}

static bool
cannot_serve_peer_can(const struct view *v)
{
	return !v->serves && peer_can_take(v);
}

/* The standby is there but does not come into step: it takes what it can get,
 * from storage too, which beats a director that is cut off or cannot serve. */
static bool
cannot_serve_peer_stands_by(const struct view *v)
{
	return peer_serves_better(v) && peer_stands_by(v) && v->hurt_long;
}

static bool
peer_reaches_better(const struct view *v)
{
	return !v->uplink && peer_available(v) && v->peer_uplink &&
	       (v->peer_serves || !v->serves);
}

static bool
uplink_lost_peer_stands_by(const struct view *v)
{
	return peer_reaches_better(v) && peer_stands_by(v) && v->hurt_long;
}

/* Until it holds: then this one can stand by for it. */
static bool
uplink_lost_peer_takes(const struct view *v)
{
	return peer_reaches_better(v) && !peer_holds(v);
}

static bool
uplink_lost(const struct view *v)
{
	return !v->uplink;
}

static bool
always(const struct view *v)
{
	(void)v;
	return true;
}

#define R(role) (1U << ROLE_##role)
#define ALARM true

/* clang-format off */
static const struct rule {
	unsigned roles;
	bool (*when)(const struct view *v);
	enum intent intent;
	enum why why;
	bool alarm;
} rules[] = {
	/* roles           condition                    intent            why */
	{ R(STARTING) |
	  R(STANDBY) |
	  R(FAULT),        maintained,                  INTENT_MAINTAIN,  WHY_MAINTENANCE,    false },

	{ R(STARTING),     peer_holds,                  INTENT_STAND_BY,  WHY_PEER_ACTIVE,    false },
	{ R(STARTING),     loading,                     INTENT_STAY,      WHY_LOADING,        false },
	{ R(STARTING),     peer_serves_better,          INTENT_FAULT,     WHY_CANNOT_SERVE,   ALARM },
	{ R(STARTING),     both_starting_peer_first,    INTENT_STAY,      WHY_PEER_FIRST,     false },
	{ R(STARTING),     both_starting_we_first,      INTENT_TAKE,      WHY_WE_FIRST,       false },
	{ R(STARTING),     peer_left,                   INTENT_TAKE,      WHY_PEER_LEFT,      false },
	{ R(STARTING),     peer_stands_by,              INTENT_STAY,      WHY_PEER_FIRST,     false },
	{ R(STARTING),     peer_cannot,                 INTENT_TAKE,      WHY_NOBODY_ACTIVE,  false },
	{ R(STARTING),     isolated,                    INTENT_STAY,      WHY_ISOLATED,       ALARM },
	{ R(STARTING),     peer_answers,                INTENT_STAY,      WHY_PEER_ANSWERS,   ALARM },
	{ R(STARTING),     alone_unsure,                INTENT_STAY,      WHY_ASKING,         false },
	{ R(STARTING),     alone_unfenced,              INTENT_FENCE,     WHY_FENCING,        ALARM },
	{ R(STARTING),     alone,                       INTENT_TAKE,      WHY_ALONE,          ALARM },
	{ R(STARTING),     always,                      INTENT_STAY,      WHY_WAITING,        false },

	{ R(STANDBY),      peer_serves_better,          INTENT_FAULT,     WHY_CANNOT_SERVE,   ALARM },
	{ R(STANDBY),      peer_left,                   INTENT_TAKE,      WHY_PEER_LEFT,      false },
	{ R(STANDBY),      peer_hands_over,             INTENT_TAKE,      WHY_SWITCH,         false },
	{ R(STANDBY),      peer_idle,                   INTENT_TAKE,      WHY_NOBODY_ACTIVE,  false },
	{ R(STANDBY),      link_only,                   INTENT_STAY,      WHY_LINK_ONLY,      ALARM },
	{ R(STANDBY),      only_serial,                 INTENT_STAY,      WHY_ONLY_SERIAL,    ALARM },
	{ R(STANDBY),      isolated,                    INTENT_STAY,      WHY_ISOLATED,       ALARM },
	{ R(STANDBY),      process_died,                INTENT_TAKE,      WHY_PROCESS_DIED,   false },
	{ R(STANDBY),      unsure,                      INTENT_STAY,      WHY_ASKING,         false },
	{ R(STANDBY),      unfenced,                    INTENT_FENCE,     WHY_FENCING,        ALARM },
	{ R(STANDBY),      silent,                      INTENT_TAKE,      WHY_SILENCE,        false },
	{ R(STANDBY),      uplink_lost,                 INTENT_STAY,      WHY_UPLINK_LOST,    ALARM },
	{ R(STANDBY),      always,                      INTENT_STAY,      WHY_WELL,           false },

	{ R(ACTIVE) |
	  R(HANDING_OVER), two_active_peer_higher,      INTENT_RELEASE,   WHY_PEER_HIGHER,    false },
	{ R(ACTIVE),       isolated,                    INTENT_FAULT,     WHY_ISOLATED,       ALARM },
	{ R(ACTIVE),       uplink_lost_peer_can,        INTENT_HAND_OVER, WHY_UPLINK_LOST,    ALARM },
	{ R(ACTIVE),       cannot_serve_peer_can,       INTENT_HAND_OVER, WHY_CANNOT_SERVE,   ALARM },
	{ R(ACTIVE),       maintained_peer_can,         INTENT_HAND_OVER, WHY_MAINTENANCE,    false },
	{ R(ACTIVE),       cannot_serve_peer_stands_by, INTENT_FAULT,     WHY_CANNOT_SERVE,   ALARM },
	{ R(ACTIVE),       uplink_lost_peer_stands_by,  INTENT_FAULT,     WHY_UPLINK_LOST,    ALARM },
	{ R(ACTIVE),       cannot_serve,                INTENT_STAY,      WHY_CANNOT_SERVE,   ALARM },
	{ R(ACTIVE),       uplink_lost,                 INTENT_STAY,      WHY_UPLINK_LOST,    ALARM },
	{ R(ACTIVE),       silent,                      INTENT_STAY,      WHY_ALONE,          ALARM },
	{ R(ACTIVE),       link_only,                   INTENT_STAY,      WHY_LINK_ONLY,      ALARM },
	{ R(ACTIVE),       only_serial,                 INTENT_STAY,      WHY_ONLY_SERIAL,    ALARM },
	{ R(ACTIVE),       always,                      INTENT_STAY,      WHY_WELL,           false },

	{ R(FAULT),        isolated,                    INTENT_STAY,      WHY_ISOLATED,       ALARM },
	{ R(FAULT),        peer_serves_better,          INTENT_STAY,      WHY_CANNOT_SERVE,   ALARM },
	{ R(FAULT),        uplink_lost_peer_takes,      INTENT_STAY,      WHY_UPLINK_LOST,    ALARM },
	{ R(FAULT),        always,                      INTENT_CLEAR,     WHY_RECOVERED,      false },

	{ R(MAINTENANCE),  returned,                    INTENT_RETURN,    WHY_RETURNED,       false },
	{ R(MAINTENANCE),  always,                      INTENT_STAY,      WHY_MAINTENANCE,    ALARM },
};
/* clang-format on */

static const struct {
	const char *name, *text;
} whys[WHY__LAST] = {
	[WHY_NONE] = { "none", "" },
	[WHY_LOADING] = { "loading", "looking for a stored table" },
	[WHY_PEER_ACTIVE] = { "peer-active", "the peer is active" },
	[WHY_PEER_FIRST] = { "peer-first", "the peer goes first" },
	[WHY_WE_FIRST] = { "we-first",
	    "both were starting, this one goes first" },
	[WHY_ALONE] = { "alone", "no peer is heard" },
	[WHY_WAITING] = { "waiting", "listening for a peer" },
	[WHY_SILENCE] = { "silence", "the active was silent on every path" },
	[WHY_PROCESS_DIED] = { "process-died", "the active's manager died" },
	[WHY_PEER_LEFT] = { "peer-left", "the peer stopped on purpose" },
	[WHY_NOBODY_ACTIVE] = { "nobody-active",
	    "the peer is up but not active" },
	[WHY_PEER_HIGHER] = { "peer-higher", "the peer has the higher term" },
	[WHY_ISOLATED] = { "isolated",
	    "no peer and no uplink: this one may be cut off" },
	[WHY_ONLY_SERIAL] = { "only-serial",
	    "cluster network lost, heard on the serial line only" },
	[WHY_CANNOT_SERVE] = { "cannot-serve", "IPVS cannot be driven" },
	[WHY_UPLINK_LOST] = { "uplink-lost", "the uplink is lost" },
	[WHY_WELL] = { "well", "all is well" },
	[WHY_SWITCH] = { "switch", "asked to by the operator" },
	[WHY_RECOVERED] = { "recovered", "can serve again" },
	[WHY_LINK_ONLY] = { "link-only",
	    "the peer is heard over corosync "
	    "only: are the paths, their ports and the key right?" },
	[WHY_FENCING] = { "fencing", "the active is silent and must be fenced "
				     "before a takeover" },
	[WHY_ASKING] = { "asking",
	    "the active is silent: is it gone, or is this one cut off?" },
	[WHY_MAINTENANCE] = { "maintenance",
	    "taken out of service by the operator" },
	[WHY_RETURNED] = { "returned", "put back by the operator" },
	[WHY_PEER_ANSWERS] = { "peer-answers",
	    "the peer is not heard, but has the VIPs: are the paths and the "
	    "key right?" },
};

static const struct {
	const char *name;
	enum role_event event;
} intents[INTENT__LAST] = {
	[INTENT_STAY] = { "stay", EV__LAST },
	[INTENT_STAND_BY] = { "stand-by", EV_STAND_BY },
	[INTENT_TAKE] = { "take", EV_TAKE },
	[INTENT_RELEASE] = { "release", EV_RELEASE },
	[INTENT_HAND_OVER] = { "hand-over", EV_HAND_OVER },
	[INTENT_FAULT] = { "fault", EV_FAULT },
	[INTENT_CLEAR] = { "clear", EV_CLEARED },
	[INTENT_FENCE] = { "fence", EV__LAST },
	[INTENT_MAINTAIN] = { "maintain", EV_MAINTAIN },
	[INTENT_RETURN] = { "return", EV_RETURN },
};

struct decision
decide(const struct view *v)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++)
		if ((rules[i].roles & 1U << v->role) != 0 && rules[i].when(v))
			return (struct decision){ rules[i].intent, rules[i].why,
				rules[i].alarm };
	return (struct decision){ INTENT_STAY, WHY_NONE, false };
}

enum role_event
intent_event(enum intent intent)
{
	return intents[intent].event;
}

const char *
why_text(unsigned why)
{
	return why < WHY__LAST ? whys[why].text : "?";
}

const char *
why_name(unsigned why)
{
	return why < WHY__LAST ? whys[why].name : "?";
}

const char *
intent_name(unsigned intent)
{
	return intent < INTENT__LAST ? intents[intent].name : "?";
}
