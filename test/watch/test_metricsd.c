/*
 * test_metricsd: the daemon as scrapers and others meet it: good and bad
 * requests, many at once, and a yoked that is gone or does not answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/mem.h"
#include "test/tap.h"
#include "test/watch/test_metrics_grammar.h"
#include "test/watch/test_play.h"

#define MANY 40
#define ANSWER_MAX (1 << 20)

/* One client and what it got. */
struct client {
	int fd;
	char *answer;
	size_t len;
	bool closed;
};

static int
dial(const struct play *p)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%s/metrics", p->dir);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
can_dial(void *arg)
{
	int fd = dial(arg);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
client_begin(struct play *p, struct client *c, const char *request)
{
	*c = (struct client){ .fd = dial(p) };
	c->answer = calloc(1, ANSWER_MAX);
	if (c->fd >= 0)
		(void)!write(c->fd, request, strlen(request));
	c->closed = c->fd < 0;
}

static bool
client_done(void *arg)
{
	struct client *c = arg;
	ssize_t n;

	while (!c->closed && c->len < ANSWER_MAX - 1) {
		n = read(c->fd, c->answer + c->len, ANSWER_MAX - 1 - c->len);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			c->closed = true;
		else
			c->len += (size_t)n;
	}
	return c->closed;
}

static void
client_end(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->answer);
}

static int
code(const struct client *c)
{
	return strncmp(c->answer, "HTTP/1.1 ", 9) == 0 ? atoi(c->answer + 9)
						       : 0;
}

static const char *
body(const struct client *c)
{
	const char *p = strstr(c->answer, "\r\n\r\n");

	return p != NULL ? p + 4 : "";
}

#define GET(path, more) \
	"GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" more "\r\n"

static void
ask(struct play *p, struct client *c, const char *request)
{
	client_begin(p, c, request);
	if (!play_until(p, 10000, client_done, c))
		printf("# no end of the answer\n");
}

static void
test_formats(struct play *p)
{
	struct client c;
	unsigned line;
	const char *wrong;

	ask(p, &c, GET("/metrics", "Accept: application/openmetrics-text\r\n"));
	is_int(code(&c), 200, "GET /metrics");
	ok(strstr(c.answer, "Content-Type: application/openmetrics-text; "
			    "version=1.0.0") != NULL, "says what it is");
	wrong = openmetrics_check(body(&c), &line);
	ok(wrong == NULL, "it is OpenMetrics");
	if (wrong != NULL)
		printf("# line %u: %s\n", line, wrong);
	ok(strstr(body(&c), "yoke_role{yoke_role=\"active\"} 1\n") != NULL,
	    "of the status that yoked gave");
	client_end(&c);
	ask(p, &c, GET("/metrics", ""));
	ok(strstr(c.answer, "Content-Type: text/plain; version=0.0.4") != NULL,
	    "who does not ask for it gets the older format");
	client_end(&c);
}

static void
test_requests(struct play *p)
{
	static const struct {
		const char *name, *request;
		int code; /* 0: the connection ends without a word */
	} rows[] = {
		{ "another page", GET("/other", ""), 404 },
		{ "the page above", GET("/", ""), 200 },
		{ "a way out", GET("/../metrics", ""), 404 },
		{ "POST", "POST /metrics HTTP/1.1\r\nHost: x\r\n"
			  "Content-Length: 4\r\nConnection: close\r\n\r\nabcd",
		    405 },
		{ "DELETE", "DELETE /metrics HTTP/1.1\r\nHost: x\r\n"
			    "Connection: close\r\n\r\n", 405 },
		{ "no HTTP", "\x16\x03\x01\x02\r\n\r\n", 0 },
		{ "no host", "GET /metrics HTTP/1.1\r\n\r\n", 400 },
	};
	struct client c;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ask(p, &c, rows[i].request);
		is_int(code(&c), rows[i].code, "%s", rows[i].name);
		client_end(&c);
	}
	ask(p, &c, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n"
		   "Connection: close\r\n\r\n");
	ok(code(&c) == 200 && body(&c)[0] == '\0', "HEAD has no body");
	client_end(&c);
}

static void
test_too_long(struct play *p)
{
	char *text = malloc(100001);
	struct client c;

	memset(text, 'x', 100000);
	memcpy(text, "GET /", 5);
	text[100000] = '\0';
	ask(p, &c, text);
	ok(code(&c) == 414 || code(&c) == 431 || code(&c) == 0,
	    "100 kB of a request line: refused");
	client_end(&c);
	free(text);
}

/* Those that say nothing do not keep others out for longer than their time,
 * and yoked is asked once for all. */
static void
test_many(struct play *p)
{
	struct client c[MANY];
	unsigned good = 0, statuses;
	size_t i;

	play_turn(p, 1100);
	statuses = p->statuses;
	for (i = 0; i < MANY; i++)
		client_begin(p, &c[i], GET("/metrics", ""));
	for (i = 0; i < MANY; i++) {
		(void)play_until(p, 10000, client_done, &c[i]);
		good += code(&c[i]) == 200 &&
			strstr(body(&c[i]), "yoke_up 1\n") != NULL;
		client_end(&c[i]);
	}
	ok(good >= 16, "%d at once: %u are served", MANY, good);
	ok(p->statuses - statuses <= 2, "by %u statuses of yoked",
	    p->statuses - statuses);
}

static void
test_gone(struct play *p)
{
	struct client c;

	play_yoked(p, false);
	play_turn(p, 200);
	ask(p, &c, GET("/metrics", ""));
	ok(code(&c) == 200 && strstr(body(&c), "yoke_up 0\n") != NULL,
	    "yoked is gone: that is a metric");
	ok(strstr(body(&c), "why=\"yoked of instance") != NULL, "and why");
	client_end(&c);
	play_yoked(p, true);
	p->mute = true;
	play_turn(p, 500);
	ask(p, &c, GET("/metrics", ""));
	ok(strstr(body(&c), "yoke_up 0\n") != NULL,
	    "yoked does not answer: an answer in spite of it");
	client_end(&c);
	p->mute = false;
	play_turn(p, 2500);
	ask(p, &c, GET("/metrics", ""));
	ok(strstr(body(&c), "yoke_up 1\n") != NULL, "it goes on: served again");
	client_end(&c);
}

int
main(void)
{
	struct play *p = play_new("metricsd");
	char more[128];
	struct client idle;
	pid_t pid;

	play_status_file(p, "test/golden/status-active.json");
	(void)snprintf(more, sizeof(more), "metrics { listen = %s/metrics }",
	    p->dir);
	(void)play_conf(p, more);
	pid = play_start(p, "yoke-metricsd");
	ok(play_until(p, 10000, can_dial, p), "it serves a UNIX socket");
	test_formats(p);
	test_requests(p);
	test_too_long(p);
	client_begin(p, &idle, "GET /met");
	test_many(p);
	client_end(&idle);
	test_gone(p);
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
	ok(!can_dial(p), "and its socket with it");
	play_free(p);
	return done();
}
