/*
 * beat: the signed frame that each director sends on every path every Tb, and
 * the guard that decides whether a received one is genuine and new.
 *
 * A frame ends in HMAC-SHA256 (RFC 2104) over all before it, with the pair's
 * key. Replay: frames carry a random session of the sender's process and a
 * number that grows by one per Tb. Within a session a path accepts growing
 * numbers only. A new session is admitted when the frame echoes our own
 * session and a number that we sent a moment ago, which an old recording
 * cannot; clocks play no part.
 */
#ifndef HA_BEAT_H
#define HA_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/service.h"

#define BEAT_BYTES_MAX 256
#define BEAT_MAC_LEN 32
#define BEAT_ECHO_WINDOW 256 /* how old an echoed number may be, in beats */
#define BEAT_GONE 8 /* replaced sessions remembered: restarts within that */

enum beat_flag {
	BEAT_READY = 1,   /* has looked for a stored table */
	BEAT_IN_STEP = 2, /* its replica follows the active's table */
	BEAT_VIPS = 4,    /* holds the VIPs */
	BEAT_LINK = 8,    /* corosync is there */
	BEAT_UPLINK = 16, /* reaches the outside */
	BEAT_SERVES = 32, /* can drive IPVS */
	BEAT_LEAVING = 64, /* its manager is stopping on purpose */
	BEAT_FULL = 128   /* standby: it has the active's connections too */
};

struct beat {
	char instance[NAME_LEN];
	uint32_t node;
	uint8_t path;  /* index of the path in the sender's configuration */
	uint8_t role;  /* enum role */
	uint16_t flags;
	uint32_t interval_us; /* the sender's Tb */
	uint32_t hears;       /* bit per path: it hears us there */
	uint64_t session, number;
	uint64_t echo_session, echo_number; /* last frame it had from us */
	uint64_t epoch;             /* highest it knows */
	uint64_t table_epoch, seq;  /* of its table */
};

/* A signing key made ready once. */
struct beat_key;
int beat_key_new(const uint8_t *key, size_t len, struct beat_key **ret);
void beat_key_free(struct beat_key *k); /* NULL ok */

/* HMAC-SHA256 over bytes, BEAT_MAC_LEN long. 0 or -EIO. What is signed begins
 * with two letters that say what it is, so that nothing passes for another. */
int beat_sign(
    struct beat_key *k, const uint8_t *bytes, size_t len, uint8_t *ret_mac);

/* Bytes written to mem (at least BEAT_BYTES_MAX long), or -errno. */
int beat_pack(const struct beat *b, struct beat_key *k, uint8_t *mem);

/* 0; -EBADMSG: not a beat; -ERR_VERSION; -ERR_AUTH. *ret only on success. */
int beat_unpack(
    const void *bytes, size_t len, struct beat_key *k, struct beat *ret);

enum beat_refusal {
	REFUSED_MALFORMED,
	REFUSED_VERSION,
	REFUSED_AUTH,
	REFUSED_FOREIGN,
	REFUSED_REPLAY,
	REFUSED_UNPROVEN, /* new session without a fresh echo: normal at start */
	REFUSED__LAST
};
const char *beat_refusal_name(unsigned r);
enum beat_refusal beat_refusal(int rc); /* from beat_unpack, guard_admit */

/* Admission of beats from the one peer. Plain data; init sets our session. */
struct beat_guard {
	char instance[NAME_LEN];
	uint32_t peer_node;
	uint64_t session, number; /* our own: session, last number sent */
	bool known;               /* a session of the peer is admitted */
	uint64_t peer_session;
	uint64_t last[CONF_PATHS_MAX]; /* per path: last number accepted */
	uint64_t window[CONF_PATHS_MAX]; /* per path, 0: BEAT_ECHO_WINDOW; a
					  * slow line's echoes are older */
	uint64_t newest;               /* on any path */
	uint64_t gone[BEAT_GONE];      /* the peer's former sessions, a ring */
	unsigned n_gone;
	uint64_t echo_session, echo_number; /* for our next beat */
	uint64_t refused[REFUSED__LAST];
};
void beat_guard_init(struct beat_guard *g, const char *instance,
    uint32_t peer_node, uint64_t session);

/* b passed beat_unpack and came in on path. 0: genuine and new, *ret_fresh
 * says whether it began a session. -ERR_FOREIGN, -ERR_REPLAY, or -EAGAIN: a
 * session not proven yet. Refusals are counted here. */
int beat_guard_admit(struct beat_guard *g, const struct beat *b,
    unsigned path, bool *ret_fresh);

/* A number of the admitted session came in on path, signed. 0: it is new there
 * and noted; -ERR_REPLAY, not counted. */
int beat_guard_number(struct beat_guard *g, uint64_t number, unsigned path);

#endif
