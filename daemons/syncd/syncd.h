/*
 * syncd: the one struct of state of yoke-syncd, and what its files share:
 *
 *   hear.c     sync datagrams of the other director            -> map
 *   capture.c  sync datagrams that leave: our kernel's, early.c's -> map
 *   early.c    SYNs that leave (to which server?)              -> datagram
 *   mirror.c   the kernel's copies of SYNs, which leave before them
 *   copies.c   standby: those                             -> own kernel
 *   seed.c     /proc, once, when this process starts late      -> map
 *   send.c     active: the whole map to a standby that asks
 *   join.c     standby: asks, and judges whether all came
 *   syncd.c    yoked: role in, state out; messages of the other syncd
 *   targets.c, cards.c   services and servers, and the servers' cards
 *
 * One loop, and a thread each for early.c and copies.c, which are in a hurry
 * (early_thread.c). mirror.c aside it changes nothing in this machine; what it
 * sends enters a director's kernel by that kernel's own backup thread.
 */
#ifndef SYNCD_SYNCD_H
#define SYNCD_SYNCD_H

#include <netinet/in.h>

#include "common/conf.h"
#include "common/daemon.h"
#include "common/ipcc.h"
#include "common/loop.h"
#include "daemons/syncd/copies.h"
#include "daemons/syncd/early.h"
#include "daemons/syncd/mirror.h"
#include "daemons/syncd/packets.h"
#include "daemons/syncd/targets.h"
#include "ha/conn_map.h"
#include "ha/lvs_conn.h"
#include "ha/sync_sock.h"
#include "ha/sync_wire.h"

#define HEAR_PORTS 8
#define SYNC_OWN_BYTES 128 /* more has a datagram of a whole list only */

struct hear { /* the group's member in user space */
	int fd;
	unsigned long inode;
	struct watch *watch;
	struct hear_port {
		struct sockaddr_in from;
		uint32_t datagrams, acked;
	} ports[HEAR_PORTS]; /* since hear_begin(); the last one: all others */
	struct timer ack;    /* one that is due */
	struct hear_port *due; /* to whom */
	uint64_t datagrams;
};

struct capture {
	struct packets *packets; /* NULL: it does not work */
	struct watch *watch;
};

struct seed {
	struct lvs_conns *conns;
	struct timer timer;
	bool done;
	usec_t again; /* when to do it once more; 0: not */
};

struct pass { /* the sending of all, by the active */
	bool on;
	uint64_t nonce;
	int fd;
	struct watch *watch;
	struct sync_msg msg;
	uint32_t at;   /* in the map */
	unsigned rate; /* connections in a second */
	usec_t start, paced;
	uint32_t acked; /* datagrams that the standby says it had */
	usec_t acked_at;
	struct sync_peer done; /* what the standby is told at the end */
	struct timer timer;
};

struct join { /* the getting of all, by the standby */
	uint64_t nonce;
	uint32_t try_n;
	bool told; /* DONE came */
	struct sync_peer done;
	unsigned long drops; /* of the backup thread's socket, before */
	uint64_t seen;	     /* datagrams when last looked */
	usec_t moved;	     /* when the last one came */
	usec_t start;
	struct timer timer;
};

struct syncd {
	struct daemon *daemon;
	struct loop *loop;
	const struct conf *conf;
	struct ipcc_keep *yoked;
	struct sync_role_msg role;
	struct sync_state_msg state;
	struct timer tick;
	unsigned ticks;
	bool urgent;	     /* this process has its real-time priority */
	uint8_t id, peer_id; /* sync ids */
	const char *device;
	struct conn_map map;
	struct targets targets;
	struct hear hear;
	struct capture capture;
	struct early early;  /* active */
	struct early copies; /* standby */
	int copies_why;	     /* they do not work, -errno; 0: they do */
	struct mirror mirror;
	struct seed seed;
	struct pass pass;
	struct join join;
};

/* syncd.c */
int syncd_ipc_start(struct daemon *d);
void syncd_ipc_stop(struct daemon *d);
void syncd_phase(struct syncd *s, enum sync_phase p); /* and says so */
void syncd_tell_peer(struct syncd *s, const struct sync_peer *m);
void syncd_reload(struct daemon *d);
void syncd_urgency(struct syncd *s); /* after a change of role or seed */

int hear_start(struct syncd *s);
void hear_stop(struct syncd *s);
void hear_begin(struct hear *h); /* counts from here */
uint32_t hear_count(const struct hear *h, uint16_t port);

int capture_start(struct syncd *s);
void capture_stop(struct syncd *s);
uint64_t capture_drops(struct syncd *s); /* since the last call */

void seed_init(struct syncd *s);
void seed_start(struct syncd *s);
void seed_stop(struct syncd *s);

void pass_init(struct syncd *s);
void pass_start(struct syncd *s, const struct sync_peer *want);
void pass_stop(struct syncd *s);

void join_init(struct syncd *s);
void join_start(struct syncd *s, uint32_t try_n);
void join_stop(struct syncd *s);
void join_done(struct syncd *s, const struct sync_peer *done);

#endif
