/*
 * mounting: names; see mounting.h.
 */
#include "ha/mounting.h"

static const char *const mountings[MOUNTING__LAST] = {
	[MOUNTING_NONE] = "none",
	[MOUNTING_OFF] = "off",
	[MOUNTING_COMING] = "mounting",
	[MOUNTING_ON] = "mounted",
	[MOUNTING_FAILED] = "failed",
	[MOUNTING_GOING] = "unmounting",
	[MOUNTING_STUCK] = "stuck",
};

static const char *const guards[GUARD__LAST] = {
	[GUARD_NONE] = "none",
	[GUARD_MMP] = "mmp",
	[GUARD_DRBD] = "drbd",
};

const char *
mounting_name(unsigned m)
{
	return m < MOUNTING__LAST ? mountings[m] : "?";
}

const char *
mount_guard_name(unsigned g)
{
	return g < GUARD__LAST ? guards[g] : "?";
}
