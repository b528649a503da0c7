/*
 * ipvs_pass: one pass over the kernel's table: read, diff, apply; the whole of
 * it in steps of about a millisecond, or one service at once. What changes of
 * ours while a pass goes on is looked at again after it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "ha/ipvs.h"

#define READ_STEP 16 /* services, 50 us each */
#define APPLY_STEP 128 /* operations, 10 us each */

static void
on_fail(void *arg, size_t index, int rc, const char *text)
{
	struct ipvs *i = arg;

	(void)index;
	(void)rc;
	if (i->error[0] == '\0')
		(void)snprintf(i->error, sizeof(i->error), "%s", text);
}

/* Without one of their services no probe knows its way. */
static void
on_fail_whole(void *arg, size_t index, int rc, const char *text)
{
	struct ipvs *i = arg;
	const struct ipvs_pass *p = &i->pass;

	if (probe_mark_ours(
		i->conf, p->plan.ops[p->at + index].service->key.fwmark))
		i->pass.paths = 0;
	on_fail(arg, index, rc, text);
}

/* Services that our table dropped are ours until the kernel dropped them. */
static void
disown(struct ipvs *i, const struct lvs_table *want)
{
	size_t k;

	for (k = i->owned.n; k-- > 0;)
		if (lvs_table_find(want, &i->owned.keys[k]) == NULL)
			lvs_owned_del(&i->owned, &i->owned.keys[k]);
}

void
ipvs_pass_begin(struct ipvs_pass *p, bool asked)
{
	*p = (struct ipvs_pass){ .under_way = true, .asked = asked };
}

void
ipvs_pass_end(struct ipvs_pass *p)
{
	lvs_plan_done(&p->plan);
	lvs_table_done(&p->want);
	lvs_table_done(&p->have);
	p->under_way = false;
}

/* What to do, now that all is read. */
static int
plan(struct ipvs *i)
{
	struct ipvs_pass *p = &i->pass;
	int rc;

	rc = ipvs_want(i->table, &p->want);
	if (rc == 0 && i->conf->probe_paths.n > 0) {
		rc = ipvs_want_probes(i->conf, &p->want);
		if (rc == 0)
			rc = lvs_table_sort(&p->want);
	}
	if (rc == 0)
		rc = lvs_owned_add_table(&i->owned, &p->want);
	if (rc == 0)
		rc = ipvs_own_probes(i, &p->have);
	p->paths = i->conf->probe_paths.id;
	if (rc == 0)
		rc = lvs_plan_make(&p->want, &p->have, &i->owned, &p->plan);
	if (rc == 0 && !p->asked && i->reconciled && i->n_dirty == 0 &&
	    !i->all_dirty)
		i->repairs += p->plan.n;
	p->planned = true;
	return rc;
}

static int
apply(struct ipvs *i)
{
	struct ipvs_pass *p = &i->pass;
	size_t n = p->plan.n - p->at;
	int rc = 0;

	if (n > APPLY_STEP)
		n = APPLY_STEP;
	if (n > 0)
		rc = i->ops->apply(
		    i->ctx, p->plan.ops + p->at, n, on_fail_whole, i);
	p->at += n;
	i->applied += n;
	if (rc < 0 && p->rc == 0)
		p->rc = rc; /* the others are tried all the same */
	if (p->at < p->plan.n)
		return 1;
	i->paths = p->paths;
	if (p->rc == 0)
		disown(i, &p->want);
	lvs_table_done(&i->have);
	i->have = p->have;
	p->have = (struct lvs_table){ 0 };
	return p->rc;
}

int
ipvs_pass_step(struct ipvs *i)
{
	struct ipvs_pass *p = &i->pass;
	usec_t start = loop_now(i->loop);
	int rc;

	if (p->planned) {
		rc = apply(i);
	} else {
		rc = i->ops->read_more(i->ctx, &p->have, &p->at, READ_STEP);
		i->drives = rc >= 0;
		if (rc == 0) {
			p->at = 0;
			rc = plan(i);
			if (rc == 0)
				rc = 1;
		}
	}
	p->cost += loop_now(i->loop) - start;
	return rc;
}

int
ipvs_pass_one(struct ipvs *i, const char *service)
{
	const struct service *s = table_service(i->table, service);
	struct lvs_table want = { 0 }, have = { 0 };
	struct lvs_plan todo = { 0 };
	int rc;

	if (s == NULL)
		return 0; /* its end is a matter for the whole */
	rc = ipvs_want_service(s, &want);
	if (rc == 0)
		rc = lvs_table_sort(&want);
	if (rc == 0) {
		rc = i->ops->read_one(i->ctx, &want.services[0].key, &have);
		rc = rc == -ERR_NO_SERVICE ? 0 : rc;
		i->drives = rc == 0;
	}
	if (rc == 0)
		rc = lvs_owned_add_table(&i->owned, &want);
	if (rc == 0)
		rc = lvs_plan_make(&want, &have, &i->owned, &todo);
	if (rc == 0 && todo.n > 0) {
		rc = i->ops->apply(i->ctx, todo.ops, todo.n, on_fail, i);
		i->applied += todo.n;
	}
	lvs_plan_done(&todo);
	lvs_table_done(&have);
	lvs_table_done(&want);
	return rc;
}
