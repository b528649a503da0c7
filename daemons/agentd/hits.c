/*
 * hits: a log is read on from where it was, a few megabytes at a time; one that
 * was rotated is begun anew.
 */
#include "daemons/agentd/hits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/addr.h"

#define WINDOW_S 10.0 /* time constant of what counts as recent */
#define ENOUGH 10     /* requests in it, or it says nothing */
#define PIECE 32768
#define PIECES 128       /* of a sample */
#define PATIENCE_US 50000 /* of each step: connect, send, two reads */
#define PAGE_MAX 4096

/* How much of `"request" STATUS` a line has had. */
enum { LINE, QUOTE, BLANK, DIGIT_1, DIGIT_2, DIGIT_3, KNOWN };

void
hits_init(struct hits *h)
{
	*h = (struct hits){ .fd = -1 };
}

void
hits_done(struct hits *h)
{
	if (h->fd >= 0)
		close(h->fd);
	hits_init(h);
}

/* Opened at its end the first time, at its beginning after a rotation. */
static bool
open_log(struct hits *h, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && h->fd >= 0 &&
	    (uint64_t)st.st_ino == h->inode &&
	    (uint64_t)st.st_size >= h->offset)
		return true;
	if (h->fd >= 0)
		close(h->fd);
	h->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (h->fd < 0 || fstat(h->fd, &st) < 0)
		return false;
	h->offset = h->inode == 0 ? (uint64_t)st.st_size : 0;
	h->at = LINE;
	h->inode = (uint64_t)st.st_ino;
	return true;
}

/* The status stands behind the request, which is in quotes: `"GET /" 200 `. A
 * quote inside is written as \x22 by nginx and \" by Apache, so that it is not
 * followed by a blank and three digits. */
static void
scan_byte(struct hits *h, char c)
{
	bool digit = c >= '0' && c <= '9';

	if (c == '"' && h->at != KNOWN) {
		h->at = QUOTE;
	} else if (h->at == QUOTE && c == ' ') {
		h->at = BLANK;
		h->status = 0;
	} else if (h->at >= BLANK && h->at < DIGIT_3 && digit) {
		h->at++;
		h->status = h->status * 10 + (unsigned)(c - '0');
	} else if (h->at == DIGIT_3 && (c == ' ' || c == '\n')) {
		h->at = KNOWN;
		h->judged++;
		h->errors += h->status >= 500;
	} else if (h->at != KNOWN) {
		h->at = LINE;
	}
	if (c == '\n') {
		h->at = LINE;
		h->lines++;
	}
}

void
hits_scan(struct hits *h, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		scan_byte(h, bytes[i]);
}

bool
hits_errors(struct hits *h, usec_t passed, unsigned *ret)
{
	double keep = WINDOW_S / (WINDOW_S + (double)passed / USEC_S);

	h->recent.bad = h->recent.bad * keep +
	    (double)(h->errors - h->recent.errors);
	h->recent.all = h->recent.all * keep +
	    (double)(h->judged - h->recent.judged);
	h->recent.errors = h->errors;
	h->recent.judged = h->judged;
	if (h->recent.all < ENOUGH)
		return false;
	*ret = (unsigned)(SENSOR_FULL * h->recent.bad / h->recent.all);
	return true;
}

static bool
read_log(struct hits *h, const char *path, uint64_t *ret)
{
	char buf[PIECE];
	unsigned i;
	ssize_t n = 0;

	if (!open_log(h, path))
		return false;
	for (i = 0; i < PIECES; i++) {
		n = pread(h->fd, buf, sizeof(buf), (off_t)h->offset);
		if (n <= 0)
			break;
		h->offset += (uint64_t)n;
		hits_scan(h, buf, (size_t)n);
	}
	*ret = h->lines;
	return n >= 0;
}

/* nginx: the line after "server accepts handled requests" has three numbers;
 * Apache: "Total Accesses: 12". */
bool
hits_parse(const char *page, uint64_t *ret)
{
	const char *p = strstr(page, "requests\n");

	if (p != NULL)
		return sscanf(p + 9, " %*u %*u %" SCNu64, ret) == 1;
	p = strstr(page, "Total Accesses:");
	return p != NULL && sscanf(p + 15, " %" SCNu64, ret) == 1;
}

/* "http://127.0.0.1:80/status" */
static bool
split_url(const char *url, struct addr *a, uint16_t *port, const char **path)
{
	char at[80];
	size_t n;

	if (strncmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	n = strcspn(url, "/");
	if (n >= sizeof(at))
		return false;
	memcpy(at, url, n);
	at[n] = '\0';
	*path = url[n] != '\0' ? url + n : "/";
	return addr_parse_port(at, a, port) == 0;
}

static bool
ask(int fd, const char *path, char *page)
{
	char text[512];
	size_t n = 0;
	ssize_t got;
	int len = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n"
	    "Host: localhost\r\nUser-Agent: yoke-agentd\r\n\r\n", path);

	if (len < 0 || len >= (int)sizeof(text) ||
	    send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		return false;
	while (n < PAGE_MAX - 1) {
		got = recv(fd, page + n, PAGE_MAX - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	page[n] = '\0';
	return n > 0;
}

static bool
read_url(const char *url, uint64_t *ret)
{
	const struct timeval tv = { .tv_usec = PATIENCE_US };
	struct sockaddr_storage ss;
	char page[PAGE_MAX];
	const char *path;
	struct addr a;
	uint16_t port;
	socklen_t len;
	bool good;
	int fd;

	if (!split_url(url, &a, &port, &path))
		return false;
	fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	len = addr_to_sock(&a, port, &ss);
	good = connect(fd, (struct sockaddr *)&ss, len) == 0 &&
	    ask(fd, path, page) && hits_parse(page, ret);
	close(fd);
	return good;
}

bool
hits_read(struct hits *h, const struct agent_conf *c, uint64_t *ret)
{
	if (c->hits_log[0] != '\0')
		return read_log(h, c->hits_log, ret);
	return c->hits_url[0] != '\0' && read_url(c->hits_url, ret);
}
