/*
 * service: what an operator says about a virtual service and its real servers.
 * The configuration fills these, changes carry them, the table holds them.
 * Plain data, copied by value; names are unique in their scope.
 */
#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

#include <stdint.h>

#include "common/addr.h"

#define NAME_LEN 64      /* with the NUL; see name_valid() */
#define SCHEDULER_LEN 16 /* IP_VS_SCHEDNAME_MAXLEN */
#define WEIGHT_MAX 65535

enum method { METHOD_DR, METHOD_NAT, METHOD_TUN, METHOD__LAST };

/* What becomes of a server that is down. */
enum down {
	DOWN_QUIESCE, /* it keeps its entry, with weight 0 */
	DOWN_REMOVE,  /* it leaves the kernel's table */
	DOWN_CUT,     /* and its connections end */
	DOWN__LAST
};

/* Flags of a service, as the kernel's IP_VS_SVC_F_*; schedulers name theirs
 * sh-fallback, sh-port, mh-fallback, mh-port. */
enum service_flag {
	SERVICE_ONEPACKET = 0x04,
	SERVICE_SCHED1 = 0x08, /* fallback */
	SERVICE_SCHED2 = 0x10, /* port */
	SERVICE_SCHED3 = 0x20,
	SERVICE__FLAGS = 0x3c
};

struct service_def {
	char name[NAME_LEN];
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: by fwmark */
	struct addr addr; /* with fwmark only the family counts */
	uint16_t port;
	uint32_t fwmark;
	char scheduler[SCHEDULER_LEN];
	uint32_t flags;           /* enum service_flag */
	uint32_t persistence_s;   /* 0: not persistent */
	uint8_t persistence_bits; /* clients grouped by this prefix */
};

struct server_def {
	char name[NAME_LEN];
	struct addr addr;
	uint16_t port;
	uint8_t method; /* enum method */
	uint32_t weight;
	uint32_t upper, lower; /* connection thresholds, 0: none */
	uint8_t down;          /* enum down */
};

const char *method_name(unsigned method); /* "dr" "nat" "tun", or "?" */
int method_parse(const char *text);       /* enum method or -EINVAL */
const char *down_name(unsigned down);     /* "quiesce" ..., or "?" */
int down_parse(const char *text);         /* enum down or -EINVAL */

/* Letters, digits, and . _ - : [ ] inside; 1 to NAME_LEN - 1 of them, the first
 * a letter or digit. */
int name_valid(const char *name);

#endif
