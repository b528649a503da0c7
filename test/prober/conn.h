/*
 * conn: one non-blocking TCP connection that asks GET / and reads the answer,
 * once or many times. It reports; deadlines and meaning are its owner's.
 *
 * How connections end: with the last request the prober sends "Connection:
 * close" and then waits for the server's FIN. So the server closes first, the
 * client keeps no TIME_WAIT and does not run out of ports, and what the director
 * sees is an ordinary end of a connection and no RST of ours. Only a
 * connection that is given up (timeout, hung) is cut with SO_LINGER 0.
 */
#ifndef PROBER_CONN_H
#define PROBER_CONN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "test/prober/http.h"
#include "test/prober/reactor.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_IDLE,
	CONN_ASKED,   /* a request is out */
	CONN_CLOSING, /* last answer is here, the server's FIN is not */
	CONN_CLOSED
};

struct conn;

/* The owner's side. Each callback may conn_ask(), conn_drop() or free c. */
struct conn_ops {
	void (*on_connected)(struct conn *c);
	/* c->http holds it. c is CONN_CLOSED if the close was the answer's end,
	 * and then no on_closed follows. */
	void (*on_answer)(struct conn *c);
	void (*on_error)(struct conn *c, int rc); /* -errno; c is closed */
	void (*on_closed)(struct conn *c); /* the server's FIN after the last */
};

struct target {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char host[80]; /* for the Host: header */
};

struct conn {
	struct source source; /* first member */
	struct reactor *reactor;
	const struct target *target;
	const struct conn_ops *ops;
	enum conn_state state;
	bool last; /* the request that is out was the last one */
	struct http http;
};

/* Begins to connect; borrows target. 0 or -errno, then c is CONN_CLOSED. */
int conn_open(struct conn *c, struct reactor *r, const struct target *target,
    const struct conn_ops *ops);

/* Sends a request. 0 or -errno, then c is CONN_CLOSED and no callback runs. */
int conn_ask(struct conn *c, bool last);

/* What the kernel knows of the handshake: how long the SYN's answer took and
 * whether the SYN had to be sent again. It is exact even when the prober was
 * kept from running. */
void conn_handshake(const struct conn *c, usec_t *ret_took, bool *ret_again);

/* Closes; no callback runs. abort: with RST and without leftovers. */
void conn_drop(struct conn *c, bool abort);

#endif
