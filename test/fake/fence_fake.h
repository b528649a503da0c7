/*
 * fence_fake: a fence agent in memory: takes a while, then kills the peer, or
 * fails.
 */
#ifndef TEST_FAKE_FENCE_FAKE_H
#define TEST_FAKE_FENCE_FAKE_H

#include "ha/fence.h"
#include "test/fake/loop_fake.h"

struct fence_fake {
	usec_t takes;
	bool fails;
	struct timer end;
	void (*on_kill)(void *arg); /* the peer is to die */
	void (*on_result)(int rc, const char *text, void *arg);
	void *arg;
};

extern const struct fence_ops fence_fake_ops; /* ctx: struct fence_fake * */

void fence_fake_init(struct fence_fake *f, struct loop *world);

#endif
