/*
 * keeper: what yoke-checkpointd does with what yoked tells it. It keeps a copy
 * of the table, so that storage may fail for any time at no cost in memory: when
 * it works again, one snapshot makes up for everything missed.
 */
#ifndef CHECKPOINTD_KEEPER_H
#define CHECKPOINTD_KEEPER_H

#include "common/conf.h"
#include "common/loop.h"
#include "ha/wire.h"
#include "store/store.h"

struct keeper;

/* After every commit and on every failure. */
typedef void (*keeper_state_fn)(const struct store_state *st, void *arg);

void keeper_new(struct loop *l, keeper_state_fn on_state, void *arg,
    struct keeper **ret); /* caller keeper_free()s */
void keeper_free(struct keeper *k); /* commits and closes; NULL ok */

/* The section checkpoint; now and again when it changes. */
void keeper_conf(struct keeper *k, const struct conf *c);

/* STORE_OPEN, SNAPSHOT, CHANGE, STORE_CLOSE. Where one returns -ERR_STALE or
 * -EBADMSG, the copy is not yoked's table any more: connect anew, and yoked
 * sends all of it. */
void keeper_open(struct keeper *k, const struct store_open *m);
int keeper_chunk(struct keeper *k, const struct chunk *c);
int keeper_change(struct keeper *k, const struct change *c);
void keeper_close(struct keeper *k);

/* STORE_ROLE: kept until a file is open, and in it. */
void keeper_role(struct keeper *k, const struct history_record *r);

/* A device that only the active one mounts: this director is that, so mount it.
 * True: not yet, and not known yet whether it will be; fn follows then. fn is
 * called whenever that may be known, or has changed. */
bool keeper_device_waits(struct keeper *k);
void keeper_hold(struct keeper *k);
void keeper_on_device(struct keeper *k, void (*fn)(void *arg), void *arg);
bool keeper_device_ready(struct keeper *k); /* or there is none */

/* store_load(), with our own file closed meanwhile: closing any descriptor of a
 * file drops SQLite's lock on it. -ENODEV: the device is not mounted here. */
int keeper_load(struct keeper *k, struct store_loaded *ret);

#endif
