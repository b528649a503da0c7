/*
 * wire: bodies of the messages in schema/messages.def that are more than a
 * change or opaque bytes, and the reassembly of tables sent in chunks.
 * Each x_unpack(): 0 or -EBADMSG with *ret untouched; strings are bounded.
 */
#ifndef HA_WIRE_H
#define HA_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/service.h"
#include "ha/change.h"

#define WIRE_TEXT_LEN 256
#define CHUNK_HEAD 24                 /* bytes before a chunk's payload */
#define CHUNK_DATA 16384              /* payload of one chunk */
#define CHUNKS_MAX (64U << 20)        /* largest table accepted, bytes */

/* SNAPSHOT, STORE_CHUNK, PEER_SNAPSHOT: a piece of table_pack()'s bytes. */
struct chunk {
	uint64_t epoch, seq;
	uint32_t total, offset;
	const uint8_t *data; /* borrowed from the message */
	size_t len;
};
void chunk_pack(struct buf *b, const struct chunk *c);
int chunk_unpack(struct buf *b, struct chunk *ret);

/* The chunk of bytes[0..total) that begins at offset; its length is how far to
 * move on. 0 at the end. */
size_t chunk_cut(struct chunk *ret, const uint8_t *bytes, size_t total,
    size_t offset, uint64_t epoch, uint64_t seq);

struct chunks {
	uint8_t *bytes;
	uint32_t total, got;
	uint64_t epoch, seq;
};
/* 1: whole, c->bytes[0..total) is valid until the next call; 0: more to come;
 * -EBADMSG: out of place, -EMSGSIZE, -ENOMEM: everything is dropped. A chunk
 * at offset 0 begins anew. */
int chunks_add(struct chunks *c, const struct chunk *k);
void chunks_done(struct chunks *c);

/* STORE_OPEN: from now on this node writes the file of this epoch. A SNAPSHOT
 * follows, then every CHANGE. */
struct store_open {
	uint64_t epoch;
	uint32_t node;
};
void store_open_pack(struct buf *b, const struct store_open *m);
int store_open_unpack(struct buf *b, struct store_open *ret);

/* STORE_LOAD: find the newest table on stable storage. Answered by STORE_FOUND
 * with the same token, then STORE_CHUNKs if rc is 0 (bytes > 0). */
struct store_load {
	uint64_t token;
	uint8_t holds; /* this director is the active one: may mount a device */
};
void store_load_pack(struct buf *b, const struct store_load *m);
int store_load_unpack(struct buf *b, struct store_load *ret);

struct store_found {
	uint64_t token;
	int32_t rc;            /* 0, or -errno: nothing usable, see text */
	uint64_t epoch, seq;   /* of the table, journal replayed */
	uint64_t snapshot_seq; /* where its snapshot stood */
	uint64_t highest_epoch; /* any file's, usable or not: a new one is above */
	uint32_t changes;      /* replayed from the journal */
	uint32_t bytes;        /* of the table that follows in chunks */
	uint64_t took_us;      /* copy, open, verify, replay */
	char file[WIRE_TEXT_LEN];
	char text[WIRE_TEXT_LEN]; /* what was skipped and why; "" */
};
void store_found_pack(struct buf *b, const struct store_found *m);
int store_found_unpack(struct buf *b, struct store_found *ret);

/* What kept Tc from being the interval of least loss. */
enum tc_bound {
	TC_FREE,    /* nothing */
	TC_LOWEST,  /* it may be no shorter */
	TC_HIGHEST, /* nor longer */
	TC_ROWS,    /* the journal would hold too much */
	TC__LAST
};
const char *tc_bound_name(unsigned bound); /* "none" "lowest" ... */

/* Why Tc is what it is; see daemons/checkpointd/interval.h. */
struct store_auto {
	uint64_t cost_us;    /* of a snapshot */
	uint64_t replay_ns;  /* of one change */
	uint64_t rate_hour;  /* changes in an hour */
	uint64_t mtbf_s;     /* between failures of an active director */
	uint32_t failures;   /* in the history; 0: mtbf_s is as configured */
	uint64_t young_ms, daly_ms; /* had the journal to be lived again */
	uint64_t optimum_ms; /* 1e15: never */
	uint64_t chosen_ms;  /* that, bounded */
	uint8_t bound;       /* enum tc_bound */
	uint8_t loaded;      /* replay_ns was measured at a load */
};

/* STORE_STATE: how checkpointd is, after every commit and on every failure. */
struct store_state {
	uint8_t ok;             /* 0: failing, see error */
	uint64_t epoch, seq;    /* the last change on stable storage */
	uint64_t snapshot_seq;
	uint64_t snapshot_when; /* wall clock, usec; 0: none yet */
	uint64_t interval_us;   /* Tc in force */
	uint32_t journal_rows;  /* since the snapshot */
	uint32_t commit_us;     /* the last commit took */
	uint8_t storage;        /* enum storage: what the file is on */
	uint8_t mounting, guard; /* ha/mounting.h: the device, if there is one */
	struct store_auto tc;   /* whether Tc is auto or not */
	char file[WIRE_TEXT_LEN];
	char error[WIRE_TEXT_LEN];
};
void store_state_pack(struct buf *b, const struct store_state *m);
int store_state_unpack(struct buf *b, struct store_state *ret);

/* HEALTH, from monitord. */
struct health_msg {
	char service[NAME_LEN];
	char server[NAME_LEN];
	uint8_t health; /* enum health */
	char cause[CAUSE_LEN];
};
void health_msg_pack(struct buf *b, const struct health_msg *m);
int health_msg_unpack(struct buf *b, struct health_msg *ret);

/* PROBE_STATE, to monitord: what the table has, where to go on from. */
struct probe_state {
	char service[NAME_LEN];
	char server[NAME_LEN];
	uint8_t health; /* enum health */
	uint8_t drain;  /* 1: drained by hand */
	int32_t override, policy; /* weights, or WEIGHT_NONE */
};
void probe_state_pack(struct buf *b, const struct probe_state *m);
int probe_state_unpack(struct buf *b, struct probe_state *ret);

/* WEIGHT, from monitord: what a policy decided. */
struct weight_msg {
	char service[NAME_LEN];
	char server[NAME_LEN];
	int32_t weight; /* or WEIGHT_NONE: no policy any more */
	char cause[CAUSE_LEN];
};
void weight_msg_pack(struct buf *b, const struct weight_msg *m);
int weight_msg_unpack(struct buf *b, struct weight_msg *ret);

/* MONITOR_STATE: how a minute of probing was, each minute. */
struct monitor_state {
	uint32_t probes;      /* there are */
	uint32_t started;     /* in that minute */
	uint32_t unasked;     /* of them, for reasons of the director's own */
	uint32_t late_p99_us; /* how late they began */
	uint32_t late_max_us;
};
void monitor_state_pack(struct buf *b, const struct monitor_state *m);
int monitor_state_unpack(struct buf *b, struct monitor_state *ret);

#endif
