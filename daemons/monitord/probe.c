/*
 * probe: scheduling of probes and rise and fall of their results.
 *
 * Called by monitor.c; asks through check_ops. A probe's one timer is the next
 * start or the deadline of the run. When this process was held up itself, the
 * answers may lie unread in the kernel: when a deadline fires late, they are
 * read before the server is blamed.
 */
#include "daemons/monitord/probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/mem.h"
#include "daemons/monitord/vip_path.h"

#define SPREAD_MAX USEC_S        /* of the first starts */
#define JITTER_PERMILLE 100      /* of the interval, either way */
#define LATE (20 * USEC_MS)      /* we: a deadline may wrong a server */
#define PATHS_PATIENCE (3 * USEC_S)
#define WAITING_BATCH 64
#define MINUTE (60 * USEC_S)

struct prober {
	struct loop *loop;
	const struct prober_ops *ops;
	void *arg;
	struct poller *poller;
	void *shared[CHECK__TYPES];
	bool opened[CHECK__TYPES];
	unsigned max_running;
	struct prober_counts counts;
	struct qb_list_head waiting;
	struct timer minute_timer;
	struct prober_minute minute;
	enum probe_paths_state paths_state; /* see prober_paths() */
	usec_t paths_since;
	unsigned paths; /* counts their changes */
	uint64_t random;
};

static void on_probe_timer(void *arg);

static void
on_minute(void *arg)
{
	struct prober *b = arg;
	struct prober_minute m = b->minute;

	memset(&b->minute, 0, sizeof(b->minute));
	timer_in(&b->minute_timer, MINUTE);
	if (m.late.n > 0)
		b->ops->on_minute(&m, b->arg);
}

/* xorshift64: spreading needs no better. */
static uint64_t
next_random(struct prober *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

static int
open_types(struct prober *b)
{
	unsigned i;
	int rc;

	for (i = 0; i < CHECK__TYPES; i++) {
		rc = check_ops_of(i)->open(b->loop, b->poller, &b->shared[i]);
		if (rc < 0)
			return rc;
		b->opened[i] = true;
	}
	return 0;
}

int
prober_new(struct loop *l, unsigned max_running, const struct prober_ops *ops,
    void *arg, struct prober **ret)
{
	struct prober *b = mem_new(struct prober);
	int rc;

	b->loop = l;
	b->ops = ops;
	b->arg = arg;
	b->max_running = max_running > 0 ? max_running : 1;
	qb_list_init(&b->waiting);
	timer_init(&b->minute_timer, l, on_minute, b);
	if (getrandom(&b->random, sizeof(b->random), GRND_NONBLOCK) < 0)
		b->random = usec_mono();
	b->random |= 1;
	rc = poller_new(l, &b->poller);
	if (rc == 0)
		rc = open_types(b);
	if (rc < 0) {
		prober_free(b);
		return rc;
	}
	timer_in(&b->minute_timer, MINUTE);
	*ret = b;
	return 0;
}

void
prober_free(struct prober *b)
{
	unsigned i;

	if (b == NULL)
		return;
	timer_stop(&b->minute_timer);
	for (i = 0; i < CHECK__TYPES; i++)
		if (b->opened[i])
			check_ops_of(i)->close(b->shared[i]);
	poller_free(b->poller);
	free(b);
}

struct prober_counts
prober_counts(const struct prober *b)
{
	return b->counts;
}

void
prober_paths(struct prober *b, enum probe_paths_state s)
{
	if (b->paths_state == s)
		return;
	b->paths_state = s;
	b->paths_since = loop_now(b->loop);
	b->paths++;
}

static const struct check_ops *
ops_of(const struct probe *p)
{
	return check_ops_of(p->target.check->type);
}

const char *
probe_type(const struct probe *p)
{
	return ops_of(p)->name;
}

struct probe *
probe_new(struct prober *b, const struct check_target *t)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->target = *t;
	p->target.load = &p->load;
	p->target.memory = &p->memory;
	p->prober = b;
	timer_init(&p->timer, b->loop, on_probe_timer, p);
	return p;
}

