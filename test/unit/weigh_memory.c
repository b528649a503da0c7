/*
 * weigh_memory: see weigh_memory.h. Times are those of the rack's experiment.
 */
#include "weigh_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "ha/weigh.h"

#define BASE_MB 0.8      /* of a server that does nothing */
#define RESTART_MS 8000
#define CHECK_MS 500
#define AGENT_MS 100
#define DELAY_MS 70     /* from an agent's look until the director asks */
#define BACK 0.05        /* below `out`, and it is overloaded no more */
#define RAMP_MS 8000
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 10000
#define CONNECTIONS 1000
/* The kernel tells a client that there is no server by ICMP, so often to one
 * address (net/ipv4/icmp.c); whom it does not tell sends its SYN again. */
#define ICMP_BURST 6
#define ICMP_EVERY_MS 1000
#define SYN_MS 1000
#define FROM_EACH 4 /* connections of one address */
#define DEAD_CHECKS 2

struct request { /* or a client that pauses: server < 0 */
	int server;
	double mb;
	unsigned end;
	unsigned tries; /* its SYN was not answered; it wants the same again */
	const struct memory_kind *kind;
};

struct server {
	double used;
	unsigned active, died; /* died: ms, 0: lives */
	unsigned missed, check_at, agent_at;
	bool overloaded;
	int32_t weight, current; /* in the table; of wrr's turn */
	double said;             /* memory, that is under way */
	bool said_out;
	unsigned heard_at;       /* 0: nothing is */
};

struct run {
	const struct memory_setup *setup;
	struct memory_result ret;
	struct weigh weigh;
	struct server s[MEMORY_SERVERS];
	struct request r[CONNECTIONS];
	unsigned now;
	struct icmp {
		unsigned sent, at; /* less what time gave back; since when */
	} icmp[CONNECTIONS / FROM_EACH];
	uint64_t seed;
};

/* From 0 to 1. */
static double
chance(struct run *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (double)(w->seed >> 11) / (double)(1ULL << 53);
}

static void
feed(struct run *w, int i, struct weigh_event e)
{
	e.at = (usec_t)(w->now + 1000) * USEC_MS;
	if (i >= 0)
		(void)snprintf(e.server, sizeof(e.server), "rs%d", i + 1);
	if (weigh_feed(&w->weigh, &e) < 0)
		abort();
}

static int
on_weight(const struct weigh_server *s, int32_t weight, const char *cause,
    void *arg)
{
	struct run *w = arg;

	(void)cause;
	w->s[s->name[2] - '1'].weight = weight;
	return 0;
}

/* ---- the kernel ---- */

static bool
better(const struct run *w, const struct server *a, const struct server *b)
{
	if (w->setup->scheduler == MEMORY_LC)
		return a->active < b->active;
	return (int64_t)a->active * b->weight < (int64_t)b->active * a->weight;
}

static int
by_connections(const struct run *w)
{
	int i, best = -1;

	for (i = 0; i < MEMORY_SERVERS; i++)
		if (w->s[i].weight > 0 &&
		    (best < 0 || better(w, &w->s[i], &w->s[best])))
			best = i;
	return best;
}

/* rr: all have one turn; wrr: as many as they weigh. */
static int
by_turn(struct run *w)
{
	int i, best = -1, sum = 0, part;

	for (i = 0; i < MEMORY_SERVERS; i++) {
		part = w->setup->scheduler == MEMORY_RR ? w->s[i].weight > 0
		                                        : w->s[i].weight;
		if (part <= 0)
			continue;
		w->s[i].current += part;
		sum += part;
		if (best < 0 || w->s[i].current > w->s[best].current)
			best = i;
	}
	if (best >= 0)
		w->s[best].current -= sum;
	return best;
}

/* ---- clients and servers ---- */

static void
pause_client(struct run *w, struct request *r)
{
	r->server = -1;
	r->tries = 0;
	r->end = w->now + PAUSE_MIN_MS +
	    (unsigned)(chance(w) * (PAUSE_MAX_MS - PAUSE_MIN_MS));
}

static void
die(struct run *w, int i)
{
	unsigned k;

	w->ret.killed++;
	w->s[i].died = w->now;
	w->s[i].used = BASE_MB;
	w->s[i].active = 0;
	for (k = 0; k < w->setup->connections; k++)
		if (w->r[k].server == i) {
			w->ret.lost++;
			pause_client(w, &w->r[k]);
		}
}

static const struct memory_kind *
draw(struct run *w)
{
	const struct memory_kind *k = w->setup->kind;
	double at = chance(w) * 100;

	while (k < &w->setup->kind[MEMORY_KINDS - 1] && at >= k->percent)
		at -= (k++)->percent;
	return k;
}

static void
turn_away(struct run *w, struct request *r)
{
	struct icmp *m = &w->icmp[(r - w->r) / FROM_EACH];

	while (m->sent > 0 && w->now >= m->at + ICMP_EVERY_MS) {
		m->sent--;
		m->at += ICMP_EVERY_MS;
	}
	if (m->sent == 0)
		m->at = w->now;
	if (m->sent < ICMP_BURST) {
		m->sent++;
		w->ret.turned_away++;
		pause_client(w, r);
	} else {
		r->server = -1;
		r->end = w->now + (SYN_MS << r->tries++);
	}
}

