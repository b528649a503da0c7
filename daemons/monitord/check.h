/*
 * check: one way to ask a server how it is. A row of ops per type; a run is
 * one question and its answer. Deadlines are the caller's: it cancels.
 */
#ifndef MONITORD_CHECK_H
#define MONITORD_CHECK_H

#include "common/conf.h"
#include "common/loop.h"
#include "daemons/monitord/poller.h"
#include "daemons/monitord/snmp_reply.h"
#include "ha/weigh.h"

#define DETAIL_LEN 64

enum verdict {
	VERDICT_OK,
	VERDICT_BAD,
	VERDICT_NONE /* could not ask: no descriptors, no memory ... */
};

/* Zero before the first answer. */
struct check_memory {
	struct snmp_memory snmp;
};

struct check_target {
	struct addr addr;
	uint16_t port;
	uint32_t mark; /* through the VIP, which addr is then; 0: no */
	struct addr server;       /* whose answer it is, with a mark */
	const struct conf_vip *vip; /* with a mark; borrowed */
	const struct conf_check *check; /* borrowed */
	struct load_sample *load; /* where an agent's answer goes */
	struct check_memory *memory; /* what it keeps until the next one */
};

/* The answer; the run is gone already. Never called from start or cancel. */
typedef void (*check_done_fn)(enum verdict v, const char *detail, void *arg);

struct check_ops {
	const char *name;
	/* What all runs of the type share. 0 or -errno. */
	int (*open)(struct loop *l, struct poller *p, void **ret);
	void (*close)(void *shared); /* no run is left */
	/* 0 and *ret_run, or -errno: could not begin. t is borrowed until the
	 * answer; t->check may be replaced by an equal one meanwhile. */
	int (*start)(void *shared, const struct check_target *t,
	    check_done_fn done, void *arg, void **ret_run);
	void (*cancel)(void *run);
	/* When we last did our part: began to connect, took a step. */
	usec_t (*acted)(const void *run);
};

extern const struct check_ops check_tcp, check_http, check_https, check_agent;
extern const struct check_ops check_agent_https, check_agent_text;
extern const struct check_ops check_command, check_udp, check_dns, check_url;
extern const struct check_ops check_snmp, check_snmp_load;
const struct check_ops *check_ops_of(enum check_type type);

/* Is err about this machine rather than about the server? */
bool check_errno_is_ours(int err);

/* "connection refused"; returns buf, DETAIL_LEN long. */
char *check_errno_text(int err, char *buf);

#endif
