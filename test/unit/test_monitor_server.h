/*
 * test_monitor_server: a forked child with an HTTP server on a loopback port
 * whose manners the path decides. "/flip" answers as `bad` says at the moment.
 */
#ifndef TEST_MONITOR_SERVER_H
#define TEST_MONITOR_SERVER_H

#include <stdatomic.h>
#include <stdint.h>

/* Shared with the child. */
struct farm {
	uint16_t port;         /* HTTP */
	uint16_t port_shut;    /* bound, nobody listens: farm_listen() */
	uint16_t port_shut6;   /* the same on ::1; 0: no IPv6 */
	int fd_shut, fd_shut6, pid;
	atomic_int flip_bad;   /* this many more of /flip fail; -1: all */
	atomic_int flip_count; /* requests for /flip */
	atomic_int requests;
	atomic_int rude;       /* requests without what they must have */
};

struct farm *farm_start(void); /* NULL: could not */
void farm_listen(const struct farm *f);
void farm_stop(struct farm *f);

#endif
