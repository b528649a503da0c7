/*
 * test_beats: two ends of the paths on a fake clock: when a path is up and when
 * it is down, hints, our own sleep, and what is refused.
 */
#include <stdlib.h>

#include "common/mem.h"
#include "ha/beats.h"
#include "ha/role.h"
#include "test/fake/path_fake.h"
#include "test/tap.h"

#define TB (20 * USEC_MS)

struct side {
	struct path_fake_end end; /* first: loop_fake_user() */
	struct conf conf;
	struct conf_path paths[2][2];
	struct loop *loop;
	struct beats beats;
	unsigned ups, downs, reports, ticks;
	usec_t down_at;
};

struct world {
	struct fake_clock clock;
	struct path_net net;
	struct side sides[2];
};

static void
fill(struct beat *b, void *arg)
{
	struct side *s = arg;

	b->role = ROLE_STANDBY;
	b->seq = s->ticks;
}

static void
on_report(const struct beat *b, void *arg)
{
	struct side *s = arg;

	(void)b;
	s->reports++;
}

static void
on_path(unsigned index, bool up, void *arg)
{
	struct side *s = arg;

	(void)index;
	s->ups += up;
	s->downs += !up;
	if (!up)
		s->down_at = loop_now(s->loop);
}

static void
on_tick(void *arg)
{
	struct side *s = arg;

	s->ticks++;
}

static const struct beats_ops ops = { fill, on_report, on_path, on_tick };

static void
side_conf(struct side *s, unsigned i)
{
	static const char *const names[] = { "net", "cross" };
	unsigned n, p;

	s->conf = (struct conf){ .instance = "main",
		.key_len = 32,
		.beat_interval = TB,
		.beat_misses = 3 };
	for (n = 0; n < 2; n++) {
		s->conf.nodes[n].id = n + 1;
		s->conf.nodes[n].paths = s->paths[n];
		s->conf.nodes[n].n_paths = 2;
		for (p = 0; p < 2; p++) { /* listed the other way round */
			strcpy(s->paths[n][p].name, names[n == 0 ? p : !p]);
			strcpy(s->paths[n][p].device, s->paths[n][p].name);
		}
	}
	s->conf.self = &s->conf.nodes[i];
	s->conf.peer = &s->conf.nodes[!i];
}

static void
side_start(struct world *w, unsigned i)
{
	struct side *s = &w->sides[i];

	if (beats_start(&s->beats, s->loop, &s->conf, path_fake_open, &ops,
		s) < 0)
		abort();
}

static struct world *
world_new(void)
{
	struct world *w = mem_new(struct world);
	unsigned i;

	fake_clock_init(&w->clock, 0);
	path_net_init(&w->net, 1);
	for (i = 0; i < 2; i++) {
		w->sides[i].end = (struct path_fake_end){ &w->net, i };
		side_conf(&w->sides[i], i);
		w->sides[i].loop =
		    loop_fake_new(&w->clock, i * USEC_S, &w->sides[i]);
		side_start(w, i);
	}
	fake_clock_run(&w->clock, w->clock.now + USEC_S);
	return w;
}

static void
world_free(struct world *w)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		beats_stop(&w->sides[i].beats);
		loop_free(w->sides[i].loop);
	}
	fake_clock_done(&w->clock);
	free(w);
}

static void
run(struct world *w, usec_t t)
{
	fake_clock_run(&w->clock, w->clock.now + t);
}

static void
cut(struct world *w, unsigned from, unsigned path, bool yes)
{
	w->net.wires[from][path].cut = yes;
}

static void
test_up_down(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t last;

	is_int(b->ups, 2, "both paths come up");
	is_int(beats_up(&b->beats, PATH_UDP), 2, "and are counted by type");
	is_int(beats_up(&b->beats, PATH_SERIAL), 0, "of which none is serial");
	is_str(b->beats.paths[0].own->name, "net",
	    "paths are numbered as the first node has them");
	is_int(b->beats.paths[0].sent, 51, "one beat each Tb");
	cut(w, 0, 0, true);
	run(w, USEC_S);
	is_int(b->downs, 1, "one is cut: it goes down");
	ok(beats_any_up(&b->beats), "the other one is up");
	is_int(w->sides[0].downs, 0, "the other direction is not hurt");
	cut(w, 0, 0, false);
	run(w, 50 * USEC_MS);
	is_int(b->ups, 3, "healed: up with the first beat");
	run(w, 5 * USEC_MS); /* nothing is under way */
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	last = b->beats.heard;
	run(w, last + 3 * TB + USEC_MS - loop_now(b->loop));
	is_int(b->downs, 1, "three beats later the third is only just due");
	run(w, TB);
	is_int(b->downs, 3, "a while later it is missing");
	last = b->down_at - last;
	ok(last >= 3 * TB + TB / 4 - USEC_MS && last <= 4 * TB,
	    "after n beats and, new as a path is, a quarter: %llu us",
	    (unsigned long long)last);
	ok(!beats_any_up(&b->beats), "nobody is heard");
	world_free(w);
}

