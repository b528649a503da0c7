/*
 * pulse: the small sign of life between two beats, for a line on which a beat
 * takes long. It says "alive, nothing new since my last beat on this line" and
 * nothing else, so it can carry no news, forged or not.
 *
 * On the wire: the low 16 bits of the sender's number, and the first 8 bytes of
 * HMAC-SHA256 (RFC 2104, truncated as its section 5 allows) with the pair's key
 * over all that is left out: sender's node, path, session, the whole number and
 * the instance. So a pulse counts on one path, in one session and once: numbers
 * must grow there as those of beats do, out of the same count. To guess 8 bytes
 * takes 2^63 tries on average, on a line that carries a few hundred a second.
 */
#ifndef HA_PULSE_H
#define HA_PULSE_H

#include <stddef.h>
#include <stdint.h>

#include "ha/beat.h"

#define PULSE_BYTES 10 /* no beat is that short */

struct pulse {
	const char *instance;
	uint32_t node;
	uint8_t path;
	uint64_t session, number;
};

/* 0 and PULSE_BYTES in mem, or -errno. */
int pulse_pack(const struct pulse *p, struct beat_key *k, uint8_t *mem);

/* From g's peer on path, of the session admitted? 0: genuine and new, noted in
 * g. -EBADMSG; -EAGAIN: no session is admitted; -ERR_AUTH: forged, damaged or
 * of another session; -ERR_REPLAY. Refusals are counted in g. */
int pulse_admit(struct beat_guard *g, const void *bytes, size_t len,
    unsigned path, struct beat_key *k);

#endif
