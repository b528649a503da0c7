/*
 * weigh: events become what is known of each server. A decision (weigh_decide.c)
 * is made at each WEIGH_TICK:
 *
 *   target   by the policy: configured weight x mean time / its time, and/or
 *            x its free room / mean room, scaled so that the sum of weights
 *            stays that of the configured ones. With `at_full` a full server
 *            counts as one with so much room: a scheduler that divides by
 *            connections has sent it less already, and what is left of its
 *            room alone makes weights swing where all are nearly full
 *   rails    stale: the configured weight; overloaded: 0, unless too few
 *            servers were left
 *   weight   goes part of the way to the target, at most `step`; the part
 *            (gain) grows while the weight goes one way, and shrinks when it
 *            turns: quick when something happened, still when it is only noise;
 *            or it is always the same
 *   bounds   min, max, slow start
 *   told     when it differs by more than the hysteresis
 *
 * P2 takes 1 from the slowest and gives 1 to the fastest until all are equally
 * fast, which takes 40 to 80 s for its table 3, and never ends where a server
 * is slow by itself. Weights inverse to the time have the same direction, an
 * end, and are there in a few seconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/weigh_impl.h"

#define AT_ONCE 256 /* servers that may be looked through at each sample */

void
weigh_init(struct weigh *w, const struct policy *p, weigh_fn fn, void *arg)
{
	*w = (struct weigh){ .policy = *p, .on_weight = fn, .arg = arg };
}

void
weigh_done(struct weigh *w)
{
	free(w->servers);
	*w = (struct weigh){ 0 };
}

void
weigh_set_policy(struct weigh *w, const struct policy *p)
{
	w->policy = *p;
}

/* Index of a server, or of where it would go. */
static size_t
place(const struct weigh *w, const char *server)
{
	size_t lo = 0, hi = w->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (strcmp(w->servers[mid].name, server) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct weigh_server *
weigh_find(const struct weigh *w, const char *server)
{
	size_t i = place(w, server);

	return i < w->n && strcmp(w->servers[i].name, server) == 0
	    ? &w->servers[i] : NULL;
}

bool
weigh_in_rotation(const struct weigh_server *s)
{
	return s->up && !s->drained;
}

static struct weigh_server *
server_add(struct weigh *w, const struct weigh_event *e)
{
	size_t cap = w->cap > 0 ? w->cap * 2 : 4, i = place(w, e->server);
	struct weigh_server *s;

	if (w->n == w->cap) {
		s = realloc(w->servers, cap * sizeof(*s));
		if (s == NULL)
			return NULL;
		w->servers = s;
		w->cap = cap;
	}
	s = &w->servers[i];
	memmove(s + 1, s, (w->n++ - i) * sizeof(*s));
	*s = (struct weigh_server){ .up = true,
		.override = WEIGHT_NONE,
		.told = WEIGHT_NONE,
		.effect = WEIGH_PERCENT,
		.gain = WEIGH_GAIN_FIRST,
		.weight = (double)e->value,
		.since = e->at };
	memcpy(s->name, e->server, NAME_LEN);
	return s;
}

/* A new configured weight moves the weight with it. */
static int
on_server(struct weigh *w, const struct weigh_event *e)
{
	struct weigh_server *s = weigh_find(w, e->server);

	if (e->value < 0 || e->value > WEIGHT_MAX)
		return -EINVAL;
	if (s == NULL)
		s = server_add(w, e);
	if (s == NULL)
		return -ENOMEM;
	if (s->configured > 0)
		s->weight *= (double)e->value / s->configured;
	s->configured = (uint32_t)e->value;
	return 0;
}

static void
on_gone(struct weigh *w, struct weigh_server *s)
{
	size_t i = (size_t)(s - w->servers);

	memmove(s, s + 1, (w->n - i - 1) * sizeof(*s));
	w->n--;
}

static int
on_table(struct weigh_server *s, const struct weigh_event *e)
{
	if (e->value < WEIGHT_NONE || e->value > WEIGHT_MAX)
		return -EINVAL;
	s->told = (int32_t)e->value;
	if (s->told == WEIGHT_NONE)
		return 0;
	s->out = s->told == 0 && s->configured > 0;
	s->weight = s->told;
	s->gain = WEIGH_GAIN_RESUMED;
	s->resumed = true;
	s->since = e->at;
	return 0;
}

/* Out of rotation: it will come back slowly, and what was measured is void. */
static void
leave(const struct weigh *w, struct weigh_server *s)
{
	if (w->policy.slow_start > 0)
		s->weight = s->configured * WEIGH_START_PART;
	s->took = 0;
	s->loaded = false;
	s->out = false;
	s->gain = WEIGH_GAIN_FIRST;
	s->resumed = false;
	s->trend = 0;
	s->started = 0;
}

static void
rotation(const struct weigh *w, struct weigh_server *s, bool was, usec_t now)
{
	bool is = weigh_in_rotation(s);

	if (was && !is)
		leave(w, s);
	if (!was && is) {
		s->since = now;
		s->started = w->policy.slow_start > 0 ? now : 0;
	}
}

static int
on_health(struct weigh *w, struct weigh_server *s, const struct weigh_event *e)
{
	bool was = weigh_in_rotation(s);

	if (e->value < 0 || e->value >= HEALTH__LAST)
		return -EINVAL;
	s->up = e->value != HEALTH_DOWN;
	rotation(w, s, was, e->at);
	return 0;
}

static int
on_hand(struct weigh *w, struct weigh_server *s, const struct weigh_event *e)
{
	bool was = weigh_in_rotation(s);

	if (e->value < WEIGHT_NONE || e->value > WEIGHT_MAX)
		return -EINVAL;
	s->override = (int32_t)e->value;
	s->drained = e->drained;
	rotation(w, s, was, e->at);
	return 0;
}

/* A server that says that it is overloaded is believed at once: what comes until
 * the next decision may be what it dies of. */
static int
on_load(struct weigh *w, struct weigh_server *s, const struct weigh_event *e)
{
	int rc = weigh_on_load(w, s, e);

	if (rc == 0 && s->last.overloaded && !s->out && w->last != 0 &&
	    w->n <= AT_ONCE)
		weigh_decide_out(w, e->at);
	return rc;
}

static int
feed_server(struct weigh *w, struct weigh_server *s,
    const struct weigh_event *e)
{
	switch (e->what) {
	case WEIGH_GONE:
		on_gone(w, s);
		return 0;
	case WEIGH_TABLE:
		return on_table(s, e);
	case WEIGH_HEALTH:
		return on_health(w, s, e);
	case WEIGH_HAND:
		return on_hand(w, s, e);
	case WEIGH_TOOK:
		return weigh_on_took(w, s, e);
	case WEIGH_LOAD:
		return on_load(w, s, e);
	case WEIGH_EFFECT:
		if (e->value < 0 || e->value > WEIGH_PERCENT)
			return -EINVAL;
		s->effect = (unsigned)e->value;
		return 0;
	default:
		return -EINVAL;
	}
}

int
weigh_feed(struct weigh *w, const struct weigh_event *e)
{
	struct weigh_server *s;

	if (e->what == WEIGH_TICK) {
		weigh_decide(w, e->at);
		return 0;
	}
	if (e->what == WEIGH_SERVER)
		return on_server(w, e);
	s = weigh_find(w, e->server);
	return s != NULL ? feed_server(w, s, e) : -ENOENT;
}
