/*
 * lvs_table: virtual services and their real servers as plain values, and the
 * operations that change them. What is wanted, what the kernel has and what a
 * test pretends are all the same struct lvs_table.
 *
 * Adding may move what was added before: a returned pointer is good until the
 * next add to the same array or the next sort. Sort before compare or find.
 */
#ifndef HA_LVS_TABLE_H
#define HA_LVS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define LVS_NAME_MAX 16	      /* scheduler, persistence engine; with NUL */
#define LVS_KEY_TEXT_MAX 80   /* "tcp [2001:db8::10]:80", "fwmark 7 ipv6" */
#define LVS_SERVERS_MAX 65536 /* of one service; more is refused */

/* Either protocol, addr, port; or fwmark with addr.family only (rest zero). */
struct lvs_key {
	struct addr addr;
	uint32_t fwmark;
	uint16_t port;	  /* host order; 0: all ports (persistent only) */
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP; 0 with fwmark */
};

enum lvs_flag { /* the kernel's numbers */
	LVS_PERSISTENT = 0x01,
	LVS_HASHED = 0x02, /* the kernel's own: ignored in wishes */
	LVS_ONEPACKET = 0x04,
	LVS_SCHED1 = 0x08, /* sh-fallback, mh-fallback */
	LVS_SCHED2 = 0x10, /* sh-port, mh-port */
	LVS_SCHED3 = 0x20,
	LVS_FLAGS_SETTABLE = 0x3d
};

enum lvs_method { LVS_NAT = 0, LVS_LOCAL = 1, LVS_TUN = 2, LVS_DR = 3 };
enum lvs_tun { LVS_TUN_IPIP = 0, LVS_TUN_GUE = 1, LVS_TUN_GRE = 2 };

struct lvs_stats {
	uint64_t conns, in_packets, out_packets, in_bytes, out_bytes;
	uint64_t conns_ps, in_pps, out_pps, in_bps, out_bps; /* bytes/s */
};

struct lvs_dest {
	struct addr addr;
	uint16_t port; /* host order; tun and dr: the service's own */
	enum lvs_method method;
	enum lvs_tun tun;      /* with LVS_TUN only, as the next two */
	uint16_t tun_port;     /* gue */
	uint16_t tun_flags;    /* IP_VS_TUNNEL_ENCAP_FLAG_* */
	int weight;	       /* 0: no new connections */
	uint32_t upper, lower; /* connection thresholds; 0: none */
	uint32_t active, inactive, persistent; /* read only, as stats */
	struct lvs_stats stats;
};

struct lvs_service {
	struct lvs_key key;
	char scheduler[LVS_NAME_MAX];
	char pe[LVS_NAME_MAX];	/* "" or "sip" */
	uint32_t flags;		/* enum lvs_flag */
	uint32_t timeout_s;	/* of persistence */
	uint8_t prefix;		/* of persistence; 0: the whole address */
	struct lvs_dest *dests; /* by (addr, port) */
	size_t n_dests, cap_dests;
	struct lvs_stats stats; /* read only */
};

struct lvs_table {
	struct lvs_service *services; /* by key */
	size_t n, cap;
};

int lvs_key_cmp(const struct lvs_key *a, const struct lvs_key *b);
char *lvs_key_format(const struct lvs_key *k, char *buf, size_t len);
int lvs_dest_cmp(const struct lvs_dest *a, const struct lvs_dest *b);

/* Copy s without its dests; dest calls copy d. NULL or -ENOMEM, -E2BIG. */
struct lvs_service *lvs_table_add(
    struct lvs_table *t, const struct lvs_service *s);
int lvs_service_add_dest(struct lvs_service *s, const struct lvs_dest *d);

int lvs_table_sort(struct lvs_table *t); /* -EEXIST: a key is there twice */
struct lvs_service *lvs_table_find(
    const struct lvs_table *t, const struct lvs_key *k); /* NULL: none */
struct lvs_dest *lvs_service_find(
    const struct lvs_service *s, const struct addr *a, uint16_t port);
uint64_t lvs_table_conns(const struct lvs_table *t); /* active + inactive */
void lvs_table_done(struct lvs_table *t); /* empty and usable again */

#endif