static void
ask(struct run *w, struct request *r)
{
	const struct memory_kind *k = r->tries > 0 ? r->kind : draw(w);
	struct server *s;
	int i;

	r->kind = k;
	i = w->setup->scheduler == MEMORY_RR ||
	    w->setup->scheduler == MEMORY_WRR ? by_turn(w) : by_connections(w);
	if (i < 0) {
		turn_away(w, r);
		return;
	}
	s = &w->s[i];
	if (s->died != 0) {
		w->ret.turned_away++;
		pause_client(w, r);
		return;
	}
	*r = (struct request){ .server = i, .mb = k->mb,
		.end = w->now + k->ms };
	s->active++;
	s->used += k->mb;
	if (s->used > w->setup->limit[i])
		die(w, i);
}

static void
answer(struct run *w, struct request *r)
{
	if (r->server >= 0) {
		w->s[r->server].active--;
		w->s[r->server].used -= r->mb;
		w->ret.rate += w->now >= RAMP_MS;
	}
	ask(w, r);
}

/* ---- what the director is told ---- */

static void
check(struct run *w, int i)
{
	struct server *s = &w->s[i];
	bool was = s->missed < DEAD_CHECKS;

	if (w->now < s->check_at)
		return;
	s->check_at += CHECK_MS;
	s->missed = s->died != 0 ? s->missed + 1 : 0;
	if (was == (s->missed < DEAD_CHECKS))
		return;
	if (w->setup->policy != NULL)
		feed(w, i, (struct weigh_event){ .what = WEIGH_HEALTH,
			.value = was ? HEALTH_DOWN : HEALTH_UP });
	if (was || w->setup->policy == NULL)
		s->weight = was ? 0 : (int32_t)w->setup->weight[i];
}

static void
look(struct run *w, int i)
{
	struct server *s = &w->s[i];
	double part = s->used / w->setup->limit[i];

	if (w->now < s->agent_at)
		return;
	s->agent_at += AGENT_MS;
	s->overloaded = part >= w->setup->out - (s->overloaded ? BACK : 0);
	s->said = part;
	s->said_out = s->overloaded;
	s->heard_at = w->now + DELAY_MS;
}

static void
hear(struct run *w, int i)
{
	struct server *s = &w->s[i];
	struct weigh_event e = { .what = WEIGH_LOAD };

	if (s->heard_at == 0 || w->now < s->heard_at)
		return;
	s->heard_at = 0;
	e.load.scale = WEIGH_PERCENT;
	e.load.has[LOAD_MEMORY] = true;
	e.load.metric[LOAD_MEMORY] =
	    (uint16_t)(s->said < 1 ? s->said * LOAD_FULL : LOAD_FULL);
	e.load.overloaded = s->said_out;
	feed(w, i, e);
}

static void
turn(struct run *w)
{
	struct server *s;
	int i;

	for (i = 0; i < MEMORY_SERVERS; i++) {
		s = &w->s[i];
		if (s->died != 0 && w->now - s->died >= RESTART_MS)
			s->died = 0;
		check(w, i);
		if (1 - s->used / w->setup->limit[i] < w->ret.least)
			w->ret.least = 1 - s->used / w->setup->limit[i];
		if (w->setup->policy == NULL)
			continue;
		look(w, i);
		hear(w, i);
	}
	if (w->setup->policy != NULL &&
	    w->now % (unsigned)(w->setup->policy->interval / USEC_MS) == 0)
		feed(w, -1, (struct weigh_event){ .what = WEIGH_TICK });
}

static void
begin(struct run *w)
{
	unsigned k;
	int i;

	w->ret.least = 1;
	if (w->setup->policy != NULL)
		weigh_init(&w->weigh, w->setup->policy, on_weight, w);
	for (i = 0; i < MEMORY_SERVERS; i++) {
		w->s[i] = (struct server){ .used = BASE_MB,
			.weight = (int32_t)w->setup->weight[i],
			.check_at = (unsigned)(chance(w) * CHECK_MS),
			.agent_at = (unsigned)(chance(w) * AGENT_MS) };
		if (w->setup->policy != NULL)
			feed(w, i, (struct weigh_event){ .what = WEIGH_SERVER,
				.value = w->setup->weight[i] });
	}
	for (k = 0; k < w->setup->connections; k++)
		w->r[k] = (struct request){ .server = -1,
			.end = RAMP_MS * k / w->setup->connections };
}

struct memory_result
memory_run(const struct memory_setup *setup)
{
	static struct run w;
	unsigned k;

	w = (struct run){ .setup = setup,
		.seed = setup->seed * 0x9e3779b97f4a7c15 + 1 };
	begin(&w);
	for (w.now = 0; w.now < setup->seconds * 1000; w.now++) {
		turn(&w);
		for (k = 0; k < setup->connections; k++)
			if (w.r[k].end <= w.now)
				answer(&w, &w.r[k]);
	}
	if (setup->policy != NULL)
		weigh_done(&w.weigh);
	w.ret.rate /= setup->seconds - RAMP_MS / 1000.0;
	return w.ret;
}
