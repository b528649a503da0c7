/*
 * monitor: what monitord knows about the servers of a configuration, and when
 * to tell. It speaks to no one itself: reports leave by monitor_ops.
 */
#ifndef MONITORD_MONITOR_H
#define MONITORD_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/loop.h"
#include "daemons/monitord/probe.h"
#include "ha/wire.h"

struct monitor;

struct monitor_ops {
	/* A server is not as yoked believes. 0: told; negative: not now, it is
	 * said again after the next result. */
	int (*on_health)(const struct health_msg *m, void *arg);
	/* What a policy decided; likewise. */
	int (*on_weight)(const struct weight_msg *m, void *arg);
	void (*on_minute)(const struct prober_minute *m, void *arg);
};

/* Empty and off. At most max_running probes at a time. */
int monitor_new(struct loop *l, unsigned max_running,
    const struct monitor_ops *ops, void *arg, struct monitor **ret);
void monitor_free(struct monitor *m); /* NULL ok */

/* Borrows c until the next one or monitor_free. Probes that stay the same go
 * on, servers keep their health. 0, or -ENOMEM and nothing changed. */
int monitor_set_conf(struct monitor *m, const struct conf *c);

/* What yoked believes. While off that is where probing will go on from; while
 * on we know better. Servers we do not know are ignored. */
void monitor_state(struct monitor *m, const struct probe_state *s);

/* Probing begins or ends; on again tells all that yoked does not know. */
void monitor_on(struct monitor *m, bool on);

/* The paths through IPVS that yoked has made (probe_paths.id). Probes that take
 * one wait until it is that of our configuration. */
void monitor_paths(struct monitor *m, uint64_t id);

/* yoked went away: what it believed is void. Probing goes on. */
void monitor_forget(struct monitor *m);

struct monitor_counts {
	size_t targets, uses, probes;
	struct prober_counts prober;
	bool on;
};
struct monitor_counts monitor_counts(const struct monitor *m);

#endif
