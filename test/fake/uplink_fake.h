/*
 * uplink_fake: devices and witnesses as a test wants them.
 */
#ifndef TEST_FAKE_UPLINK_FAKE_H
#define TEST_FAKE_UPLINK_FAKE_H

#include "ha/uplink.h"

#define FAKE_DEVICES 4

struct uplink_fake {
	struct {
		char name[16];
		enum uplink_device state;
	} devices[FAKE_DEVICES];
	struct uplink *uplink;		  /* who gets the answers */
	bool answers[CONF_WITNESSES_MAX]; /* at once */
	unsigned asked;
};

extern const struct uplink_ops uplink_fake_ops; /* ctx: struct uplink_fake * */

/* UPLINK_GONE until set. */
void uplink_fake_device(
    struct uplink_fake *f, const char *name, enum uplink_device state);

#endif
