/*
 * beatblast: throws datagrams at a port that only believes its peer: noise, or
 * valid ones recorded before (--record) that are cut, bent or sent again. The
 * same seed gives the same datagrams. --from may be an address that is not
 * ours (root): the sender is then spoofed.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/mem.h"
#include "test/prober/beatblast_file.h"

#define RANDOM_MAX 1500
#define CAPTURED_MAX 4096

struct blast {
	struct sockaddr_storage to, from;
	socklen_t to_len, from_len;
	unsigned long count, rate, seconds, port;
	uint64_t rng;
	void (*make)(struct blast *b, struct datagram *ret);
	const char *capture, *record, *iface;
	struct datagram *captured;
	size_t n_captured, next;
	unsigned long sent, errors;
};

/* splitmix64 */
static uint64_t
rnd(struct blast *b)
{
	uint64_t z = (b->rng += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void
make_random(struct blast *b, struct datagram *ret)
{
	uint16_t i;

	ret->len = (uint16_t)(rnd(b) % (RANDOM_MAX + 1));
	for (i = 0; i < ret->len; i++)
		ret->data[i] = (uint8_t)rnd(b);
}

static void
make_replay(struct blast *b, struct datagram *ret)
{
	*ret = b->captured[b->next++ % b->n_captured];
}

static void
make_truncate(struct blast *b, struct datagram *ret)
{
	*ret = b->captured[rnd(b) % b->n_captured];
	if (ret->len > 0)
		ret->len = (uint16_t)(rnd(b) % ret->len);
}

/* 1 to 8 different bits: never the datagram it was. */
static void
make_flip(struct blast *b, struct datagram *ret)
{
	uint64_t flips = 1 + rnd(b) % 8, i, bit, step;

	*ret = b->captured[rnd(b) % b->n_captured];
	if (ret->len == 0)
		return;
	bit = rnd(b);
	step = 1 + rnd(b) % ret->len; /* 8 steps stay within len * 8 bits */
	for (i = 0; i < flips; i++) {
		ret->data[bit / 8 % ret->len] ^= (uint8_t)(1 << bit % 8);
		bit = (bit + step) % ((uint64_t)ret->len * 8);
	}
}

static const struct mode {
	const char *name;
	void (*make)(struct blast *b, struct datagram *ret);
	bool captured;
} modes[] = {
	{ "random", make_random, false },
	{ "truncate", make_truncate, true },
	{ "flip", make_flip, true },
	{ "replay", make_replay, true },
};

/* A full queue is waited for; anything else counts as an error. */
static void
send_one(struct blast *b, int fd, const struct datagram *d)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (sendto(fd, d->data, d->len, 0, (struct sockaddr *)&b->to,
			b->to_len) == d->len) {
			b->sent++;
			return;
		}
		if (errno != ENOBUFS && errno != EAGAIN)
			break;
		(void)poll(&pfd, 1, 1);
	}
	b->errors++;
}

static void
send_all(struct blast *b, int fd)
{
	usec_t start = usec_mono(), due, now;
	struct datagram d;
	struct timespec ts;
	unsigned long i;

	for (i = 0; i < b->count; i++) {
		due = start + i * USEC_S / b->rate;
		now = usec_mono();
		if (due > now) {
			ts.tv_sec = (time_t)((due - now) / USEC_S);
			ts.tv_nsec = (long)((due - now) % USEC_S * 1000);
			(void)nanosleep(&ts, NULL);
		}
		b->make(b, &d);
		send_one(b, fd, &d);
	}
}

static int
blast(struct blast *b)
{
	int fd, one = 1;

	fd = socket(b->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one));
	(void)setsockopt(
	    fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &one, sizeof(one));
	if (b->from_len > 0 &&
	    bind(fd, (struct sockaddr *)&b->from, b->from_len) < 0) {
		(void)close(fd);
		return -errno;
	}
	send_all(b, fd);
	(void)close(fd);
	printf("{\"sent\":%lu,\"errors\":%lu}\n", b->sent, b->errors);
	return 0;
}

