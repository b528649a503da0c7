/*
 * mounter: the block device of section checkpoint, which both directors reach
 * and only the active one mounts. mount(8) and umount(8) do it as children, for
 * either may hang as long as the device does; what is wanted meanwhile is done
 * afterwards. Mounting is tried again each second while it is wanted.
 *
 * Nothing is mounted that two could mount at once: see device_guard.h.
 */
#ifndef CHECKPOINTD_MOUNTER_H
#define CHECKPOINTD_MOUNTER_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/loop.h"
#include "ha/mounting.h"

struct mounter;

/* on_change: the state is another one, or there is news to text. */
void mounter_new(struct loop *l, void (*on_change)(void *arg), void *arg,
    struct mounter **ret); /* caller mounter_free()s */
void mounter_free(struct mounter *m); /* unmounts, which may take time; NULL ok */

/* The section checkpoint; now and when it changes. What is mounted elsewhere
 * then is unmounted first: nothing may be open there. */
void mounter_conf(struct mounter *m, const struct conf *c);

/* Would that unmount what is mounted now? */
bool mounter_moves(const struct mounter *m, const struct conf *c);

/* No more wanted: unmounted half a second later, so that a connection that is
 * made anew costs nothing. Nothing may be open there from now on. */
void mounter_want(struct mounter *m, bool wanted);

/* There is no device, or it is where it should be. Asks the system. */
bool mounter_ready(struct mounter *m);
/* It is wanted, and it is not known yet whether it can be mounted. */
bool mounter_waits(const struct mounter *m);

enum mounting mounter_state(const struct mounter *m);
enum mount_guard mounter_guard(const struct mounter *m);
/* "<device>: why it is not mounted"; "": it is, or nobody wants it. */
const char *mounter_text(const struct mounter *m);

#endif
