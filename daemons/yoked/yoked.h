/*
 * yoked: the one struct of state of the manager process, and what its files
 * share: main.c (wiring), yoked_ipc.c (clients), yoked_command.c (what the
 * operator asks), yoked_status.c (what the operator sees), yoked_link.c,
 * yoked_store.c, yoked_monitor.c, yoked_sync.c (the ports that are other
 * processes), yoked_listen.c (what the director tells; how urgent its role is),
 * yoked_kernel.c (sysctls), yoked_net.c (links, the uplink), yoked_vips.c (the
 * VIPs among others).
 */
#ifndef YOKED_H
#define YOKED_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/ipcs.h"
#include "common/loop.h"
#include "common/run.h"
#include "daemons/yoked/yoked_net.h"
#include "daemons/yoked/guard.h"
#include "daemons/yoked/yoked_status.h"
#include "ha/director.h"
#include "ha/history.h"
#include "ha/lvs.h"
#include "ha/sync_wire.h"
#include "ha/vip.h"

#define YOKED_PRIORITY 50 /* real-time, SCHED_RR */
#define HELPER_SILENT (3 * USEC_S) /* one that says nothing for so long hangs */

/* Messages for a client whose ring is full, bounded. */
struct outbox {
	struct out_msg *first, **last;
	size_t bytes;
	bool overflowed;
};

/* One of the daemons that serve us; NULL conn: not connected. */
struct helper {
	const char *name;
	enum msg_who who;
	struct ipcs_conn *conn;
	struct outbox outbox;
	usec_t since;         /* of connected or not */
	usec_t heard;         /* its last message, at least one each 500 ms */
};

/* Any client of our socket. */
struct client {
	struct client *next;
	struct ipcs_conn *conn;
	bool watching;
	uint64_t lost;        /* lines that it was too slow for */
	bool reloading;       /* waits for the end of a reload */
	struct status_walk status; /* being fetched in pieces */
	size_t status_at;     /* where in the document its out begins */
	size_t status_given;  /* bytes of out that the client has */
};

struct yoked {
	struct loop *loop;
	const char *conf_file, *node_name;
	struct conf *conf, *old_conf;
	struct lvs *lvs;
	struct vip_nl *vip;
	struct ipcs *ipcs;
	struct director director;
	struct yoked_net net;
	bool started;         /* the director is */
	usec_t start;
	struct helper monitor, store, link, sync;
	struct run *fence; /* its command, while it runs */
	struct reload *reload; /* under way */
	struct guard *guard; /* NULL: leases only */
	struct client *clients;
	struct timer flush;   /* outboxes to try again */
	struct chunks found_chunks; /* STORE_CHUNKs of a found table */
	struct store_found found;
	struct store_state store_state; /* what checkpointd last said */
	struct monitor_state monitor_state; /* what monitord last said */
	uint64_t monitor_paths; /* what it was told of probes' paths */
	usec_t monitor_said;  /* when; 0: never */
	uint32_t link_id;     /* corosync's id of this node, 0: unknown */
	struct sync_role_msg sync_role;   /* what syncd was told last */
	struct sync_state_msg sync_state; /* what it last said */
	struct timer sync_timer;
};

/* yoked_ipc.c */
extern const struct ipcs_ops yoked_ipcs_ops;
int helper_send(
    struct yoked *y, struct helper *h, enum msg_id id, const void *body,
    size_t len); /* 0, -ENOTCONN, -ENOBUFS */
void outbox_done(struct outbox *o);
void yoked_flush_init(struct yoked *y);

/* yoked_command.c: runs a command's words; its answer is text for people. */
int yoked_command(struct yoked *y, struct client *c, unsigned n,
    char words[][NAME_LEN], char *ret_text, size_t len);

/* yoked_reload.c: begins to read the configuration; clients that are marked as
 * reloading are answered when it was applied or refused. 0; -ERR_BUSY. */
int yoked_reload(struct yoked *y);
void yoked_reload_followed(struct yoked *y); /* the director made all changes */
void yoked_reload_stop(struct yoked *y);

/* yoked_status.c: the whole status as JSON; caller free()s. NULL: no memory. */
char *yoked_status(const struct yoked *y, size_t *ret_len);

/* yoked_status_tc.c: the object "auto" of the checkpoint */
struct out;
void yoked_status_tc(const struct yoked *y, struct out *o);

/* ports and listener */
extern const struct link_ops yoked_link_ops;
extern const struct store_ops yoked_store_ops;
extern const struct director_listener yoked_listener;
void yoked_link_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len);
void yoked_link_gone(struct yoked *y);
void yoked_store_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len);
void yoked_store_up(struct yoked *y);
void yoked_store_role(struct yoked *y, const struct transition *t);
void yoked_store_gone(struct yoked *y);
void yoked_monitor_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len);
void yoked_monitor_change(struct yoked *y, const struct change *c);
void yoked_monitor_paths(void *yoked); /* are probes' paths there? */
void yoked_monitor_paths_stop(struct yoked *y); /* no more */
void yoked_monitor_sync(struct yoked *y); /* states, and whether to probe */
void yoked_watch(struct yoked *y, const char *line); /* to all who watch */

/* yoked_sync.c, yoked_sync_view.c: connections */
void yoked_sync_init(struct yoked *y);
void yoked_sync_role(struct yoked *y); /* ours or the peer's may be another */
void yoked_sync_tell(struct yoked *y); /* all that syncd has to know */
void yoked_sync_path(struct yoked *y, unsigned index, bool up);
void yoked_sync_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len);
void yoked_sync_peer(struct yoked *y, const void *body, size_t len);
void yoked_sync_gone(struct yoked *y);
uint64_t yoked_sync_conns(const struct yoked *y); /* in our kernel */
bool yoked_sync_full(const struct yoked *y); /* the standby has them all */

/* yoked_fence.c */
extern const struct fence_ops yoked_fence_ops;
void yoked_fence_stop(struct yoked *y); /* kills what runs */

/* yoked_kernel.c: the sysctls that sync and down = cut need, and as they were
 * before. What cannot be set is a warning. */
void yoked_kernel_setup(const struct conf *c);
void yoked_kernel_restore(const struct conf *c); /* an orderly stop */

#endif
