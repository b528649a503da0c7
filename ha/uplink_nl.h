/*
 * uplink_nl: the port of ha/uplink.h to the kernel.
 */
#ifndef HA_UPLINK_NL_H
#define HA_UPLINK_NL_H

#include "ha/rtwatch.h"
#include "ha/uplink.h"

struct uplink_nl {
	struct rtwatch *rt; /* borrowed */
};

extern const struct uplink_ops uplink_nl_ops; /* ctx: struct uplink_nl * */

#endif
