/*
 * lvs_wire: IPVS messages in generic netlink: values to attributes and back.
 * No socket here; lvs_nl.c sends and receives what this makes.
 */
#ifndef HA_LVS_WIRE_H
#define HA_LVS_WIRE_H

#include "ha/lvs.h"

struct nl_msg;
struct nlmsghdr;

#define LVS_MSG_MAX 512 /* bytes of any request */

/* All put_ calls: 0 or -EMSGSIZE. key: enough to find a service. */
int lvs_put_key(struct nl_msg *m, const struct lvs_key *k);
int lvs_put_service(struct nl_msg *m, const struct lvs_service *s);
int lvs_put_dest(struct nl_msg *m, const struct lvs_dest *d);
int lvs_put_sync(struct nl_msg *m, const struct lvs_sync *s);
int lvs_put_timeouts(struct nl_msg *m, const struct lvs_info *i);

/* A whole request; caller nlmsg_free()s. NULL: no memory or too long. */
struct nl_msg *lvs_op_encode(int family, uint32_t seq, int flags,
    enum lvs_verb verb, const struct lvs_op *op);

/* All get_ calls: 0 or -EBADMSG, ret untouched then. */
int lvs_get_service(struct nlmsghdr *h, struct lvs_service *ret);
/* default_family: of the service, for kernels that don't say. */
int lvs_get_dest(
    struct nlmsghdr *h, uint8_t default_family, struct lvs_dest *ret);
int lvs_get_sync(struct nlmsghdr *h, struct lvs_sync *ret);
/* Of two answers, GET_INFO and GET_CONFIG; each fills its part. */
int lvs_get_info(struct nlmsghdr *h, struct lvs_info *ret);
int lvs_get_timeouts(struct nlmsghdr *h, struct lvs_info *ret);

#endif
