/*
 * sink: one section "notify" of the configuration: events that wait, oldest
 * first, and what carries them away: a command for each, one after the other
 * (sink_command.c), or a FIFO (sink_fifo.c).
 *
 * The queue is bounded. When it is full the oldest are dropped, counted, and the
 * next thing that is delivered is a line that says how many:
 *	{"event":"lost","count":3,...}
 */
#ifndef NOTIFYD_SINK_H
#define NOTIFYD_SINK_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/loop.h"
#include "watch/events.h"

#define LINE_BYTES 2048 /* of an event; less than PIPE_BUF */

/* An event that waits: its line, and the words that a command is given. */
struct waiting {
	struct waiting *next;
	char event[32], subject[2 * NAME_LEN];
	char instance[NAME_LEN], node[NAME_LEN], role[NAME_LEN];
	size_t len; /* of line, with its end */
	char line[LINE_BYTES];
};

struct sink;

struct sink_ops {
	int (*open)(struct sink *s); /* 0 or -errno */
	/* There is something to carry away, perhaps again. */
	void (*poke)(struct sink *s);
	void (*close)(struct sink *s);
};

struct sink {
	struct sink *next;
	struct loop *loop;
	struct conf_notify conf;
	const struct sink_ops *ops;
	struct waiting *first, **last;
	unsigned queued;
	uint64_t delivered, failed, lost;
	uint64_t untold; /* lost, and not told yet */
	void *own;	 /* of ops */
};

extern const struct sink_ops sink_command_ops, sink_fifo_ops;

/* Never NULL; what is wrong with it is logged, and counted for each event. */
struct sink *sink_new(struct loop *l, const struct conf_notify *c);
/* What still waits is lost, and said so in the log. NULL ok. */
void sink_free(struct sink *s);

/* Queues it when this sink wants its kind. */
void sink_event(struct sink *s, const struct event *e);

/* For ops: the oldest, or one that says what was lost; NULL: none waits. The
 * first stays in the queue; the second is out of it, caller free()s. */
const struct waiting *sink_peek(struct sink *s);
struct waiting *sink_take(struct sink *s);

#endif
