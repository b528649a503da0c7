/*
 * uplink: does this director reach the outside? Well means that every watched
 * device (the one configured, else those of the VIPs) is switched on with
 * carrier, and that at least `need` of the witnesses answer. What is not known
 * yet counts as well.
 *
 * It only judges; how devices are looked at and witnesses asked is a port:
 * uplink_nl.c, and test/fake/uplink_fake.c.
 */
#ifndef HA_UPLINK_H
#define HA_UPLINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/loop.h"

/* Well again only after so long without a fault: a cable that is being plugged
 * in, or a switch that starts, comes and goes. */
#define UPLINK_RISE USEC_S

enum uplink_device {
	UPLINK_UNKNOWN,
	UPLINK_FINE,
	UPLINK_GONE, /* there is none of that name */
	UPLINK_DOWN, /* switched off */
	UPLINK_NO_CARRIER,
	UPLINK__DEVICES
};

struct uplink_ops {
	enum uplink_device (*device)(void *ctx, const char *name);
};

struct uplink_dev {
	char name[16];
	enum uplink_device state;
	usec_t since;
};

struct uplink {
	struct loop *loop;
	const struct conf *conf;
	const struct uplink_ops *ops;
	void *ctx;
	void (*judged)(bool well, void *arg);
	void *arg;
	struct uplink_dev *devices;
	size_t n_devices;
	bool well, now_well; /* the verdict; and before it is trusted */
	usec_t since, now_since;
	uint64_t losses; /* how often it was lost */
	char why[160];	 /* not well now; else "" */
	struct timer settle;
};

/* judged() is called when the verdict changes; it begins as well. Borrows the
 * configuration until the next uplink_reload() or uplink_stop(). 0 or -ENOMEM.
 */
int uplink_start(struct uplink *u, struct loop *l, const struct conf *conf,
    const struct uplink_ops *ops, void *ctx,
    void (*judged)(bool well, void *arg), void *arg);
void uplink_stop(struct uplink *u);
/* What stays keeps its state. -ENOMEM: the old devices stay. */
int uplink_reload(struct uplink *u, const struct conf *fresh);

/* From the port. */
void uplink_on_devices(struct uplink *u); /* something about them changed */

const char *uplink_device_text(enum uplink_device state);

#endif
