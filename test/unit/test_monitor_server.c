/*
 * test_monitor_server: one thread per connection, one row per path.
 */
#include "test/unit/test_monitor_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"

static struct farm *farm; /* the child's threads need it */

static int
say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void
on_ok(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world");
}

/* A slow server, by the address it was asked at. */
static void
on_ok_slow_at_2(int fd)
{
	struct sockaddr_in in = { 0 };
	socklen_t len = sizeof(in);

	(void)getsockname(fd, (struct sockaddr *)&in, &len);
	if (in.sin_addr.s_addr == htonl(INADDR_LOOPBACK + 1))
		usleep(60000);
	on_ok(fd);
}

static void
on_chunked(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nhell\r\n7\r\no world\r\n0\r\n\r\n");
}

static void
on_moved(int fd)
{
	say(fd, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n"
		"Content-Length: 0\r\n\r\n");
}

static void
on_broken(int fd)
{
	say(fd, "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno");
}

static void
on_garbage(int fd)
{
	char bytes[2048];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + 11);
	(void)!send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void
on_zeros(int fd)
{
	static const char bytes[4096];

	(void)!send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void
on_empty(int fd)
{
	(void)fd;
}

/* Until the client closes. */
static void
on_never(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)poll(&p, 1, 10000);
}

static void
endless(int fd, const char *head, const char *piece, unsigned pause_us)
{
	if (say(fd, head) < 0)
		return;
	while (say(fd, piece) == 0)
		if (pause_us > 0)
			usleep(pause_us);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1K X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64

static void
on_huge(int fd)
{
	endless(fd, "HTTP/1.1 200 OK\r\n\r\n", X1K, 0);
}

static void
on_huge_head(int fd)
{
	endless(fd, "HTTP/1.1 200 OK\r\n", "X-More: " X64 "\r\n", 0);
}

static void
on_huge_line(int fd)
{
	endless(fd, "HTTP/1.1 200 OK\r\nX-More: ", X1K, 0);
}

static void
on_continues(int fd)
{
	endless(fd, "", "HTTP/1.1 100 Continue\r\n\r\n", 0);
}

static void
on_drip_head(int fd)
{
	endless(fd, "HTTP/1.1 200 OK\r\nX-Drip: ", "x", 2000);
}

static void
on_drip_body(int fd)
{
	endless(fd, "HTTP/1.1 200 OK\r\n\r\n", "x", 2000);
}

static void
on_drip_broken(int fd)
{
	endless(fd, "HTTP/1.1 503 Busy\r\n\r\n", "x", 2000);
}

static void
on_short(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
}

static void
on_flip(int fd)
{
	int bad = atomic_load(&farm->flip_bad);

	atomic_fetch_add(&farm->flip_count, 1);
	if (bad > 0)
		atomic_fetch_sub(&farm->flip_bad, 1);
	if (bad != 0)
		on_broken(fd);
	else
		on_ok(fd);
}

static const struct {
	const char *path;
	void (*fn)(int fd);
} rows[] = {
	{ "/ok", on_ok },
	{ "/slow2", on_ok_slow_at_2 },
	{ "/chunked", on_chunked },
	{ "/moved", on_moved },
	{ "/broken", on_broken },
	{ "/garbage", on_garbage },
	{ "/zeros", on_zeros },
	{ "/empty", on_empty },
	{ "/never", on_never },
	{ "/huge", on_huge },
	{ "/hugehead", on_huge_head },
	{ "/hugeline", on_huge_line },
	{ "/continues", on_continues },
	{ "/driphead", on_drip_head },
	{ "/dripbody", on_drip_body },
	{ "/dripbroken", on_drip_broken },
	{ "/short", on_short },
	{ "/flip", on_flip },
};

static void
answer(int fd, const char *request)
{
	char path[64] = "";
	size_t i;

	atomic_fetch_add(&farm->requests, 1);
	if (strstr(request, "\r\nConnection: close\r\n") == NULL ||
	    strstr(request, "\r\nHost: ") == NULL ||
	    strstr(request, "\r\nUser-Agent: yoke-monitord/") == NULL)
		atomic_fetch_add(&farm->rude, 1);
	if (strstr(request, "GET /host ") != NULL &&
	    strstr(request, "\r\nHost: www.example.com\r\n") != NULL) {
		on_ok(fd);
		return;
	}
	(void)sscanf(request, "GET %63s HTTP/1.1", path);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			rows[i].fn(fd);
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char request[2048] = "";
	size_t len = 0;
	ssize_t n;

	while (strstr(request, "\r\n\r\n") == NULL &&
	       len < sizeof(request) - 1) {
		n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		request[len] = '\0';
	}
	if (strstr(request, "\r\n\r\n") != NULL)
		answer(fd, request);
	close(fd);
	return NULL;
}

static void
child(int fd)
{
	pthread_attr_t attr;
	pthread_t t;
	int c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		c = accept(fd, NULL, NULL);
		if (c < 0)
			continue;
		if (pthread_create(&t, &attr, serve, (void *)(intptr_t)c) != 0)
			_exit(1);
	}
}

/* A bound TCP socket; its port to *ret_port. -1: none to be had. */
static int
bound(int family, uint16_t *ret_port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY) }; /* all of 127 */
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&in
	                                        : (struct sockaddr *)&in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, sa, len) < 0 || getsockname(fd, sa, &len) < 0) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(family == AF_INET ? in.sin_port : in6.sin6_port);
	return fd;
}

struct farm *
farm_start(void)
{
	int fd, pid;

	farm = mmap(NULL, sizeof(*farm), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = bound(AF_INET, &farm->port);
	farm->fd_shut = bound(AF_INET, &farm->port_shut);
	(void)fcntl(farm->fd_shut, F_SETFL, O_NONBLOCK);
	farm->fd_shut6 = bound(AF_INET6, &farm->port_shut6);
	if (fd < 0 || farm->fd_shut < 0 || listen(fd, 1024) < 0)
		return NULL;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(fd);
	close(fd);
	farm->pid = pid; /* the parent's word only: the memory is shared */
	return pid > 0 ? farm : NULL;
}

void
farm_listen(const struct farm *f)
{
	(void)listen(f->fd_shut, 1024);
	if (f->fd_shut6 >= 0)
		(void)listen(f->fd_shut6, 1024);
}

void
farm_stop(struct farm *f)
{
	if (f->pid > 0 && kill(f->pid, SIGKILL) == 0)
		(void)waitpid(f->pid, NULL, 0);
	close(f->fd_shut);
	if (f->fd_shut6 >= 0)
		close(f->fd_shut6);
	(void)munmap(f, sizeof(*f));
}
