/*
 * store_fake: files as tables in memory, to which changes come late.
 */
#include "test/fake/store_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

struct store_file {
	struct store_file *next;
	uint64_t epoch, snapshot_seq;
	uint32_t node, changes;
	struct table table;
};

struct store_pending {
	struct store_pending *next;
	usec_t at;
	uint64_t epoch;
	struct table *open; /* a file begins, or is written anew */
	struct change c;
};

static struct store_file *
file_of(const struct store_disk *d, uint64_t epoch)
{
	struct store_file *f = d->files;

	while (f != NULL && f->epoch != epoch)
		f = f->next;
	return f;
}

static struct store_file *
file_make(struct store_disk *d, uint64_t epoch, uint32_t node)
{
	struct store_file **p = &d->files, *f = mem_new(struct store_file);

	while (*p != NULL && (*p)->epoch > epoch)
		p = &(*p)->next;
	f->next = *p;
	f->epoch = epoch;
	f->node = node;
	*p = f;
	return f;
}

static void
table_copy(const struct table *from, struct table *to)
{
	uint8_t *bytes;
	size_t len;

	if (table_pack(from, &bytes, &len) < 0 ||
	    table_unpack(bytes, len, to) < 0)
		abort();
	free(bytes);
}

static void
pending_free(struct store_pending *p)
{
	if (p->open != NULL)
		table_done(p->open);
	free(p->open);
	free(p);
}

static void
commit_one(struct store_fake *s, struct store_pending *p)
{
	struct store_file *f = file_of(s->disk, p->epoch);

	if (f == NULL && p->open != NULL)
		f = file_make(s->disk, p->epoch, s->node);
	if (f == NULL || f->node != s->node) {
		s->refused++;
		return;
	}
	if (p->open != NULL) {
		table_done(&f->table);
		table_move(&f->table, p->open);
		f->snapshot_seq = f->table.seq;
		f->changes = 0;
	} else if (table_apply(&f->table, &p->c) == 0) {
		f->changes++;
	} else {
		s->refused++;
	}
}

static void
on_commit(void *arg)
{
	struct store_fake *s = arg;
	struct store_pending *p;

	while ((p = s->pending) != NULL && p->at <= loop_now(s->world)) {
		s->pending = p->next;
		commit_one(s, p);
		pending_free(p);
	}
	if (p != NULL)
		timer_at(&s->commit_at, p->at);
}

static void
pend(struct store_fake *s, struct store_pending *p)
{
	struct store_pending **at = &s->pending;

	p->at = loop_now(s->world) + s->commit;
	p->epoch = s->epoch;
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	if (!timer_armed(&s->commit_at))
		timer_at(&s->commit_at, s->pending->at);
}

static bool
dead(const struct store_fake *s)
{
	return s->absent || s->silent || s->fail_rc != 0;
}

static void
fake_open(void *ctx, const struct table *t)
{
	struct store_fake *s = ctx;
	struct store_file *f = file_of(s->disk, t->epoch);
	struct store_pending *p;

	s->opens++;
	s->epoch = t->epoch;
	s->foreign = f != NULL && f->node != s->node;
	s->refused += s->foreign;
	if (dead(s) || s->foreign)
		return;
	p = mem_new(struct store_pending);
	p->open = mem_new(struct table);
	table_copy(t, p->open);
	pend(s, p);
}

static void
fake_change(void *ctx, const struct change *c)
{
	struct store_fake *s = ctx;
	struct store_pending *p;

	s->changes++;
	if (dead(s) || s->foreign || s->epoch == 0)
		return;
	p = mem_new(struct store_pending);
	p->c = *c;
	pend(s, p);
}

static void
fake_close(void *ctx)
{
	struct store_fake *s = ctx;

	s->epoch = 0;
}

static void
on_answer(void *arg)
{
	struct store_fake *s = arg;
	uint8_t *bytes = s->bytes;

	s->bytes = NULL;
	s->on_found(&s->found, bytes, s->found.bytes, s->arg);
	free(bytes);
}

/* What is there now; it arrives later. */
static void
look(struct store_fake *s)
{
	const struct store_file *f = s->disk->files;
	struct store_found *r = &s->found;
	size_t len;

	if (f != NULL)
		r->highest_epoch = f->epoch;
	if (f != NULL && s->disk->corrupt) {
		(void)snprintf(r->text, sizeof(r->text), "corrupt");
		f = f->next;
	}
	r->rc = s->fail_rc != 0 ? s->fail_rc : f == NULL ? -ENOENT : 0;
	if (r->rc != 0)
		return;
	if (table_pack(&f->table, &s->bytes, &len) < 0)
		abort();
	r->bytes = (uint32_t)len;
	r->epoch = f->table.epoch;
	r->seq = f->table.seq;
	r->snapshot_seq = f->snapshot_seq;
	r->changes = f->changes;
	(void)snprintf(r->file, sizeof(r->file), "checkpoint-%llu.db",
	    (unsigned long long)f->epoch);
}

static int
fake_load(void *ctx, uint64_t token)
{
	struct store_fake *s = ctx;

	if (s->absent)
		return -ENOTCONN;
	s->loads++;
	if (s->silent)
		return 0;
	free(s->bytes);
	s->bytes = NULL;
	s->found = (struct store_found){ .token = token, .took_us = s->answer };
	look(s);
	io_at(&s->answer_at, loop_now(s->world) + s->answer);
	return 0;
}

const struct store_ops store_fake_ops = {
	.open = fake_open,
	.change = fake_change,
	.close = fake_close,
	.load = fake_load,
};

void
store_fake_init(struct store_fake *s, struct store_disk *disk,
    struct loop *world, uint32_t node)
{
	*s = (struct store_fake){ .disk = disk,
		.world = world,
		.node = node,
		.commit = 200,
		.answer = 5 * USEC_MS };
	timer_init(&s->commit_at, world, on_commit, s);
}

void
store_fake_attach(struct store_fake *s, struct loop *l,
    void (*on_found)(const struct store_found *f, const void *bytes,
	size_t len, void *arg),
    void *arg)
{
	s->loop = l;
	s->on_found = on_found;
	s->arg = arg;
	s->epoch = 0;
	timer_init(&s->answer_at, l, on_answer, s);
}

void
store_fake_detach(struct store_fake *s, bool power)
{
	struct store_pending *p;

	if (s->loop != NULL)
		io_stop(&s->answer_at);
	s->loop = NULL;
	free(s->bytes);
	s->bytes = NULL;
	if (!power)
		return;
	timer_stop(&s->commit_at);
	while ((p = s->pending) != NULL) {
		s->pending = p->next;
		pending_free(p);
	}
}

void
store_disk_done(struct store_disk *d)
{
	struct store_file *f;

	while ((f = d->files) != NULL) {
		d->files = f->next;
		table_done(&f->table);
		free(f);
	}
}

const struct table *
store_disk_newest(const struct store_disk *d)
{
	return d->files != NULL ? &d->files->table : NULL;
}
