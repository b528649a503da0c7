/*
 * lvs_diff: reconcile, don't command. A sorted merge of the wanted table with
 * the kernel's, services first and inside them servers, that emits only the
 * difference. ha/lvs.h carries the operations out.
 */
#include "ha/lvs_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	lvs_emit_fn emit;
	void *arg;
};

static void
emit(const struct walk *w, enum lvs_verb verb, const struct lvs_service *s,
    const struct lvs_dest *d)
{
	const struct lvs_op op = { .verb = verb, .service = s, .dest = d };

	w->emit(w->arg, &op);
}

static unsigned
service_prefix(const struct lvs_service *s)
{
	return s->prefix != 0 ? s->prefix : addr_bits(&s->key.addr);
}

bool
lvs_service_same(const struct lvs_service *a, const struct lvs_service *b)
{
	return strcmp(a->scheduler, b->scheduler) == 0 &&
	       strcmp(a->pe, b->pe) == 0 &&
	       ((a->flags ^ b->flags) & LVS_FLAGS_SETTABLE) == 0 &&
	       a->timeout_s == b->timeout_s &&
	       service_prefix(a) == service_prefix(b);
}

bool
lvs_dest_same(const struct lvs_dest *a, const struct lvs_dest *b)
{
	return a->method == b->method && a->weight == b->weight &&
	       a->upper == b->upper && a->lower == b->lower &&
	       (a->method != LVS_TUN ||
		   (a->tun == b->tun && a->tun_port == b->tun_port &&
		       a->tun_flags == b->tun_flags));
}

/* What to add or set; with `gone`, what to delete instead. */
static void
diff_dests(const struct walk *w, const struct lvs_service *want,
    const struct lvs_service *have, bool gone)
{
	size_t i = 0, j = 0;
	int c;

	while (i < want->n_dests || j < have->n_dests) {
		if (i == want->n_dests)
			c = 1;
		else if (j == have->n_dests)
			c = -1;
		else
			c = lvs_dest_cmp(&want->dests[i], &have->dests[j]);
		if (c < 0 && !gone)
			emit(w, LVS_ADD_DEST, want, &want->dests[i]);
		if (c > 0 && gone)
			emit(w, LVS_DEL_DEST, want, &have->dests[j]);
		if (c == 0 && !gone &&
		    !lvs_dest_same(&want->dests[i], &have->dests[j]))
			emit(w, LVS_SET_DEST, want, &want->dests[i]);
		i += c <= 0;
		j += c >= 0;
	}
}

static void
diff_service(const struct walk *w, const struct lvs_service *want,
    const struct lvs_service *have)
{
	const struct lvs_service none = { 0 };

	if (have == NULL)
		emit(w, LVS_ADD_SERVICE, want, NULL);
	else if (!lvs_service_same(want, have))
		emit(w, LVS_SET_SERVICE, want, NULL);
	diff_dests(w, want, have != NULL ? have : &none, false);
	if (have != NULL)
		diff_dests(w, want, have, true);
}

void
lvs_diff(const struct lvs_table *want, const struct lvs_table *have,
    const struct lvs_owned *owned, lvs_emit_fn emit_fn, void *arg)
{
	const struct walk w = { .emit = emit_fn, .arg = arg };
	const struct lvs_service *s, *h;
	size_t i, k = 0;
	int c = -1;

	for (i = 0; i < want->n; i++) {
		s = &want->services[i];
		for (; k < have->n; k++) {
			c = lvs_key_cmp(&have->services[k].key, &s->key);
			if (c >= 0)
				break;
		}
		h = k < have->n && c == 0 ? &have->services[k] : NULL;
		diff_service(&w, s, h);
	}
	for (k = 0; k < have->n; k++) {
		h = &have->services[k];
		if (lvs_owned_has(owned, &h->key) &&
		    lvs_table_find(want, &h->key) == NULL)
			emit(&w, LVS_DEL_SERVICE, h, NULL);
	}
}

struct maker {
	struct lvs_plan plan;
	size_t cap;
	bool failed;
};

static void
on_op(void *arg, const struct lvs_op *op)
{
	struct maker *m = arg;
	size_t cap = m->cap == 0 ? 64 : m->cap * 2;
	struct lvs_op *ops;

	if (m->plan.n == m->cap && !m->failed) {
		ops = reallocarray(m->plan.ops, cap, sizeof(*ops));
		m->failed = ops == NULL;
		if (ops != NULL) {
			m->plan.ops = ops;
			m->cap = cap;
		}
	}
	if (!m->failed)
		m->plan.ops[m->plan.n++] = *op;
}

int
lvs_plan_make(const struct lvs_table *want, const struct lvs_table *have,
    const struct lvs_owned *owned, struct lvs_plan *ret)
{
	struct maker m = { 0 };

	lvs_diff(want, have, owned, on_op, &m);
	if (m.failed) {
		lvs_plan_done(&m.plan);
		return -ENOMEM;
	}
	*ret = m.plan;
	return 0;
}

void
lvs_plan_done(struct lvs_plan *p)
{
	free(p->ops);
	*p = (struct lvs_plan){ 0 };
}

/* The place of k, or where it belongs. */
static size_t
owned_find(const struct lvs_owned *o, const struct lvs_key *k)
{
	size_t low = 0, high = o->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (lvs_key_cmp(&o->keys[mid], k) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
lvs_owned_has(const struct lvs_owned *o, const struct lvs_key *k)
{
	size_t i = owned_find(o, k);

	return i < o->n && lvs_key_cmp(&o->keys[i], k) == 0;
}

int
lvs_owned_add(struct lvs_owned *o, const struct lvs_key *k)
{
	size_t i = owned_find(o, k), cap = o->cap == 0 ? 16 : o->cap * 2;
	struct lvs_key *keys;

	if (i < o->n && lvs_key_cmp(&o->keys[i], k) == 0)
		return 0;
	if (o->n == o->cap) {
		keys = reallocarray(o->keys, cap, sizeof(*keys));
		if (keys == NULL)
			return -ENOMEM;
		o->keys = keys;
		o->cap = cap;
	}
	memmove(&o->keys[i + 1], &o->keys[i], (o->n - i) * sizeof(*o->keys));
	o->keys[i] = *k;
	o->n++;
	return 0;
}

int
lvs_owned_add_table(struct lvs_owned *o, const struct lvs_table *t)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < t->n && rc == 0; i++)
		rc = lvs_owned_add(o, &t->services[i].key);
	return rc;
}

void
lvs_owned_del(struct lvs_owned *o, const struct lvs_key *k)
{
	size_t i = owned_find(o, k);

	if (!lvs_owned_has(o, k))
		return;
	o->n--;
	memmove(&o->keys[i], &o->keys[i + 1], (o->n - i) * sizeof(*o->keys));
}

void
lvs_owned_done(struct lvs_owned *o)
{
	free(o->keys);
	*o = (struct lvs_owned){ 0 };
}
