/*
 * bench_monitor: monitord's engine on the services of a configuration, without
 * yoked: what it asked, how late, at what cost. A line of JSON every ten
 * seconds; the last one, after `seconds`, has the lateness of the last minute.
 *
 *   bench_monitor CONF NODE SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/monitor.h"

#define RUNNING_MAX 4096
#define STEP (10 * USEC_S)

struct bench {
	struct loop *loop;
	struct monitor *monitor;
	struct timer step;
	usec_t began, until;
	uint64_t up, down;
	struct prober_minute minute;
};

static int
on_health(const struct health_msg *m, void *arg)
{
	struct bench *b = arg;

	b->up += m->health == HEALTH_UP;
	b->down += m->health == HEALTH_DOWN;
	return 0;
}

static int
on_weight(const struct weight_msg *m, void *arg)
{
	(void)m;
	(void)arg;
	return 0;
}

static void
on_minute(const struct prober_minute *m, void *arg)
{
	struct bench *b = arg;

	b->minute = *m;
}

static double
cpu_s(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* How long it was ready and had no processor: others' doing. */
static double
waited_s(void)
{
	unsigned long long ns = 0;
	FILE *f = fopen("/proc/self/schedstat", "re");

	if (f == NULL || fscanf(f, "%*u %llu", &ns) != 1)
		ns = 0;
	if (f != NULL)
		(void)fclose(f);
	return (double)ns / 1e9;
}

static unsigned long
rss_kb(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f != NULL)
		(void)fclose(f);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void
print(const struct bench *b)
{
	struct monitor_counts c = monitor_counts(b->monitor);

	printf("{\"s\": %.1f, \"started\": %llu, \"unasked\": %llu, "
	       "\"running\": %u, \"most\": %u, \"up\": %llu, \"down\": %llu, "
	       "\"cpu_s\": %.3f, \"waited_s\": %.3f, \"rss_kb\": %lu, \"late_n\": %llu, "
	       "\"late_p50_us\": %llu, \"late_p99_us\": %llu, "
	       "\"late_max_us\": %llu}\n",
	    (double)(loop_now(b->loop) - b->began) / USEC_S,
	    (unsigned long long)c.prober.started,
	    (unsigned long long)c.prober.unasked, c.prober.running,
	    c.prober.most_running, (unsigned long long)b->up,
	    (unsigned long long)b->down, cpu_s(), waited_s(), rss_kb(),
	    (unsigned long long)b->minute.late.n,
	    (unsigned long long)lateness_quantile(&b->minute.late, 500),
	    (unsigned long long)lateness_quantile(&b->minute.late, 990),
	    (unsigned long long)b->minute.late.max);
	(void)fflush(stdout);
}

static void
on_step(void *arg)
{
	struct bench *b = arg;

	print(b);
	if (loop_now(b->loop) >= b->until)
		loop_stop(b->loop);
	else
		timer_in(&b->step, STEP);
}

int
main(int argc, char **argv)
{
	static const struct monitor_ops ops = { on_health, on_weight,
		on_minute };
	struct rlimit r = { RUNNING_MAX + 64, RUNNING_MAX + 64 };
	struct bench b = { 0 };
	struct conf_err e;
	struct conf *c;
	char text[1024];

	if (argc != 4) {
		fprintf(stderr, "usage: bench_monitor CONF NODE SECONDS\n");
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (conf_load(argv[1], argv[2], CONF_NO_KEY, &c, &e) < 0) {
		fprintf(stderr, "%s\n",
		    conf_err_format(&e, text, sizeof(text)));
		return 1;
	}
	if (loop_new(&b.loop) < 0 || monitor_new(b.loop, RUNNING_MAX, &ops, &b,
					&b.monitor) < 0 ||
	    monitor_set_conf(b.monitor, c) < 0)
		return 1;
	b.began = loop_now(b.loop);
	b.until = b.began + (usec_t)atoi(argv[3]) * USEC_S;
	timer_init(&b.step, b.loop, on_step, &b);
	timer_in(&b.step, STEP);
	monitor_on(b.monitor, true);
	loop_run(b.loop);
	timer_stop(&b.step);
	monitor_free(b.monitor);
	conf_free(c);
	loop_free(b.loop);
	return 0;
}
