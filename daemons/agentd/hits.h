/*
 * hits: requests that the server of this machine has answered: lines of its
 * log, or what it says itself (nginx's stub_status, Apache's server-status);
 * and how many of those in the log failed.
 */
#ifndef AGENTD_HITS_H
#define AGENTD_HITS_H

#include "daemons/agentd/agent_conf.h"

struct hits {
	int fd;         /* of the log; -1: not open */
	uint64_t inode, offset, lines;
	uint64_t errors;  /* lines with a status of 500 and above */
	uint64_t judged;  /* lines with any */
	unsigned at, status; /* reading a line: how far, and what it says */
	struct {          /* the last half minute or so, see hits_errors() */
		uint64_t errors, judged; /* when it was looked at last */
		double bad, all;
	} recent;
};

void hits_init(struct hits *h);
void hits_done(struct hits *h);

/* The count so far; false: not known. Asking a URL takes 200 ms at most. */
bool hits_read(struct hits *h, const struct agent_conf *c, uint64_t *ret);

/* Failed requests of all in thousandths, by a window that forgets with a time
 * constant of 10 s; to be called after each hits_read(), passed since the one
 * before. False: too few requests to say. */
bool hits_errors(struct hits *h, usec_t passed, unsigned *ret);

/* Goes on reading lines of a log in the common or combined format; exported for
 * its test. */
void hits_scan(struct hits *h, const char *bytes, size_t len);

/* The count in a page; exported for its test. */
bool hits_parse(const char *page, uint64_t *ret);

#endif