static void
schedule(struct probe *p, usec_t when)
{
	p->phase = PROBE_SCHEDULED;
	p->planned = when;
	timer_at(&p->timer, when);
}

/* From start to start, so that slow answers do not stretch the interval. */
static void
schedule_next(struct probe *p)
{
	usec_t interval = p->target.check->interval;
	usec_t now = loop_now(p->prober->loop), when;
	uint64_t permille = 1000 - JITTER_PERMILLE +
	    next_random(p->prober) % (2 * JITTER_PERMILLE + 1);

	when = p->planned + interval * permille / 1000;
	schedule(p, when > now ? when : now);
}

/* The one place where a probe's health changes. */
void
probe_set_health(struct probe *p, enum health h)
{
	p->health = h;
	p->streak = 0;
	p->detail[0] = '\0';
}

static void
count_result(struct probe *p, bool good, const char *detail)
{
	const struct conf_check *c = p->target.check;
	enum health says = good ? HEALTH_UP : HEALTH_DOWN;
	unsigned need = good ? c->rise : c->fall;

	if (good && p->health == HEALTH_UNKNOWN)
		need = 1;
	if (p->health != says && ++p->streak < need)
		return;
	if (p->health != says)
		probe_set_health(p, says);
	p->streak = 0;
	(void)snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

/* Did it go a way that is, and was then, the way to its server? */
static bool
went_astray(const struct probe *p)
{
	const struct prober *b = p->prober;

	return p->target.mark != 0 &&
	    (b->paths_state != PATHS_THERE || p->paths != b->paths);
}

/* What an answer leads to; p is scheduled again and not running. */
static void
settle(struct probe *p, enum verdict v, bool timeout, const char *detail)
{
	struct prober *b = p->prober;
	char why[DETAIL_LEN];

	if (v != VERDICT_NONE && went_astray(p))
		return;
	if (v == VERDICT_BAD && vip_path_blocked(&p->target, why)) {
		v = VERDICT_NONE;
		detail = why;
	}
	if (v == VERDICT_NONE) {
		b->minute.unasked++;
		b->counts.unasked++;
		(void)snprintf(b->minute.reason, sizeof(b->minute.reason),
		    "%s", detail);
		return;
	}
	b->minute.results++;
	b->ops->on_answer(p, v == VERDICT_OK, timeout,
	    loop_now(b->loop) - p->began, b->arg);
	count_result(p, v == VERDICT_OK, detail);
	if (p->streak == 0)
		b->ops->on_result(p, b->arg);
}

static void run(struct probe *p);

/* Usually one for each that ended; more where some cannot be started. */
static void
run_waiting(struct prober *b)
{
	unsigned bound = WAITING_BATCH;
	struct probe *p;

	while (!qb_list_empty(&b->waiting) && bound-- > 0 &&
	       b->counts.running < b->max_running) {
		p = qb_list_first_entry(&b->waiting, struct probe, link);
		qb_list_del(&p->link);
		b->counts.waiting--;
		run(p);
	}
}

/* The run is gone; the probe goes on. */
static void
ended(struct probe *p)
{
	p->run = NULL;
	p->prober->counts.running--;
	timer_stop(&p->timer);
	schedule_next(p);
}

static void
on_done(enum verdict v, const char *detail, void *arg)
{
	struct probe *p = arg;
	struct prober *b = p->prober;

	ended(p);
	settle(p, v, false, detail);
	run_waiting(b);
}

/* What lies unread comes first: it may be the answer. And if we are late and
 * our own part was done only now, the deadline moves, once, by as much as we
 * were late. */
static bool
excused(struct probe *p)
{
	usec_t late = loop_now(p->prober->loop) - p->deadline;

	poller_drain(p->prober->poller);
	if (p->phase != PROBE_RUNNING)
		return true;
	if (late < LATE || p->excused ||
	    ops_of(p)->acted(p->run) <= p->deadline)
		return false;
	p->excused = true;
	if (late > p->target.check->timeout)
		late = p->target.check->timeout;
	p->deadline = loop_now(p->prober->loop) + late;
	timer_at(&p->timer, p->deadline);
	return true;
}

static void
on_deadline(struct probe *p)
{
	struct prober *b = p->prober;
	char text[32], detail[DETAIL_LEN];

	if (excused(p))
		return;
	ops_of(p)->cancel(p->run);
	ended(p);
	(void)snprintf(detail, sizeof(detail), "timeout after %s",
	    usec_format(p->target.check->timeout, text, sizeof(text)));
	settle(p, VERDICT_BAD, true, detail);
	run_waiting(b);
}

static void
could_not_start(struct probe *p, int rc)
{
	char detail[DETAIL_LEN];

	(void)check_errno_text(-rc, detail);
	schedule_next(p);
	settle(p, check_errno_is_ours(-rc) ? VERDICT_NONE : VERDICT_BAD,
	    false, detail);
}

/* No path, which is as it should be for a moment after a reload. */
static void
wait_for_path(struct probe *p)
{
	struct prober *b = p->prober;

	schedule_next(p);
	if (b->paths_state != PATHS_OTHERS ||
	    loop_now(b->loop) - b->paths_since < PATHS_PATIENCE)
		return;
	b->minute.started++;
	b->counts.started++;
	settle(p, VERDICT_NONE, false, "IPVS has no path: reload yoke?");
}

static void
run(struct probe *p)
{
	struct prober *b = p->prober;
	usec_t now = loop_now(b->loop);
	unsigned type = p->target.check->type;
	int rc;

	p->paths = b->paths;
	if (went_astray(p)) {
		wait_for_path(p);
		return;
	}
	lateness_add(&b->minute.late, now - p->planned);
	b->minute.started++;
	b->counts.started++;
	if (now - p->planned > p->target.check->interval)
		p->planned = now; /* no burst to catch up */
	p->began = now;
	rc = ops_of(p)->start(
	    b->shared[type], &p->target, on_done, p, &p->run);
	if (rc < 0) {
		could_not_start(p, rc);
		return;
	}
	p->phase = PROBE_RUNNING;
	p->excused = false;
	p->deadline = now + p->target.check->timeout;
	timer_at(&p->timer, p->deadline);
	if (++b->counts.running > b->counts.most_running)
		b->counts.most_running = b->counts.running;
}

static void
on_probe_timer(void *arg)
{
	struct probe *p = arg;
	struct prober *b = p->prober;

	if (p->phase == PROBE_RUNNING) {
		on_deadline(p);
		return;
	}
	p->phase = PROBE_WAITING;
	qb_list_add_tail(&p->link, &b->waiting);
	b->counts.waiting++;
	run_waiting(b);
}

void
probe_start(struct probe *p)
{
	struct prober *b = p->prober;
	usec_t spread = p->target.check->interval;

	if (p->phase != PROBE_OFF)
		return;
	if (spread > SPREAD_MAX)
		spread = SPREAD_MAX;
	p->streak = 0;
	schedule(p, loop_now(b->loop) + next_random(b) % (spread + 1));
}

void
probe_stop(struct probe *p)
{
	struct prober *b = p->prober;

	timer_stop(&p->timer);
	if (p->phase == PROBE_WAITING) {
		qb_list_del(&p->link);
		b->counts.waiting--;
	}
	if (p->phase == PROBE_RUNNING) {
		ops_of(p)->cancel(p->run);
		p->run = NULL;
		b->counts.running--;
	}
	p->phase = PROBE_OFF;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	probe_stop(p);
	free(p);
}
