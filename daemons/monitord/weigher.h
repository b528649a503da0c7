/*
 * weigher: runs the policies of all services that have one (ha/weigh.h): gives
 * them what monitord learns, ticks them, records them, and hands on what they
 * decide.
 */
#ifndef MONITORD_WEIGHER_H
#define MONITORD_WEIGHER_H

#include "common/conf.h"
#include "common/loop.h"
#include "ha/weigh.h"
#include "ha/wire.h"

struct weigher;

/* 0: yoked was told; negative: not now, it is said again at the next tick. */
typedef int (*weigher_fn)(const struct weight_msg *m, void *arg);

void weigher_new(struct loop *l, weigher_fn fn, void *arg, struct weigher **ret);
void weigher_free(struct weigher *w); /* NULL ok */

/* Borrows c until the next one. Services and servers that stay keep their
 * weights. 0 or -ENOMEM: then some are missing until the next reload. */
int weigher_set_conf(struct weigher *w, const struct conf *c);

/* What the table has; also of services that have no policy (any more). */
void weigher_state(struct weigher *w, const struct probe_state *s);

/* Decides, or does not: nothing measured before counts after that. */
void weigher_on(struct weigher *w, bool on);

/* Something about e->server; e->at is filled in here. No policy: no-op. */
void weigher_event(
    struct weigher *w, const char *service, struct weigh_event *e);

#endif
