/*
 * weigh_measure: samples become what decisions go by.
 *
 * Times that a server takes are noisy: at three quarters of its capacity they
 * vary by as much as they are long. A filter that is quick enough for a server
 * that just became ten times slower would let weights dance for ever. So there
 * are two, both of the logarithm, so that 30 ms to 3 ms takes as long as back:
 * `quick` has the time constant that is configured (a longer one where there is
 * much noise), `slow` one that is a multiple of it; `spread` is how far samples
 * are usually off. While quick is as far from slow as such noise explains, slow
 * goes on slowly; when it is further, slow goes there at once. And samples in a
 * row far to one side of all that was usual are a new time: both begin there.
 *
 * What makes most servers slower at once is no server: it is the network, or the
 * director itself that waits for a processor. Their weights would dance, since
 * the same delay is much for a quick server and little for a slow one. Such
 * samples are left out, for as long as `stale` at most.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "ha/weigh_impl.h"

#define SLOW 12        /* slow's time constant, in those of quick */
#define SURE 3.5       /* standard errors that are no noise */
#define CLIP 1.5       /* spreads, the most that one sample counts for */
#define DEVIATION 1.25 /* standard deviation, in mean absolute ones */
#define SNAP 0.5       /* of the way to quick */
#define SPREAD_FIRST 0.2
#define COLD 2         /* first samples of all: caches, ARP, our own start */
#define SPREAD_LEAST 0.01
#define NOISY 0.05     /* of spread: looked at for twice as long */
#define LONGER 4       /* at most */
#define FAR 4          /* spreads */
#define FAR_LEAST 0.4  /* half as much again */
#define FAR_ROW 4      /* samples */
#define SLOWER 2       /* spreads: one slower, when others are at the same time */
#define SLOWER_LEAST 0.2

/* How much of a new value counts beside the old, after dt. */
static double
blend(usec_t dt, usec_t smoothing)
{
	return smoothing == 0 ? 1 : (double)dt / (double)(dt + smoothing);
}

static void
begin(struct weigh_server *s, double value)
{
	s->slow = s->quick = value;
	s->far = 0;
	s->samples = 1;
}

/* The noisier a server's times are, the longer they are looked at. */
static usec_t
window(const struct weigh_server *s, usec_t smoothing)
{
	return (usec_t)((double)smoothing *
	    fmin(1 + s->spread / NOISY, LONGER));
}

/* Counts samples in a row that are far to one side; of those the nearest is
 * kept, since it is believed if there are enough. */
static bool
is_far(struct weigh_server *s, double value)
{
	double off = value - s->quick, far = fmax(FAR * s->spread, FAR_LEAST);
	bool same = off > 0 ? s->far > 0 : s->far < 0;

	if (fabs(off) < far) {
		s->far = 0;
		return false;
	}
	if (!same || fabs(off) < fabs(s->nearest - s->quick))
		s->nearest = value;
	s->far = !same ? (off > 0 ? 1 : -1) : s->far + (off > 0 ? 1 : -1);
	return abs(s->far) >= FAR_ROW;
}

/* One stray sample moves little; that makes of a mean almost a median. */
static double
clip(const struct weigh_server *s, double off)
{
	double most = CLIP * s->spread + SPREAD_LEAST;

	return fmax(fmin(off, most), -most);
}

static bool
is_slower(const struct weigh_server *s)
{
	return s->off > fmax(SLOWER * s->spread, SLOWER_LEAST);
}

/* This sample is slow, and so were the last ones of half of the others. */
static bool
all_slower(const struct weigh *w, const struct weigh_server *s, usec_t now)
{
	const struct weigh_server *o;
	size_t i, others = 0, slower = 0;

	for (i = 0; i < w->n; i++) {
		o = &w->servers[i];
		if (o == s || !weigh_in_rotation(o) || o->took == 0 ||
		    !weigh_fresh(w, o->took_at, now))
			continue;
		others++;
		slower += is_slower(o);
	}
	return others > 0 && is_slower(s) && 2 * slower >= others;
}

/* Left out, but not for ever. */
static bool
leave_out(const struct weigh *w, struct weigh_server *s, usec_t now)
{
	if (!all_slower(w, s, now)) {
		s->left_out = 0;
		return false;
	}
	if (s->left_out == 0)
		s->left_out = now;
	return weigh_fresh(w, s->left_out, now);
}

static void
smooth(struct weigh_server *s, double value, usec_t dt, usec_t smooth_for)
{
	usec_t smoothing = window(s, smooth_for);
	double part = blend(dt, smoothing), slowly = blend(dt, SLOW * smoothing);
	double off = value - s->quick, noise;

	if (is_far(s, value)) {
		begin(s, s->nearest);
		return;
	}
	s->samples++;
	part = fmax(part, 1.0 / s->samples); /* first ones: their mean */
	slowly = fmax(slowly, 1.0 / s->samples);
	/* what is far out of the usual is no noise and widens it little */
	s->spread += (fmin(fabs(off), 2 * s->spread + SPREAD_LEAST) -
	    s->spread) * part / 2;
	s->quick += clip(s, off) * part;
	s->slow += clip(s, value - s->slow) * slowly;
	noise = DEVIATION * s->spread * sqrt(part / (2 - part));
	if (fabs(s->quick - s->slow) > SURE * noise)
		s->slow += (s->quick - s->slow) * SNAP;
}

int
weigh_on_took(
    struct weigh *w, struct weigh_server *s, const struct weigh_event *e)
{
	double value = log((double)(e->value > 0 ? e->value : 1));
	usec_t dt = e->at - s->took_at;

	if (e->value < 0 || (usec_t)e->value > TOOK_MAX)
		return -EINVAL;
	if (s->took == 0 || dt > w->policy.stale)
		s->cold = COLD + 1;
	if (s->cold > 0) {
		s->cold--;
		begin(s, value);
		s->spread = SPREAD_FIRST;
		s->off = 0;
		s->left_out = 0;
	} else {
		s->off = value - s->quick;
		if (!leave_out(w, s, e->at))
			smooth(s, value, dt, w->policy.smoothing);
	}
	s->took = exp(s->slow);
	s->took_at = e->at;
	return 0;
}

/* The metrics together, 0 .. 1; those that the agent does not know are left
 * out. Negative: it knows none of those that count. */
static double
load_sum(const struct policy *p, const struct load_sample *l)
{
	double sum = 0, shares = 0;
	int i;

	for (i = 0; i < LOAD__METRICS; i++) {
		if (!l->has[i])
			continue;
		sum += (double)p->share[i] * l->metric[i];
		shares += p->share[i];
	}
	return shares > 0 ? sum / shares / LOAD_FULL : -1;
}

static int
load_check(const struct load_sample *l)
{
	int i;

	if (l->scale > WEIGH_PERCENT)
		return -EINVAL;
	for (i = 0; i < LOAD__METRICS; i++)
		if (l->has[i] && l->metric[i] > LOAD_FULL)
			return -EINVAL;
	return 0;
}

int
weigh_on_load(
    struct weigh *w, struct weigh_server *s, const struct weigh_event *e)
{
	double sum = load_sum(&w->policy, &e->load);
	usec_t dt = e->at - s->load_at;
	int rc = load_check(&e->load);

	if (rc < 0)
		return rc;
	if (sum >= 0 && (!s->loaded || dt > w->policy.stale))
		s->load = sum;
	else if (sum >= 0)
		s->load += (sum - s->load) * blend(dt, w->policy.smoothing);
	s->loaded = sum >= 0;
	s->load_now = sum;
	s->last = e->load;
	s->load_at = e->at;
	return 0;
}
