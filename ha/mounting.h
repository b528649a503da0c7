/*
 * mounting: how it stands with a device that only the active director mounts,
 * as checkpointd tells yoked and the status shows it.
 */
#ifndef HA_MOUNTING_H
#define HA_MOUNTING_H

enum mounting {
	MOUNTING_NONE,   /* no device is configured */
	MOUNTING_OFF,    /* not mounted here, as it should be */
	MOUNTING_COMING, /* mount(8) runs */
	MOUNTING_ON,
	MOUNTING_FAILED, /* should be, and is not; tried again */
	MOUNTING_GOING,  /* umount(8) runs */
	MOUNTING_STUCK,  /* should not be, and still is; tried again */
	MOUNTING__LAST
};

/* What keeps two directors from mounting it at once. */
enum mount_guard { GUARD_NONE, GUARD_MMP, GUARD_DRBD, GUARD__LAST };

const char *mounting_name(unsigned m); /* "none" "off" ..., or "?" */
const char *mount_guard_name(unsigned g);    /* "none" "mmp" "drbd", or "?" */

#endif
