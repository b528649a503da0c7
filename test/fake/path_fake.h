/*
 * path_fake: the beat paths between two nodes, in process: per path and
 * direction up or cut, loss, delay, jitter, duplicates, reordering.
 *
 * path_fake_open() finds its end of the net by loop_fake_user(), which must be
 * a struct path_fake_end * (or begin with one).
 */
#ifndef TEST_FAKE_PATH_FAKE_H
#define TEST_FAKE_PATH_FAKE_H

#include <stdbool.h>

#include "ha/path.h"
#include "test/fake/loop_fake.h"

#define FAKE_FRAME_MAX 512
#define FAKE_QUEUE 200 /* a full socket buffer keeps the old, drops the new */

struct path_wire { /* one direction of one path */
	bool cut;
	double loss, duplicate; /* chances */
	usec_t delay, jitter;   /* jitter reorders when it is over a Tb */
	uint64_t sent, lost, delivered;
};

struct path_fake;

struct path_net {
	uint64_t rng;
	struct path_wire wires[2][CONF_PATHS_MAX]; /* [sender][path] */
	struct path_fake *open[2][CONF_PATHS_MAX];
	/* For tests: sees every frame sent, may say "drop it". NULL ok. */
	bool (*tap)(unsigned side, unsigned path, const void *bytes,
	    size_t len, void *arg);
	void *tap_arg;
};

struct path_fake_end {
	struct path_net *net;
	unsigned side; /* 0 or 1 */
};

void path_net_init(struct path_net *n, uint64_t seed);
int path_fake_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret);

/* Puts a frame before side's path as if it came from the wire. */
void path_fake_inject(struct path_net *n, unsigned side, unsigned path,
    const void *bytes, size_t len);

#endif
