/*
 * yoke-monitord: asks the real servers how they are, for yoked, which must not
 * wait for them.
 *
 *   yoke.conf --plan.c--> probes --probe.c--> check_tcp.c, check_http.c
 *   yoked <--monitord_ipc.c-- monitor.c (health of servers) <-- results
 *   yoked <--monitord_ipc.c-- weigher.c (policies) <-- times, loads, health
 */
#include <sys/resource.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/monitord/monitord.h"

#define RUNNING_MAX 4096 /* probes in flight */
#define SPARE_FDS 64     /* for everything else */
#define LATE_WARN (50 * USEC_MS)

/* As many probes in flight as there are descriptors for. */
static unsigned
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return SPARE_FDS;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur < 2 * SPARE_FDS)
		return SPARE_FDS;
	return r.rlim_cur > RUNNING_MAX + SPARE_FDS
	    ? RUNNING_MAX : (unsigned)r.rlim_cur - SPARE_FDS;
}

static void
on_minute(const struct prober_minute *m, void *arg)
{
	usec_t p99 = lateness_quantile(&m->late, 990);
	const struct monitord *d = arg;
	const struct monitor_state s = {
		.probes = (uint32_t)monitor_counts(d->monitor).probes,
		.started = (uint32_t)m->started,
		.unasked = (uint32_t)m->unasked,
		.late_p99_us = p99 < UINT32_MAX ? (uint32_t)p99 : UINT32_MAX,
		.late_max_us = m->late.max < UINT32_MAX ? (uint32_t)m->late.max
		                                        : UINT32_MAX };

	monitord_minute(&s, arg);
	log_debug("minute started=%llu results=%llu late_p99=%lluus "
		  "late_max=%lluus",
	    (unsigned long long)m->started, (unsigned long long)m->results,
	    (unsigned long long)p99, (unsigned long long)m->late.max);
	if (p99 > LATE_WARN)
		log_warning("probes=late p99=%llums max=%llums started=%llu "
			    "effect=\"servers are judged later than "
			    "configured\"",
		    (unsigned long long)(p99 / USEC_MS),
		    (unsigned long long)(m->late.max / USEC_MS),
		    (unsigned long long)m->started);
	if (m->unasked > 0)
		log_warning("probes=unasked count=%llu why=\"%s\" "
			    "effect=\"their servers stay as they are\"",
		    (unsigned long long)m->unasked, m->reason);
}

static const struct monitor_ops monitor_ops = { monitord_report, monitord_weight,
	on_minute };

static int
monitor_start(struct daemon *d)
{
	struct monitord *m = d->user;
	int rc;

	m->daemon = d;
	rc = monitor_new(
	    d->loop, raise_limits(), &monitor_ops, m, &m->monitor);
	if (rc == 0)
		rc = monitor_set_conf(m->monitor, d->conf);
	if (rc < 0)
		monitor_free(m->monitor);
	return rc;
}

static void
monitor_stop(struct daemon *d)
{
	struct monitord *m = d->user;

	monitor_free(m->monitor);
	m->monitor = NULL;
}

void
monitord_reload(struct daemon *d)
{
	struct monitord *m = d->user;
	struct conf *fresh;
	int rc;

	if (daemon_load(d, &fresh) < 0)
		return;
	rc = monitor_set_conf(m->monitor, fresh);
	if (rc < 0) {
		log_err("configuration=unused why=\"%s\"", err_text(rc));
		conf_free(fresh);
		return;
	}
	conf_free(d->conf);
	d->conf = fresh;
	log_notice("configuration=loaded probes=%zu servers=%zu",
	    monitor_counts(m->monitor).probes,
	    monitor_counts(m->monitor).targets);
}

static const struct part parts[] = {
	{ "monitor", monitor_start, monitor_stop },
	{ "ipc", monitord_ipc_start, monitord_ipc_stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-monitord",
	.purpose = "Asks the real servers how they are, for yoked.",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY,
	.reload = monitord_reload,
};

int
main(int argc, char **argv)
{
	struct monitord m = { 0 };

	return daemon_main(&desc, argc, argv, &m);
}
