/*
 * ipvs: keeps the kernel's table equal to ours: reads it, diffs, applies the
 * delta; at once for a service that changed, and every second for all, so that
 * what was removed or altered by hand is put right. Foreign services are never
 * touched. A pass over a large table goes in steps: no beat waits for it.
 */
#ifndef HA_IPVS_H
#define HA_IPVS_H

#include "common/conf.h"
#include "common/loop.h"
#include "ha/lvs_diff.h"
#include "ha/table.h"

#define IPVS_DRIFT USEC_S
#define IPVS_AT_ONCE 16   /* services that are no reason to go in steps */
#define IPVS_DIRTY_MAX 64 /* with more that changed it is the whole table */

/* A pass over the whole table, while it goes on. */
struct ipvs_pass {
	bool under_way, planned;
	bool asked; /* by a change of ours */
	struct lvs_table have, want;
	struct lvs_plan plan;
	size_t at; /* services read, then operations applied */
	usec_t cost;
	uint64_t paths; /* of probes, that are in the plan; see ipvs.paths */
	int rc;
};

struct ipvs {
	struct loop *loop;
	const struct lvs_ops *ops;
	void *ctx;
	const struct table *table; /* borrowed: what is wanted */
	const struct conf *conf;   /* borrowed: sync daemons */
	struct lvs_owned owned;
	struct lvs_table have; /* as last read; counters and all */
	struct ipvs_pass pass;
	char dirty[IPVS_DIRTY_MAX][NAME_LEN]; /* services that changed */
	unsigned n_dirty;
	bool all_dirty;
	bool held;
	struct timer soon, step, drift;
	usec_t cost;	 /* of the last pass */
	bool reconciled; /* a pass has succeeded */
	int rc;		 /* of the last pass */
	bool drives;	 /* the kernel answers; it may still refuse an
			  * entry, which is no reason to move */
	char error[LVS_OP_TEXT_MAX];
	uint64_t passes, applied;
	uint64_t paths; /* probe_paths' id of those that are in the kernel */
	uint64_t repairs; /* operations that no change of ours asked for */
	void (*on_pass)(void *arg); /* after each pass; NULL: nobody cares */
	void *arg;
};

void ipvs_start(struct ipvs *i, struct loop *l, const struct lvs_ops *ops,
    void *ctx, const struct table *t, const struct conf *conf);
void ipvs_stop(struct ipvs *i); /* leaves the kernel's table as it is */

/* An orderly stop of the director: the kernel's sync daemons end, if they are
 * those that we started. */
void ipvs_sync_stop(struct ipvs *i);

/* ipvs_probe.c: the services that lead probes to one server each, in the order
 * of struct probe_paths; not sorted. 0, -ENOMEM. */
int ipvs_want_probes(const struct conf *c, struct lvs_table *t);
/* What an earlier yoked left of them is ours. */
int ipvs_own_probes(struct ipvs *i, const struct lvs_table *have);
void ipvs_probes_stop(struct ipvs *i); /* an orderly stop: they go away */
/* Another configuration, borrowed as the one before. */
void ipvs_set_conf(struct ipvs *i, const struct conf *fresh);

/* The interface that connections are synchronised on; NULL: none. */
const char *ipvs_sync_device(const struct conf *c);
uint8_t ipvs_sync_id(const struct conf *c, const struct conf_node *n);

/* How the kernel knows a service. */
void ipvs_key(const struct service_def *d, struct lvs_key *ret);

/* This service's servers or their weights changed; NULL: more than that. */
void ipvs_dirty(struct ipvs *i, const char *service);
void ipvs_flush(struct ipvs *i); /* what is to be done, now and all of it */

/* While the table is in the middle of changes that belong together, the kernel
 * keeps what it has; but ipvs_flush() flushes. */
void ipvs_hold(struct ipvs *i, bool held);

/* What our table asks of the kernel; caller lvs_table_done()s. 0, -ENOMEM,
 * -EEXIST: two services share a key. */
int ipvs_want(const struct table *t, struct lvs_table *ret);
int ipvs_want_service(const struct service *s, struct lvs_table *t);

/* ipvs_pass.c. A step: 1: there is more to do; 0: done; or a failure. */
void ipvs_pass_begin(struct ipvs_pass *p, bool asked);
void ipvs_pass_end(struct ipvs_pass *p);
int ipvs_pass_step(struct ipvs *i);
int ipvs_pass_one(struct ipvs *i, const char *service); /* 0 or a failure */

/* The kernel's entry of a service, NULL: not there (yet). */
const struct lvs_service *ipvs_have(
    const struct ipvs *i, const struct service_def *s);

#endif
