/*
 * plan: what a configuration asks monitord to find out: targets (a server in a
 * service), the probes that answer, and who uses which. Servers that share
 * address, port and the parameters of a check share its probe.
 */
#ifndef MONITORD_PLAN_H
#define MONITORD_PLAN_H

#include "common/conf.h"
#include "daemons/monitord/probe.h"

struct target {
	const char *service, *server; /* names in the configuration */
	enum health health;           /* as we see it */
	enum health told;             /* as yoked knows it */
	struct use *uses;             /* in the order of the checks */
	size_t n_uses;
	unsigned effect; /* percent, of checks that fail */
};

/* One target's need of one check. */
struct use {
	struct target *target;
	struct check_target ask; /* its check is of this service, by name */
	struct probe *probe;
	bool measures; /* its time counts for the service's policy */
};

struct plan {
	struct target *targets; /* sorted by service, server */
	size_t n_targets;
	struct use *uses;
	size_t n_uses;
	struct use **by_probe;  /* the uses, grouped by probe */
	struct probe **probes;  /* sorted by what they ask */
	size_t n_probes;
};

/* Makes the plan for c, borrowed as long as the plan lives. Old becomes empty,
 * and its configuration may be freed. Probes that old has too go on undisturbed; its others
 * are stopped and freed; targets keep their health. 0, or -ENOMEM and old is
 * as it was. */
int plan_make(struct prober *b, const struct conf *c, struct plan *old,
    struct plan *ret);
void plan_done(struct plan *p); /* frees the probes */

struct target *plan_target(
    const struct plan *p, const char *service, const char *server);

#endif
