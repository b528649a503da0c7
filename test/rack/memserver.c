/*
 * memserver: a web server whose requests take memory for a while, as in P3's
 * experiments, and that can be made ill.
 *
 *	memserver PORT NAME FILE
 *
 * GET /hold?kb=N&ms=T holds N KB (touched) for T ms, then answers with NAME;
 * any other path is answered at once. Requests are served side by side.
 * FILE has words, read at each request: "slow 10" (all takes ten times as long,
 * at least SLOW_LEAST_MS more for each), "fail 20" (percent of /hold are
 * answered with status 500 at once), "down" (everything is). A file that is not
 * there is a server that is well.
 *
 * The server is a child, the parent starts it again RESTART_S after it died,
 * as a supervisor does; it is the child that a group's limit kills.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNS 1000
#define RESTART_S 8
#define KB_MAX (1UL << 20)
#define MS_MAX 60000UL
#define PATIENCE_MS 5000
#define SLOW_LEAST_MS 2

struct conn {
	int64_t due; /* when it is answered, ms; while asking: given up */
	bool asked, fails;
	char *held;
	size_t len;
};

struct server {
	const char *name, *file;
	struct pollfd p[CONNS + 1]; /* the first one listens */
	struct conn c[CONNS + 1];
	nfds_t n;
	unsigned turn; /* of failures */
};

struct illness {
	unsigned long slow, fail;
	bool down;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct illness
look(const char *file)
{
	struct illness i = { .slow = 1 };
	char word[16];
	FILE *f = fopen(file, "re");

	while (f != NULL && fscanf(f, "%15s", word) == 1) {
		if (strcmp(word, "down") == 0)
			i.down = true;
		if (strcmp(word, "slow") == 0)
			(void)!fscanf(f, "%lu", &i.slow);
		if (strcmp(word, "fail") == 0)
			(void)!fscanf(f, "%lu", &i.fail);
	}
	if (f != NULL)
		fclose(f);
	return i;
}

static void
hold(struct conn *c, unsigned long kb)
{
	c->len = (kb < KB_MAX ? kb : KB_MAX) << 10;
	if (c->len == 0)
		return;
	c->held = mmap(NULL, c->len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c->held == MAP_FAILED) {
		c->held = NULL;
		c->fails = true;
	}
}

/* Failures are evenly spread, so that a percentage is one in a short run too. */
static bool
fails(struct server *s, unsigned long percent)
{
	s->turn += (unsigned)percent;
	if (s->turn < 100)
		return false;
	s->turn -= 100;
	return true;
}

static void
begin(struct server *s, nfds_t k, const char *line)
{
	struct illness ill = look(s->file);
	struct conn *c = &s->c[k];
	unsigned long kb = 0, ms = 0;
	bool holds = sscanf(line, "GET /hold?kb=%lu&ms=%lu", &kb, &ms) == 2;

	c->asked = true;
	c->fails = ill.down || (holds && fails(s, ill.fail));
	if (holds && !c->fails)
		hold(c, kb);
	ms = ms < MS_MAX ? ms : MS_MAX;
	if (ill.slow > 1)
		ms = (ms + SLOW_LEAST_MS) * ill.slow;
	c->due = now_ms() + (c->fails ? 0 : (int64_t)ms);
	s->p[k].events = 0;
}

static void
end(struct server *s, nfds_t k)
{
	if (s->c[k].held != NULL)
		(void)munmap(s->c[k].held, s->c[k].len);
	(void)close(s->p[k].fd);
	s->n--;
	s->p[k] = s->p[s->n];
	s->c[k] = s->c[s->n];
}

static void
answer(struct server *s, nfds_t k)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n%s\n",
	    s->c[k].fails ? "500 Ill" : "200 OK", strlen(s->name) + 1, s->name);
	(void)!send(s->p[k].fd, text, (size_t)n, MSG_NOSIGNAL);
	end(s, k);
}

/* A request comes whole: it is one small packet. */
static void
on_ready(struct server *s, nfds_t k)
{
	char buf[1024];
	ssize_t n = recv(s->p[k].fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n <= 0 || s->c[k].asked) {
		end(s, k); /* the client has gone */
		return;
	}
	buf[n] = '\0';
	begin(s, k, buf);
}

static void
accept_all(struct server *s)
{
	int fd;

	while (s->n <= CONNS) {
		fd = accept4(s->p[0].fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		s->p[s->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
		s->c[s->n++] = (struct conn){ .due = now_ms() + PATIENCE_MS };
	}
}

static int
patience(const struct server *s)
{
	int64_t first = PATIENCE_MS, now = now_ms();
	nfds_t k;

	for (k = 1; k < s->n; k++)
		if (s->c[k].due - now < first)
			first = s->c[k].due - now;
	return first > 0 ? (int)first : 0;
}

/* Backwards: the one that ends is replaced by the last. */
static void
turn(struct server *s)
{
	int64_t now;
	nfds_t k;

	(void)poll(s->p, s->n, patience(s));
	now = now_ms();
	for (k = s->n - 1; k > 0; k--) {
		if (s->p[k].revents != 0)
			on_ready(s, k);
		else if (s->c[k].due <= now && s->c[k].asked)
			answer(s, k);
		else if (s->c[k].due <= now)
			end(s, k);
	}
	if (s->p[0].revents != 0)
		accept_all(s);
}

static int
serve(const char *port, const char *name, const char *file)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)) };
	static struct server s;
	int on = 1, fd;

	s.name = name;
	s.file = file;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(fd, 1024) < 0) {
		perror("memserver");
		return 1;
	}
	s.p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	s.n = 1;
	for (;;)
		turn(&s);
}

/* The parent is never the one that is killed for memory. */
static void
spare_me(const char *how)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (f != NULL) {
		fputs(how, f);
		fclose(f);
	}
}

int
main(int argc, char **argv)
{
	pid_t pid;

	if (argc != 4)
		return 2;
	spare_me("-1000");
	for (;;) {
		pid = fork();
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			spare_me("0");
			return serve(argv[1], argv[2], argv[3]);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
		sleep(RESTART_S);
	}
}
