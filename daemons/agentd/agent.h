/*
 * agent: what yoke-agentd knows, and the two ways it says so: JSON over HTTP
 * (serve.c) and HAProxy's agent-check text over TCP (text.c).
 */
#ifndef AGENTD_AGENT_H
#define AGENTD_AGENT_H

#include "daemons/agentd/agent_conf.h"
#include "daemons/agentd/hits.h"

struct agent {
	struct agent_conf conf;
	struct sensor_conf sensors;
	struct counters counters;
	struct load load;
	struct judge judge;
	struct hits hits;
	uint64_t samples;
};

/* The state as JSON; caller free()s. NULL: no memory. */
char *agent_json(const struct agent *a, size_t *ret_len);
/* "up ready 75%\n" or "drain\n", as HAProxy's agent-check reads. */
void agent_text(const struct agent *a, char *buf, size_t len);

/* serve.c */
struct MHD_Daemon;
int serve_start(struct agent *a, struct MHD_Daemon **ret); /* 0 or -errno */
int serve_fd(struct MHD_Daemon *d);      /* readable: serve_run() */
int serve_timeout(struct MHD_Daemon *d); /* ms until serve_run(); -1: never */
void serve_run(struct MHD_Daemon *d);
void serve_stop(struct MHD_Daemon *d); /* NULL ok */

/* text.c */
int text_listen(const char *at, int *ret_fd); /* 0 or -errno */
void text_answer(int fd, const struct agent *a);

#endif
