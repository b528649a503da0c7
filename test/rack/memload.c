/*
 * memload: clients of memserver in a closed loop, as in P3's experiments: each
 * asks, waits for the answer, asks again.
 *
 *	memload ADDR PORT CLIENTS SECONDS SEED PERCENT:KB:MS[,...] [FROM]
 *
 * Each FROM_EACH of them have an address of their own, from FROM on: a kernel
 * tells one address only once a second that there is no server (ICMP).
 * What a client asks for is drawn by its percentage; the same seed asks the same
 * of every scheduler. They begin one after the other within RAMP_MS. After a
 * request that failed (refused, reset, no answer in PATIENCE_MS, not status 200)
 * a client comes again after PAUSE_MIN_MS to PAUSE_MAX_MS, as people do. Prints
 * a line for each request, as it ends: ms since it began, ms it took, how it
 * ended (well, refused, reset, late, ill) and the server that answered ("-": none).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 1000
#define KINDS 8
#define PATIENCE_MS 30000
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 10000
#define RAMP_MS 8000
#define FROM_EACH 4

struct kind {
	unsigned percent, kb, ms;
};

struct client {
	uint64_t seed;
	int64_t began, due; /* due: given up; without a socket: the next one */
	bool sent;
	char text[512];
	size_t n;
};

struct load {
	struct sockaddr_in to, from; /* from: of the first; or none */
	struct kind kind[KINDS];
	unsigned kinds, n;
	struct client c[CLIENTS];
	struct pollfd p[CLIENTS];
	int64_t began, end;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned
chance(uint64_t *seed, unsigned of)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (unsigned)((*seed >> 33) % of);
}

static const struct kind *
draw(struct load *l, struct client *c)
{
	unsigned at = chance(&c->seed, 100), i;

	for (i = 0; i + 1 < l->kinds && at >= l->kind[i].percent; i++)
		at -= l->kind[i].percent;
	return &l->kind[i];
}

/* NULL: well. */
static void
over(struct load *l, unsigned i, const char *ill)
{
	struct client *c = &l->c[i];
	char *body = strstr(c->text, "\r\n\r\n");
	int64_t now = now_ms();

	if (body != NULL)
		body[4 + strcspn(body + 4, "\r\n")] = '\0';
	printf("%lld %lld %s %s\n", (long long)(now - l->began),
	    (long long)(now - c->began), ill != NULL ? ill : "well",
	    c->sent && body != NULL && body[4] != '\0' ? body + 4 : "-");
	if (l->p[i].fd >= 0)
		close(l->p[i].fd);
	l->p[i].fd = -1;
	c->due = now;
	if (ill != NULL)
		c->due += PAUSE_MIN_MS +
		    chance(&c->seed, PAUSE_MAX_MS - PAUSE_MIN_MS);
}

/* -1: cannot. */
static int
bind_to_own(const struct load *l, int fd, unsigned i)
{
	struct sockaddr_in own = l->from;
	int one = 1;

	if (own.sin_family == 0)
		return 0;
	own.sin_addr.s_addr =
	    htonl(ntohl(own.sin_addr.s_addr) + i / FROM_EACH);
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof(one));
	return bind(fd, (struct sockaddr *)&own, sizeof(own));
}

static void
start(struct load *l, unsigned i)
{
	struct client *c = &l->c[i];
	const struct kind *k = draw(l, c);
	int fd;

	c->began = now_ms();
	c->due = c->began + PATIENCE_MS;
	c->sent = false;
	c->n = (size_t)snprintf(c->text, sizeof(c->text),
	    "GET /hold?kb=%u&ms=%u HTTP/1.0\r\n\r\n", k->kb, k->ms);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	l->p[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	if (fd < 0 || bind_to_own(l, fd, i) < 0 || (connect(fd, (struct sockaddr *)&l->to,
	    sizeof(l->to)) < 0 && errno != EINPROGRESS))
		over(l, i, "refused");
}

static void
ask(struct load *l, unsigned i)
{
	struct client *c = &l->c[i];

	if (send(l->p[i].fd, c->text, c->n, MSG_NOSIGNAL) != (ssize_t)c->n) {
		over(l, i, "refused");
		return;
	}
	c->sent = true;
	c->n = 0;
	c->text[0] = '\0';
	l->p[i].events = POLLIN;
}

static void
hear(struct load *l, unsigned i)
{
	struct client *c = &l->c[i];
	ssize_t n = recv(l->p[i].fd, c->text + c->n,
	    sizeof(c->text) - 1 - c->n, 0);

	if (n > 0) {
		c->n += (size_t)n;
		c->text[c->n] = '\0';
		return;
	}
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0 || c->n == 0)
		over(l, i, "reset");
	else
		over(l, i, strncmp(c->text, "HTTP/1.1 200", 12) == 0 ? NULL
		                                                     : "ill");
}

static void
step(struct load *l, unsigned i, int64_t now)
{
	if (l->p[i].fd < 0) {
		if (now >= l->c[i].due && now < l->end)
			start(l, i);
	} else if (l->p[i].revents != 0) {
		l->c[i].sent ? hear(l, i) : ask(l, i);
	} else if (now >= l->c[i].due) {
		over(l, i, "late");
	}
}

static void
run(struct load *l)
{
	bool busy = true, ready = true;
	int64_t now;
	unsigned i;

	while (busy || now_ms() < l->end) {
		(void)poll(l->p, l->n, ready ? 0 : 20);
		now = now_ms();
		busy = ready = false;
		for (i = 0; i < l->n; i++) {
			step(l, i, now);
			busy = busy || l->p[i].fd >= 0;
			ready = ready || (l->p[i].fd < 0 &&
			    l->c[i].due <= now && now < l->end);
		}
	}
}

static int
parse(struct load *l, char **argv)
{
	unsigned i, seconds = (unsigned)atoi(argv[4]);
	char *word, *rest = argv[6];

	l->to.sin_family = AF_INET;
	l->to.sin_port = htons((uint16_t)atoi(argv[2]));
	l->n = (unsigned)atoi(argv[3]);
	if (inet_pton(AF_INET, argv[1], &l->to.sin_addr) != 1 || l->n == 0 ||
	    l->n > CLIENTS)
		return -1;
	if (argv[7] != NULL) {
		l->from.sin_family = AF_INET;
		if (inet_pton(AF_INET, argv[7], &l->from.sin_addr) != 1)
			return -1;
	}
	while (l->kinds < KINDS && (word = strsep(&rest, ",")) != NULL) {
		struct kind *k = &l->kind[l->kinds++];

		if (sscanf(word, "%u:%u:%u", &k->percent, &k->kb, &k->ms) != 3)
			return -1;
	}
	for (i = 0; i < l->n; i++) {
		l->c[i].seed = ((uint64_t)atoi(argv[5]) * 1000 + i + 1) *
		    0x9E3779B97F4A7C15ULL;
		l->p[i].fd = -1;
		l->c[i].due = now_ms() + (int64_t)RAMP_MS * i / l->n;
	}
	l->began = now_ms();
	l->end = l->began + seconds * 1000LL;
	return 0;
}

int
main(int argc, char **argv)
{
	static struct load l;

	if (argc < 7 || argc > 8 || parse(&l, argv) < 0) {
		fputs("usage: memload ADDR PORT CLIENTS SECONDS SEED "
		      "PERCENT:KB:MS,... [FROM]\n", stderr);
		return 2;
	}
	run(&l);
	return 0;
}
