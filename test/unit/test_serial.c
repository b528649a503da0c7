/*
 * test_serial: what needs no line: frames between garbage, pulses, the pace.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/pace.h"
#include "ha/pulse.h"
#include "ha/serial_frame.h"
#include "test/tap.h"

#define STREAMS 1000000

static uint64_t rng = 1;

static uint64_t
rnd(void) /* splitmix64 */
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
fill_random(uint8_t *p, size_t len)
{
	for (; len > 0; len--)
		*p++ = (uint8_t)rnd();
}

/* What came out, against what went in. */
struct sink {
	const uint8_t *want; /* the one frame that is right; NULL: none is */
	size_t len;
	unsigned right, wrong;
	const uint8_t *also; /* one whose ends only may have been damaged */
};

static void
take(const void *payload, size_t len, void *arg)
{
	struct sink *s = arg;

	if (s->want != NULL && len == s->len &&
	    memcmp(payload, s->want, len) == 0)
		s->right++;
	else if (s->also == NULL || len != s->len ||
		 memcmp(payload, s->also, len) != 0)
		s->wrong++;
}

static unsigned
round_trip(const uint8_t *payload, size_t len)
{
	struct serial_deframer d = { 0 };
	struct sink s = { .want = payload, .len = len };
	uint8_t wire[SERIAL_WIRE_MAX];
	size_t n = serial_frame_pack(payload, len, wire), i;
	unsigned zeros = 0;

	for (i = 1; i + 1 < n; i++)
		zeros += wire[i] == 0;
	if (len <= 250 && n > SERIAL_WIRE(len))
		zeros++;
	serial_frame_feed(&d, wire, n, take, &s);
	return s.right == 1 && s.wrong == 0 && zeros == 0 && d.good == 1 &&
	       d.bad_crc == 0 && d.garbage == 0;
}

static void
test_round_trip(void)
{
	uint8_t p[SERIAL_PAYLOAD_MAX + 1], wire[SERIAL_WIRE_MAX];
	unsigned fit = 0, all = 0;
	size_t len, kind;

	for (kind = 0; kind < 4; kind++)
		for (len = 1; len <= SERIAL_PAYLOAD_MAX; len++, all++) {
			fill_random(p, len);
			if (kind < 3) /* zeros, ones, and one zero inside */
				memset(p, kind == 0 ? 0 : 0xff, len);
			if (kind == 2)
				p[rnd() % len] = 0;
			fit += round_trip(p, len);
		}
	is_int(fit, all, "every length and kind of payload comes back");
	is_int(serial_frame_pack(p, 0, wire), 0, "none is no frame");
	is_int(serial_frame_pack(p, SERIAL_PAYLOAD_MAX + 1, wire), 0,
	    "too long is no frame");
}

static size_t
cut(uint8_t *wire, size_t n)
{
	size_t at = rnd() % n, count = 1 + rnd() % (n - at);

	memmove(wire + at, wire + at + count, n - at - count);
	return n - count;
}

static size_t
flip(uint8_t *wire, size_t n)
{
	unsigned i;

	for (i = 1 + rnd() % 4; i > 0; i--)
		wire[rnd() % n] ^= (uint8_t)(1 << rnd() % 8);
	return n;
}

static size_t
twice(uint8_t *wire, size_t n)
{
	size_t at = rnd() % n, count = 1 + rnd() % (n - at);

	memmove(wire + at + count, wire + at, n - at);
	return n + count;
}

static size_t
random_bytes(uint8_t *wire, size_t n)
{
	fill_random(wire, n);
	return n;
}

static size_t
endless(uint8_t *wire, size_t n) /* no zero: longer than any frame */
{
	(void)n;
	memset(wire, 0x55, 2000);
	return 2000;
}

/* A frame, something that is none (or the frame again), a frame. */
static void
test_damage(void)
{
	static const struct {
		const char *what;
		size_t (*damage)(uint8_t *wire, size_t n);
	} rows[] = {
		{ "cut bytes", cut },
		{ "flipped bits", flip },
		{ "bytes twice", twice },
		{ "random bytes", random_bytes },
		{ "bytes without end", endless },
	};
	uint8_t p[40], damaged[40], wire[4096];
	size_t n, r, i;

	for (r = 0; r < ARRAY_LEN(rows); r++) {
		struct serial_deframer d = { 0 };
		struct sink s = {
			.want = p, .len = sizeof(p), .also = damaged
		};
		unsigned lost = 0, was;

		for (i = 0; i < 20000; i++) {
			fill_random(damaged, sizeof(damaged));
			n = serial_frame_pack(damaged, sizeof(damaged), wire);
			n = rows[r].damage(wire, n);
			serial_frame_feed(&d, wire, n, take, &s);
			fill_random(p, sizeof(p));
			n = serial_frame_pack(p, sizeof(p), wire);
			was = s.right;
			serial_frame_feed(&d, wire, n, take, &s);
			lost += s.right != was + 1;
		}
		is_int(
		    lost, 0, "%s: the very next frame is found", rows[r].what);
		is_int(
		    s.wrong, 0, "%s: none is taken for a frame", rows[r].what);
		ok(d.bad_crc + d.garbage > 0,
		    "%s: counted, %llu bad CRC, "
		    "%llu bytes of garbage",
		    rows[r].what, (unsigned long long)d.bad_crc,
		    (unsigned long long)d.garbage);
	}
}

