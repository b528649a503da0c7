/*
 * ipcs: the serving end of libqb IPC (shared-memory rings). yoked is the only
 * server; the yoke command and the other daemons are its clients. Peers are
 * known by the kernel's credentials: root gets PRIV_ADMIN, members of the
 * group given get PRIV_READ, others are refused at the door.
 *
 * Nothing here blocks: a client that does not read fills its own ring only, and
 * no user but root has more than 32 connections.
 */
#ifndef COMMON_IPCS_H
#define COMMON_IPCS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/loop.h"
#include "common/msg.h"

struct ipcs;
struct ipcs_conn;

struct ipcs_ops {
	/* A message that passed msg_check(). Borrowed. */
	void (*on_msg)(struct ipcs_conn *c, enum msg_id id, const void *body,
	    size_t len, void *arg);
	/* Last call for c. */
	void (*on_closed)(struct ipcs_conn *c, void *arg);
};

/* Serves under "yoke-<instance>". gid (gid_t)-1: root only. 0 or -errno
 * (-EADDRINUSE: another yoked serves this instance). Caller ipcs_free()s. */
int ipcs_new(struct loop *l, const char *instance, gid_t gid,
    const struct ipcs_ops *ops, void *arg, struct ipcs **ret);

/* Disconnects all; NULL ok. Waits up to 100 ms for clients to read what was
 * sent to them, as that goes with the connection. */
void ipcs_free(struct ipcs *s);

/* The answer to the client's last request, now or later: MSG_REPLY with rc and a
 * body. */
int ipcs_reply(struct ipcs_conn *c, int rc, const void *body, size_t len);

/* A message of ours. 0, or -EAGAIN: its ring is full, nothing was sent. */
int ipcs_event(
    struct ipcs_conn *c, enum msg_id id, const void *body, size_t len);

enum msg_who ipcs_who(const struct ipcs_conn *c); /* as HELLO said */
enum msg_priv ipcs_priv(const struct ipcs_conn *c);
pid_t ipcs_pid(const struct ipcs_conn *c);
void ipcs_set_user(struct ipcs_conn *c, void *user);
void *ipcs_user(const struct ipcs_conn *c);
uint64_t ipcs_refused(const struct ipcs *s); /* messages that failed checks */

#endif
