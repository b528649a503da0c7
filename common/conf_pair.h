/*
 * conf_pair: the two directors, the paths between them, the addresses that one of
 * them holds, and whom they ask whether they reach the outside.
 */
#ifndef COMMON_CONF_PAIR_H
#define COMMON_CONF_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf_health.h"
#include "common/service.h"
#include "common/usec.h"

#define CONF_NODES 2
#define CONF_PATHS_MAX 16

enum path_type { PATH_UDP, PATH_SERIAL, PATH__TYPES };

struct conf_path {
	char name[NAME_LEN]; /* paths of two nodes with one name belong together */
	enum path_type type;
	char device[64];     /* "eth0", "/dev/ttyS0" */
	struct addr address; /* udp: this node's own */
	uint16_t port;       /* udp */
	uint32_t speed;      /* serial: bit/s */
};

struct conf_node {
	char name[NAME_LEN]; /* as `uname -n` says, or -n NAME */
	uint32_t id;         /* 1 and up; the lower one wins ties */
	struct conf_path *paths;
	size_t n_paths;
	char fence_command[CONF_TEXT_LEN]; /* that makes sure it is dead; "": none */
	char fence_file[CONF_TEXT_LEN];    /* with its options; "": none */
	char fence_action[NAME_LEN];
	char *fence_options; /* fence_file's, of the peer's node; NULL: none */
	usec_t fence_timeout;
};

struct conf_vip {
	struct addr addr;
	unsigned bits;
	char device[16];
	bool probed; /* checks go through it */
};

/* Who is asked whether we reach the outside. */
struct conf_witness {
	bool gateway; /* the default route's next hop, whatever it is */
	struct addr addr;
};

#define CONF_WITNESSES_MAX 8
struct conf_witnesses {
	size_t n;
	struct conf_witness list[CONF_WITNESSES_MAX];
};

#endif
