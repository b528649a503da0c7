/*
 * early: the standby is told of a TCP connection at its first packet; early.c
 * says which server that goes to and what is told, early_thread.c when.
 */
#ifndef SYNCD_EARLY_H
#define SYNCD_EARLY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/usec.h"
#include "daemons/syncd/cards_wire.h"
#include "daemons/syncd/packets.h"
#include "daemons/syncd/targets.h"
#include "ha/sync_msg.h"

#define EARLY_INBOUND 4096 /* remembered; a power of two */
#define EARLY_PATIENCE (200 * USEC_MS) /* of its thread, to see that it is to end */

struct syncd;

/* The thread's, from early_thread() to early_end(), but for what is atomic, what
 * has a lock, and packets' filter. Two of a kind: an active's own SYNs, and a
 * standby's copies of them (copies.c). */
struct early {
	const struct targets *targets;
	const struct daemon *daemon;
	uint8_t id; /* whose connections: a sync id */
	void (*take)(struct early *e, unsigned i); /* the i-th of packets */
	bool no_cards;	  /* the kernel's are not asked for: they are told */
	struct addr peer; /* that tells us, or none */
	struct cards_heard heard;
	int fd; /* that datagrams leave by; -1: it does not work */
	struct packets *packets;
	pthread_t thread;
	atomic_bool running, active;
	atomic_int except;	/* ifindex whose packets are copies (mirror.c) */
	atomic_bool small;	/* datagrams no larger than SYNC_OWN_BYTES */
	pthread_mutex_t lock;	/* of cards */
	struct cards cards;
	struct sync_msg msg;
	atomic_uint_least64_t sent, lost, unsure;
	usec_t now;		/* by the wall clock, of this batch */
	usec_t refilled;	/* of the allowance, likewise */
	unsigned allowance;	/* SYNs that may be told now */
	usec_t cards_missed, cards_cost; /* last one unknown; of asking */
	struct early_in { /* SYNs of clients on their way in, for nat */
		uint32_t seq;
		uint16_t client_port, virt_port;
		struct addr client, virt;
	} * in;
};

/* early_thread.c */
int early_start(struct syncd *s);
void early_stop(struct syncd *s);
void early_role(struct syncd *s); /* after a change of role */
uint64_t early_drops(struct syncd *s); /* since the last call */
/* For both kinds. Its packets are to be opened next, then the thread begins; in
 * either case of any of them early_end() is due. */
void early_new(struct syncd *s, struct early *e, uint8_t id);
int early_thread(struct early *e);
void early_end(struct early *e);

/* early.c; the first is for any thread. */
void early_cards(struct early *e); /* asks the kernel for cards, now and then */
/* A frame that carries a SYN; out: it leaves; when: by the wall clock, 0: not
 * known. Before it, early.now is set. */
void early_syn(struct early *e, const uint8_t *frame, size_t len, int ifindex,
    uint32_t mark, bool out, usec_t when);
void early_flush(struct early *e); /* no more of them now */

#endif