/* How long after the last beat both paths are down. */
static usec_t
silence_after(struct world *w)
{
	struct side *b = &w->sides[1];
	usec_t last;

	run(w, 5 * USEC_MS); /* nothing is under way */
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	last = b->beats.heard;
	run(w, 5 * TB);
	ok(!beats_any_up(&b->beats), "nobody is heard");
	return b->down_at - last;
}

/* The margin is what the network asks for. */
static void
test_margin(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t took;

	run(w, 10 * USEC_S);
	is_int(beats_margin(&b->beats, 0), TB / 16,
	    "beats that are never late: a sixteenth of Tb");
	took = silence_after(w);
	ok(took >= 3 * TB + TB / 16 && took < 3 * TB + TB / 8,
	    "is all that silence lasts longer than n beats: %llu us",
	    (unsigned long long)took);
	cut(w, 0, 0, false);
	cut(w, 0, 1, false);
	w->net.wires[0][0].jitter = TB / 8;
	run(w, 10 * USEC_S);
	ok(beats_margin(&b->beats, 0) > TB / 16 &&
		beats_margin(&b->beats, 0) <= TB / 8 + 200,
	    "a path that jitters: as much as it does, %llu us",
	    (unsigned long long)beats_margin(&b->beats, 0));
	is_int(beats_margin(&b->beats, 1), TB / 16, "and that one alone");
	w->net.wires[0][0].jitter = TB;
	run(w, 2 * USEC_S);
	is_int(beats_margin(&b->beats, 0), TB / 4, "a quarter at most");
	w->net.wires[0][0].jitter = 200;
	run(w, 10 * USEC_S);
	is_int(beats_margin(&b->beats, 0), TB / 16, "forgotten in time");
	world_free(w);
}

static bool has_carrier[2];

static bool
carrier(const char *device, void *arg)
{
	(void)arg;
	return has_carrier[strcmp(device, "cross") == 0];
}

static void
set_carrier(struct side *s, bool net, bool cross)
{
	has_carrier[0] = net;
	has_carrier[1] = cross;
	beats_carrier(&s->beats, carrier, NULL);
}

static void
test_carrier(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t last;

	set_carrier(b, true, true);
	cut(w, 0, 1, true);
	set_carrier(b, true, false);
	run(w, 5 * TB);
	is_int(b->downs, 1, "a crossover cable pulled: its path alone is down");
	cut(w, 0, 1, false);
	set_carrier(b, true, true);
	run(w, 5 * TB + 5 * USEC_MS);
	is_int(beats_up(&b->beats, PATH_UDP), 2, "plugged in again");
	set_carrier(b, false, true);
	run(w, 5 * TB + 5 * USEC_MS);
	is_int(b->downs, 1, "a driver that says no while beats come: nothing");
	last = b->beats.heard;
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	run(w, 5 * USEC_MS);
	set_carrier(b, false, true);
	run(w, 2 * TB);
	is_int(b->downs, 1, "told again that it has none: no news, no hint");
	set_carrier(b, false, false);
	run(w, 1);
	is_int(b->downs, 3, "a power cut takes the carrier along: a hint");
	ok(b->down_at - last < 3 * TB, "within less than n beats");
	world_free(w);
}

static void
test_loss(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	int i;

	for (i = 0; i < 50; i++) { /* two of three lost, again and again */
		cut(w, 0, 0, true);
		cut(w, 0, 1, true);
		run(w, 2 * TB);
		cut(w, 0, 0, false);
		cut(w, 0, 1, false);
		run(w, TB);
	}
	is_int(b->downs, 0, "n - 1 missing beats are not n");
	world_free(w);
}

static void
test_hint(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t last;

	beats_hint(&b->beats);
	run(w, 5 * TB);
	is_int(b->downs, 0, "a hint alone: nothing, the beats go on");
	run(w, 5 * USEC_MS);
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	last = b->beats.heard;
	run(w, 5 * USEC_MS);
	beats_hint(&b->beats);
	run(w, 2 * TB);
	is_int(b->downs, 2, "a hint and one missed beat");
	ok(b->down_at - last < 2 * TB, "within two Tb");
	world_free(w);
}

