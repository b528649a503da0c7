/*
 * change: one numbered mutation of the table, and its codec. The same bytes go
 * to the peer, to checkpointd's journal and to watchers. Changes of one pair
 * are numbered without a gap; seq goes on across epochs.
 */
#ifndef HA_CHANGE_H
#define HA_CHANGE_H

#include <stdint.h>

#include "common/buf.h"
#include "common/service.h"
#include "common/usec.h"

#define CAUSE_LEN 96
#define CHANGE_BYTES_MAX 768
#define WEIGHT_NONE (-1)

enum change_what {
	CHANGE_NONE,
	CHANGE_EPOCH,       /* a director became active; c->epoch is its term */
	CHANGE_SERVICE_SET, /* add, or edit what is there */
	CHANGE_SERVICE_DEL,
	CHANGE_SERVER_SET,
	CHANGE_SERVER_DEL,
	CHANGE_HEALTH,      /* value: enum health */
	CHANGE_DRAIN,       /* value: 1 drained, 0 enabled */
	CHANGE_OVERRIDE,    /* value: weight set by hand, or WEIGHT_NONE */
	CHANGE_POLICY,      /* value: weight set by a policy, or WEIGHT_NONE */
	CHANGE__LAST
};

enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN, HEALTH__LAST };

struct change {
	uint64_t epoch, seq;
	usec_t when; /* wall clock of the active director */
	enum change_what what;
	char service[NAME_LEN];
	char server[NAME_LEN]; /* "" for changes of a service */
	int64_t value;
	char cause[CAUSE_LEN]; /* "why is this weight 37?" */
	union {
		struct service_def service_def; /* CHANGE_SERVICE_SET */
		struct server_def server_def;   /* CHANGE_SERVER_SET */
	};
};

const char *change_name(unsigned what); /* "weight", "drain"... */
const char *health_name(unsigned health);

/* Both stick their errors in b->bad. change_unpack: 0, or -EBADMSG (short,
 * long, out of range) and *ret untouched; -ERR_VERSION. */
void change_pack(struct buf *b, const struct change *c);
int change_unpack(struct buf *b, struct change *ret);

void service_def_pack(struct buf *b, const struct service_def *d);
void service_def_unpack(struct buf *b, struct service_def *ret);
void server_def_pack(struct buf *b, const struct server_def *d);
void server_def_unpack(struct buf *b, struct server_def *ret);

/* "web/web1 weight=37 cause=..." for logs and yoke watch; returns buf. */
char *change_format(const struct change *c, char *buf, size_t len);

#endif
