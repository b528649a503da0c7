/*
 * vipwatch: runs inside a director and writes down when an address appears on
 * and vanishes from it, for holders.py to find out who held a VIP when.
 *
 * One line per change, each a single append of its own, so that what was
 * written survives a power cut of the machine: REALTIME is the one of the start
 * plus the time since: a clock that is stepped does not change who held what
 * before whom. REALTIME_USEC start REALTIME_USEC add|del ADDR DEV REALTIME_USEC
 * alive                 (with --alive) "start" means that nothing is held but
 * what the next lines add. Changes come from rtnetlink events; --sample-ms
 * reads the table as well and writes what differs, should an event be lost.
 * Only changes are written: an address whose lifetime is renewed gives no line.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/usec.h"
#include "test/prober/vipwatch_nl.h"

#define WATCHED_MAX 32
#define SEATS_MAX 128

/* A place where a watched address may be. */
struct seat {
	size_t watched;
	unsigned ifindex;
	char dev[IF_NAMESIZE];
	bool held, seen;
};

struct vipwatch {
	const char *dev; /* NULL: any */
	struct addr watched[WATCHED_MAX];
	size_t n_watched;
	struct seat seats[SEATS_MAX];
	size_t n_seats;
	usec_t alive, sample; /* 0: no */
	usec_t origin;	      /* real time when the monotonic clock was 0 */
	int log_fd, event_fd, dump_fd;
};

static void
log_line(const struct vipwatch *w, const char *what, const struct seat *s)
{
	char line[160], text[ADDR_TEXT_MAX];
	int len;

	if (s == NULL)
		len = snprintf(line, sizeof(line), "%" PRIu64 " %s\n",
		    w->origin + usec_mono(), what);
	else
		len = snprintf(line, sizeof(line), "%" PRIu64 " %s %s %s\n",
		    w->origin + usec_mono(), what,
		    addr_format(&w->watched[s->watched], text, sizeof(text)),
		    s->dev);
	if (write(w->log_fd, line, (size_t)len) != len)
		perror("vipwatch: write");
}

static struct seat *
seat_get(struct vipwatch *w, size_t watched, unsigned ifindex)
{
	struct seat *s;
	size_t i;

	for (i = 0; i < w->n_seats; i++)
		if (w->seats[i].watched == watched &&
		    w->seats[i].ifindex == ifindex)
			return &w->seats[i];
	if (w->n_seats == SEATS_MAX)
		return NULL;
	s = &w->seats[w->n_seats++];
	*s = (struct seat){ .watched = watched, .ifindex = ifindex };
	if (if_indextoname(ifindex, s->dev) == NULL)
		strcpy(s->dev, "?");
	return s;
}

static void
seat_set(struct vipwatch *w, struct seat *s, bool held)
{
	if (s->held == held)
		return;
	s->held = held;
	log_line(w, held ? "add" : "del", s);
}

static void
on_addr(void *arg, const struct addr *a, unsigned ifindex, bool present)
{
	struct vipwatch *w = arg;
	struct seat *s;
	size_t i;

	for (i = 0; i < w->n_watched; i++) {
		if (addr_cmp(&w->watched[i], a) != 0)
			continue;
		s = seat_get(w, i, ifindex);
		if (s == NULL ||
		    (w->dev != NULL && strcmp(w->dev, s->dev) != 0))
			continue;
		s->seen = s->seen || present;
		seat_set(w, s, present);
	}
}

/* Read the table; what is held and not in it is gone. */
static int
compare(struct vipwatch *w)
{
	size_t i;
	int rc;

	for (i = 0; i < w->n_seats; i++)
		w->seats[i].seen = false;
	rc = nl_dump(w->dump_fd, on_addr, w);
	if (rc < 0)
		return rc == -EINTR ? 0 : rc;
	for (i = 0; i < w->n_seats; i++)
		if (!w->seats[i].seen)
			seat_set(w, &w->seats[i], false);
	return 0;
}

/* Is `every` over? Then the next time is set, on the grid of the first one. */
static bool
due(usec_t *next, usec_t every, usec_t now)
{
	if (every == 0 || now < *next)
		return false;
	*next += (now - *next) / every * every + every;
	return true;
}

static int
watch(struct vipwatch *w)
{
	struct pollfd pfd = { .fd = w->event_fd, .events = POLLIN };
	usec_t now = usec_mono(), alive = now, sample = now, until;
	struct timespec ts;
	int rc = 0;

	while (rc == 0) {
		until = w->alive > 0 ? alive : USEC_NEVER;
		if (w->sample > 0 && sample < until)
			until = sample;
		now = usec_mono();
		until = until == USEC_NEVER ? 3600 * USEC_S
			: until > now	    ? until - now
					    : 0;
		ts.tv_sec = (time_t)(until / USEC_S);
		ts.tv_nsec = (long)(until % USEC_S * 1000);
		(void)ppoll(&pfd, 1, &ts, NULL);
		rc = nl_read_events(w->event_fd, on_addr, w);
		now = usec_mono();
		if (rc == -ENOBUFS || due(&sample, w->sample, now))
			rc = compare(w);
		if (due(&alive, w->alive, now))
			log_line(w, "alive", NULL);
	}
	return rc;
}

static int
usage(const char *wrong)
{
	fprintf(stderr,
	    "vipwatch: %s\nusage: vipwatch --dev DEV|any --log FILE "
	    "[--alive] [--alive-ms 10] [--sample-ms MS] ADDR...\n",
	    wrong);
	return 2;
}

static int
parse(struct vipwatch *w, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "log", required_argument, NULL, 'l' },
		{ "alive", no_argument, NULL, 'a' },
		{ "alive-ms", required_argument, NULL, 'A' },
		{ "sample-ms", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?')
			return usage("unknown option");
		if (c == 'd')
			w->dev = strcmp(optarg, "any") != 0 ? optarg : NULL;
		else if (c == 'l')
			w->log_fd = open(optarg,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		else if (c == 'a')
			w->alive = 10 * USEC_MS;
		else if (c == 'A')
			w->alive = strtoul(optarg, NULL, 10) * USEC_MS;
		else
			w->sample = strtoul(optarg, NULL, 10) * USEC_MS;
	}
	if (w->log_fd < 0)
		return usage("--log is missing or cannot be opened");
	if (optind == argc || argc - optind > WATCHED_MAX)
		return usage("1 to 32 addresses are needed");
	for (; optind < argc; optind++)
		if (addr_parse(argv[optind], &w->watched[w->n_watched++]) < 0)
			return usage("not an address");
	return 0;
}

int
main(int argc, char **argv)
{
	static struct vipwatch w = { .log_fd = -1 };
	int rc;

	rc = parse(&w, argc, argv);
	if (rc != 0)
		return rc;
	rc = nl_open(true, &w.event_fd); /* events first: none is missed */
	if (rc == 0)
		rc = nl_open(false, &w.dump_fd);
	w.origin = usec_real() - usec_mono();
	if (rc == 0) {
		log_line(&w, "start", NULL);
		rc = compare(&w);
	}
	if (rc == 0)
		rc = watch(&w);
	fprintf(stderr, "vipwatch: %s\n", strerror(-rc));
	return 1;
}
