/*
 * sync_wire: bodies of the messages of yoke-syncd: with yoked (SYNC_ROLE,
 * SYNC_STATE) and, carried by yoked and linkd, with the other director's syncd
 * (SYNC_SEND, PEER_SYNC, SYNC_RECV: struct sync_peer). Each x_unpack(): 0 or
 * -EBADMSG with *ret untouched.
 */
#ifndef HA_SYNC_WIRE_H
#define HA_SYNC_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

enum sync_role { SYNC_IDLE, SYNC_ACTIVE, SYNC_STANDBY, SYNC_ROLE__LAST };

/* What this director is now. A standby whose gen changed may have missed
 * something, and asks for everything again. Said again now and then. */
struct sync_role_msg {
	uint8_t role; /* enum sync_role */
	uint32_t gen;
	uint64_t conns; /* connections in this kernel, as it counts them */
};
void sync_role_pack(struct buf *b, const struct sync_role_msg *m);
int sync_role_unpack(struct buf *b, struct sync_role_msg *ret);

enum sync_phase {
	SYNC_PHASE_NONE,
	SYNC_PHASE_SEEDING, /* reads the kernel's table; once, after a start */
	SYNC_PHASE_ASKING,  /* standby: the active has not answered yet */
	SYNC_PHASE_GETTING, /* standby: connections come */
	SYNC_PHASE_FULL,    /* standby: all came */
	SYNC_PHASE_SENDING, /* active */
	SYNC_PHASE_READY,   /* active: nothing to send now */
	SYNC_PHASE__LAST
};
const char *sync_phase_name(unsigned p);

struct sync_state_msg {
	uint8_t role, phase;
	uint32_t gen;	       /* of the role that this is about */
	uint64_t known;	       /* connections in its own list */
	uint64_t peer_conns;   /* in the other's kernel */
	uint32_t resyncs;      /* whole lists sent, or received */
	uint64_t resync_conns; /* in the last one */
	uint32_t resync_ms;    /* it took */
	uint32_t again;	       /* times that one had to be sent again */
	uint64_t early_sent;   /* new connections told at once */
	uint64_t early_lost;   /* too many at once, or too late */
	uint64_t early_unsure; /* it was not clear to which server they went */
	uint8_t early;	       /* the listening for new ones works */
	uint8_t mirror;	       /* copies of first packets are sent, or listened for */
	uint64_t copies;       /* standby: connections known by one */
};
void sync_state_pack(struct buf *b, const struct sync_state_msg *m);
int sync_state_unpack(struct buf *b, struct sync_state_msg *ret);

enum sync_peer_type {
	SYNC_WANT, /* standby: send me all; try counts the failed ones */
	SYNC_DONE, /* active: all were sent, so many datagrams from that port */
	SYNC_COUNT, /* either: how many connections its kernel has */
	SYNC_PEER__LAST
};

struct sync_peer {
	uint8_t type;
	uint64_t nonce;	    /* WANT's, repeated by DONE */
	uint32_t try_n;	    /* WANT: 0, 1 ... */
	uint16_t port;	    /* DONE: the datagrams' source */
	uint32_t datagrams; /* DONE */
	uint64_t conns;
	uint32_t ms; /* DONE: the sending took */
};
void sync_peer_pack(struct buf *b, const struct sync_peer *m);
int sync_peer_unpack(struct buf *b, struct sync_peer *ret);

#endif
