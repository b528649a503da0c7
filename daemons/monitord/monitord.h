/*
 * monitord: the state of the process, for its parts.
 */
#ifndef MONITORD_MONITORD_H
#define MONITORD_MONITORD_H

#include "common/daemon.h"
#include "common/ipcc.h"
#include "daemons/monitord/monitor.h"

struct monitord {
	struct daemon *daemon;
	struct monitor *monitor;
	struct ipcc_keep *yoked;
};

/* The configuration anew; the running one stays if that fails. */
void monitord_reload(struct daemon *d);

/* The part that speaks with yoked. */
int monitord_ipc_start(struct daemon *d);
void monitord_ipc_stop(struct daemon *d);
int monitord_weight(const struct weight_msg *m, void *arg);
void monitord_minute(const struct monitor_state *s, void *arg);
int monitord_report(const struct health_msg *m, void *arg);

#endif
