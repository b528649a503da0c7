/*
 * history: records of changes of role, their bytes, and the newest of them.
 */
#include "ha/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define HISTORY_VERSION 1

static void
set_word(char dst[HISTORY_WORD], const char *src)
{
	(void)snprintf(dst, HISTORY_WORD, "%s", src);
}

void
history_record_of(
    const struct transition *t, uint32_t node, struct history_record *ret)
{
	unsigned i;

	*ret = (struct history_record){ .epoch = t->epoch,
		.at = t->at_real,
		.node = node,
		.silence = t->silence };
	set_word(ret->from, role_name(t->from));
	set_word(ret->to, role_name(t->to));
	set_word(ret->event, role_event_name(t->event));
	set_word(ret->why, why_name(t->why));
	for (i = 0; i < t->n_steps && i < STEPS_MAX; i++) {
		set_word(ret->steps[i].name, t->steps[i].name);
		ret->steps[i].took = t->steps[i].took;
	}
	ret->n_steps = (uint8_t)i;
}

void
history_record_pack(struct buf *b, const struct history_record *r)
{
	unsigned i;

	put_u8(b, HISTORY_VERSION);
	put_u64(b, r->epoch);
	put_u64(b, r->at);
	put_u32(b, r->node);
	put_str(b, r->from);
	put_str(b, r->to);
	put_str(b, r->event);
	put_str(b, r->why);
	put_u64(b, r->silence);
	put_u8(b, r->n_steps);
	for (i = 0; i < r->n_steps; i++) {
		put_str(b, r->steps[i].name);
		put_u64(b, r->steps[i].took);
	}
}

int
history_record_unpack(struct buf *b, struct history_record *ret)
{
	struct history_record r;
	unsigned i;

	memset(&r, 0, sizeof(r));
	if (get_u8(b) != HISTORY_VERSION)
		return -EBADMSG;
	r.epoch = get_u64(b);
	r.at = get_u64(b);
	r.node = get_u32(b);
	get_str(b, r.from, sizeof(r.from));
	get_str(b, r.to, sizeof(r.to));
	get_str(b, r.event, sizeof(r.event));
	get_str(b, r.why, sizeof(r.why));
	r.silence = get_u64(b);
	r.n_steps = get_u8(b);
	if (r.n_steps > STEPS_MAX)
		return -EBADMSG;
	for (i = 0; i < r.n_steps; i++) {
		get_str(b, r.steps[i].name, sizeof(r.steps[i].name));
		r.steps[i].took = get_u64(b);
	}
	/* SQLite's integers have a sign */
	if (b->bad || buf_left(b) != 0 || r.epoch > INT64_MAX ||
	    r.at > INT64_MAX || r.silence > INT64_MAX)
		return -EBADMSG;
	*ret = r;
	return 0;
}

bool
history_is_failure(const struct history_record *r)
{
	static const enum why whys[] = { WHY_SILENCE, WHY_PROCESS_DIED };
	size_t i;

	if (strcmp(r->event, role_event_name(EV_TAKE)) != 0)
		return false;
	for (i = 0; i < ARRAY_LEN(whys); i++)
		if (strcmp(r->why, why_name(whys[i])) == 0)
			return true;
	return false;
}

static int
compare(const struct history_record *a, const struct history_record *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return strcmp(a->to, b->to);
}

bool
history_add(struct history *h, const struct history_record *r)
{
	size_t i = h->n;

	while (i > 0 && compare(r, &h->v[i - 1]) < 0)
		i--;
	if (i > 0 && compare(r, &h->v[i - 1]) == 0)
		return false;
	if (h->n == HISTORY_KEPT) {
		if (i == 0)
			return false;
		memmove(&h->v[0], &h->v[1], --i * sizeof(*r));
		h->v[i] = *r;
		return true;
	}
	memmove(&h->v[i + 1], &h->v[i], (h->n - i) * sizeof(*r));
	h->v[i] = *r;
	h->n++;
	return true;
}

unsigned
history_failures(const struct history *h, usec_t now, usec_t *ret_watched)
{
	usec_t first = now;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		n += history_is_failure(&h->v[i]);
		if (h->v[i].at < first)
			first = h->v[i].at;
	}
	*ret_watched = now - first;
	return n;
}
