/*
 * rtwatch: what the kernel says about links, addresses and default routes, as
 * it happens: rtnetlink(7) events after a dump of what is there. Links and
 * default routes are kept here and can be asked for; addresses are only passed
 * on. Events that were lost (ENOBUFS) are made good by a new dump.
 *
 * Nothing here blocks: dumps are read as they come.
 */
#ifndef HA_RTWATCH_H
#define HA_RTWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/loop.h"

struct rt_link {
	int index;
	char name[16];
	bool up;      /* switched on */
	bool carrier; /* and the other end of the cable is there */
	bool ether;   /* has an Ethernet address */
	uint8_t mac[6];
	struct addr local6; /* a link-local address of it, or none */
};

struct rt_addr {
	int index; /* of its link */
	struct addr addr;
	unsigned bits;
	uint32_t valid_s; /* of its life; UINT32_MAX: for ever */
	uint32_t port;	  /* netlink port of who did it; 0: not known */
};

struct rt_route { /* a default route of the main table */
	int index;
	struct addr gateway; /* none: the link itself */
	uint8_t family;
	uint32_t metric;
};

struct rtwatch_listener {
	/* An address came, changed or went. */
	void (*on_addr)(const struct rt_addr *a, bool gone, void *arg);
	/* A dump begins: whatever is not told of until on_settled() is gone. */
	void (*on_restart)(void *arg);
	/* All that was there to be read is read; known is false while a dump is
	 * not complete. Judge now. */
	void (*on_settled)(bool known, void *arg);
};

struct rtwatch;

/* 0 or -errno. The listener is borrowed. */
int rtwatch_open(struct loop *l, const struct rtwatch_listener *listener,
    void *arg, struct rtwatch **ret);
void rtwatch_close(struct rtwatch *w); /* NULL ok */

/* Reads what is waiting, now; on_settled() follows if there was something. */
void rtwatch_drain(struct rtwatch *w);
/* Changes with every change of a link or default route. */
unsigned rtwatch_generation(const struct rtwatch *w);
void rtwatch_again(struct rtwatch *w); /* dumps anew, for who is new here */
bool rtwatch_known(const struct rtwatch *w); /* the last dump is complete */

/* NULL: no such link. Valid until the next event. */
const struct rt_link *rtwatch_link(const struct rtwatch *w, const char *name);
bool rtwatch_own_mac(const struct rtwatch *w, const uint8_t mac[6]);
const struct rt_link *rtwatch_link_at(const struct rtwatch *w, int index);
/* The default route of the lowest metric, on link index if that is not 0. */
const struct rt_route *rtwatch_default(
    const struct rtwatch *w, uint8_t family, int index);

/* How the kernel would reach an address, through link index if not 0: its link,
 * its next hop (none: on the link itself) and its choice of source. The kernel
 * answers at once. 0 or -errno (-ENETUNREACH). */
struct rt_reach {
	int index;
	struct addr via, source;
};
int rtwatch_reach(
    struct rtwatch *w, const struct addr *to, int index, struct rt_reach *ret);

#endif
