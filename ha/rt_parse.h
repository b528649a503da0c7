/*
 * rt_parse: messages of rtnetlink as plain values, for rtwatch.c. All return 0
 * and fill *ret; -EBADMSG: malformed; -ENOENT: not of the kind that matters.
 */
#ifndef HA_RT_PARSE_H
#define HA_RT_PARSE_H

#include "ha/rtwatch.h"

struct nlmsghdr;

int rt_link_read(struct nlmsghdr *h, struct rt_link *ret);
int rt_addr_read(struct nlmsghdr *h, struct rt_addr *ret);
/* A default route of the main table only. */
int rt_route_read(struct nlmsghdr *h, struct rt_route *ret);
/* The answer to request seq, or the error in it; -EAGAIN: to another one. */
int rt_reach_read(struct nlmsghdr *h, uint32_t seq, struct rt_reach *ret);

#endif
