/*
 * test_serial_pair: two ends of beats in one real loop: UDP on loopback twice
 * and a serial line over pseudo terminals. Unplugging and hang-up alone move
 * nothing; a power cut that hangs the line up is found in little more than Tb.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/beats.h"
#include "ha/role.h"
#include "test/tap.h"
#include "test/unit/test_serial_help.h"

#define TB (10 * USEC_MS) /* where times are judged */
#define ROUNDS 10
#define TRIES 40 /* the machine may be busy */
#define QUIET (2 * USEC_MS)
#define SLOW (20 * USEC_MS) /* where other things are */
#define SLOW_MISSES 15
#define WAIT (20 * USEC_S)
#define LINE 2 /* the path's index */

struct side {
	struct conf conf;
	struct conf_path paths[2][3];
	struct beats beats;
	struct loop *loop;
	unsigned downs[3];
	usec_t all_down; /* when the last path went down */
	uint64_t seq;
};

struct world {
	struct loop *loop;
	struct cable cable;
	struct side sides[2];
};

static void
fill(struct beat *b, void *arg)
{
	struct side *s = arg;

	b->role = ROLE_STANDBY;
	b->seq = s->seq;
}

static void
on_report(const struct beat *b, void *arg)
{
	(void)b;
	(void)arg;
}

static void
on_path(unsigned index, bool up, void *arg)
{
	struct side *s = arg;

	s->downs[index] += !up;
	if (!up && !beats_any_up(&s->beats))
		s->all_down = loop_now(s->loop);
}

static void
on_tick(void *arg)
{
	(void)arg;
}

static const struct beats_ops ops = { fill, on_report, on_path, on_tick };

static void
side_conf(struct world *w, unsigned i, uint32_t speed, bool fast)
{
	struct side *s = &w->sides[i];
	unsigned n, p;

	s->loop = w->loop;
	s->conf = (struct conf){ .instance = "main",
		.key_len = 32,
		.beat_interval = fast ? TB : SLOW,
		.beat_misses = fast ? 3 : SLOW_MISSES };
	for (n = 0; n < 2; n++) {
		s->conf.nodes[n].id = n + 1;
		s->conf.nodes[n].paths = s->paths[n];
		s->conf.nodes[n].n_paths = 3;
		for (p = 0; p < 3; p++) {
			struct conf_path *c = &s->paths[n][p];

			*c = (struct conf_path){ .type = p == LINE ? PATH_SERIAL
								   : PATH_UDP,
				.device = "lo",
				.address = { .family = AF_INET,
				    .bytes = { 127, 77, (uint8_t)p,
					(uint8_t)(n + 1) } },
				.port = (uint16_t)(20000 + getpid() % 20000),
				.speed = speed };
			(void)snprintf(c->name, sizeof(c->name), "p%u", p);
			if (p == LINE)
				strcpy(c->device, w->cable.ends[n].link);
		}
	}
	s->conf.self = &s->conf.nodes[i];
	s->conf.peer = &s->conf.nodes[!i];
}

static void
side_start(struct world *w, unsigned i)
{
	struct side *s = &w->sides[i];

	if (beats_start(&s->beats, w->loop, &s->conf, path_open, &ops, s) < 0)
		abort();
}

static bool
is_well(void *arg)
{
	struct world *w = arg;

	return beats_hears(&w->sides[0].beats) == 7 &&
	       beats_hears(&w->sides[1].beats) == 7;
}

static bool
line_is_down(void *arg)
{
	struct world *w = arg;

	return !w->sides[0].beats.paths[LINE].up &&
	       !w->sides[1].beats.paths[LINE].up;
}

static bool
one_hung_up(void *arg)
{
	struct world *w = arg;

	return !w->sides[1].beats.paths[LINE].up;
}

static bool
all_down(void *arg)
{
	struct world *w = arg;

	return !beats_any_up(&w->sides[1].beats);
}

static struct world *
world_new(uint32_t speed, bool fast)
{
	struct world *w = mem_new(struct world);
	unsigned i;

	if (loop_new(&w->loop) < 0)
		abort();
	cable_lay(&w->cable, w->loop);
	for (i = 0; i < 2; i++) {
		side_conf(w, i, speed, fast);
		side_start(w, i);
	}
	return w;
}

static void
world_free(struct world *w)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		beats_stop(&w->sides[i].beats);
	cable_remove(&w->cable);
	loop_free(w->loop);
	free(w);
}

static unsigned
udp_downs(const struct world *w)
{
	const struct side *a = &w->sides[0], *b = &w->sides[1];

	return a->downs[0] + a->downs[1] + b->downs[0] + b->downs[1];
}

