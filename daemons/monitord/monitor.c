/*
 * monitor: joins the results of probes to the health of servers.
 *
 * A server is up if all its checks are, down if one is, and is not spoken about
 * while that is unknown. `told` is what yoked was told or said; whenever our
 * view differs from it, that goes out.
 */
#include "daemons/monitord/monitor.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/monitord/plan.h"
#include "daemons/monitord/weigher.h"

#define NAME_IN_CAUSE 24

struct monitor {
	struct loop *loop;
	const struct monitor_ops *ops;
	void *arg;
	struct prober *prober;
	struct plan plan;
	struct weigher *weigher;
	uint64_t paths_want, paths_have; /* probe_paths.id */
	bool paths_told; /* what we have, by a yoked that is there */
	bool on;
};

/* "http alive: 500, expected 200"; a name that repeats the type is left out.
 * Control characters would make the message invalid. */
static void
format_cause(const struct use *u, char *buf, size_t len)
{
	const char *type = probe_type(u->probe), *name = u->ask.check->name;
	const char *detail = u->probe->detail;
	char *c;

	if (detail[0] == '\0')
		detail = health_name(u->probe->health);
	if (strcmp(type, name) == 0)
		(void)snprintf(buf, len, "%s: %s", type, detail);
	else
		(void)snprintf(buf, len, "%s %.*s: %s", type, NAME_IN_CAUSE,
		    name, detail);
	for (c = buf; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

/* Its checks together; *ret_why is the one that keeps it down, if any. */
static enum health
checks_health(const struct target *t, const struct use **ret_why)
{
	enum health h = HEALTH_UP;
	size_t i;

	for (i = 0; i < t->n_uses; i++) {
		if (t->uses[i].ask.check->effect > 0 ||
		    conf_check_is_agent(t->uses[i].ask.check->type))
			continue; /* matters to its weight only */
		if (t->uses[i].probe->health == HEALTH_DOWN) {
			*ret_why = &t->uses[i];
			return HEALTH_DOWN;
		}
		if (t->uses[i].probe->health == HEALTH_UNKNOWN)
			h = HEALTH_UNKNOWN;
	}
	return h;
}

static void
tell(struct monitor *m, struct target *t, const struct use *why)
{
	struct health_msg s = { .health = (uint8_t)t->health };

	(void)snprintf(s.service, sizeof(s.service), "%s", t->service);
	(void)snprintf(s.server, sizeof(s.server), "%s", t->server);
	if (why != NULL)
		format_cause(why, s.cause, sizeof(s.cause));
	else
		(void)snprintf(s.cause, sizeof(s.cause), "no checks");
	if (m->ops->on_health(&s, m->arg) == 0)
		t->told = t->health;
}

static void
weigh_target(struct monitor *m, const struct target *t, enum weigh_what what,
    int64_t value)
{
	struct weigh_event e = { .what = what, .value = value };

	(void)snprintf(e.server, sizeof(e.server), "%s", t->server);
	weigher_event(m->weigher, t->service, &e);
}

/* What the checks that only lower the weight leave of it. */
static void
judge_effect(struct monitor *m, struct target *t)
{
	unsigned effect = WEIGH_PERCENT;
	size_t i;

	for (i = 0; i < t->n_uses; i++)
		if (t->uses[i].ask.check->effect > 0 &&
		    !conf_check_is_agent(t->uses[i].ask.check->type) &&
		    t->uses[i].probe->health == HEALTH_DOWN)
			effect = effect * t->uses[i].ask.check->effect /
			    WEIGH_PERCENT;
	if (effect == t->effect)
		return;
	t->effect = effect;
	weigh_target(m, t, WEIGH_EFFECT, effect);
}

/* The one place where a target's health changes by what we see. last is the
 * use that had a result, NULL: any. */
static void
judge(struct monitor *m, struct target *t, const struct use *last)
{
	const struct use *why = last;
	enum health h = checks_health(t, &why);

	judge_effect(m, t);

	if (why == NULL && t->n_uses > 0)
		why = &t->uses[0];
	if (h == HEALTH_UNKNOWN || (t->n_uses == 0 && t->told != HEALTH_DOWN))
		return;
	if (t->health != h)
		weigh_target(m, t, WEIGH_HEALTH, h);
	t->health = h;
	if (t->told != h)
		tell(m, t, why);
}

static void
judge_all(struct monitor *m)
{
	size_t i;

	for (i = 0; i < m->plan.n_targets; i++)
		judge(m, &m->plan.targets[i], NULL);
}

static void
on_result(struct probe *p, void *arg)
{
	struct monitor *m = arg;
	size_t i;

	for (i = 0; i < p->n_uses; i++)
		judge(m, p->uses[i]->target, p->uses[i]);
}

/* What an agent said, to the policies of all services that the server is in. */
static void
on_agent(struct monitor *m, const struct probe *p)
{
	struct weigh_event e;
	size_t i;

	for (i = 0; i < p->n_uses; i++) {
		e = (struct weigh_event){ .what = WEIGH_LOAD, .load = p->load };
		(void)snprintf(e.server, sizeof(e.server), "%s",
		    p->uses[i]->target->server);
		weigher_event(m->weigher, p->uses[i]->target->service, &e);
	}
}

/* A failure that comes at once is no speed; one that did not come is slow. */
static void
on_answer(struct probe *p, bool good, bool timeout, usec_t took, void *arg)
{
	struct monitor *m = arg;
	size_t i;

	if (conf_check_is_agent(p->target.check->type)) {
		if (good)
			on_agent(m, p);
		return;
	}
	for (i = 0; (good || timeout) && i < p->n_uses; i++)
		if (p->uses[i]->measures)
			weigh_target(m, p->uses[i]->target, WEIGH_TOOK,
			    (int64_t)took);
}

static int
on_weight(const struct weight_msg *w, void *arg)
{
	struct monitor *m = arg;

	return m->ops->on_weight(w, m->arg);
}

static void
on_minute(const struct prober_minute *minute, void *arg)
{
	struct monitor *m = arg;

	m->ops->on_minute(minute, m->arg);
}

static const struct prober_ops prober_ops = { on_result, on_answer,
	on_minute };

int
monitor_new(struct loop *l, unsigned max_running,
    const struct monitor_ops *ops, void *arg, struct monitor **ret)
{
	struct monitor *m = mem_new(struct monitor);
	int rc;

	m->loop = l;
	m->ops = ops;
	m->arg = arg;
	weigher_new(l, on_weight, m, &m->weigher);
	rc = prober_new(l, max_running, &prober_ops, m, &m->prober);
	if (rc < 0) {
		weigher_free(m->weigher);
		free(m);
		return rc;
	}
	*ret = m;
	return 0;
}

void
monitor_free(struct monitor *m)
{
	if (m == NULL)
		return;
	plan_done(&m->plan);
	prober_free(m->prober);
	weigher_free(m->weigher);
	free(m);
}

/* What a probe can be believed to know, from its users: one that is up had
 * this check passed; of one that is down, any check may have failed. */
static enum health
believed(const struct probe *p)
{
	enum health h = HEALTH_UNKNOWN;
	size_t i;

	for (i = 0; i < p->n_uses; i++) {
		if (p->uses[i]->target->health == HEALTH_UP)
			return HEALTH_UP;
		if (p->uses[i]->target->health == HEALTH_DOWN)
			h = HEALTH_DOWN;
	}
	return h;
}

/* Probes that are off go on from what is believed; others are left alone. */
static void
start_all(struct monitor *m)
{
	struct probe *p;
	size_t i;

	for (i = 0; i < m->plan.n_probes; i++) {
		p = m->plan.probes[i];
		if (p->phase != PROBE_OFF)
			continue;
		probe_set_health(p, believed(p));
		probe_start(p);
	}
}

static void
judge_paths(struct monitor *m)
{
	prober_paths(m->prober, !m->paths_told ? PATHS_NOBODYS :
		m->paths_want == m->paths_have ? PATHS_THERE : PATHS_OTHERS);
}

void
monitor_paths(struct monitor *m, uint64_t id)
{
	m->paths_have = id;
	m->paths_told = true;
	judge_paths(m);
}

int
monitor_set_conf(struct monitor *m, const struct conf *c)
{
	struct plan fresh;
	int rc = plan_make(m->prober, c, &m->plan, &fresh);

	if (rc < 0)
		return rc;
	m->plan = fresh;
	m->paths_want = c->probe_paths.id;
	judge_paths(m);
	rc = weigher_set_conf(m->weigher, c);
	if (rc < 0)
		return rc;
	if (m->on) {
		start_all(m);
		judge_all(m);
	}
	return 0;
}

void
monitor_state(struct monitor *m, const struct probe_state *s)
{
	struct target *t = plan_target(&m->plan, s->service, s->server);

	weigher_state(m->weigher, s);
	if (t == NULL)
		return;
	t->told = s->health;
	if (!m->on)
		t->health = s->health;
}

/* Nothing is said before there are results; where none will come, now. */
static void
turn_on(struct monitor *m)
{
	size_t i;

	m->on = true;
	weigher_on(m->weigher, true);
	start_all(m);
	for (i = 0; i < m->plan.n_targets; i++)
		if (m->plan.targets[i].n_uses == 0)
			judge(m, &m->plan.targets[i], NULL);
}

static void
turn_off(struct monitor *m)
{
	size_t i;

	for (i = 0; i < m->plan.n_probes; i++)
		probe_stop(m->plan.probes[i]);
	m->on = false;
	weigher_on(m->weigher, false);
}

void
monitor_on(struct monitor *m, bool on)
{
	if (m->on && !on)
		turn_off(m);
	else if (!m->on && on)
		turn_on(m);
	else if (on)
		judge_all(m);
}

void
monitor_forget(struct monitor *m)
{
	size_t i;

	for (i = 0; i < m->plan.n_targets; i++)
		m->plan.targets[i].told = HEALTH_UNKNOWN;
	m->paths_told = false;
	judge_paths(m);
}

struct monitor_counts
monitor_counts(const struct monitor *m)
{
	struct monitor_counts c = {
		.targets = m->plan.n_targets,
		.uses = m->plan.n_uses,
		.probes = m->plan.n_probes,
		.prober = prober_counts(m->prober),
		.on = m->on,
	};

	return c;
}