static int
usage(const char *wrong)
{
	fprintf(stderr,
	    "beatblast: %s\n"
	    "usage: beatblast --to ADDR:PORT [--from ADDR[:PORT]] --count N\n"
	    "           [--seed S] [--rate 20000] "
	    "--mode random|truncate|flip|replay [--capture FILE]\n"
	    "       beatblast --record FILE --iface DEV --port P "
	    "--seconds S\n"
	    "IPv6 with a port is [ADDR]:PORT.\n",
	    wrong);
	return 2;
}

/* "ADDR", "ADDR:PORT" or "[ADDR]:PORT". */
static socklen_t
parse_endpoint(const char *text, struct sockaddr_storage *ret)
{
	char copy[ADDR_TEXT_MAX + 16], *host = copy, *port;
	struct addr a;

	if (strlen(text) >= sizeof(copy))
		return 0;
	strcpy(copy, text);
	if (addr_parse(copy, &a) == 0)
		return addr_to_sock(&a, 0, ret);
	port = strrchr(copy, ':');
	if (port == NULL)
		return 0;
	*port++ = '\0';
	if (copy[0] == '[' && port - copy > 2 && port[-2] == ']') {
		port[-2] = '\0';
		host++;
	}
	if (addr_parse(host, &a) < 0)
		return 0;
	return addr_to_sock(&a, (uint16_t)strtoul(port, NULL, 10), ret);
}

static int
check(struct blast *b, const char *mode)
{
	size_t i;
	int rc;

	if (b->record != NULL)
		return b->iface != NULL && b->port > 0 && b->port < 65536
		    ? 0
		    : usage("--record needs --iface and --port");
	if (b->to_len == 0)
		return usage("--to ADDR:PORT is missing or wrong");
	for (i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].name, mode) == 0)
			break;
	if (i == ARRAY_LEN(modes) || b->rate == 0)
		return usage("unknown --mode, or a --rate of 0");
	b->make = modes[i].make;
	if (!modes[i].captured)
		return 0;
	if (b->capture == NULL)
		return usage("this --mode needs --capture");
	rc = datagrams_read(
	    b->capture, CAPTURED_MAX, &b->captured, &b->n_captured);
	return rc == 0 && b->n_captured > 0
	    ? 0
	    : usage("--capture: no valid records");
}

static int
parse(struct blast *b, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "to", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "capture", required_argument, NULL, 'C' },
		{ "record", required_argument, NULL, 'R' },
		{ "iface", required_argument, NULL, 'i' },
		{ "port", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	const char *mode = "random";
	unsigned long v;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			return usage("unknown option");
		v = strtoul(optarg, NULL, 10);
		/* clang-format off */
		switch (c) {
		case 't': b->to_len = parse_endpoint(optarg, &b->to); break;
		case 'f': b->from_len = parse_endpoint(optarg, &b->from); break;
		case 'c': b->count = v; break;
		case 's': b->rng = v; break;
		case 'r': b->rate = v; break;
		case 'm': mode = optarg; break;
		case 'C': b->capture = optarg; break;
		case 'R': b->record = optarg; break;
		case 'i': b->iface = optarg; break;
		case 'p': b->port = v; break;
		case 'S': b->seconds = v; break;
		}
		/* clang-format on */
	}
	return check(b, mode);
}

int
main(int argc, char **argv)
{
	static struct blast b = { .rate = 20000, .seconds = 1, .rng = 1 };
	size_t recorded = 0;
	int rc;

	rc = parse(&b, argc, argv);
	if (rc != 0)
		return rc;
	if (b.record != NULL) {
		rc = datagrams_record(b.record, b.iface, (uint16_t)b.port,
		    b.seconds * USEC_S, &recorded);
		if (rc == 0)
			printf("{\"recorded\":%zu}\n", recorded);
	} else {
		rc = blast(&b);
	}
	if (rc < 0)
		fprintf(stderr, "beatblast: %s\n", strerror(-rc));
	free(b.captured);
	return rc < 0 ? 1 : 0;
}
