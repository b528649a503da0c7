/*
 * path: one independent way to hear the peer. An implementation moves frames;
 * what they mean and when silence is a miss is for ha/beats.c. Implementations:
 * path_udp.c (a NIC), path_serial.c (a serial line), test/fake/path_fake.c
 * (in-process).
 */
#ifndef HA_PATH_H
#define HA_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/loop.h"
#include "ha/serial_line.h"

struct path;

typedef void (*path_fn)(
    unsigned index, const void *bytes, size_t len, void *arg);
typedef void (*path_lost_fn)(unsigned index, void *arg);

struct path_ops {
	/* One frame out; lost frames are nobody's error. 0 or -errno (for
	 * status); -EBUSY: the line is not done with the last one, come back
	 * with a newer one. Never blocks. */
	int (*send)(struct path *p, const void *bytes, size_t len);
	/* Delivers whatever has arrived, now: asked before silence is judged. */
	void (*drain)(struct path *p);
	/* Once per Tb, before sending: a look at the device. NULL: none. */
	void (*tick)(struct path *p);
	void (*close)(struct path *p);
};

/* What a serial line tells beside frames. */
struct path_line {
	enum carrier carrier;
	uint64_t frames, crc_errors; /* with the right CRC, with another */
	uint64_t garbage;	     /* bytes in no frame, or received wrong */
	uint64_t hangups;
	uint64_t errors_before; /* of times it was opened before */
};

struct path {
	const struct path_ops *ops;
	unsigned index;      /* place in the node's configuration */
	path_fn on_frame;    /* bytes are borrowed for the call */
	void *arg;
	const char *problem; /* why it cannot work now, NULL: nothing known */
	path_lost_fn on_lost; /* it hung up: the peer may have lost its power;
			       * set after opening, NULL ok, same arg */
	const struct path_line *line; /* NULL: no line */
};

/* Opens own's path towards peer's end of it. A device or address that is not
 * there yet is retried by itself. 0 or -errno; p->ops->close() frees. */
typedef int (*path_open_fn)(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret);

int path_udp_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret);

int path_serial_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret);

/* By own's type. */
int path_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret);

#endif
