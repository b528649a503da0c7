/*
 * uplink_nl: devices as rtnetlink tells of them.
 */
#include "ha/uplink_nl.h"

static enum uplink_device
nl_device(void *ctx, const char *name)
{
	const struct uplink_nl *n = ctx;
	const struct rt_link *l;

	if (!rtwatch_known(n->rt))
		return UPLINK_UNKNOWN;
	l = rtwatch_link(n->rt, name);
	if (l == NULL)
		return UPLINK_GONE;
	if (!l->up)
		return UPLINK_DOWN;
	return l->carrier ? UPLINK_FINE : UPLINK_NO_CARRIER;
}

const struct uplink_ops uplink_nl_ops = {
	.device = nl_device,
};
