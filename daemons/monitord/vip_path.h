/*
 * vip_path: what a socket needs for a probe through the VIP (common/
 * probe_path.h). For targets without a mark these do nothing.
 */
#ifndef MONITORD_VIP_PATH_H
#define MONITORD_VIP_PATH_H

#include "daemons/monitord/check.h"

/* Before connect(): the mark, and our address. 0 or -errno: -EPERM without
 * CAP_NET_ADMIN. */
int vip_path_take(int fd, const struct check_target *t);

/* Would this machine drop the server's answers? Then detail says why. */
bool vip_path_blocked(const struct check_target *t, char detail[DETAIL_LEN]);

#endif
