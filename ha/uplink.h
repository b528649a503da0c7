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

enum uplink_how {
	UPLINK_NOT,
	UPLINK_ARP,
	UPLINK_ND,
	UPLINK_ICMP,
	UPLINK__HOWS
};

/* How a witness was asked. */
struct uplink_asked {
	enum uplink_how how;
	struct addr addr;    /* who; none: nobody could be asked */
	const char *problem; /* why not, static; NULL: it was */
};

struct uplink_ops {
	enum uplink_device (*device)(void *ctx, const char *name);
	/* Asks witness number i for a sign of life, through device if that is
	 * not "". An answer is told by uplink_on_answer(). */
	struct uplink_asked (*ask)(void *ctx, unsigned i,
	    const struct conf_witness *w, const char *device);
};

struct uplink_dev {
	char name[16];
	enum uplink_device state;
	usec_t since;
};

struct uplink_witness {
	struct conf_witness def;
	struct uplink_asked asked;
	bool up;	 /* answers; also while that is not known */
	bool waiting;	 /* for an answer to the last question */
	unsigned missed; /* answers in a row */
	usec_t answered; /* 0: never */
	usec_t since;	 /* up or not */
};

struct uplink {
	struct loop *loop;
	const struct conf *conf;
	const struct uplink_ops *ops;
	void *ctx;
	void (*judged)(bool well, void *arg);
	void (*answered)(void *arg); /* a witness did; NULL: nobody minds */
	void *arg;
	struct uplink_dev *devices;
	size_t n_devices;
	struct uplink_witness witnesses[CONF_WITNESSES_MAX];
	unsigned n_witnesses;
	bool well, now_well; /* the verdict; and before it is trusted */
	usec_t since, now_since;
	uint64_t losses; /* how often it was lost */
	char why[160];	 /* not well now; else "" */
	usec_t hurried;	 /* asked out of turn, last */
	struct timer settle, tick;
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

/* As it looks right now, before the verdict follows. */
bool uplink_fine(const struct uplink *u);
/* The same, and proved by what was seen after `since`; if it is not, the
 * witnesses are asked at once, out of turn. */
bool uplink_sure(struct uplink *u, usec_t since);

/* From the port. */
void uplink_on_devices(struct uplink *u); /* something about them changed */
void uplink_on_answer(struct uplink *u, unsigned i); /* of a witness */

unsigned uplink_answering(const struct uplink *u); /* witnesses that are up */
const char *uplink_device_text(enum uplink_device state);
const char *uplink_how_name(enum uplink_how how); /* "arp" */

#endif
