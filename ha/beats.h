/*
 * beats: sends our beat on every path each Tb, hears the peer's, and knows
 * which paths are up. A path is down when n of the peer's beats are missing.
 * A serial line has a pace of its own (pace.h) and is judged by it; when it
 * hangs up it is down at once, and that is a hint for the others. So is a card's
 * loss of carrier, which is all that a crossover cable tells of a power cut.
 *
 * Silence is judged only after everything that has arrived was read, and not
 * right after this process itself was not running: who slept cannot tell.
 */
#ifndef HA_BEATS_H
#define HA_BEATS_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/loop.h"
#include "ha/beat.h"
#include "ha/pace.h"
#include "ha/path.h"
#include "ha/silence.h"

struct path_state {
	const struct conf_path *own, *peer;
	struct path *path;
	bool up;
	usec_t heard;    /* last genuine beat or pulse; 0: never */
	usec_t since;    /* of up or down, monotonic */
	uint64_t received, sent, send_errors, changes;
	struct pace pace;
	struct beat told; /* the last beat sent on it */
	bool in_pace;    /* it speaks each interval, not in beats only */
	bool carrier;    /* of a card, when last told */
	struct silence silence;
	usec_t gap_max;  /* longest time between two beats while up */
	usec_t refused;  /* the last frame that was refused; 0: none */
	enum beat_refusal refusal; /* and why */
};

struct beats_ops {
	/* Fill in role, flags, epoch, table_epoch, seq of our next beat. */
	void (*fill)(struct beat *b, void *arg);
	/* The peer said something that it had not said before. */
	void (*on_report)(const struct beat *b, void *arg);
	/* A path went up or down. */
	void (*on_path)(unsigned index, bool up, void *arg);
	/* Once per Tb, after sending. */
	void (*on_tick)(void *arg);
};

struct beats {
	struct loop *loop;
	const struct conf *conf;
	const struct beats_ops *ops;
	void *arg;
	struct beat_key *key;
	struct beat_guard guard;
	struct path_state paths[CONF_PATHS_MAX];
	unsigned n_paths;
	struct beat report; /* the peer's last one */
	bool reported;      /* report is there, of the session admitted */
	usec_t began;
	usec_t heard;       /* on any path; 0: never */
	usec_t hint;        /* something says the peer died, then; 0: nothing */
	struct timer tick, deadline;
	usec_t late_max;    /* our own worst lateness, and when we last slept */
	usec_t slept;
	uint64_t sleeps;
};

/* conf is borrowed and outlives b. 0 or -errno. */
int beats_start(struct beats *b, struct loop *l, const struct conf *conf,
    path_open_fn open, const struct beats_ops *ops, void *arg);
void beats_stop(struct beats *b);

/* Sends a beat on every path now, beside the schedule: state has changed. */
void beats_send(struct beats *b);

/* Reads whatever has arrived on any path, now. */
void beats_drain(struct beats *b);

/* Something else says that the peer's manager died (its process left the
 * group, its serial line hung up): one missed beat on every path is enough. */
void beats_hint(struct beats *b);

/* What the kernel says of the cards of the paths, now. Lost: what has arrived
 * is read, then it is a hint. The path itself is judged by its beats. */
void beats_carrier(struct beats *b,
    bool (*carrier)(const char *device, void *arg), void *arg);

unsigned beats_up(const struct beats *b, enum path_type type);
uint32_t beats_hears(const struct beats *b); /* bit per path: it is up */
/* Time between two of our signs of life on a path. */
usec_t beats_interval(const struct beats *b, unsigned index);
/* How late a beat of the peer's may be on a path before it is missing. */
usec_t beats_margin(const struct beats *b, unsigned index);
bool beats_any_up(const struct beats *b);

/* New interval or misses took effect in conf. */
void beats_retime(struct beats *b, const struct conf *conf);

#endif
