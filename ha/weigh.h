/*
 * weigh: how the weights of one service follow its servers. Pure: events in
 * (samples, health, the operator's hand, the table, ticks of a clock), weights
 * out; no I/O, no clock, no chance. The same events give the same weights, so
 * a recorded run can be played again (weigh_text.h, `yoke replay`).
 *
 * Its memory beyond what is measured anew within seconds is each server's
 * weight, and that is in the table: whoever takes over begins with WEIGH_TABLE
 * and goes on from there. weigh.c says how a decision is made.
 */
#ifndef HA_WEIGH_H
#define HA_WEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"
#include "common/service.h"
#include "common/usec.h"
#include "ha/change.h"

#define WEIGH_PERCENT 100
#define LOAD_FULL 1000 /* of a metric */
#define TOOK_MAX (3600 * USEC_S)

/* What an agent says; all of it is checked where it comes from. */
struct load_sample {
	uint16_t metric[LOAD__METRICS]; /* 0 .. LOAD_FULL */
	bool has[LOAD__METRICS];
	bool overloaded; /* by its own judgement: no more requests */
	uint16_t scale;  /* percent of its weight that it asks for, 0 .. 100 */
};

enum weigh_what {
	WEIGH_SERVER, /* there is this server; value: configured weight */
	WEIGH_GONE,
	WEIGH_TABLE,  /* value: its policy weight in the table */
	WEIGH_HEALTH, /* value: enum health */
	WEIGH_HAND,   /* value: weight set by hand or WEIGHT_NONE; drained */
	WEIGH_TOOK,   /* value: a check took so many microseconds */
	WEIGH_LOAD,   /* load */
	WEIGH_EFFECT, /* value: percent left by the checks that fail */
	WEIGH_TICK,   /* time to decide */
	WEIGH__LAST
};

struct weigh_event {
	usec_t at; /* any clock that goes on steadily */
	enum weigh_what what;
	char server[NAME_LEN]; /* "": WEIGH_TICK */
	int64_t value;
	bool drained;
	struct load_sample load;
};

/* Which rail held the weight, for its cause; bits. */
enum weigh_rail {
	RAIL_STEP = 1,
	RAIL_MIN = 2,
	RAIL_MAX = 4,
	RAIL_STALE = 8,
	RAIL_START = 16,    /* slow start */
	RAIL_OVERLOAD = 32, /* taken out */
	RAIL_KEPT = 64,     /* overloaded, but too few would be left */
	RAIL_WAIT = 128,    /* no sample yet: as it was */
	RAIL_SORRY = 256,   /* serves for the others */
	RAIL_FULL = 512,    /* the service as a whole takes no more */
};
#define RAIL_OUT (RAIL_OVERLOAD | RAIL_FULL)

struct weigh_server {
	char name[NAME_LEN];
	uint32_t configured;
	bool up, drained, sorry;
	bool resumed; /* its weight is another's, from the table */
	int32_t override;
	usec_t since; /* known, or back: samples may take a while */

	double took;              /* smoothed, usec; 0: none */
	double quick, slow, spread; /* its logarithm; see weigh_measure.c */
	int far;
	double nearest;
	double off;               /* the last sample, from quick */
	usec_t left_out;          /* samples are, since then; 0: not */
	unsigned samples;         /* since they are like this */
	unsigned cold;            /* that do not count yet */
	usec_t took_at, load_at;  /* of the last samples */
	double load, load_now;    /* smoothed, and the last; 0 .. 1 */
	bool loaded;              /* load is known */
	struct load_sample last;
	unsigned effect;          /* percent */

	double weight, target;
	double gain;    /* of the way to the target, per decision */
	int trend;      /* decisions in a row that went one way; sign: which */
	usec_t started; /* slow start since, 0: no */
	bool out;       /* overloaded and taken out */
	unsigned rails; /* of the last decision */
	int32_t told;   /* as it is in the table, or WEIGHT_NONE */
};

/* 0: the table has it now; negative: not now, it is said again next time. */
typedef int (*weigh_fn)(const struct weigh_server *s, int32_t weight,
    const char *cause, void *arg);

struct weigh {
	struct policy policy;
	struct weigh_server *servers; /* sorted by name */
	size_t n, cap;
	usec_t last; /* decision */
	double mean_took, mean_room, mean_load; /* of those with samples */
	double scale, least;
	bool full; /* nobody gets anything until it is less */
	double care;    /* points of load that are kept free after that */
	usec_t judged;  /* when that was looked at */
	weigh_fn on_weight;
	void *arg;
};

void weigh_init(struct weigh *w, const struct policy *p, weigh_fn fn, void *arg);
void weigh_done(struct weigh *w);
/* What else is to be decided by; servers stay as they are. */
void weigh_set_policy(struct weigh *w, const struct policy *p);

/* 0; -ENOENT: no such server; -EINVAL: out of range, nothing was done; -ENOMEM.
 * Weights that should change are told from within a WEIGH_TICK; that a server
 * gets nothing any more, from within the WEIGH_LOAD that says so too. */
int weigh_feed(struct weigh *w, const struct weigh_event *e);

struct weigh_server *weigh_find(const struct weigh *w, const char *server);

/* "response 30ms, mean 3ms; step": why the weight is what it is; CAUSE_LEN. */
char *weigh_cause(const struct weigh *w, const struct weigh_server *s, char *buf);

#endif
