/*
 * weigh_overload: who gets nothing: servers whose agents say that they are
 * overloaded, unless too few were left; and all of them, when the service as a
 * whole is full (`full`). Without that, what many clients want comes to the last
 * server that is not out, at once, and takes it down before its agent can say a
 * word. So a server that is out counts as full.
 *
 * A service that was full will be again, if as many want it: the longer it was,
 * the lower is the limit, and it comes back as time passes. One that is nearly
 * full without being pressed uses all that there is; one that is pressed keeps
 * room for what comes while agents are not heard. (How much was tried by
 * test/unit/weigh_memory.c, P3's experiments with the real code.)
 */
#include <math.h>

#include "ha/weigh_impl.h"

#define CARE_MORE 10.0 /* points that the limit falls in a second of being full */
#define CARE_MOST 12.0
#define CARE_FOR 10.0 /* s after that, until a third is left */

static bool
overloaded(const struct weigh *w, const struct weigh_server *s, usec_t now)
{
	if (weigh_fresh(w, s->load_at, now))
		return s->last.overloaded || s->last.scale == 0;
	return s->out && weigh_fresh(w, s->since, now); /* as the table had it */
}

/* The next to take out: who is out stays out, then the fullest. */
static bool
rather_out(const struct weigh_server *a, const struct weigh_server *b)
{
	if (b == NULL || a->out != b->out)
		return b == NULL || a->out;
	return a->load > b->load;
}

/* Of the overloaded ones, as many go out as may. `target` marks them: -1 is
 * overloaded and not decided yet. */
static void
take_out(struct weigh *w, size_t may)
{
	struct weigh_server *s, *next;
	size_t i;

	for (;;) {
		next = NULL;
		for (i = 0; i < w->n; i++) {
			s = &w->servers[i];
			if (s->target < 0 && rather_out(s, next))
				next = s;
		}
		if (next == NULL)
			return;
		next->rails |= may > 0 ? RAIL_OVERLOAD : RAIL_KEPT;
		next->target = 0;
		next->out = may > 0;
		may -= may > 0;
	}
}

bool
weigh_serves(const struct weigh_server *s)
{
	return weigh_in_rotation(s) && s->override != 0 &&
	    (s->configured > 0 || s->override > 0) && !s->sorry;
}

/* Each by itself. */
static void
judge_each(struct weigh *w, usec_t now)
{
	size_t i, need, serve = 0, n = 0;
	struct weigh_server *s;

	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		n += s->configured > 0 && !s->sorry;
		serve += weigh_serves(s);
		if (!weigh_moves(s))
			continue;
		if (overloaded(w, s, now))
			s->target = -1;
		else
			s->out = false;
	}
	need = (n * w->policy.in_service + WEIGH_PERCENT - 1) / WEIGH_PERCENT;
	take_out(w, serve > need ? serve - need : 0);
}

/* The load that agents last said, of all servers by their configured weight,
 * in percent; who is overloaded is full. Negative: of some it is not known. */
static double
load_of_all(const struct weigh *w, usec_t now)
{
	const struct weigh_server *s;
	double load = 0, all = 0;
	size_t i;

	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (!weigh_moves(s))
			continue;
		if (!weigh_load_fresh(w, s, now))
			return -1;
		load += s->configured *
		    (overloaded(w, s, now) ? 1 : s->load_now);
		all += s->configured;
	}
	return all > 0 ? load / all * WEIGH_PERCENT : -1;
}

/* How far the limit is lower. */
static void
take_care(struct weigh *w, usec_t now)
{
	double dt = (double)(now - w->judged) / (double)USEC_S;

	if (w->full)
		w->care = fmin(w->care + CARE_MORE * dt, CARE_MOST);
	else
		w->care *= exp(-dt / CARE_FOR);
	w->judged = now;
}

static bool
judge_full(struct weigh *w, usec_t now)
{
	double load = load_of_all(w, now);

	take_care(w, now);
	return w->policy.full > 0 && load >= 0 &&
	    load >= w->policy.full - w->care;
}

void
weigh_overload(struct weigh *w, usec_t now)
{
	struct weigh_server *s;
	size_t i;

	w->full = judge_full(w, now);
	if (!w->full) {
		judge_each(w, now);
		return;
	}
	for (i = 0; i < w->n; i++) {
		s = &w->servers[i];
		if (!weigh_moves(s))
			continue;
		s->rails |= RAIL_FULL;
		s->target = 0;
		s->out = true;
	}
}
