/*
 * hits: requests that the server of this machine has answered: lines of its
 * log, or what it says itself (nginx's stub_status, Apache's server-status).
 */
#ifndef AGENTD_HITS_H
#define AGENTD_HITS_H

#include "daemons/agentd/agent_conf.h"

struct hits {
	int fd;         /* of the log; -1: not open */
	uint64_t inode, offset, lines;
};

void hits_init(struct hits *h);
void hits_done(struct hits *h);

/* The count so far; false: not known. Asking a URL takes 200 ms at most. */
bool hits_read(struct hits *h, const struct agent_conf *c, uint64_t *ret);

/* The count in a page; exported for its test. */
bool hits_parse(const char *page, uint64_t *ret);

#endif
