/*
 * path_fake: frames wait at the receiver, ordered by arrival, until its loop
 * gets to them or it asks (drain).
 */
#include "test/fake/path_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct frame {
	usec_t at;
	size_t len;
	uint8_t bytes[FAKE_FRAME_MAX];
};

struct path_fake {
	struct path path;
	struct path_net *net;
	unsigned side;
	struct fake_clock *clock;
	struct frame queue[FAKE_QUEUE];
	size_t n;
	struct timer arrival;
	bool *gone; /* set when closed while it delivers */
};

void
path_net_init(struct path_net *n, uint64_t seed)
{
	unsigned side, i;

	*n = (struct path_net){ .rng = seed };
	for (side = 0; side < 2; side++)
		for (i = 0; i < CONF_PATHS_MAX; i++)
			n->wires[side][i] = (struct path_wire){ .delay = 100,
				.jitter = 200 };
}

static void
arm(struct path_fake *p)
{
	if (p->n > 0)
		io_at(&p->arrival, p->queue[0].at);
	else
		io_stop(&p->arrival);
}

static void
enqueue(struct path_fake *p, usec_t at, const void *bytes, size_t len)
{
	size_t i;

	if (p->n == FAKE_QUEUE || len > FAKE_FRAME_MAX)
		return;
	for (i = p->n; i > 0 && p->queue[i - 1].at > at; i--)
		;
	memmove(&p->queue[i + 1], &p->queue[i],
	    (p->n - i) * sizeof(p->queue[0]));
	p->queue[i].at = at;
	p->queue[i].len = len;
	memcpy(p->queue[i].bytes, bytes, len);
	p->n++;
	arm(p);
}

void
path_fake_inject(struct path_net *n, unsigned side, unsigned path,
    const void *bytes, size_t len)
{
	struct path_fake *p = n->open[side][path];

	if (p != NULL)
		enqueue(p, p->clock->now, bytes, len);
}

static int
fake_send(struct path *path, const void *bytes, size_t len)
{
	struct path_fake *p = (struct path_fake *)path, *to;
	struct path_net *n = p->net;
	struct path_wire *w = &n->wires[p->side][path->index];
	usec_t at = p->clock->now + w->delay;

	w->sent++;
	to = n->open[!p->side][path->index];
	if ((n->tap != NULL &&
		n->tap(p->side, path->index, bytes, len, n->tap_arg)) ||
	    w->cut || to == NULL || fake_chance(&n->rng) < w->loss) {
		w->lost++;
		return 0;
	}
	if (w->jitter > 0)
		at += fake_random(&n->rng) % w->jitter;
	enqueue(to, at, bytes, len);
	if (fake_chance(&n->rng) < w->duplicate)
		enqueue(to, at + w->delay, bytes, len);
	w->delivered++;
	return 0;
}

static void
fake_drain(struct path *path)
{
	struct path_fake *p = (struct path_fake *)path;
	bool gone = false;
	struct frame f;

	p->gone = &gone;
	while (p->n > 0 && p->queue[0].at <= p->clock->now) {
		f = p->queue[0];
		p->n--;
		memmove(&p->queue[0], &p->queue[1],
		    p->n * sizeof(p->queue[0]));
		path->on_frame(path->index, f.bytes, f.len, path->arg);
		if (gone)
			return;
	}
	p->gone = NULL;
	arm(p);
}

static void
on_arrival(void *arg)
{
	fake_drain(arg);
}

static void
fake_close(struct path *path)
{
	struct path_fake *p = (struct path_fake *)path;

	io_stop(&p->arrival);
	p->net->open[p->side][path->index] = NULL;
	if (p->gone != NULL)
		*p->gone = true;
	free(p);
}

static const struct path_ops fake_ops = {
	.send = fake_send,
	.drain = fake_drain,
	.close = fake_close,
};

int
path_fake_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret)
{
	struct path_fake_end *end = loop_fake_user(l);
	struct path_fake *p;

	(void)own;
	(void)peer;
	if (index >= CONF_PATHS_MAX)
		return -EINVAL;
	p = mem_new(struct path_fake);
	p->path = (struct path){ .ops = &fake_ops,
		.index = index,
		.on_frame = fn,
		.arg = arg };
	p->net = end->net;
	p->side = end->side;
	p->clock = loop_fake_clock(l);
	timer_init(&p->arrival, l, on_arrival, p);
	end->net->open[p->side][index] = p;
	*ret = &p->path;
	return 0;
}
