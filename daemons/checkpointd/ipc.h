/*
 * ipc: yoke-checkpointd's end of the connection to yoked. Messages in go to the
 * keeper; its state and the tables it finds go out.
 */
#ifndef CHECKPOINTD_IPC_H
#define CHECKPOINTD_IPC_H

#include "daemons/checkpointd/keeper.h"

struct ipc;

struct ipc_ops {
	/* yoked read its configuration again; so should we. */
	void (*on_reload)(void *arg);
	/* A load is done; for the log. */
	void (*on_loaded)(int rc, const struct store_loaded *l, usec_t took);
};

/* Borrows the keeper. 0 or -errno; caller ipc_free()s. */
int ipc_new(struct loop *l, const char *instance, struct keeper *k,
    const struct ipc_ops *ops, void *arg, struct ipc **ret);
void ipc_free(struct ipc *i); /* NULL ok */

/* For keeper_new(): arg is a struct ipc **; its target may be NULL still. */
void ipc_send_state(const struct store_state *st, void *arg);

#endif
