/*
 * ipcc: the client end of libqb IPC: one connection to the yoked of an
 * instance. Two ways to use it: blocking calls (the yoke command), and as a
 * daemon that stays connected (ipcc_keep): it connects, says HELLO, hands every
 * event over, and when yoked goes away tries again until it is back.
 */
#ifndef COMMON_IPCC_H
#define COMMON_IPCC_H

#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "common/msg.h"

struct ipcc;

/* Connects and says HELLO. 0; -ECONNREFUSED or -ENOENT: no yoked runs;
 * -EACCES: not root nor in the group; -ETIMEDOUT. Caller ipcc_free()s. */
int ipcc_open(const char *instance, enum msg_who who, struct ipcc **ret);
void ipcc_free(struct ipcc *c); /* NULL ok */

/* Sends a request and waits for its answer, at most timeout_ms. Returns the
 * answer's rc (0 or negative as the handler said; -ETIMEDOUT, -ENOTCONN);
 * up to cap bytes of its body go to reply, its length to *ret_len. */
int ipcc_call(struct ipcc *c, enum msg_id id, const void *body, size_t len,
    void *reply, size_t cap, size_t *ret_len, int timeout_ms);

/* One event, waiting at most timeout_ms: its id, or -EAGAIN, -ENOTCONN. */
int ipcc_event(
    struct ipcc *c, void *body, size_t cap, size_t *ret_len, int timeout_ms);
int ipcc_fd(const struct ipcc *c); /* readable when an event may be there */

/* A daemon's lasting connection on a loop. */
struct ipcc_keep;
struct ipcc_ops {
	void (*on_up)(void *arg);   /* connected; send first messages now */
	void (*on_down)(void *arg); /* yoked went away; reconnecting by itself */
	void (*on_event)(
	    enum msg_id id, const void *body, size_t len, void *arg);
	/* The answer to the newest ipcc_keep_ask(); NULL: never asks. */
	void (*on_reply)(int rc, const void *body, size_t len, void *arg);
};
int ipcc_keep_new(struct loop *l, const char *instance, enum msg_who who,
    const struct ipcc_ops *ops, void *arg, struct ipcc_keep **ret);
void ipcc_keep_free(struct ipcc_keep *k); /* NULL ok */

/* One-way message to yoked; no answer. Queued (bounded) while the ring is
 * full. 0, -ENOTCONN, -ENOBUFS: queue full too. */
int ipcc_keep_send(
    struct ipcc_keep *k, enum msg_id id, const void *body, size_t len);

/* A request that is answered, of WHO_CLI only; what an older one still gets is
 * dropped. 0, -ENOTCONN, -EAGAIN: no room, nothing was sent. */
int ipcc_keep_ask(
    struct ipcc_keep *k, enum msg_id id, const void *body, size_t len);

/* Why it is not connected (-ECONNREFUSED, -EACCES ...); 0 while it is. */
int ipcc_keep_error(const struct ipcc_keep *k);

#endif