/* Bytes in any pieces, as read(2) gives them. */
static void
test_pieces(void)
{
	struct serial_deframer d = { 0 };
	uint8_t p[100], wire[SERIAL_WIRE_MAX];
	struct sink s = { .want = p, .len = sizeof(p) };
	size_t n, at, k;
	unsigned i;

	fill_random(p, sizeof(p));
	n = serial_frame_pack(p, sizeof(p), wire);
	for (i = 0; i < 1000; i++)
		for (at = 0; at < n; at += k) {
			k = 1 + rnd() % (n - at);
			serial_frame_feed(&d, wire + at, k, take, &s);
		}
	is_int(s.right, 1000, "frames in pieces");
	is_int(s.wrong, 0, "and nothing else");
}

static void
test_random_streams(void)
{
	struct serial_deframer d = { 0 };
	struct sink s = { 0 };
	uint8_t bytes[64];
	unsigned i;
	size_t n, k;

	for (i = 0; i < STREAMS; i++) {
		n = 1 + rnd() % sizeof(bytes);
		fill_random(bytes, n);
		for (k = 0; i % 2 == 0 && k < n; k += 1 + rnd() % 12)
			bytes[k] = 0; /* many short pieces */
		serial_frame_feed(&d, bytes, n, take, &s);
	}
	is_int(s.wrong, 0, "%d random streams: no frame in them", STREAMS);
	ok(d.bad_crc > STREAMS / 1000, "though %llu pieces looked like one",
	    (unsigned long long)d.bad_crc);
	ok(d.garbage > STREAMS, "%llu bytes of garbage",
	    (unsigned long long)d.garbage);
}

/* ---- pulses ---- */

static struct beat_key *
key_of(char c)
{
	uint8_t secret[32];
	struct beat_key *k;

	memset(secret, c, sizeof(secret));
	if (beat_key_new(secret, sizeof(secret), &k) < 0)
		abort();
	return k;
}

/* A guard that admitted session 77 of node 2 at number 70000. */
static struct beat_guard
guard_of(void)
{
	struct beat_guard g;
	struct beat b = { .instance = "main",
		.node = 2,
		.session = 77,
		.number = 70000,
		.echo_session = 5,
		.echo_number = 1,
		.path = 1 };
	bool fresh;

	beat_guard_init(&g, "main", 2, 5);
	g.number = 1;
	if (beat_guard_admit(&g, &b, 1, &fresh) < 0)
		abort();
	return g;
}

static int
pulse_in(struct beat_guard *g, struct beat_key *k, const struct pulse *p,
    unsigned path)
{
	uint8_t mem[PULSE_BYTES];

	if (pulse_pack(p, k, mem) < 0)
		abort();
	return pulse_admit(g, mem, sizeof(mem), path, k);
}

static void
test_pulse(void)
{
	struct beat_key *k = key_of('k'), *other = key_of('o');
	struct beat_guard g = guard_of(), none;
	struct pulse p = { "main", 2, 1, 77, 70001 }, q;
	uint8_t mem[PULSE_BYTES];

	is_int(pulse_in(&g, k, &p, 1), 0, "a genuine one");
	is_int(g.last[1], 70001, "its number is noted");
	is_int(g.echo_number, 70001, "and will be echoed");
	is_int(pulse_in(&g, k, &p, 1), -ERR_REPLAY, "again");
	p.number = 70000;
	is_int(pulse_in(&g, k, &p, 1), -ERR_REPLAY, "an older one");
	p.number = 71000;
	is_int(pulse_in(&g, k, &p, 1), 0, "some were lost before it");
	p.number = 71001;
	is_int(pulse_in(&g, k, &p, 0), -ERR_AUTH, "of another path");
	is_int(pulse_in(&g, other, &p, 1), 0, "another key on both ends");
	if (pulse_pack(&p, other, mem) < 0)
		abort();
	is_int(
	    pulse_admit(&g, mem, sizeof(mem), 1, k), -ERR_AUTH, "another key");
	p.number = 71002;
	q = p;
	q.session = 78;
	is_int(pulse_in(&g, k, &q, 1), -ERR_AUTH, "of another session");
	q = p;
	q.node = 1;
	is_int(pulse_in(&g, k, &q, 1), -ERR_AUTH, "our own, sent back");
	q = p;
	q.instance = "other";
	is_int(pulse_in(&g, k, &q, 1), -ERR_AUTH, "of another instance");
	q = p;
	q.number += 65536;
	is_int(pulse_in(&g, k, &q, 1), -ERR_AUTH,
	    "65536 numbers on: not the one that is signed");
	is_int(pulse_admit(&g, mem, 9, 1, k), -EBADMSG, "cut");
	beat_guard_init(&none, "main", 2, 5);
	is_int(pulse_in(&none, k, &p, 1), -EAGAIN, "before any beat");
	is_int(g.refused[REFUSED_AUTH], 6, "refusals are counted");
	g.newest = 100000;
	is_int(pulse_in(&g, k, &p, 1), -ERR_REPLAY, "held back for long");
	beat_key_free(k);
	beat_key_free(other);
}

