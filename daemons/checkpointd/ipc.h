/*
 * ipc: yoke-checkpointd's end of the connection to yoked. Messages in go to the
 * keeper; its state and the tables it finds go out.
 */
#ifndef CHECKPOINTD_IPC_H
#define CHECKPOINTD_IPC_H

#include "daemons/checkpointd/keeper.h"

struct ipc;

/* on_reload: yoked read its configuration again. Caller ipc_free()s; borrows
 * the keeper. 0 or -errno. */
int ipc_new(struct loop *l, const char *instance, struct keeper *k,
    void (*on_reload)(void *arg), void *arg, struct ipc **ret);
void ipc_free(struct ipc *i); /* NULL ok */

/* For keeper_new(): arg is a struct ipc **; its target may be NULL still. */
void ipc_send_state(const struct store_state *st, void *arg);

#endif
