/*
 * ipc_server: a server (common/ipcs.h) in a process of its own, for the tests of
 * IPC: it does what the client's COMMAND says ("stream 100", "fill", "slow",
 * "twice", ...; on_command() has them all) and echoes HEALTH as PROBE_STATE.
 */
#ifndef TEST_UNIT_IPC_SERVER_H
#define TEST_UNIT_IPC_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ipcc.h"

#define IPC_GROUP 54321 /* stands for the group yoke */

extern char instance[32]; /* the test's own; instance_name() first of all */
void instance_name(void);

pid_t child(void); /* fork(), but nothing outlives the test */
pid_t server_start(void); /* its pid, or what ipcs_new() said */
int server_end(pid_t pid, int sig); /* as waitpid() tells it */

/* What the server answers to a command; UINT64_MAX: nothing useful. */
uint64_t ask(struct ipcc *c, const char *text);
size_t rings_left(void); /* files of this instance in /dev/shm */

#endif
