/*
 * sync_msg: the datagrams in which IPVS directors tell each other of their
 * connections: version 1 of the kernel's net/netfilter/ipvs/ip_vs_sync.c
 * (struct ip_vs_sync_mesg, ip_vs_sync_v4, ip_vs_sync_v6). UDP port 8848,
 * multicast group 224.0.0.81, not signed. What is packed here enters the peer's
 * connection table by its own backup thread.
 *
 *	u8 0, u8 sync id, u16 size of all, u8 connections, s8 version, u16 0
 *	each: u8 type (1: IPv6), u8 protocol, u16 size, u32 flags, u16 state,
 *	      u16 client, virtual, server's port, u32 mark, u32 timeout in s,
 *	      client, virtual, server's address; 4-byte aligned
 *
 * Options (sequence numbers of ftp, persistence engines) are skipped when
 * read and never written.
 */
#ifndef HA_SYNC_MSG_H
#define HA_SYNC_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define SYNC_PORT 8848
#define SYNC_GROUP "224.0.0.81"
#define SYNC_VERSION 1
#define SYNC_MSG_MAX 1024 /* the smallest buffer of a backup thread */

enum sync_flag {		/* the kernel's IP_VS_CONN_F_* that travel */
	SYNC_FWD_MASK = 0x0007, /* enum lvs_method */
	SYNC_NOOUTPUT = 0x0080, /* answers do not pass by the director */
	SYNC_INACTIVE = 0x0100,
	SYNC_SEQ_MASK = 0x0600,
	SYNC_NO_CPORT = 0x0800,
	SYNC_TEMPLATE = 0x1000, /* of persistence */
};

enum sync_tcp { /* the kernel's IP_VS_TCP_S_* */
	SYNC_TCP_NONE,
	SYNC_TCP_ESTABLISHED,
	SYNC_TCP_SYN_SENT,
	SYNC_TCP_SYN_RECV,
	SYNC_TCP_FIN_WAIT,
	SYNC_TCP_TIME_WAIT,
	SYNC_TCP_CLOSE,
	SYNC_TCP_CLOSE_WAIT,
	SYNC_TCP_LAST_ACK,
	SYNC_TCP_LISTEN,
	SYNC_TCP_SYNACK,
	SYNC_TCP__LAST
};

struct sync_conn { /* all three addresses of one family */
	uint8_t protocol;
	uint16_t state;
	uint32_t flags, fwmark, timeout_s; /* 0: as the receiver has it */
	struct addr client, virt, dest;
	uint16_t client_port, virt_port, dest_port;
};

struct sync_msg { /* one datagram being made: bytes[0..len) */
	uint8_t bytes[SYNC_MSG_MAX];
	size_t len;
	unsigned n;
};

void sync_msg_begin(struct sync_msg *m, uint8_t id);

/* 0; -ENOBUFS: no room, send what is there first; -EINVAL: families differ. */
int sync_msg_add(struct sync_msg *m, const struct sync_conn *c);

/* Calls fn for each connection: the number of them, or -EBADMSG (fn may have
 * seen some). *ret_id is written whenever the head is readable. */
typedef void (*sync_conn_fn)(void *arg, const struct sync_conn *c);
int sync_msg_unpack(
    const void *bytes, size_t len, uint8_t *ret_id, sync_conn_fn fn, void *arg);

#endif
