/*
 * probe: one question asked again and again: a check of an address and port.
 * The prober schedules all probes: each at its interval with some jitter,
 * never overlapping itself, a bounded number in flight.
 */
#ifndef MONITORD_PROBE_H
#define MONITORD_PROBE_H

#include <qb/qblist.h>

#include "common/loop.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/lateness.h"
#include "ha/change.h"

struct prober;
struct use;

struct probe {
	struct check_target target;
	enum health health;
	unsigned streak; /* results in a row that speak against health */
	struct load_sample load; /* of an agent, after a good answer */
	struct check_memory memory;
	char detail[DETAIL_LEN]; /* of the last result that speaks for it */
	struct use **uses;       /* whoever wants to know; see plan.h */
	size_t n_uses;
	bool kept;               /* plan.c: the new plan has it too */

	struct prober *prober; /* the rest is the prober's */
	enum probe_phase {
		PROBE_OFF,
		PROBE_SCHEDULED, /* timer: when to begin */
		PROBE_WAITING,   /* others are in flight */
		PROBE_RUNNING    /* timer: the deadline */
	} phase;
	struct timer timer;
	usec_t planned, began, deadline;
	unsigned paths; /* the prober's number of them when it began */
	bool excused; /* we were late, the deadline was put off */
	void *run;
	struct qb_list_head link;
};

/* What happened in a minute of probing. */
struct prober_minute {
	struct lateness late;
	uint64_t started, results;
	uint64_t unasked; /* could not ask, for reasons of this machine */
	char reason[DETAIL_LEN]; /* of the last of them */
};

struct prober_ops {
	/* After every result that speaks for p->health. Probes are not started,
	 * stopped or freed in it. */
	void (*on_result)(struct probe *p, void *arg);
	/* After every answer, and before on_result: it took so long. Bad and
	 * timed out: at least that long. */
	void (*on_answer)(struct probe *p, bool good, bool timeout, usec_t took,
	    void *arg);
	void (*on_minute)(const struct prober_minute *m, void *arg);
};

/* At most max_running at a time. 0 or -errno; caller prober_free()s. */
int prober_new(struct loop *l, unsigned max_running,
    const struct prober_ops *ops, void *arg, struct prober **ret);
void prober_free(struct prober *b); /* NULL ok; probes are stopped before */

/* Whether probes with a mark find their way. While not, none of them begins,
 * and one under way when that changes says nothing of its server. */
enum probe_paths_state {
	PATHS_NOBODYS, /* yoked is not there */
	PATHS_OTHERS,  /* it has made others; for long, that is counted */
	PATHS_THERE
};
void prober_paths(struct prober *b, enum probe_paths_state s);

struct prober_counts {
	unsigned running, waiting, most_running;
	uint64_t started, unasked;
};
struct prober_counts prober_counts(const struct prober *b);

struct probe *probe_new(struct prober *b, const struct check_target *t);
void probe_free(struct probe *p);  /* stops it; NULL ok */
void probe_start(struct probe *p); /* on already: no-op */
void probe_stop(struct probe *p);  /* what it knows stays */
const char *probe_type(const struct probe *p); /* "http" */

/* What is known from elsewhere; HEALTH_UNKNOWN: the first good result decides,
 * or `fall` bad ones. */
void probe_set_health(struct probe *p, enum health h);

#endif
