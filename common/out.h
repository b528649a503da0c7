/*
 * out: a JSON document written as it is walked, into one growing buffer. Made
 * for yoked: no tree, no locale. Keys are literals and written as
 * they are; values are escaped, and bytes that are not UTF-8 become U+FFFD.
 *
 * Errors stick in `bad`: write everything, then look once, at out_take().
 */
#ifndef COMMON_OUT_H
#define COMMON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

#define OUT_DEPTH_MAX 64

struct out {
	char *mem;
	size_t len, cap;
	uint64_t lists; /* bit per level: 1 is an array */
	unsigned depth;
	bool more; /* a comma comes before the next item */
	bool bad;  /* no memory */
};

void out_init(struct out *o);
void out_done(struct out *o); /* instead of out_take() */

/* The text, with a NUL behind it; caller free()s. NULL: no memory. */
char *out_take(struct out *o, size_t *ret_len);

/* Takes the first n bytes away, which someone has read from mem: a document in
 * pieces. The rest stays what it is, open levels included. */
void out_drop(struct out *o, size_t n);

/* key is NULL inside an array and for the document itself. */
void out_object(struct out *o, const char *key);
void out_array(struct out *o, const char *key);
void out_close(struct out *o); /* what was opened last */

void out_str(struct out *o, const char *key, const char *v); /* NULL: null */
void out_num(
    struct out *o, const char *key, uint64_t v); /* INT64_MAX at most */
void out_bool(struct out *o, const char *key, bool v);
void out_null(struct out *o, const char *key);
void out_usec(struct out *o, const char *key, usec_t v); /* a number of us */
void out_ms(struct out *o, const char *key, usec_t v);	 /* whole ms of it */
/* "2026-11-21T06:00:00.123Z"; real is usec since 1970. */
void out_time(struct out *o, const char *key, usec_t real);

#endif
