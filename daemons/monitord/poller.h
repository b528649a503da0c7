/*
 * poller: thousands of short-lived descriptors behind one watch of the loop.
 * libqb finds its watches by walking an array, which is fine for a dozen and
 * not for a connect per probe; here add and remove cost the same however many
 * there are.
 */
#ifndef MONITORD_POLLER_H
#define MONITORD_POLLER_H

#include <sys/epoll.h>

#include "common/loop.h"

struct poller;

/* events as epoll(7) has them. fn may set and delete any descriptor. */
typedef void (*poller_fn)(int fd, unsigned events, void *arg);

int poller_new(struct loop *l, struct poller **ret); /* 0 or -errno */
void poller_free(struct poller *p); /* NULL ok; descriptors stay open */

/* Begins to wait for events on fd, or changes what it waits for. 0 or -errno */
int poller_set(
    struct poller *p, int fd, unsigned events, poller_fn fn, void *arg);
/* Handles all that is there now (bounded), before silence is judged. */
void poller_drain(struct poller *p);
/* Deletes and closes in one: the kernel takes a closed one off by itself. No
 * other descriptor may be open on the same socket. */
void poller_close(struct poller *p, int fd);
void poller_del(struct poller *p, int fd); /* before close; unknown: no-op */

#endif
