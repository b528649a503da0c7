/*
 * lvs_fake: ip_vs_ctl as yoke sees it, over a sorted table.
 */
#include "test/fake/lvs_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ha/lvs_op.h"

static int
copy_table(const struct lvs_table *from, struct lvs_table *to)
{
	const struct lvs_service *s;
	struct lvs_service *copy;
	size_t i, k;
	int rc = 0;

	for (i = 0; i < from->n && rc == 0; i++) {
		s = &from->services[i];
		copy = lvs_table_add(to, s);
		if (copy == NULL)
			return -ENOMEM;
		for (k = 0; k < s->n_dests && rc == 0; k++)
			rc = lvs_service_add_dest(copy, &s->dests[k]);
	}
	return rc;
}

static int
fake_read(void *ctx, struct lvs_table *ret)
{
	struct lvs_fake *f = ctx;
	struct lvs_table t = { 0 };
	int rc;

	f->reads++;
	if (f->fail_read != 0 && --f->fail_read == 0)
		return f->fail_rc;
	rc = copy_table(&f->table, &t);
	if (rc < 0)
		lvs_table_done(&t);
	else
		*ret = t;
	return rc;
}

/* Whole in the second call, so that callers meet a 1. */
/* In two pieces, so that there is an in-between. */
static int
fake_read_more(void *ctx, struct lvs_table *t, size_t *at, size_t max)
{
	(void)max;
	if ((*at)++ == 0)
		return 1;
	return fake_read(ctx, t);
}

static int
fake_read_one(void *ctx, const struct lvs_key *k, struct lvs_table *ret)
{
	struct lvs_fake *f = ctx;
	struct lvs_table one = { 0 };
	struct lvs_service *s = lvs_table_find(&f->table, k);

	f->reads++;
	if (f->fail_read != 0 && --f->fail_read == 0)
		return f->fail_rc;
	if (s == NULL)
		return -ERR_NO_SERVICE;
	one.services = s;
	one.n = 1;
	return copy_table(&one, ret);
}

static int
check_service(const struct lvs_service *s)
{
	if (strcmp(s->scheduler, "none") == 0 || s->scheduler[0] == '\0')
		return -ENOENT;
	if (addr_len(&s->key.addr) == 0)
		return -EAFNOSUPPORT;
	return s->prefix > addr_bits(&s->key.addr) ? -EINVAL : 0;
}

static void
set_service(struct lvs_service *to, const struct lvs_service *from)
{
	struct lvs_service was = *to;

	*to = *from;
	to->dests = was.dests;
	to->n_dests = was.n_dests;
	to->cap_dests = was.cap_dests;
	to->stats = was.stats;
	to->flags |= LVS_HASHED;
	if (to->prefix == 0)
		to->prefix = (uint8_t)addr_bits(&to->key.addr);
}

static int
service_add(struct lvs_fake *f, const struct lvs_service *s)
{
	struct lvs_service *to;
	int rc = check_service(s);

	if (lvs_table_find(&f->table, &s->key) != NULL)
		return -EEXIST;
	if (rc < 0)
		return rc;
	to = lvs_table_add(&f->table, s);
	if (to == NULL)
		return -ENOMEM;
	set_service(to, s);
	return lvs_table_sort(&f->table);
}

static int
service_set(struct lvs_fake *f, const struct lvs_service *s)
{
	struct lvs_service *to = lvs_table_find(&f->table, &s->key);
	int rc = check_service(s);

	if (to == NULL)
		return -ESRCH;
	if (rc == 0)
		set_service(to, s);
	return rc;
}

static int
service_del(struct lvs_fake *f, const struct lvs_key *k)
{
	struct lvs_service *s = lvs_table_find(&f->table, k);
	size_t i;

	if (s == NULL)
		return -ESRCH;
	i = (size_t)(s - f->table.services);
	free(s->dests);
	f->table.n--;
	memmove(s, s + 1, (f->table.n - i) * sizeof(*s));
	return 0;
}

static int
check_dest(const struct lvs_service *s, const struct lvs_dest *d)
{
	if (d->weight < 0 || d->lower > d->upper)
		return -ERANGE;
	if (addr_len(&d->addr) == 0)
		return -EAFNOSUPPORT;
	if (d->addr.family != s->key.addr.family && d->method != LVS_TUN)
		return -EINVAL;
	return 0;
}

static int
cmp_dests(const void *a, const void *b)
{
	return lvs_dest_cmp(a, b);
}

