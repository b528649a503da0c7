/*
 * weigh_world: an open queue per server: its requests are its share of the
 * rate, the time of one is overhead + cost / (1 - use), and what is over its
 * capacity waits at most two seconds.
 */
#include "weigh_world.h"

#include <stdlib.h>
#include <string.h>

#include "ha/weigh_text.h"

#define SERVER_FULL 0.985

static int
on_weight(const struct weigh_server *s, int32_t weight, const char *cause,
    void *arg)
{
	struct world *w = arg;
	size_t i = (size_t)(s->name[2] - '1');
	char text[WEIGH_LINE_MAX];

	w->v[i].weight = weight;
	w->v[i].changes++;
	(void)snprintf(w->cause[i], CAUSE_LEN, "%s", cause);
	if (w->record != NULL)
		fprintf(w->record, "%s\n", weigh_weight_format(w->now,
		    s->name, weight, cause, text));
	return 0;
}

struct policy
world_policy(const char *keys)
{
	char text[512], why[256], *key, *value, *at = text;
	struct policy p;

	policy_defaults(&p);
	p.given = true;
	(void)snprintf(text, sizeof(text), "%s", keys);
	while ((key = strsep(&at, " ")) != NULL) {
		value = strchr(key, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (policy_set(&p, key, value, why, sizeof(why)) < 0) {
			fprintf(stderr, "%s: %s\n", key, why);
			abort();
		}
	}
	return p;
}

int
world_event(struct world *w, const struct weigh_event *e)
{
	char text[WEIGH_LINE_MAX];

	if (w->record != NULL)
		fprintf(w->record, "%s\n", weigh_event_format(e, text));
	return weigh_feed(&w->weigh, e);
}

void
world_feed(struct world *w, size_t i, enum weigh_what what, int64_t value)
{
	struct weigh_event e = { .at = w->now, .what = what, .value = value };

	(void)snprintf(e.server, sizeof(e.server), "rs%zu", i + 1);
	if (world_event(w, &e) < 0)
		abort();
}

void
world_init(
    struct world *w, const struct policy *p, size_t n, uint32_t configured)
{
	size_t i;

	*w = (struct world){ .n = n, .rate = 60, .overhead = 0.002,
		.now = 1000 * USEC_S, .probe_every = USEC_S / 2, .seed = 42 };
	weigh_init(&w->weigh, p, on_weight, w);
	for (i = 0; i < n; i++) {
		w->v[i] = (struct world_server){ .cost = 0.003,
			.capacity = 1, .slow = 1,
			.weight = (int32_t)configured };
		world_feed(w, i, WEIGH_SERVER, configured);
	}
}

void
world_done(struct world *w)
{
	weigh_done(&w->weigh);
}

double
world_share(const struct world *w, size_t i)
{
	double sum = 0;
	size_t k;

	for (k = 0; k < w->n; k++)
		sum += w->v[k].down ? 0 : w->v[k].weight;
	return sum > 0 && !w->v[i].down ? 100 * w->v[i].weight / sum : 0;
}

double
world_used(const struct world *w, size_t i)
{
	return w->rate * world_share(w, i) / 100 * w->v[i].cost *
	    w->v[i].slow / w->v[i].capacity;
}

/* From 0 to 1. */
static double
chance(struct world *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (double)(w->seed >> 11) / (double)(1ULL << 53);
}

double
world_took(struct world *w, size_t i)
{
	double used = world_used(w, i), t;

	if (used > SERVER_FULL)
		used = SERVER_FULL;
	t = w->overhead + w->v[i].cost * w->v[i].slow / (1 - used);
	t *= 1 + w->noise * (2 * chance(w) - 1);
	if (w->now < w->burst_end)
		t += w->burst_add * chance(w);
	return t < 2 ? t : 2;
}

static void
agent(struct world *w, size_t i)
{
	struct weigh_event e = { .at = w->now, .what = WEIGH_LOAD };
	double used = world_used(w, i);

	e.load.scale = WEIGH_PERCENT;
	e.load.has[LOAD_CPU] = true;
	e.load.metric[LOAD_CPU] =
	    used >= 1 ? LOAD_FULL : (uint16_t)(used * LOAD_FULL);
	if (w->v[i].lies)
		e.load = w->v[i].lie;
	(void)snprintf(e.server, sizeof(e.server), "rs%zu", i + 1);
	(void)world_event(w, &e);
}

static void
probe(struct world *w, size_t i)
{
	if (w->v[i].down || w->v[i].silent)
		return;
	if (w->weigh.policy.type != POLICY_LOAD)
		world_feed(w, i, WEIGH_TOOK,
		    (int64_t)(world_took(w, i) * (double)USEC_S));
	if (w->weigh.policy.type != POLICY_RESPONSE)
		agent(w, i);
}

void
world_run(struct world *w, usec_t how_long)
{
	usec_t end = w->now + how_long, step = 100 * USEC_MS;
	size_t i;

	for (; w->now < end; w->now += step) {
		if (w->burst_every > 0 && w->now >= w->burst_end &&
		    chance(w) < 0.1 / w->burst_every)
			w->burst_end = w->now +
			    (usec_t)(w->burst_for * (double)USEC_S);
		for (i = 0; i < w->n; i++)
			if ((w->now / step + i) % (w->probe_every / step) == 0)
				probe(w, i);
		if (w->now % w->weigh.policy.interval < step)
			(void)world_event(w,
			    &(struct weigh_event){
				.at = w->now, .what = WEIGH_TICK });
	}
}

double
world_swing(struct world *w, usec_t how_long, double *ret_mean)
{
	double lo[WORLD_SERVERS], hi[WORLD_SERVERS], share, widest = 0;
	usec_t end = w->now + how_long;
	unsigned seconds = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		lo[i] = 100, hi[i] = 0, ret_mean[i] = 0;
	for (; w->now < end; seconds++) {
		world_run(w, USEC_S);
		for (i = 0; i < w->n; i++) {
			share = world_share(w, i);
			lo[i] = share < lo[i] ? share : lo[i];
			hi[i] = share > hi[i] ? share : hi[i];
			ret_mean[i] += share;
		}
	}
	for (i = 0; i < w->n; i++) {
		ret_mean[i] /= seconds;
		widest = hi[i] - lo[i] > widest ? hi[i] - lo[i] : widest;
	}
	return widest;
}

double
world_settle(
    struct world *w, const double *want, double points, unsigned limit)
{
	unsigned seconds = 0, good = 0;
	double d;
	size_t i;

	while (seconds < limit && good < 5) {
		world_run(w, USEC_S);
		seconds++;
		good++;
		for (i = 0; i < w->n; i++) {
			d = world_share(w, i) - want[i];
			if (d > points || -d > points)
				good = 0;
		}
	}
	return good < 5 ? limit : seconds - good + 1;
}
