/*
 * vip_watch: the VIPs as the kernel has them, against what this director should
 * hold. While it holds, an address that another program removed or changed is
 * put right at once; while it does not, an address that somebody added is taken
 * away: two holders are worse than none. Addresses with the same bytes on other
 * interfaces (a real server's lo) are nobody's business here.
 *
 * It only judges; who puts right is a port. Events come from ha/rtwatch.h.
 */
#ifndef HA_VIP_WATCH_H
#define HA_VIP_WATCH_H

#include "common/conf.h"
#include "common/loop.h"
#include "ha/rtwatch.h"

/* Not a busy fight with who does it again and again: so many repairs in so long
 * (and the lease's renewals, which go on). */
#define VIP_REPAIRS 2
#define VIP_REPAIRS_IN (400 * USEC_MS)
#define VIP_RECENT (60 * USEC_S) /* an alarm for so long */
#define VIP_FIGHT 10		 /* so many within VIP_RECENT are a fight */

enum vip_fault {
	VIP_FINE,
	VIP_REMOVED,   /* held, but not there */
	VIP_UNPLUGGED, /* lost with its interface, IPv6 */
	VIP_CHANGED,   /* with another lifetime or prefix */
	VIP_INTRUDED,  /* there, but not held */
	VIP__FAULTS
};

struct vip_seat {
	const struct conf_vip *vip;
	bool there;	     /* as the kernel has it */
	bool gone;	     /* and it was there, or should have been */
	bool altered;	     /* as the kernel has it */
	unsigned bits;	     /* prefix it is there with, IPv6 */
	unsigned stray;	     /* there too, with this prefix; 0: no */
	bool link_off;	     /* gone with its interface */
	uint32_t port;	     /* netlink port of who did it; 0: not known */
	enum vip_fault now;  /* what is wrong, while judging */
	enum vip_fault last; /* the last one that was put right */
	usec_t when;	     /* then */
	uint64_t removed, intruded; /* how often: removed or changed, added */
	unsigned recent;	    /* faults since `recent_from` */
	usec_t recent_from;
};

struct vip_watch_ops {
	bool (*holds)(void *ctx); /* this director should have them */
	/* Renews them all and announces them. False: not now, it is being
	 * looked into whether they are still ours. */
	bool (*renew)(void *ctx);
	void (*drop)(void *ctx, const struct conf_vip *v);
	/* Reads what the kernel has said meanwhile. False: it is not all known
	 * now; vip_watch_settled() follows. */
	bool (*drain)(void *ctx);
	void (*fault)(void *ctx, const struct vip_seat *s, enum vip_fault f);
};

struct vip_watch {
	struct loop *loop;
	const struct vip_watch_ops *ops;
	void *ctx;
	struct vip_seat *seats; /* by address */
	size_t n;
	bool told;		      /* all of them, since the last restart */
	bool dirty;		      /* events since it was last judged */
	usec_t repaired[VIP_REPAIRS]; /* last; 0: never */
	struct timer again;
};

/* Borrows conf until the next call of it or vip_watch_stop(). 0 or -ENOMEM. */
int vip_watch_start(struct vip_watch *w, struct loop *l,
    const struct conf *conf, const struct vip_watch_ops *ops, void *ctx);
void vip_watch_stop(struct vip_watch *w);
/* What stays keeps its counts; the kernel's addresses are to be told anew.
 * -ENOMEM: nothing is watched any more. */
int vip_watch_reload(struct vip_watch *w, const struct conf *fresh);

/* From rtwatch; l: the address's link, NULL if it is gone. */
void vip_watch_on_addr(struct vip_watch *w, const struct rt_addr *a,
    const struct rt_link *l, bool gone);
void vip_watch_restart(struct vip_watch *w); /* a dump begins */
/* This director holds them from now on, or no more: what was read until now is
 * no fault of anybody. */
void vip_watch_hold(struct vip_watch *w);
void vip_watch_settled(struct vip_watch *w); /* all is told: judge */

/* NULL: no such VIP. */
const struct vip_seat *vip_watch_seat(
    const struct vip_watch *w, const struct conf_vip *v);
bool vip_seat_recent(const struct vip_seat *s, usec_t now);
const char *vip_fault_text(enum vip_fault f);

#endif
