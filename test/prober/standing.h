/*
 * standing: connections that stay: N old ones from start to end, and a stream of
 * young ones, so that at any instant there are connections of every age up
 * to --young-life-ms. All are kept busy with small requests.
 *
 * A connection counts once its handshake is done. It ends as
 *   kept   it lived out its life, or to the end of the run, with every answer
 *   reset  RST, or a FIN the server had not announced with "Connection: close"
 *   hung   no answer within --hung-ms of the request
 *   bad    an answer that is not 200, or not HTTP
 * Its age at the end is the time from its handshake to its last answer. A
 * connection the server ends by its own rules (nginx: keepalive_requests) is
 * kept, and an old one is then opened anew.
 */
#ifndef PROBER_STANDING_H
#define PROBER_STANDING_H

#include <qb/qblist.h>

#include "test/prober/options.h"
#include "test/prober/pace.h"
#include "test/prober/tally.h"

struct standing {
	const struct options *opt;
	struct reactor *reactor;
	struct pace pace;
	struct timer tick;
	struct qb_list_head holds;
	bool stopping;
	struct tally tally;
	size_t ready;       /* old ones that have answered once */
	uint64_t seed;
	void (*on_ready)(void *arg); /* every old one has answered */
	void (*on_idle)(void *arg);  /* after standing_stop(): all have ended */
	void *arg;
};

/* Borrows opt and r; begins at `start`. */
void standing_start(struct standing *s, const struct options *opt,
    struct reactor *r, usec_t start);
void standing_mark(struct standing *s, usec_t mark);
void standing_stop(struct standing *s); /* ends idle ones, awaits the others */
void standing_done(struct standing *s); /* after the report */

#endif
