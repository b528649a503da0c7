/*
 * yoked_net: what yoked knows of its own network, and what does it: yoked_net.c
 * (links, the uplink), yoked_vips.c (the VIPs among others), yoked_status_net.c
 * (what the operator sees of it).
 */
#ifndef YOKED_NET_H
#define YOKED_NET_H

#include "ha/uplink_nl.h"
#include "ha/vip_dup.h"
#include "ha/vip_watch.h"

struct out;
struct yoked;

/* What happens on our own network. */
struct yoked_net {
	bool started;
	struct rtwatch *rt;
	struct neigh *answers, *claims; /* of witnesses; of VIPs */
	struct ping *ping;
	struct uplink_nl uplink_nl;
	struct uplink uplink;
	struct vip_watch vips;
	struct vip_dup dups;
	bool held; /* the VIPs, when their watch was last told */
};

/* yoked_net.c */
extern const struct outside_ops yoked_outside;
int yoked_net_start(struct yoked *y); /* after the director; 0 or -errno */
void yoked_net_stop(struct yoked *y);
void yoked_net_reload(struct yoked *y); /* y->conf is a fresh one */
void yoked_net_listen(struct yoked *y); /* to whose claims has changed */

/* yoked_vips.c: watches the kernel's addresses and the segment's. */
int yoked_vips_start(struct yoked *y); /* 0 or -ENOMEM */
void yoked_vips_stop(struct yoked *y);
void yoked_vips_reload(struct yoked *y);
void yoked_vips_role(struct yoked *y); /* what we do about them has changed */
void yoked_vips_tick(struct yoked *y);
void yoked_vips_claim(struct yoked *y, int index, const struct neigh_claim *c);

/* yoked_status_net.c: what of it is about our own network */
void yoked_status_uplink(const struct yoked *y, struct out *o);
/* the fields of VIP number i that are about others */
void yoked_status_vip(const struct yoked *y, size_t i, struct out *o);
void yoked_alarms_net(const struct yoked *y, struct out *o);
void yoked_alarm(struct out *o, const char *name, const char *text);

#endif
