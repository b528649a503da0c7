/*
 * ipc_wire: what both ends of the local IPC agree on: the frame around a
 * message and how a connection is made. Private to ipcs.c, ipcc.c, ipcc_keep.c.
 *
 * Both ends are of one build on one machine, so the frame is a plain struct;
 * bodies are packed with common/buf.h by those who know them.
 */
#ifndef COMMON_IPC_WIRE_H
#define COMMON_IPC_WIRE_H

#include <qb/qbipc_common.h>
#include <qb/qbipcc.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"

#define IPC_VERSION 1
#define IPC_NAME_LEN 96
#define IPC_RING (128 * 1024) /* bytes; each connection has three, locked */

/* Client to server. qb.id is the enum msg_id, qb.size counts the body too. */
struct ipc_request {
	struct qb_ipc_request_header qb;
	uint32_t seq; /* comes back in the answer */
	uint32_t zero;
};

/* Server to client: an answer (MSG_REPLY, rc in qb.error) or an event. */
struct ipc_answer {
	struct qb_ipc_response_header qb;
	uint32_t seq;
	uint32_t zero;
};

#define IPC_FRAME_MAX (MSG_BODY_MAX + sizeof(struct ipc_answer))

/* The body of HELLO, one byte each. */
enum ipc_hello {
	IPC_HELLO_VERSION,
	IPC_HELLO_WHO,
	IPC_HELLO_BY_EVENT, /* 1: answer with an event, see ipcc_keep.c */
	IPC_HELLO_LEN
};

/* "yoke-<instance>"; returns buf */
char *ipc_name(const char *instance, char *buf, size_t len);

/* Starts to connect without waiting; *ret_fd becomes readable when
 * ipc_connect_finish() can be called. 0 or -errno (-ECONNREFUSED: no server,
 * -EAGAIN: server has too many callers just now). */
int ipc_connect_start(
    const char *instance, qb_ipcc_connection_t **ret, int *ret_fd);

/* 0, or -errno and qb is gone. -EACCES: refused, or the server is an
 * impostor: neither root nor ourselves. */
int ipc_connect_finish(qb_ipcc_connection_t *qb);
void ipc_connect_abort(qb_ipcc_connection_t *qb, int fd);

/* Never blocks. 0, -EAGAIN (full), -ENOTCONN, -EMSGSIZE. */
int ipc_send(qb_ipcc_connection_t *qb, int fd, unsigned id, uint32_t seq,
    const void *body, size_t len);

/* Removes the rings that killed servers of this name left in /dev/shm. */
void ipc_sweep(const char *name);

#endif
