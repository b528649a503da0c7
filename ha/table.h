/*
 * table: the scheduling table: services, their real servers, and for each
 * server its health, drain and weights with the cause of the last change.
 * It changes in one place only, table_apply(); everything else reads.
 */
#ifndef HA_TABLE_H
#define HA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/service.h"
#include "ha/change.h"

struct server {
	struct server_def def;
	enum health health;
	bool drain;
	int32_t override; /* by hand, or WEIGHT_NONE */
	int32_t policy;   /* by a policy, or WEIGHT_NONE */
	usec_t changed;   /* wall clock of the last change */
	char cause[CAUSE_LEN]; /* of the last one that was not the policy's */
	char policy_cause[CAUSE_LEN]; /* of its last one; "": no policy */
};

struct service {
	struct service_def def;
	struct server **servers; /* sorted by name */
	size_t n_servers, cap;
};

struct table {
	uint64_t epoch, seq; /* of the last change applied */
	struct service **services; /* sorted by name */
	size_t n_services, cap;
	size_t n_servers; /* in all services */
};

void table_init(struct table *t);
void table_done(struct table *t);
void table_move(struct table *dst, struct table *src); /* src is left empty */

/* Applies the next change: c->seq must be t->seq + 1 and c->epoch not older,
 * else -ERR_STALE. -ERR_NO_SERVICE, -ERR_NO_SERVER where it names what is not
 * there. On error the table is as it was. */
int table_apply(struct table *t, const struct change *c);

struct service *table_service(const struct table *t, const char *name);
struct server *service_server(const struct service *s, const char *name);

/* What IPVS gets: 0 when down or drained, else the weight set by hand, by the
 * policy, or by the configuration, the first that is there. */
uint32_t server_weight(const struct server *s);
/* It has no entry in IPVS: it is down, and said to leave then. */
bool server_removed(const struct server *s);
const char *server_weight_source(const struct server *s);
const char *server_cause(const struct server *s); /* of what is in force */

/* Newer means (epoch, seq); like memcmp. */
int table_age_cmp(uint64_t e1, uint64_t s1, uint64_t e2, uint64_t s2);

/* Same services, servers and states; epoch and seq are not compared. */
bool table_equal(const struct table *a, const struct table *b);

/* The whole table as bytes, for the peer and the checkpoint. 0 or -ENOMEM;
 * caller free()s. */
int table_pack(const struct table *t, uint8_t **ret, size_t *ret_len);

/* 0; -EBADMSG, -ERR_VERSION, -ENOMEM, and *ret untouched. ret is overwritten
 * (not table_done()d first); caller table_done()s it. */
int table_unpack(const void *bytes, size_t len, struct table *ret);

#endif
