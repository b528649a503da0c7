/*
 * yoked_status: the status as JSON, written in pieces, so that one of ten
 * thousand servers holds up the beats no more than one of ten. What a walk has
 * written is in out; who fetches it takes bytes from its front.
 */
#ifndef YOKED_STATUS_H
#define YOKED_STATUS_H

#include <stdbool.h>

#include "common/out.h"
#include "common/service.h"

struct yoked;

struct status_walk {
	struct out out;
	enum { STATUS_HEAD, STATUS_SERVICES, STATUS_WHOLE } at;
	bool open; /* in the middle of a service */
	char service[NAME_LEN], server[NAME_LEN]; /* the last that are in it */
};

void status_walk_begin(struct status_walk *w); /* overwrites it */
void status_walk_done(struct status_walk *w);  /* zeroed: ok */

/* Goes on until out has enough bytes or the document is whole (then true). The
 * pieces fit together whatever changes between two calls; each server shows
 * its state at the time it was walked over. out.bad: no memory. */
bool status_walk(const struct yoked *y, struct status_walk *w, size_t enough);

/* yoked_status_services.c: the rows of the array, as above. */
bool status_services(
    const struct yoked *y, struct status_walk *w, size_t enough);

#endif
