/*
 * attempts: new connections on a schedule, one request each, and the list of
 * what became of them.
 */
#ifndef PROBER_ATTEMPTS_H
#define PROBER_ATTEMPTS_H

#include "test/prober/options.h"
#include "test/prober/outage.h"
#include "test/prober/pace.h"

#define SERVERS_MAX 64 /* names told apart; [0] is "nobody", the last "other" */

struct attempts {
	const struct options *opt;
	struct reactor *reactor;
	struct pace pace;
	struct timer tick;
	struct attempt *list;
	size_t n, cap;
	size_t running;
	size_t ok, failed; /* so far, for --progress */
	void (*on_idle)(void *arg); /* the last running one ended */
	void *arg;
	size_t servers;
	char server[SERVERS_MAX][HTTP_WORD_MAX];
};

/* Borrows opt and r; begins at `start`. */
void attempts_start(struct attempts *a, const struct options *opt,
    struct reactor *r, usec_t start);
void attempts_stop(struct attempts *a); /* no new ones; running ones end */
void attempts_done(struct attempts *a);

#endif
