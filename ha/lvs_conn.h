/*
 * lvs_conn: the kernel's table of connections, streamed from /proc in bounded
 * pieces so that a million of them never hold up the loop.
 */
#ifndef HA_LVS_CONN_H
#define HA_LVS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct lvs_conn {
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP; 0: IP (template) */
	bool synced;	  /* learnt from the other director */
	struct addr client, virt, dest;
	uint16_t client_port, virt_port, dest_port;
	char state[16]; /* "ESTABLISHED", "FIN_WAIT", "UDP", "NONE" ... */
	uint32_t expires_s;
};

typedef void (*lvs_conn_fn)(void *arg, const struct lvs_conn *c);

struct lvs_conns;

/* -ERR_NO_IPVS, -EACCES. Caller lvs_conns_close()s. */
int lvs_conns_open(struct lvs_conns **ret);

/* Up to max connections to fn: 1 there may be more, 0 that was the end. Not a
 * snapshot: one that comes or goes meanwhile may be missed. */
int lvs_conns_next(struct lvs_conns *c, size_t max, lvs_conn_fn fn, void *arg);
void lvs_conns_close(struct lvs_conns *c); /* NULL ok */

/* All of them at once, at most max: for tools, not for the loop. */
int lvs_read_conns(size_t max, lvs_conn_fn fn, void *arg);

/* Counts lines without parsing; lvs_table_conns() is cheaper still, but
 * does not see connections whose server is gone. */
int lvs_count_conns(uint64_t *ret);

/* One line of /proc/net/ip_vs_conn or ip_vs_conn_sync. 0 or -EBADMSG. */
int lvs_conn_parse(const char *line, struct lvs_conn *ret);

#endif
