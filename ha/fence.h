/*
 * fence: making sure that a silent peer is dead, where the operator wants that
 * before a takeover whose cause is silence. The port runs the operator's
 * command (daemons/yoked/yoked_fence.c; test/fake/fence_fake.c is its twin);
 * when to run it and what its result means is here.
 *
 * A result holds for the silence in which it came: when the peer is heard again
 * it has to be fenced again before the next takeover.
 */
#ifndef HA_FENCE_H
#define HA_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/usec.h"

struct director;

struct fence_ops {
	/* Begins to fence the peer; director_on_fence() follows, within the
	 * configured timeout. 0, or -errno: it could not even begin. Never
	 * blocks. */
	int (*start)(void *ctx);
};

enum fence_state {
	FENCE_IDLE, /* nothing was asked in this silence, or none configured */
	FENCE_RUNNING,
	FENCE_DONE,   /* the peer is dead */
	FENCE_FAILED, /* it may live: no takeover; tried again */
	FENCE__LAST
};

struct fence {
	enum fence_state state;
	usec_t since;
	uint64_t tries, failures; /* ever */
	int rc;			  /* of the last failure */
	char text[128];		  /* what the command said last */
};

const char *fence_state_name(unsigned state);

/* For the director. */
bool fence_needed(const struct director *d);
void fence_begin(struct director *d);
void fence_peer_heard(struct director *d);

#endif
