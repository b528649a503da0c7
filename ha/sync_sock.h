/*
 * sync_sock: the socket that sync datagrams leave by: multicast, out of one
 * interface, as the kernel's master thread sends them. Plain descriptor;
 * close() ends it. Needs no privilege.
 */
#ifndef HA_SYNC_SOCK_H
#define HA_SYNC_SOCK_H

#include <stdbool.h>

#include "ha/sync_msg.h"

/* A descriptor with a port of its own (*ret_port, NULL ok), non-blocking;
 * -ENODEV ... self: for this machine's own backup thread instead of the network
 * (test tools). */
int sync_sock_open(const char *device, bool self, uint16_t *ret_port);

/* 0, -EAGAIN (the interface is busy: wait for POLLOUT), or -errno. */
int sync_sock_send(int fd, const struct sync_msg *m);

/* The word of a receiver to the sender of many datagrams: how many of them it
 * has had, and its kernel taken. Only the pace depends on it. */
#define SYNC_ACK_MAGIC 0x59534b41U
#define SYNC_ACK_BYTES 8

/* How far the backup thread of this machine is behind, from /proc/net/udp:
 * bytes that wait in its socket, and datagrams that found it full, ever. Other
 * members of the group are not told from it, except the socket of that inode.
 * -ENOENT: no backup thread runs. */
int sync_sock_backlog(
    unsigned long except, unsigned long *ret_bytes, unsigned long *ret_drops);

#endif
