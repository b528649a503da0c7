/*
 * fence_fake: see fence_fake.h.
 */
#include "test/fake/fence_fake.h"

#include <errno.h>

static void
on_end(void *arg)
{
	struct fence_fake *f = arg;

	if (f->fails) {
		f->on_result(-EIO, "agent says no", f->arg);
		return;
	}
	f->on_kill(f->arg);
	f->on_result(0, "off", f->arg);
}

static int
start(void *ctx)
{
	struct fence_fake *f = ctx;

	timer_in(&f->end, f->takes);
	return 0;
}

const struct fence_ops fence_fake_ops = { .start = start };

void
fence_fake_init(struct fence_fake *f, struct loop *world)
{
	timer_init(&f->end, world, on_end, f);
}