static bool
has_news(void *arg)
{
	struct world *w = arg;

	return w->sides[1].beats.report.seq == w->sides[0].seq;
}

static void
test_life(void)
{
	struct world *w = world_new(115200, false);
	struct side *a = &w->sides[0], *b = &w->sides[1];
	struct path_state *p = &b->beats.paths[LINE];
	uint64_t bytes, number;
	usec_t start;

	ok(run_until(w->loop, is_well, w, WAIT), "all paths come up");
	number = a->beats.guard.number;
	bytes = w->cable.bytes[0];
	start = loop_now(w->loop);
	run_for(w->loop, USEC_S);
	start = loop_now(w->loop) - start;
	bytes = w->cable.bytes[0] - bytes;
	number = a->beats.guard.number - number;
	ok(bytes <= (115200 / 50) * start / USEC_S + 150,
	    "%llu Tb are %llu bytes: within a fifth of the line",
	    (unsigned long long)number, (unsigned long long)bytes);
	ok(bytes >= number * 17 * 9 / 10, "a sign of life each Tb");
	is_int(p->path->line->crc_errors + p->path->line->garbage, 0,
	    "no byte is lost");
	is_int(b->beats.guard.refused[REFUSED_AUTH] +
		   b->beats.guard.refused[REFUSED_REPLAY],
	    0, "no frame is refused");
	a->seq = 5;
	ok(run_until(w->loop, has_news, w, WAIT), "news arrive");
	is_int(b->downs[LINE] + udp_downs(w), 0, "nothing went down");
	world_free(w);
}

/* News come by the line when it is all that there is. */
static bool
line_is_up(void *arg)
{
	struct world *w = arg;

	return beats_hears(&w->sides[0].beats) == 4 &&
	       beats_hears(&w->sides[1].beats) == 4;
}

static void
test_line_alone(uint32_t speed)
{
	struct world *w = world_new(speed, false);
	struct side *a = &w->sides[0], *b = &w->sides[1];
	unsigned i;

	for (i = 0; i < 2; i++)
		beats_stop(&w->sides[i].beats);
	for (i = 0; i < 2; i++) { /* networks to nobody */
		a->paths[1][i].address.bytes[3] = 9;
		b->paths[0][i].address.bytes[3] = 9;
	}
	side_start(w, 0);
	side_start(w, 1);
	ok(run_until(w->loop, line_is_up, w, WAIT), "%u bit/s alone: up",
	    speed);
	a->seq = 6;
	ok(run_until(w->loop, has_news, w, WAIT), "it carries news");
	run_for(w->loop, USEC_S);
	is_int(a->downs[LINE] + b->downs[LINE], 0, "it never goes down");
	world_free(w);
}

/* What a director that does not read its line has to hold of ours. */
static void
check_unread(struct world *w)
{
	uint64_t bytes = w->cable.bytes[0];
	usec_t start = loop_now(w->loop), took;

	run_for(w->loop, 2 * USEC_S);
	bytes = w->cable.bytes[0] - bytes;
	took = loop_now(w->loop) - start;
	ok(bytes > 0 && bytes < 200 + 3968 * took / (10 * USEC_S),
	    "it is not filled: %llu bytes in %llu ms",
	    (unsigned long long)bytes, (unsigned long long)took / 1000);
}

static void
test_unplugged(void)
{
	struct world *w = world_new(115200, false);
	usec_t start;

	ok(run_until(w->loop, is_well, w, WAIT), "well");
	w->cable.cut = true;
	ok(run_until(w->loop, line_is_down, w, WAIT), "cut: the line is down");
	run_for(w->loop, 300 * USEC_MS);
	is_int(udp_downs(w), 0, "nothing else moved");
	check_unread(w);
	w->cable.cut = false;
	ok(run_until(w->loop, is_well, w, WAIT), "mended: up");
	cable_hang_up(&w->cable, 1);
	start = loop_now(w->loop);
	ok(run_until(w->loop, one_hung_up, w, WAIT), "hang-up: down");
	start = loop_now(w->loop) - start;
	ok(start < SLOW * SLOW_MISSES / 2, "not by its silence: %llu us",
	    (unsigned long long)start);
	run_for(w->loop, 300 * USEC_MS);
	is_int(udp_downs(w), 0, "a hang-up alone moves nothing else");
	cable_plug(&w->cable, 1);
	ok(run_until(w->loop, is_well, w, WAIT),
	    "plugged in again: up by itself");
	world_free(w);
}