/* Six misses are allowed: three after a hint. */
static void
test_hint_patient(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t last;

	b->conf.beat_misses = 6;
	run(w, 5 * TB + 5 * USEC_MS);
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	last = b->beats.heard;
	run(w, 5 * USEC_MS);
	beats_hint(&b->beats);
	run(w, 2 * TB);
	is_int(b->downs, 0, "a hint and two missed beats of six: stays");
	run(w, 2 * TB);
	is_int(b->downs, 2, "three: it is down");
	ok(b->down_at - last < 4 * TB, "within four Tb");
	world_free(w);
}

static void
test_sleep(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	usec_t woke;

	loop_fake_pause(b->loop, true);
	run(w, USEC_S);
	loop_fake_pause(b->loop, false);
	run(w, USEC_S);
	is_int(b->downs, 0, "who slept finds the beats that came meanwhile");
	is_int(b->beats.sleeps > 0, 1, "and knows that it slept");
	/* A machine that was paused: nothing came. */
	loop_fake_pause(b->loop, true);
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	run(w, USEC_S);
	loop_fake_pause(b->loop, false);
	woke = loop_now(b->loop);
	run(w, 2 * TB);
	is_int(b->downs, 0, "silence while asleep is not counted");
	run(w, 2 * TB);
	is_int(b->downs, 2, "silence after it is");
	ok(b->down_at - woke >= 3 * TB, "from waking on");
	world_free(w);
}

/* The peer's process is another one: admitted by its echo, within 2 Tb. */
static void
test_session(void)
{
	struct world *w = world_new();
	struct side *a = &w->sides[0], *b = &w->sides[1];
	uint64_t was = b->beats.report.session;

	beats_stop(&a->beats);
	side_start(w, 0);
	run(w, 45 * USEC_MS);
	ok(b->beats.report.session != was, "the new session is heard");
	is_int(b->downs, 0, "before the old one counts as silent");
	ok(b->beats.guard.refused[REFUSED_UNPROVEN] > 0,
	    "its first beats were not proven");
	world_free(w);
}

static uint8_t kept[4][FAKE_FRAME_MAX];
static size_t kept_len[4];
static unsigned n_kept;

static bool
keep(unsigned side, unsigned path, const void *bytes, size_t len, void *arg)
{
	(void)arg;
	if (side == 0 && path == 0 && n_kept < 4) {
		memcpy(kept[n_kept], bytes, len);
		kept_len[n_kept++] = len;
	}
	return false;
}

static void
test_refused(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	uint64_t *r = b->beats.guard.refused, received;
	struct beat foreign = { .instance = "other", .node = 1,
		.interval_us = TB };
	uint8_t mem[BEAT_BYTES_MAX];
	struct beat_key *key;
	int n;

	n_kept = 0;
	w->net.tap = keep;
	run(w, 4 * TB);
	w->net.tap = NULL;
	received = b->beats.paths[0].received;
	path_fake_inject(&w->net, 1, 0, "hello", 5);
	run(w, 100);
	is_int(r[REFUSED_MALFORMED], 1, "what is no beat");
	path_fake_inject(&w->net, 1, 0, kept[1], kept_len[1]);
	run(w, 100);
	is_int(r[REFUSED_REPLAY], 1, "a beat heard before");
	path_fake_inject(&w->net, 1, 1, kept[1], kept_len[1]);
	run(w, 100);
	is_int(r[REFUSED_FOREIGN], 1, "a beat of another path");
	kept[1][20] ^= 1;
	path_fake_inject(&w->net, 1, 0, kept[1], kept_len[1]);
	run(w, 100);
	is_int(r[REFUSED_AUTH], 1, "a beat that was altered");
	if (beat_key_new(b->conf.key, 32, &key) < 0)
		abort();
	n = beat_pack(&foreign, key, mem);
	path_fake_inject(&w->net, 1, 0, mem, (size_t)n);
	strcpy(foreign.instance, "main");
	foreign.session = 99;
	n = beat_pack(&foreign, key, mem);
	path_fake_inject(&w->net, 1, 0, mem, (size_t)n);
	beat_key_free(key);
	run(w, 100);
	is_int(r[REFUSED_FOREIGN], 2, "a beat of another instance");
	ok(r[REFUSED_UNPROVEN] > 0, "a session that does not know us");
	ok(b->beats.paths[0].received <= received + 1, "none of them counts");
	run(w, USEC_S);
	is_int(b->downs, 0, "and the peer is heard as before");
	world_free(w);
}

