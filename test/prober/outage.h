/*
 * outage: from the list of attempts to the numbers of the report. Pure: no I/O,
 * no clock.
 *
 * An attempt is one new connection: connect, GET, whole answer. It FAILS when it
 * ends in anything but a whole 200 answer within --timeout-ms, or when its SYN was
 * not answered within --late-ms (by the kernel's own measurement of the
 * handshake, so a prober that is kept from running blames nobody), or had to be
 * sent again. A lost SYN is sent again after 1 s, a machine's noise is a few ms:
 * 200 ms tells them apart. A stall after the handshake (a lost segment costs one
 * RTO, about 200 ms) is no failure as long as the answer comes in time.
 * Attempts that could not be made for want of a local port or descriptor, or
 * whose end was not awaited, are neither ok nor failed.
 *
 * outage       from the scheduled start of the first failing attempt to that of
 *              the last failing one, plus one interval; 0 if none fails
 * outage_min   the same between actual starts, without the interval: service was
 *              down for at least so long
 * outage_max   from the actual start of the last good attempt before the first
 *              failing one to that of the first good one after the last failing
 *              one: it was down for at most so long
 * from_mark    from the mark to the start of the first good attempt after the last
 *              failing one that started at or after the mark; -1: never recovered
 * first_ok     from the mark to the start of the first good attempt after the
 *              first such failing one; -1: never
 * gap          longest time between two completions of good attempts next to
 *              each other, or from the first start, or to the last start
 */
#ifndef PROBER_OUTAGE_H
#define PROBER_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

enum outcome {
	OUTCOME_NONE, /* still running */
	OUTCOME_OK,
	OUTCOME_LATE, /* whole answer, but the SYN was answered late */
	OUTCOME_REFUSED,
	OUTCOME_RESET,
	OUTCOME_TIMEOUT,
	OUTCOME_UNREACH,
	OUTCOME_BAD,   /* not HTTP, or not 200 */
	OUTCOME_LOCAL, /* no port, descriptor or memory here */
	OUTCOME__LAST
};

struct attempt {
	usec_t scheduled, started, ended;
	uint8_t outcome;
	uint8_t server;
};

#define OUTAGE_SPANS_MAX 64
#define OUTAGE_SPAN_APART (250 * USEC_MS)

/* Failing attempts with less than OUTAGE_SPAN_APART between neighbours. */
struct outage_span {
	usec_t first, last; /* scheduled starts */
	size_t failed;
};

struct outage {
	usec_t outage, min, max, gap;
	int64_t from_mark, first_ok;
	size_t by_outcome[OUTCOME__LAST];
	size_t failed;
	size_t spans; /* all of them; only the first OUTAGE_SPANS_MAX kept */
	struct outage_span span[OUTAGE_SPANS_MAX];
};

const char *outcome_name(enum outcome o);
bool outcome_fails(enum outcome o);

/* a is in order of start; mark 0: none. 0 or -ENOMEM. */
int outage_compute(const struct attempt *a, size_t n, usec_t interval,
    usec_t mark, struct outage *ret);

#endif