/* The line gets two beats a second while it is not heard. */
static bool
is_garbage(void *arg)
{
	const struct path *p = ((struct world *)arg)->sides[1].beats.paths[LINE]
				   .path;

	return p->problem != NULL && p->line->garbage + p->line->crc_errors > 100;
}

/* What comes out of a wrong speed, and noise, hurts nobody else. */
static void
test_wrong_speed(void)
{
	struct world *w = world_new(115200, false);
	struct path_state *p = &w->sides[1].beats.paths[LINE];

	ok(run_until(w->loop, is_well, w, WAIT), "well");
	w->cable.garble = true;
	ok(run_until(w->loop, line_is_down, w, WAIT), "garbled: down");
	(void)run_until(w->loop, is_garbage, w, WAIT);
	ok(is_garbage(w), "garbage is told: %llu bytes, %llu wrong CRC",
	    (unsigned long long)p->path->line->garbage,
	    (unsigned long long)p->path->line->crc_errors);
	is_int(udp_downs(w), 0, "nothing else moved");
	w->cable.garble = false;
	ok(run_until(w->loop, is_well, w, WAIT), "right again: up");
	ok(p->path->problem == NULL, "no problem is left");
	world_free(w);
}

/* The peer comes as another process: its session is proven on the line too. */
static void
test_restart(void)
{
	struct world *w = world_new(115200, false);

	ok(run_until(w->loop, is_well, w, WAIT), "well");
	beats_stop(&w->sides[0].beats);
	ok(run_until(w->loop, all_down, w, WAIT), "gone");
	side_start(w, 0);
	ok(run_until(w->loop, is_well, w, WAIT), "another one: up");
	world_free(w);
}

static int
by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* How late this loop is at worst: others may use our CPU. */
struct probe {
	struct timer timer;
	usec_t worst;
};

static void
on_probe(void *arg)
{
	struct probe *p = arg;
	usec_t late = loop_now(p->timer.loop) - p->timer.when;

	if (late > p->worst)
		p->worst = late;
	timer_in(&p->timer, 1000);
}

/* Power off: no beat any more and, with hang_up, no carrier either. */
static usec_t
power_cut(struct world *w, struct probe *probe, unsigned round, bool hang_up)
{
	usec_t at, took;

	if (!run_until(w->loop, is_well, w, WAIT))
		return USEC_NEVER;
	run_for(w->loop, 100 * USEC_MS + round * TB / ROUNDS);
	probe->worst = 0;
	at = loop_now(w->loop);
	beats_stop(&w->sides[0].beats);
	if (hang_up)
		cable_hang_up(&w->cable, 1);
	w->cable.cut = true;
	took = run_until(w->loop, all_down, w, WAIT) ? w->sides[1].all_down - at
						     : USEC_NEVER;
	w->cable.cut = false;
	if (hang_up)
		cable_plug(&w->cable, 1);
	side_start(w, 0);
	return took;
}

/* Of rounds in which this process was not held up. */
static unsigned
quiet_rounds(struct world *w, bool hang_up, usec_t *took)
{
	struct probe probe = { 0 };
	unsigned tries, n = 0;
	usec_t t;

	timer_init(&probe.timer, w->loop, on_probe, &probe);
	for (tries = 0; n < ROUNDS && tries < TRIES; tries++) {
		timer_in(&probe.timer, 0);
		t = power_cut(w, &probe, n, hang_up);
		if (probe.worst <= QUIET)
			took[n++] = t;
	}
	timer_stop(&probe.timer);
	return n;
}

static void
test_power_cut(bool hang_up, usec_t limit)
{
	struct world *w = world_new(115200, true);
	const char *how = hang_up ? "with" : "without";
	usec_t took[ROUNDS];
	unsigned n = quiet_rounds(w, hang_up, took);

	world_free(w);
	if (n < ROUNDS) {
		ok(true,
		    "power cut %s hang-up # SKIP only %u quiet rounds: "
		    "others use this machine",
		    how, n);
		return;
	}
	qsort(took, n, sizeof(took[0]), by_time);
	ok(took[n / 2] <= limit,
	    "power cut %s hang-up, Tb %llu ms: found after %.1f ms "
	    "(median of %u; %.1f to %.1f)",
	    how, (unsigned long long)(TB / USEC_MS), (double)took[n / 2] / 1e3,
	    n, (double)took[0] / 1e3, (double)took[n - 1] / 1e3);
}

int
main(void)
{
	test_life();
	test_line_alone(115200);
	test_line_alone(9600);
	test_unplugged();
	test_wrong_speed();
	test_restart();
	test_power_cut(true, 20 * USEC_MS);
	test_power_cut(false, 36 * USEC_MS); /* n Tb, as without a line */
	return done();
}