static void
test_order(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	unsigned p;

	for (p = 0; p < 2; p++) {
		w->net.wires[0][p].jitter = 2 * TB;
		w->net.wires[0][p].duplicate = 0.5;
	}
	run(w, 10 * USEC_S);
	is_int(b->downs, 0, "jitter, duplicates, wrong order: the path is up");
	ok(b->beats.guard.refused[REFUSED_REPLAY] > 100,
	    "the old and the doubled are refused");
	world_free(w);
}

static void
test_retime(void)
{
	struct world *w = world_new();
	struct side *a = &w->sides[0], *b = &w->sides[1];
	struct conf slow = a->conf;
	unsigned ticks = a->ticks;

	slow.beat_interval = 200 * USEC_MS;
	beats_retime(&a->beats, &slow);
	run(w, 2 * USEC_S);
	ok(a->ticks - ticks <= 12, "a slower beat");
	is_int(b->downs, 0, "is waited for: a beat says what its interval is");
	a->beats.conf = &a->conf;
	world_free(w);
}

/* Held up for less than makes a sleep of it: what has arrived counts. */
static void
test_drain(void)
{
	struct world *w = world_new();
	struct side *b = &w->sides[1];
	struct conf slow = b->conf;

	slow.beat_interval = 200 * USEC_MS;
	beats_retime(&b->beats, &slow);
	run(w, USEC_S);
	loop_fake_pause(b->loop, true);
	run(w, 300 * USEC_MS);
	loop_fake_pause(b->loop, false);
	run(w, USEC_S);
	is_int(b->beats.sleeps, 0, "held up a little");
	is_int(b->downs, 0, "silence is judged after what arrived was read");
	b->beats.conf = &b->conf;
	world_free(w);
}

/* The second path is a line. */
static struct world *
world_with_line(uint32_t speed)
{
	struct world *w = world_new();
	unsigned i, n, p;

	for (i = 0; i < 2; i++) {
		beats_stop(&w->sides[i].beats);
		for (n = 0; n < 2; n++)
			for (p = 0; p < 2; p++)
				if (w->sides[i].paths[n][p].name[0] == 'c') {
					w->sides[i].paths[n][p].type =
					    PATH_SERIAL;
					w->sides[i].paths[n][p].speed =
					    speed;
				}
		w->sides[i].ups = w->sides[i].downs = 0;
		side_start(w, i);
	}
	run(w, 5 * USEC_S);
	return w;
}

/* At 9600 a sign of life each 120 ms. */
static void
test_line_pace(void)
{
	struct world *w = world_with_line(9600);
	struct side *b = &w->sides[1];
	uint64_t sent = w->net.wires[0][1].sent;
	usec_t cut_at;

	is_int(beats_up(&b->beats, PATH_SERIAL), 1, "the line is up");
	is_int(b->downs, 0, "and never was down");
	is_int(beats_interval(&b->beats, 1), 120 * USEC_MS, "its own pace");
	is_int(beats_interval(&b->beats, 0), TB, "the network's");
	run(w, 12 * USEC_S);
	sent = w->net.wires[0][1].sent - sent;
	ok(sent >= 95 && sent <= 102, "%llu frames in 12 s",
	    (unsigned long long)sent);
	ok(b->beats.paths[1].gap_max <= 130 * USEC_MS, "none came late");
	cut_at = loop_now(b->loop);
	cut(w, 0, 1, true);
	run(w, 200 * USEC_MS);
	is_int(b->downs, 0, "ten Tb of silence are not its own n");
	run(w, USEC_S);
	is_int(b->downs, 1, "n of its own intervals are");
	ok(b->down_at - cut_at <= 3 * 120 * USEC_MS + 200 * USEC_MS,
	    "after %llu us", (unsigned long long)(b->down_at - cut_at));
	ok(beats_up(&b->beats, PATH_UDP) == 1, "the network is not hurt");
	cut(w, 0, 1, false);
	run(w, 4 * USEC_S);
	is_int(beats_up(&b->beats, PATH_SERIAL), 1, "mended: up");
	world_free(w);
}

static void
hang_up(struct side *s)
{
	struct path *p = s->beats.paths[1].path;

	p->on_lost(p->index, p->arg);
}

