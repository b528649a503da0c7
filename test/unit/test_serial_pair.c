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

#define TB (10 * USEC_MS)
#define ROUNDS 20
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
side_conf(struct world *w, unsigned i, uint32_t speed)
{
	struct side *s = &w->sides[i];
	unsigned n, p;

	s->loop = w->loop;
	s->conf = (struct conf){ .instance = "main",
		.key_len = 32,
		.beat_interval = TB,
		.beat_misses = 3 };
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
world_new(uint32_t speed)
{
	struct world *w = mem_new(struct world);
	unsigned i;

	if (loop_new(&w->loop) < 0)
		abort();
	cable_lay(&w->cable, w->loop);
	for (i = 0; i < 2; i++) {
		side_conf(w, i, speed);
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

static void
test_life(void)
{
	struct world *w = world_new(115200);
	struct side *a = &w->sides[0], *b = &w->sides[1];
	struct path_state *p = &b->beats.paths[LINE];
	uint64_t was, bytes;

	ok(run_until(w->loop, is_well, w, 2 * USEC_S), "all paths come up");
	was = p->received;
	bytes = w->cable.bytes[0];
	run_for(w->loop, USEC_S);
	was = p->received - was;
	bytes = w->cable.bytes[0] - bytes;
	ok(was > 80, "115200: %llu signs of life in a second",
	    (unsigned long long)was);
	ok(bytes <= 115200 / 50 + 150, "in %llu bytes: a fifth of the line",
	    (unsigned long long)bytes);
	is_int(p->path->line->crc_errors + p->path->line->garbage, 0,
	    "no byte is lost");
	is_int(b->beats.guard.refused[REFUSED_AUTH] +
		   b->beats.guard.refused[REFUSED_REPLAY],
	    0, "no frame is refused");
	a->seq = 5;
	run_for(w->loop, 100 * USEC_MS);
	is_int(b->beats.report.seq, 5, "news arrive");
	is_int(b->downs[LINE] + udp_downs(w), 0, "nothing went down");
	world_free(w);
}

/* News come by the line when it is all that there is. */
static void
test_line_alone(uint32_t speed, usec_t patience)
{
	struct world *w = world_new(speed);
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
	ok(!run_until(w->loop, is_well, w, patience), "%u bit/s alone", speed);
	is_int(beats_hears(&b->beats), 4, "it is up");
	is_int(beats_hears(&a->beats), 4, "on both sides");
	a->seq = 6;
	run_for(w->loop, patience);
	is_int(b->beats.report.seq, 6, "and carries news");
	is_int(a->downs[LINE] + b->downs[LINE], 0, "it never goes down");
	world_free(w);
}

static void
test_unplugged(void)
{
	struct world *w = world_new(115200);
	usec_t start;

	ok(run_until(w->loop, is_well, w, 2 * USEC_S), "well");
	run_for(w->loop, 100 * USEC_MS);
	w->cable.cut = true;
	start = loop_now(w->loop);
	ok(run_until(w->loop, line_is_down, w, USEC_S),
	    "cut: the line is down");
	start = loop_now(w->loop) - start;
	ok(start < 8 * TB, "after %llu us", (unsigned long long)start);
	run_for(w->loop, 300 * USEC_MS);
	is_int(udp_downs(w), 0, "nothing else moved");
	w->cable.cut = false;
	ok(run_until(w->loop, is_well, w, USEC_S), "mended: up");
	cable_hang_up(&w->cable, 1);
	start = loop_now(w->loop);
	ok(run_until(w->loop, one_hung_up, w, USEC_S), "hang-up: down");
	start = loop_now(w->loop) - start;
	ok(start < TB / 2, "at once: %llu us", (unsigned long long)start);
	run_for(w->loop, 300 * USEC_MS);
	is_int(udp_downs(w), 0, "a hang-up alone moves nothing else");
	cable_plug(&w->cable, 1);
	ok(run_until(w->loop, is_well, w, 3 * USEC_S),
	    "plugged in again: up by itself");
	world_free(w);
}

/* What comes out of a wrong speed, and noise, hurts nobody else. */
static void
test_wrong_speed(void)
{
	struct world *w = world_new(115200);
	struct path_state *p = &w->sides[1].beats.paths[LINE];

	ok(run_until(w->loop, is_well, w, 2 * USEC_S), "well");
	w->cable.garble = true;
	ok(run_until(w->loop, line_is_down, w, USEC_S), "garbled: down");
	run_for(w->loop, 500 * USEC_MS);
	ok(p->path->problem != NULL, "garbage is told: %s", p->path->problem);
	ok(p->path->line->garbage + p->path->line->crc_errors > 100,
	    "and counted: %llu bytes, %llu wrong CRC",
	    (unsigned long long)p->path->line->garbage,
	    (unsigned long long)p->path->line->crc_errors);
	is_int(udp_downs(w), 0, "nothing else moved");
	w->cable.garble = false;
	ok(run_until(w->loop, is_well, w, USEC_S), "right again: up");
	ok(p->path->problem == NULL, "no problem is left");
	world_free(w);
}

/* The peer comes as another process: its session is proven on the line too. */
static void
test_restart(void)
{
	struct world *w = world_new(115200);

	ok(run_until(w->loop, is_well, w, 2 * USEC_S), "well");
	beats_stop(&w->sides[0].beats);
	ok(run_until(w->loop, all_down, w, USEC_S), "gone");
	side_start(w, 0);
	ok(run_until(w->loop, is_well, w, 2 * USEC_S), "another one: up");
	world_free(w);
}

static int
by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

/* Power off: no beat any more and, with hang_up, no carrier either. */
static usec_t
power_cut(struct world *w, unsigned round, bool hang_up)
{
	usec_t at, took;

	if (!run_until(w->loop, is_well, w, 5 * USEC_S))
		return USEC_NEVER;
	run_for(w->loop, 100 * USEC_MS + round * TB / ROUNDS);
	at = loop_now(w->loop);
	beats_stop(&w->sides[0].beats);
	if (hang_up)
		cable_hang_up(&w->cable, 1);
	w->cable.cut = true;
	took = run_until(w->loop, all_down, w, USEC_S)
		   ? w->sides[1].all_down - at
		   : USEC_NEVER;
	w->cable.cut = false;
	if (hang_up)
		cable_plug(&w->cable, 1);
	side_start(w, 0);
	return took;
}

static usec_t
test_power_cut(bool hang_up)
{
	struct world *w = world_new(115200);
	usec_t took[ROUNDS];
	unsigned i;

	for (i = 0; i < ROUNDS; i++)
		took[i] = power_cut(w, i, hang_up);
	world_free(w);
	qsort(took, ROUNDS, sizeof(took[0]), by_time);
	printf("# power cut %s hang-up, Tb %llu ms: found after %.1f ms "
	       "(median of %d; %.1f to %.1f)\n",
	    hang_up ? "with" : "without", (unsigned long long)(TB / USEC_MS),
	    (double)took[ROUNDS / 2] / 1e3, ROUNDS, (double)took[0] / 1e3,
	    (double)took[ROUNDS - 1] / 1e3);
	return took[ROUNDS / 2];
}

int
main(void)
{
	test_life();
	test_line_alone(115200, USEC_S);
	test_line_alone(9600, 4 * USEC_S);
	test_unplugged();
	test_wrong_speed();
	test_restart();
	ok(test_power_cut(true) <= 20 * USEC_MS,
	    "a power cut with hang-up: found within 20 ms");
	ok(test_power_cut(false) <= 45 * USEC_MS,
	    "without: as late as without a line");
	return done();
}
