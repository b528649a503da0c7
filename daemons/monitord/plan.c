/*
 * plan: from a configuration to the probes it takes.
 *
 * Uses are sorted by what they ask; equal neighbours share a probe. The old
 * plan's probes have the same order, so one merge finds those that stay.
 * Nothing of the old plan changes before all memory is there.
 */
#include "daemons/monitord/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SNMP_AGENT_PORT 161

#define CMP(a, b) \
	do { \
		if ((a) != (b)) \
			return (a) < (b) ? -1 : 1; \
	} while (0)

/* Texts that a check has; those that its type ignores are empty. */
static int
texts_cmp(const struct conf_check *a, const struct conf_check *b)
{
	static const size_t at[] = {
#define TEXT(field) offsetof(struct conf_check, field)
		TEXT(path), TEXT(host), TEXT(body), TEXT(method), TEXT(header),
		TEXT(send), TEXT(server_name), TEXT(ca_file),
		TEXT(certificate), TEXT(private_key), TEXT(token_file),
		TEXT(command), TEXT(name_asked), TEXT(scheme),
		TEXT(credentials), TEXT(oid), TEXT(expect),
#undef TEXT
	};
	size_t i;
	int d = 0;

	for (i = 0; d == 0 && i < sizeof(at) / sizeof(*at); i++)
		d = strcmp((const char *)a + at[i], (const char *)b + at[i]);
	return d;
}

/* All but the name, which is for people; what tcp ignores does not count. */
static int
check_cmp(const struct conf_check *a, const struct conf_check *b)
{
	CMP(a->type, b->type);
	CMP(a->interval, b->interval);
	CMP(a->timeout, b->timeout);
	CMP(a->rise, b->rise);
	CMP(a->fall, b->fall);
	if (a->type == CHECK_TCP)
		return 0;
	CMP(a->status, b->status);
	CMP(a->verify, b->verify);
	return texts_cmp(a, b);
}

static int
ask_cmp(const struct check_target *a, const struct check_target *b)
{
	int d = addr_cmp(&a->addr, &b->addr);

	if (d != 0)
		return d;
	CMP(a->port, b->port);
	CMP(a->mark, b->mark);
	d = a->mark != 0 ? addr_cmp(&a->server, &b->server) : 0;
	if (d != 0)
		return d;
	return check_cmp(a->check, b->check);
}

static int
use_cmp(const void *a, const void *b)
{
	const struct use *x = *(struct use *const *)a;
	const struct use *y = *(struct use *const *)b;

	return ask_cmp(&x->ask, &y->ask);
}

static int
target_cmp(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int d = strcmp(x->service, y->service);

	return d != 0 ? d : strcmp(x->server, y->server);
}

struct target *
plan_target(const struct plan *p, const char *service, const char *server)
{
	struct target key = { .service = service, .server = server };

	if (p->n_targets == 0)
		return NULL;
	return bsearch(
	    &key, p->targets, p->n_targets, sizeof(key), target_cmp);
}

static void
count(const struct conf *c, struct plan *p)
{
	const struct conf_service *s;
	size_t i;

	for (i = 0; i < c->n_services; i++) {
		s = &c->services[i];
		p->n_targets += s->n_servers;
		p->n_uses += s->n_servers * s->n_checks;
	}
}

static int
alloc(struct plan *p)
{
	p->targets = calloc(p->n_targets + 1, sizeof(*p->targets));
	p->uses = calloc(p->n_uses + 1, sizeof(*p->uses));
	p->by_probe = calloc(p->n_uses + 1, sizeof(*p->by_probe));
	p->probes = calloc(p->n_uses + 1, sizeof(*p->probes));
	return p->targets != NULL && p->uses != NULL && p->by_probe != NULL &&
	        p->probes != NULL ? 0 : -ENOMEM;
}

/* Is check i the one whose time counts? */
static bool
measures(const struct conf_service *s, size_t i)
{
	const struct policy *p = &s->policy;

	size_t first = 0;

	if (!p->given)
		return false;
	while (first < s->n_checks &&
	       conf_check_is_agent(s->checks[first].type))
		first++; /* its time says nothing of the server's work */
	return p->check[0] != '\0' ? strcmp(p->check, s->checks[i].name) == 0
	                           : i == first;
}

static uint16_t
check_port(const struct conf_check *c, const struct server_def *d)
{
	if (c->port != 0)
		return c->port;
	return conf_check_is_snmp(c->type) ? SNMP_AGENT_PORT : d->port;
}

struct way { /* of a service's checks that go through its vip */
	const struct probe_paths *paths;
	const struct conf_vip *vip; /* NULL: there are none */
};

/* The vip that checks of the service go through; NULL: they don't. */
static const struct conf_vip *
vip_of(const struct conf *c, const struct conf_service *s)
{
	size_t i;

	for (i = 0; probe_path_needed(s) && i < c->n_vips; i++)
		if (addr_cmp(&c->vips[i].addr, &s->def.addr) == 0)
			return &c->vips[i];
	return NULL;
}

