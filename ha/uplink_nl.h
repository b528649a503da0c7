/*
 * uplink_nl: the port of ha/uplink.h to the kernel: devices and routes by
 * rtnetlink, witnesses on the link by ARP and neighbour solicitation, the
 * others by ICMP echo. No question comes from a VIP.
 */
#ifndef HA_UPLINK_NL_H
#define HA_UPLINK_NL_H

#include "ha/neigh.h"
#include "ha/ping.h"
#include "ha/rtwatch.h"
#include "ha/uplink.h"

struct uplink_nl {
	struct uplink *uplink;	 /* who gets the answers */
	const struct conf *conf; /* whose VIPs are no source */
	struct rtwatch *rt;
	struct neigh *neigh;
	struct ping *ping;
	unsigned generation; /* of the routes that ways were found by */
	void (*retarget)(void *arg); /* uplink_nl_targets() are others now */
	void *arg;
	struct uplink_way { /* to a witness, by its number */
		struct addr target;
		struct rt_reach reach;
		usec_t found; /* 0: to be looked for */
		int index;    /* asked through */
		uint8_t mac[6];
		bool mac_known; /* of the last answer, if that one came */
	} ways[CONF_WITNESSES_MAX];
};

extern const struct uplink_ops uplink_nl_ops; /* ctx: struct uplink_nl * */

/* Addresses whose claims are answers: for neigh_listen(); returns how many. */
unsigned uplink_nl_targets(
    const struct uplink_nl *n, struct addr ret[CONF_WITNESSES_MAX]);
void uplink_nl_heard(
    struct uplink_nl *n, int index, const struct neigh_claim *c);
void uplink_nl_echo(struct uplink_nl *n, unsigned i);
void uplink_nl_reload(struct uplink_nl *n, const struct conf *fresh);

#endif