static void
test_line_lost(void)
{
	struct world *w = world_with_line(9600);
	struct side *b = &w->sides[1];
	usec_t last;

	hang_up(b);
	is_int(beats_up(&b->beats, PATH_SERIAL), 0, "a hang-up: down at once");
	run(w, 5 * TB);
	is_int(b->downs, 1, "alone it moves nothing else");
	run(w, 4 * USEC_S);
	is_int(beats_up(&b->beats, PATH_SERIAL), 1, "the next frame: up");
	run(w, 5 * USEC_MS);
	cut(w, 0, 0, true);
	cut(w, 0, 1, true);
	last = b->beats.paths[0].heard;
	run(w, 5 * USEC_MS);
	hang_up(b);
	run(w, 2 * TB);
	is_int(b->downs, 3, "a hang-up, and one missed beat elsewhere");
	ok(b->down_at - last < 2 * TB, "within two Tb");
	hang_up(b);
	is_int(b->downs, 3, "a line that is down tells nothing");
	world_free(w);
}

/* News go out at once, also where pulses do between them. */
static void
test_line_news(void)
{
	struct world *w = world_with_line(9600);
	struct side *b = &w->sides[1];

	cut(w, 0, 0, true);
	run(w, 12 * USEC_S);
	is_int(beats_up(&b->beats, PATH_UDP), 0, "the line is all there is");
	ok(w->sides[0].ticks - b->beats.report.seq <= 200,
	    "what it says is at most 4 s old, at 9600: %llu Tb",
	    (unsigned long long)(w->sides[0].ticks - b->beats.report.seq));
	ok(b->beats.heard + 150 * USEC_MS > loop_now(b->loop),
	    "that it lives is known all the time");
	world_free(w);
}

/* The peer's manager hangs: its terminal keeps 4 KiB at most, and a driver that
 * was stopped at that may not start again. */
static void
test_line_hung(void)
{
	struct world *w = world_with_line(115200);
	struct side *b = &w->sides[1];
	uint64_t sent = w->net.wires[0][1].sent;

	loop_fake_pause(b->loop, true);
	run(w, 5 * USEC_S);
	sent = w->net.wires[0][1].sent - sent;
	ok(sent * 128 < 4096 * 3 / 4,
	    "%llu frames in 5 s to who does not read", (unsigned long long)sent);
	loop_fake_pause(b->loop, false);
	run(w, 3 * USEC_S);
	is_int(beats_up(&b->beats, PATH_SERIAL), 1, "and it is up again");
	is_int(beats_up(&w->sides[0].beats, PATH_SERIAL), 1, "on both");
	world_free(w);
}

/* With no other path, a peer that starts is heard as soon as ever. */
static void
test_line_alone(void)
{
	struct world *w = world_with_line(115200);
	struct side *b = &w->sides[1];

	cut(w, 0, 0, true);
	cut(w, 1, 0, true);
	beats_stop(&b->beats);
	run(w, 20 * USEC_S);
	is_int(beats_up(&w->sides[0].beats, PATH_SERIAL), 0, "nobody there");
	b->ups = 0;
	side_start(w, 1);
	run(w, 1500 * USEC_MS);
	is_int(beats_up(&b->beats, PATH_SERIAL), 1, "who starts hears");
	is_int(beats_up(&w->sides[0].beats, PATH_SERIAL), 1, "and is heard");
	world_free(w);
}

static void
test_bad_paths(void)
{
	struct world *w = world_new();
	struct side *a = &w->sides[0];
	int rc;

	beats_stop(&a->beats);
	strcpy(a->paths[1][0].name, "elsewhere");
	rc = beats_start(&a->beats, a->loop, &a->conf, path_fake_open, &ops, a);
	ok(rc < 0, "a path that the peer does not have");
	strcpy(a->paths[1][0].name, "cross");
	a->conf.key_len = 0;
	rc = beats_start(&a->beats, a->loop, &a->conf, path_fake_open, &ops, a);
	ok(rc < 0, "no key");
	a->conf.key_len = 32;
	side_start(w, 0);
	world_free(w);
}

int
main(void)
{
	test_up_down();
	test_margin();
	test_carrier();
	test_loss();
	test_hint();
	test_hint_patient();
	test_sleep();
	test_session();
	test_refused();
	test_order();
	test_retime();
	test_drain();
	test_line_pace();
	test_line_lost();
	test_line_news();
	test_line_hung();
	test_line_alone();
	test_bad_paths();
	return done();
}
