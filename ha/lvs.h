/*
 * lvs: the kernel's virtual-server table (IPVS, over generic netlink), and its
 * connection-sync daemons. All calls are idempotent: adding what is there sets
 * it, deleting what is not there succeeds. There is no flush. Calls block for
 * the kernel's own work, and at most a second for an answer (-ETIMEDOUT: state
 * unknown, read again). One thread.
 */
#ifndef HA_LVS_H
#define HA_LVS_H

#include "ha/lvs_table.h"

#define LVS_OP_TEXT_MAX 320

struct lvs;

enum lvs_verb {
	LVS_ADD_SERVICE, /* the service alone: its dests are ops of their own */
	LVS_SET_SERVICE,
	LVS_DEL_SERVICE, /* with its dests */
	LVS_ADD_DEST,
	LVS_SET_DEST,
	LVS_DEL_DEST,
	LVS__VERBS
};

struct lvs_op { /* borrows both; of dest operations only service->key counts */
	enum lvs_verb verb;
	const struct lvs_service *service;
	const struct lvs_dest *dest; /* NULL for services */
};

/* ops[index] failed with rc (-errno); text is a sentence naming the entry:
 * "add server 10.0.0.1:80 to tcp 10.77.0.10:80: Invalid argument (...)". */
typedef void (*lvs_fail_fn)(void *arg, size_t index, int rc, const char *text);

enum lvs_role { LVS_MASTER = 1, LVS_BACKUP = 2 }; /* the kernel's numbers */

struct lvs_sync { /* one sync daemon; 0 and "" mean the kernel's default */
	enum lvs_role role;
	char ifname[16];
	uint8_t id;
	uint16_t maxlen;   /* payload bytes of a sync message */
	struct addr group; /* 224.0.0.81 */
	uint16_t port;	   /* 8848 */
	uint8_t ttl;	   /* 1 */
};

struct lvs_info {
	uint32_t version; /* 0x010201 is 1.2.1 */
	uint32_t conn_table_size;
	uint32_t tcp_s, tcp_fin_s, udp_s; /* timeouts */
};

/* The port. ctx is what the implementation's maker gave: struct lvs * for
 * lvs_nl, struct lvs_fake * for test/fake/lvs_fake.h. */
struct lvs_ops {
	int (*read)(void *ctx, struct lvs_table *ret);
	int (*read_more)(
	    void *ctx, struct lvs_table *t, size_t *at, size_t max);
	int (*read_one)(
	    void *ctx, const struct lvs_key *k, struct lvs_table *ret);
	int (*apply)(void *ctx, const struct lvs_op *ops, size_t n,
	    lvs_fail_fn fail, void *arg);
	int (*sync_start)(void *ctx, const struct lvs_sync *s);
	int (*sync_stop)(void *ctx, enum lvs_role role);
	int (*sync_read)(void *ctx, struct lvs_sync ret[2]);
};
extern const struct lvs_ops lvs_nl;

/* -ERR_NO_IPVS (after trying to load it), -EPERM. Caller lvs_close()s. */
int lvs_open(struct lvs **ret);
void lvs_close(struct lvs *l); /* NULL ok */

/* Sorted; caller lvs_table_done()s. read_one: -ERR_NO_SERVICE, one service. */
int lvs_read(struct lvs *l, struct lvs_table *ret);
int lvs_read_one(struct lvs *l, const struct lvs_key *k, struct lvs_table *ret);

/* lvs_read() in pieces of max services, for a loop that must not wait: begin
 * with t empty and *at 0, call while it returns 1; 0: t is whole and sorted.
 * On failure t is emptied. */
int lvs_read_more(struct lvs *l, struct lvs_table *t, size_t *at, size_t max);

/* Carries out all n in order, past failures; fail (NULL ok) hears of each.
 * Returns 0 or the first failure. -ETIMEDOUT or a socket error ends it early:
 * what followed is not reported. */
int lvs_apply(struct lvs *l, const struct lvs_op *ops, size_t n,
    lvs_fail_fn fail, void *arg);
char *lvs_op_format(const struct lvs_op *op, int rc, char *buf, size_t len);

/* start: no-op when the same daemon runs, replaces one that differs; -ENODEV,
 * -EINVAL (ipv6 group on an ipv4 interface; mixed families in the table).
 * stop: ok when none runs. read: the number of daemons, 0..2. */
int lvs_sync_start(struct lvs *l, const struct lvs_sync *s);
int lvs_sync_stop(struct lvs *l, enum lvs_role role);
int lvs_sync_read(struct lvs *l, struct lvs_sync ret[2]);

int lvs_info(struct lvs *l, struct lvs_info *ret);
int lvs_set_timeouts(struct lvs *l, const struct lvs_info *i); /* 0: keep */

#endif
