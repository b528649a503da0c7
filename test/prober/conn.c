/*
 * conn: connect, ask, read. Owned by attempts.c (one request each) and
 * standing.c (many). Level triggered: each event reads once.
 */
#include "test/prober/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_events(struct source *s, uint32_t events);

int
conn_open(struct conn *c, struct reactor *r, const struct target *target,
    const struct conn_ops *ops)
{
	int one = 1, rc;

	c->source.on_events = on_events;
	c->reactor = r;
	c->target = target;
	c->ops = ops;
	c->last = false;
	c->state = CONN_CLOSED;
	http_start(&c->http);
	c->source.fd = socket(target->addr.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (c->source.fd < 0)
		return -errno;
	(void)setsockopt(
	    c->source.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->state = CONN_CONNECTING;
	rc = connect(c->source.fd, (const struct sockaddr *)&target->addr,
	    target->addr_len);
	if (rc < 0 && errno != EINPROGRESS)
		rc = -errno;
	else
		rc = reactor_watch(r, &c->source, EPOLLOUT);
	if (rc < 0)
		conn_drop(c, false);
	return rc;
}

void
conn_drop(struct conn *c, bool abort)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_CLOSED)
		return;
	if (abort)
		(void)setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &now,
		    sizeof(now));
	(void)close(c->source.fd);
	c->source.fd = -1;
	c->state = CONN_CLOSED;
}

int
conn_ask(struct conn *c, bool last)
{
	char req[256];
	ssize_t sent;
	int len, rc;

	len = snprintf(req, sizeof(req),
	    "GET / HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n\r\n",
	    c->target->host, last ? "close" : "keep-alive");
	http_start(&c->http);
	c->last = last;
	sent = send(c->source.fd, req, (size_t)len, MSG_NOSIGNAL);
	if (sent == len) {
		c->state = CONN_ASKED;
		return 0;
	}
	rc = sent < 0 ? -errno : -EIO; /* one small request always fits */
	if (rc == -EPIPE)
		rc = -ECONNRESET;
	conn_drop(c, false);
	return rc;
}

void
conn_handshake(const struct conn *c, usec_t *ret_took, bool *ret_again)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	(void)getsockopt(c->source.fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	*ret_took = info.tcpi_rtt;
	*ret_again = info.tcpi_total_retrans > 0;
}

static void
fail(struct conn *c, int rc)
{
	conn_drop(c, false);
	c->ops->on_error(c, rc);
}

static void
answered(struct conn *c)
{
	c->state = c->last || c->http.closes ? CONN_CLOSING : CONN_IDLE;
	c->ops->on_answer(c);
}

/* EOF: fine after the last answer, or where it ends the answer itself. */
static void
on_eof(struct conn *c)
{
	if (c->state == CONN_CLOSING) {
		conn_drop(c, false);
		c->ops->on_closed(c);
		return;
	}
	if (c->state != CONN_ASKED || http_eof(&c->http) < 0) {
		fail(c, -ECONNRESET);
		return;
	}
	conn_drop(c, false);
	c->last = true;
	c->ops->on_answer(c);
}

static void
read_some(struct conn *c)
{
	char data[4096];
	ssize_t n = recv(c->source.fd, data, sizeof(data), 0);
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 || (n < 0 && c->state == CONN_CLOSING)) {
		on_eof(c);
		return;
	}
	if (n < 0)
		rc = -errno;
	else if (c->state != CONN_ASKED)
		rc = -EBADMSG; /* nobody asked */
	else
		rc = http_feed(&c->http, data, (size_t)n);
	if (rc < 0)
		fail(c, rc);
	else if (rc > 0)
		answered(c);
}

static void
on_events(struct source *s, uint32_t events)
{
	struct conn *c = (struct conn *)s;
	socklen_t len = sizeof(int);
	int err = 0;

	if (c->state != CONN_CONNECTING) {
		read_some(c);
		return;
	}
	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		fail(c, -err);
	} else if ((events & EPOLLOUT) != 0) {
		c->state = CONN_IDLE;
		reactor_change(c->reactor, s, EPOLLIN);
		c->ops->on_connected(c);
	}
}