static int
dest_add(struct lvs_service *s, const struct lvs_dest *d)
{
	int rc = check_dest(s, d);

	if (lvs_service_find(s, &d->addr, d->port) != NULL)
		return -EEXIST;
	if (rc == 0)
		rc = lvs_service_add_dest(s, d);
	if (rc == 0)
		qsort(s->dests, s->n_dests, sizeof(*d), cmp_dests);
	return rc;
}

static int
dest_set(
    struct lvs_dest *to, const struct lvs_service *s, const struct lvs_dest *d)
{
	struct lvs_dest was;
	int rc = check_dest(s, d);

	if (to == NULL)
		return -ENOENT;
	if (rc < 0)
		return rc;
	was = *to;
	*to = *d;
	to->active = was.active;
	to->inactive = was.inactive;
	to->persistent = was.persistent;
	to->stats = was.stats;
	return 0;
}

static int
dest_del(struct lvs_service *s, struct lvs_dest *d)
{
	if (d == NULL)
		return -ENOENT;
	s->n_dests--;
	memmove(d, d + 1, (s->n_dests - (size_t)(d - s->dests)) * sizeof(*d));
	return 0;
}

int
lvs_fake_kernel(struct lvs_fake *f, enum lvs_verb verb, const struct lvs_op *op)
{
	struct lvs_service *s = lvs_table_find(&f->table, &op->service->key);
	struct lvs_dest *d = NULL;

	if (verb == LVS_ADD_SERVICE)
		return service_add(f, op->service);
	if (verb == LVS_SET_SERVICE)
		return service_set(f, op->service);
	if (verb == LVS_DEL_SERVICE)
		return service_del(f, &op->service->key);
	if (s == NULL)
		return -ESRCH;
	d = lvs_service_find(s, &op->dest->addr, op->dest->port);
	if (verb == LVS_ADD_DEST)
		return dest_add(s, op->dest);
	return verb == LVS_SET_DEST ? dest_set(d, s, op->dest) : dest_del(s, d);
}

static int
fake_op(struct lvs_fake *f, const struct lvs_op *op)
{
	enum lvs_verb verb = op->verb, instead;
	int rc;

	f->ops++;
	if (f->fail_op != 0 && --f->fail_op == 0)
		return f->fail_rc;
	rc = lvs_fake_kernel(f, verb, op);
	instead = lvs_op_instead(verb, rc);
	if (instead != LVS__VERBS) {
		verb = instead;
		rc = lvs_fake_kernel(f, verb, op);
	}
	f->changes += rc == 0;
	return lvs_op_ok(verb, rc) ? 0 : rc;
}

static int
fake_apply(
    void *ctx, const struct lvs_op *ops, size_t n, lvs_fail_fn fail, void *arg)
{
	struct lvs_fake *f = ctx;
	char text[LVS_OP_TEXT_MAX];
	int rc, first = 0;
	size_t i;

	f->applies++;
	for (i = 0; i < n; i++) {
		rc = fake_op(f, &ops[i]);
		if (rc == 0)
			continue;
		if (first == 0)
			first = rc;
		if (fail != NULL)
			fail(arg, i, rc,
			    lvs_op_format(&ops[i], rc, text, sizeof(text)));
	}
	return first;
}

static int
fake_sync_start(void *ctx, const struct lvs_sync *s)
{
	struct lvs_fake *f = ctx;

	if (s->role != LVS_MASTER && s->role != LVS_BACKUP)
		return -EINVAL;
	if (s->ifname[0] == '\0')
		return -ENODEV;
	f->sync[s->role - 1] = *s;
	return 0;
}

static int
fake_sync_stop(void *ctx, enum lvs_role role)
{
	struct lvs_fake *f = ctx;

	if (role != LVS_MASTER && role != LVS_BACKUP)
		return -EINVAL;
	f->sync[role - 1] = (struct lvs_sync){ 0 };
	return 0;
}

static int
fake_sync_read(void *ctx, struct lvs_sync ret[2])
{
	struct lvs_fake *f = ctx;
	int i, n = 0;

	for (i = 0; i < 2; i++)
		if (f->sync[i].role != 0)
			ret[n++] = f->sync[i];
	return n;
}

void
lvs_fake_done(struct lvs_fake *f)
{
	lvs_table_done(&f->table);
	*f = (struct lvs_fake){ 0 };
}

const struct lvs_ops lvs_fake_ops = {
	.read = fake_read,
	.read_more = fake_read_more,
	.read_one = fake_read_one,
	.apply = fake_apply,
	.sync_start = fake_sync_start,
	.sync_stop = fake_sync_stop,
	.sync_read = fake_sync_read,
};