/* Where a question goes. */
static void
aim(const struct way *w, const struct server_def *d, struct check_target *t)
{
	t->addr = d->addr;
	t->port = check_port(t->check, d);
	if (t->check->through != THROUGH_VIP || w->vip == NULL)
		return;
	t->server = d->addr;
	t->addr = w->vip->addr;
	t->mark = probe_paths_mark(w->paths, d);
	t->vip = w->vip;
}

/* The target's uses follow one another from u on; returns the next free. */
static struct use *
fill_target(const struct way *w, struct target *t,
    const struct conf_service *s, const struct server_def *d, struct use *u)
{
	size_t i;

	t->service = s->def.name;
	t->server = d->name;
	t->uses = u;
	t->n_uses = s->n_checks;
	t->effect = 100;
	for (i = 0; i < s->n_checks; i++, u++) {
		u->ask.check = &s->checks[i];
		aim(w, d, &u->ask);
		u->measures = measures(s, i);
	}
	return u;
}

static void
fill(const struct conf *c, struct plan *p)
{
	const struct conf_service *s;
	struct target *t = p->targets;
	struct use *u = p->uses;
	struct way w = { .paths = &c->probe_paths };
	size_t i, k;

	for (i = 0; i < c->n_services; i++) {
		s = &c->services[i];
		w.vip = vip_of(c, s);
		for (k = 0; k < s->n_servers; k++)
			u = fill_target(&w, t++, s, &s->servers[k], u);
	}
	qsort(p->targets, p->n_targets, sizeof(*p->targets), target_cmp);
	for (i = 0; i < p->n_targets; i++)
		for (k = 0; k < p->targets[i].n_uses; k++)
			p->targets[i].uses[k].target = &p->targets[i];
	for (i = 0; i < p->n_uses; i++)
		p->by_probe[i] = &p->uses[i];
	qsort(p->by_probe, p->n_uses, sizeof(*p->by_probe), use_cmp);
}

/* The old plan's probe that asks the same, or a new one. *at is how far old is
 * merged. */
static struct probe *
probe_for(struct prober *b, const struct check_target *ask,
    const struct plan *old, size_t *at)
{
	while (*at < old->n_probes &&
	       ask_cmp(&old->probes[*at]->target, ask) < 0)
		(*at)++;
	if (*at < old->n_probes &&
	    ask_cmp(&old->probes[*at]->target, ask) == 0) {
		old->probes[*at]->kept = true;
		return old->probes[*at];
	}
	return probe_new(b, ask);
}

static int
assign(struct prober *b, const struct plan *old, struct plan *p)
{
	size_t i, at = 0;
	struct probe *probe = NULL;

	for (i = 0; i < p->n_uses; i++) {
		if (i == 0 || use_cmp(&p->by_probe[i - 1], &p->by_probe[i])) {
			probe = probe_for(b, &p->by_probe[i]->ask, old, &at);
			if (probe == NULL)
				return -ENOMEM;
			p->probes[p->n_probes++] = probe;
		}
		p->by_probe[i]->probe = probe;
	}
	return 0;
}

/* From here on the probes belong to p and its configuration. */
static void
commit(struct plan *old, struct plan *p)
{
	const struct target *was;
	struct probe *probe;
	size_t i;

	for (i = 0; i < old->n_probes; i++)
		if (!old->probes[i]->kept)
			probe_free(old->probes[i]);
	for (i = 0; i < p->n_probes; i++) {
		p->probes[i]->kept = false;
		p->probes[i]->n_uses = 0;
	}
	for (i = 0; i < p->n_uses; i++) {
		probe = p->by_probe[i]->probe;
		if (probe->n_uses++ == 0) {
			probe->uses = &p->by_probe[i];
			probe->target.check = p->by_probe[i]->ask.check;
			probe->target.vip = p->by_probe[i]->ask.vip;
		}
	}
	for (i = 0; i < p->n_targets; i++) {
		was = plan_target(
		    old, p->targets[i].service, p->targets[i].server);
		if (was != NULL) {
			p->targets[i].health = was->health;
			p->targets[i].told = was->told;
			p->targets[i].effect = was->effect;
		}
	}
	old->n_probes = 0;
	plan_done(old);
}

/* Old's probes stay old's. */
static void
give_up(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n_probes; i++) {
		if (!p->probes[i]->kept)
			probe_free(p->probes[i]);
		else
			p->probes[i]->kept = false;
	}
	p->n_probes = 0;
	plan_done(p);
}

int
plan_make(struct prober *b, const struct conf *c, struct plan *old,
    struct plan *ret)
{
	struct plan p = { 0 };
	int rc;

	count(c, &p);
	rc = alloc(&p);
	if (rc == 0) {
		fill(c, &p);
		rc = assign(b, old, &p);
	}
	if (rc < 0) {
		give_up(&p);
		return rc;
	}
	commit(old, &p);
	*ret = p;
	return 0;
}

void
plan_done(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n_probes; i++)
		probe_free(p->probes[i]);
	free(p->targets);
	free(p->uses);
	free(p->by_probe);
	free(p->probes);
	*p = (struct plan){ 0 };
}
