/*
 * vip_dup: does somebody else on the segment claim a VIP that this director
 * holds, or the peer one that it would take? Claims are heard as they are made
 * (ARP, neighbour advertisements), and every half minute all are asked who has
 * it, so that a silent duplicate is found too: RFC 5227 (a probe, which changes
 * nobody's neighbour table) and RFC 4861.
 *
 * It only judges; hearing and asking is a port.
 */
#ifndef HA_VIP_DUP_H
#define HA_VIP_DUP_H

#include "common/conf.h"
#include "common/loop.h"

#define DUP_FIRST_ASK                                                          \
	(3 * USEC_S) /* after a takeover; also the time in which               \
		      * the peer may still have the addresses */
#define DUP_ASK (30 * USEC_S)
#define DUP_WHO (100 * USEC_MS)	  /* after the start: who is the peer? */
#define DUP_ASK_PEER (2 * USEC_S) /* and again, until it is known */
#define DUP_SEEK (250 * USEC_MS)  /* before we take any: has the peer? */
#define DUP_SEEK_RECENT USEC_S	  /* three such without an answer: no */
#define DUP_SEEK_MOST 8		  /* VIPs at once: who has one has all */
#define DUP_RECENT                                                             \
	(100 * USEC_S)		 /* three questions without an answer: gone    \
				  */
#define DUP_DEFEND (10 * USEC_S) /* RFC 5227 section 2.4: not more often */

struct vip_dup_seen { /* the last one who claimed it */
	uint8_t mac[6];
	bool peer;	    /* it is the other director's */
	usec_t since, last; /* 0: nobody */
	uint64_t count;	    /* claims */
};

struct vip_dup_ops {
	/* A card of this machine? */
	bool (*own)(void *ctx, const uint8_t mac[6]);
	/* Asks everybody who has a VIP, or the peer's address on its device. */
	void (*ask)(void *ctx, const struct addr *a, const char *device);
	/* Announces ours once more. */
	void (*defend)(void *ctx);
	/* A new one was found; at most one in DUP_TELL. */
	void (*found)(
	    void *ctx, const struct conf_vip *v, const struct vip_dup_seen *s);
};

#define DUP_TELL USEC_S /* who changes its hardware address all the time */
#define DUP_PEER_MACS 8

struct vip_dup {
	struct loop *loop;
	const struct conf *conf;
	const struct vip_dup_ops *ops;
	void *ctx;
	struct vip_dup_seen *seen; /* one for each VIP, in their order */
	uint8_t peers[DUP_PEER_MACS][6];
	unsigned n_peers;
	bool holding, seeking;
	usec_t held_since, defended, told;
	usec_t peer_had; /* a VIP, while we held none; 0: not known to */
	size_t next;	 /* VIP to ask for */
	struct timer ask, who;
};

int vip_dup_start(struct vip_dup *u, struct loop *l, const struct conf *conf,
    const struct vip_dup_ops *ops, void *ctx); /* 0 or -ENOMEM */
void vip_dup_stop(struct vip_dup *u);
/* -ENOMEM: duplicates are noticed no more. */
int vip_dup_reload(struct vip_dup *u, const struct conf *fresh);
void vip_dup_hold(struct vip_dup *u, bool holding); /* from now on */

/* Asks again and again whether the peer has them, for vip_dup_peer_has(). */
void vip_dup_seek(struct vip_dup *u, bool seeking);
/* The peer answers for a VIP, as of a second ago; it is known by the hardware
 * addresses that its paths' addresses have. */
bool vip_dup_peer_has(const struct vip_dup *u);

/* addr is said to be at mac, on the segment of device; to_all: everybody was
 * told so, not only we. */
void vip_dup_claim(struct vip_dup *u, const char *device,
    const struct addr *addr, const uint8_t mac[6], bool to_all);

/* Worth an alarm: heard of lately, and not the peer letting go of it. NULL: no.
 * i: the VIP's place in the configuration. */
const struct vip_dup_seen *vip_dup_now(const struct vip_dup *u, size_t i);

#endif