static void
test_pulse_bits(void)
{
	struct beat_key *k = key_of('k');
	struct beat_guard g = guard_of(), was = g;
	struct pulse p = { "main", 2, 1, 77, 70001 };
	uint8_t mem[PULSE_BYTES];
	unsigned bit, taken = 0;

	if (pulse_pack(&p, k, mem) < 0)
		abort();
	for (bit = 0; bit < PULSE_BYTES * 8; bit++) {
		mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
		taken += pulse_admit(&g, mem, sizeof(mem), 1, k) == 0;
		mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(taken, 0, "no bit of a pulse may change");
	memcpy(g.refused, was.refused, sizeof(g.refused));
	ok(memcmp(&g, &was, sizeof(g)) == 0, "and nothing came of it");
	beat_key_free(k);
}

/* ---- pace ---- */

#define UNREAD_MAX 3968 /* the kernel's terminal then stops its driver */

struct paced {
	size_t bytes, busiest; /* on the line; in the busiest second */
	unsigned pulses, beats;
	usec_t gap; /* longest */
};

/* Ten seconds of ticks; news: chance in percent that a tick has some. */
static struct paced
run_pace(uint32_t speed, usec_t tb, unsigned news, enum pace_heard heard)
{
	struct pace p = { .speed = speed };
	struct paced r = { 0 };
	usec_t now, start = USEC_S, last = start;
	size_t in_second[21] = { 0 };
	enum pace_what what;
	unsigned i;

	for (now = start; now < start + 20 * USEC_S; now += tb) {
		size_t len;

		what = pace_choose(&p, now, tb, rnd() % 100 < news, heard);
		if (what == PACE_NOTHING)
			continue;
		len = what == PACE_BEAT ? 113 : PULSE_BYTES;
		pace_sent(&p, now, what, len);
		r.bytes += SERIAL_WIRE(len);
		in_second[(now - start) / USEC_S] += SERIAL_WIRE(len);
		r.pulses += what == PACE_PULSE;
		r.beats += what == PACE_BEAT;
		if (now - last > r.gap)
			r.gap = now - last;
		last = now;
	}
	for (i = 0; i < 20; i++)
		if (in_second[i] > r.busiest)
			r.busiest = in_second[i];
	return r;
}

static void
test_pace(void)
{
	static const uint32_t speeds[] = { 1200, 9600, 57600, 115200, 921600 };
	static const unsigned news[] = { 0, 5, 100 };
	size_t s, n;
	struct paced r;
	usec_t tb;

	is_int(pace_interval(0, 20000), 20000, "a network: each Tb");
	is_int(pace_interval(115200, 10000), 10000, "115200: each 10 ms");
	is_int(pace_interval(9600, 10000), 120000, "9600: each 120 ms");
	is_int(pace_interval(9600, 50000), 150000, "a multiple of Tb");
	is_int(pace_echo_window(115200, 10000), 0, "fast: echoes are fresh");
	ok(pace_echo_window(1200, 10000) > 2000, "slow: they may be older");
	for (s = 0; s < ARRAY_LEN(speeds); s++)
		for (n = 0; n < 2 * ARRAY_LEN(news); n++) {
			tb = n % 2 == 0 ? 10000 : 20000;
			r = run_pace(speeds[s], tb, news[n / 2], PACE_HERE);
			ok(r.bytes <= 20 * speeds[s] / 50 + 130 &&
				r.busiest <= speeds[s] / 50 + 140,
			    "%u bit/s, Tb %llu, news %u%%: %u pulses and %u "
			    "beats in 20 s are %zu bytes of %u allowed",
			    speeds[s], (unsigned long long)tb, news[n / 2],
			    r.pulses, r.beats, r.bytes, 20 * speeds[s] / 50);
			ok(r.gap <= pace_interval(speeds[s], tb) &&
				r.beats >= 2,
			    "never silent for longer than the interval");
		}
	r = run_pace(115200, 10000, 0, PACE_UNHEARD);
	ok(r.pulses == 0 && r.beats > 300,
	    "who is not heard sends beats only: %u in 20 s", r.beats);
	r = run_pace(115200, 10000, 100, PACE_HERE);
	ok(r.beats > 80, "115200 full of news: %u beats in 20 s", r.beats);
	r = run_pace(115200, 10000, 100, PACE_ELSEWHERE);
	ok(r.pulses == 0 && r.beats >= 30 && r.bytes / 2 < UNREAD_MAX,
	    "heard elsewhere: %u beats in 20 s; a terminal that nobody reads "
	    "has room for 10 s", r.beats);
}

int
main(void)
{
	test_round_trip();
	test_damage();
	test_pieces();
	test_random_streams();
	test_pulse();
	test_pulse_bits();
	test_pace();
	return done();
}
