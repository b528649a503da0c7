/*
 * conf: the configuration of one instance, /etc/yoke/yoke.conf, loaded and
 * checked as a whole. The same file serves both directors: nodes are described
 * side by side and `self` points at the one this machine is. Keys, defaults
 * and ranges stand in schema/config.def; yoke.conf(5) explains them.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf_health.h"
#include "common/conf_pair.h"
#include "common/policy.h"
#include "common/probe_path.h"
#include "common/service.h"
#include "common/usec.h"

/* What checkpoints are kept on; see store/store_kind.c. */
enum storage { STORAGE_AUTO, /* look at it */
	STORAGE_LOCAL, STORAGE_NFS, STORAGE_CLUSTER, STORAGE__KINDS };
const char *conf_storage_name(unsigned kind); /* "auto" "local" ..., or "?" */

#define CONF_NOTIFIES_MAX 16
struct conf_notify { /* whom yoke-notifyd tells: a command or a FIFO */
	char name[NAME_LEN];
	char command[CONF_TEXT_LEN], fifo[CONF_TEXT_LEN]; /* one is "" */
	uint32_t events; /* bit n: row n of schema/events.def; 0: all */
	usec_t timeout;  /* of a command */
	unsigned queue;  /* events that may wait */
};

struct conf_service {
	struct service_def def;
	struct server_def *servers;
	size_t n_servers;
	struct conf_check *checks; /* every server must pass all of them */
	size_t n_checks;
	struct policy policy;      /* how their weights are found */
	unsigned line;             /* in the file, for messages */
};

struct conf {
	char file[CONF_TEXT_LEN];
	char instance[NAME_LEN];
	char key_file[CONF_TEXT_LEN];
	uint8_t key[64]; /* the pair's secret; wiped by conf_free */
	size_t key_len;
	usec_t beat_interval;
	unsigned beat_misses;
	usec_t start_wait; /* a lone director becomes active after this */
	struct conf_node nodes[CONF_NODES];
	const struct conf_node *self, *peer; /* into nodes */
	struct conf_vip *vips;
	size_t n_vips;
	char uplink_device[16]; /* "": the vips' */
	struct conf_witnesses witnesses;
	unsigned uplink_need; /* witnesses that must answer */
	usec_t uplink_interval;
	unsigned uplink_misses;
	struct conf_service *services;
	size_t n_services;
	uint32_t probe_marks; /* the first; 0: see probe_marks_first() */
	struct probe_paths probe_paths;
	char checkpoint_dir[CONF_TEXT_LEN];
	usec_t checkpoint_interval; /* Tc; 0: auto */
	unsigned checkpoint_keep;   /* epochs kept */
	usec_t checkpoint_keep_age; /* ... and for how long */
	usec_t checkpoint_mtbf;     /* between failures of an active one */
	usec_t checkpoint_commit;   /* least time between two commits */
	enum storage checkpoint_storage;
	char checkpoint_device[CONF_TEXT_LEN]; /* the active one mounts it; "" */
	char checkpoint_filesystem[NAME_LEN];  /* ... as mount -t */
	char checkpoint_mount_options[CONF_TEXT_LEN];
	unsigned sync_id;           /* IPVS sync ids: this + the node's id */
	bool sync;                  /* run the IPVS sync daemons */
	bool sync_early;            /* tell of connections at their SYN */
	bool sync_mirror;           /* and let the kernel copy that before it */
	unsigned sync_mirror_port;  /* UDP: this and the next */
	struct conf_notify *notifies;
	size_t n_notifies;
	char snmp_agentx[104]; /* snmpd's socket */
	uint32_t snmp_events;  /* as conf_notify's */
	char metrics_listen[104]; /* "127.0.0.1:5481", "/file" */
	bool test_no_replica;       /* test option: ignore replicated state */
};

struct conf_err {
	char file[CONF_TEXT_LEN];
	unsigned line;   /* 0: not of one line */
	char key[NAME_LEN * 2]; /* "service web / port", "" unknown */
	char text[CONF_TEXT_LEN * 2]; /* what is wrong and what to do */
};

enum conf_flags { /* what is not read, by who needs none of it */
	CONF_NO_KEY = 1,      /* the key file */
	CONF_NO_SERVICES = 2, /* services, right or wrong; there may be many */
};

/* Loads and checks file for the node called node (NULL: uname -n). 0 and *ret
 * (caller frees with conf_free), or -ERR_CONFIG and *ret_err filled: nothing
 * half-loaded escapes. Reads local files only; key files others can read are
 * refused. */
int conf_load(const char *file, const char *node, unsigned flags,
    struct conf **ret, struct conf_err *ret_err);
void conf_free(struct conf *c); /* NULL ok */

/* "yoke.conf:12: service web / port: 99999 is out of range ..."; returns buf */
char *conf_err_format(const struct conf_err *e, char *buf, size_t len);

/* Writes the whole configuration in canonical form, key file not read into it;
 * loading that gives the same configuration. Caller free()s. */
char *conf_print(const struct conf *c);

/* What going from a to b needs; bits of enum conf_change, 0: no difference. */
enum conf_change {
	CONF_CHANGE_TABLE = 1,   /* services or servers */
	CONF_CHANGE_CHECKS = 2,  /* monitord */
	CONF_CHANGE_VIPS = 4,
	CONF_CHANGE_BEATS = 8,   /* interval, misses */
	CONF_CHANGE_STORE = 16,  /* checkpointd */
	CONF_CHANGE_UPLINK = 64, /* what is watched, and who is asked */
	CONF_CHANGE_OTHERS = 128, /* daemons that only look, not yoked */
	CONF_CHANGE_RESTART = 32 /* nodes, paths, key, instance: refused live */
};
unsigned conf_diff(const struct conf *a, const struct conf *b);

/* Peer's path of the same name, NULL if it has none. */
const struct conf_path *conf_peer_path(
    const struct conf *c, const struct conf_path *own);

#endif
