/*
 * ipvs: keeps the kernel's table equal to ours: reads it, diffs, applies the
 * delta; at once after a change, and every second, so that what was removed or
 * altered by hand is put right. Foreign services are never touched.
 */
#ifndef HA_IPVS_H
#define HA_IPVS_H

#include "common/conf.h"
#include "common/loop.h"
#include "ha/lvs_diff.h"
#include "ha/table.h"

#define IPVS_DRIFT USEC_S

struct ipvs {
	struct loop *loop;
	const struct lvs_ops *ops;
	void *ctx;
	const struct table *table; /* borrowed: what is wanted */
	const struct conf *conf;   /* borrowed: sync daemons */
	struct lvs_owned owned;
	struct lvs_table have; /* as last read; counters and all */
	struct timer soon, drift;
	usec_t cost;	 /* of the last pass */
	bool reconciled; /* a pass has succeeded */
	int rc;		 /* of the last pass */
	bool drives;	 /* the kernel answers; it may still refuse an
			  * entry, which is no reason to move */
	char error[LVS_OP_TEXT_MAX];
	uint64_t passes, applied;
	uint64_t repairs; /* operations that no change of ours asked for */
	void (*on_pass)(void *arg); /* after each pass */
	void *arg;
};

void ipvs_start(struct ipvs *i, struct loop *l, const struct lvs_ops *ops,
    void *ctx, const struct table *t, const struct conf *conf);
void ipvs_stop(struct ipvs *i); /* leaves the kernel's table as it is */

/* An orderly stop of the director: the kernel's sync daemons end, if they are
 * those that we started. */
void ipvs_sync_stop(struct ipvs *i);

/* The interface that connections are synchronised on; NULL: none. */
const char *ipvs_sync_device(const struct conf *c);
uint8_t ipvs_sync_id(const struct conf *c, const struct conf_node *n);

/* How the kernel knows a service. */
void ipvs_key(const struct service_def *d, struct lvs_key *ret);

void ipvs_dirty(struct ipvs *i); /* the table changed: a pass soon */
void ipvs_flush(struct ipvs *i); /* now, if a pass is due */

/* What our table asks of the kernel; caller lvs_table_done()s. 0, -ENOMEM,
 * -EEXIST: two services share a key. */
int ipvs_want(const struct table *t, struct lvs_table *ret);

/* The kernel's entry of a service, NULL: not there (yet). */
const struct lvs_service *ipvs_have(
    const struct ipvs *i, const struct service_def *s);

#endif
