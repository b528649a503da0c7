/*
 * lvs_sock: one generic netlink socket bound to the IPVS family. Requests go
 * out in bulk, answers come back several per system call; nobody waits longer
 * than LVS_WAIT_MS for the next answer. After a failure the socket opens
 * itself anew, so that a late answer is never taken for another's.
 */
#ifndef HA_LVS_SOCK_H
#define HA_LVS_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LVS_WAIT_MS 1000

struct nl_msg;
struct nl_sock;
struct nlmsghdr;

struct lvs_sock {
	struct nl_sock *nl;
	int family;
	uint32_t seq; /* of the last request */
	bool stale;   /* answers may be under way: open anew */
	uint8_t *rx;
};

/* One message from the kernel. 0: go on, 1: that was all, or -errno. */
typedef int (*lvs_sock_fn)(void *arg, struct nlmsghdr *h);

int lvs_sock_open(struct lvs_sock *s); /* -ERR_NO_IPVS, -errno */
void lvs_sock_done(struct lvs_sock *s);

/* Borrows data. 0 or -errno. */
int lvs_sock_send(struct lvs_sock *s, const void *data, size_t len);

/* Feeds fn until it says 1 (returns 0) or fails. -ETIMEDOUT, -ENOBUFS. */
int lvs_sock_wait(struct lvs_sock *s, lvs_sock_fn fn, void *arg);

/* A fresh request; flags NLM_F_DUMP or 0. NULL: no memory. */
struct nl_msg *lvs_sock_request(struct lvs_sock *s, uint8_t cmd, int flags);

/* Sends m, frees it, hands the answers to fn (NULL ok) up to the last. rc is
 * what the kernel said. bad: why m could not be built, returned at once. */
int lvs_sock_ask(
    struct lvs_sock *s, struct nl_msg *m, int bad, lvs_sock_fn fn, void *arg);

int lvs_sock_error(const struct nlmsghdr *h); /* of an NLMSG_ERROR: rc */

#endif
