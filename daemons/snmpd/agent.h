/*
 * agent: the AgentX side, by Net-SNMP's library on our loop: it keeps a session
 * with snmpd (again and again), answers requests below MIB_ROOT from a mib, and
 * sends notifications. The library has one agent in a process, and so have we.
 */
#ifndef SNMPD_AGENT_H
#define SNMPD_AGENT_H

#include "common/loop.h"
#include "daemons/snmpd/mib.h"
#include "watch/events.h"

#define AGENT_TRAPS_MAX 256 /* that wait for a session; then the oldest go */

struct agent;

struct agent_ops {
	/* The values to answer from, now; NULL: there are none yet. Borrowed
	 * until the request is answered. */
	const struct mib *(*values)(void *arg);
	void (*on_connected)(bool yes, void *arg);
};

/* socket: the file at which snmpd listens for subagents. 0 or -errno. Caller
 * agent_free()s. */
int agent_new(struct loop *l, const char *socket, const struct agent_ops *ops,
    void *arg, struct agent **ret);
void agent_free(struct agent *a); /* NULL ok */

/* Sends a notification, now or when there is a session. */
void agent_event(struct agent *a, const struct event *e);

#endif
