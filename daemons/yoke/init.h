/*
 * init: a pair from nothing (yoke init), and whether a pair is right (yoke init
 * check). init_plan.c reads what is wanted, init_text.c makes the files' texts
 * of it, init_write.c writes them; init_check.c looks at this director,
 * init_facts.c at what the two must have in common.
 */
#ifndef YOKE_INIT_H
#define YOKE_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

#define INIT_PATHS_MAX 4
#define INIT_VIPS_MAX 64
#define INIT_SERVERS_MAX 1000
#define COROSYNC_CONF "/etc/corosync/corosync.conf"
#define COROSYNC_KEY "/etc/corosync/authkey"

struct init_path {
	struct addr addr;
	char device[16]; /* "" until found or guessed */
	unsigned bits;	 /* of its network; 0: not known */
};

struct init_node {
	char name[NAME_LEN];
	struct init_path paths[INIT_PATHS_MAX];
	size_t n_paths;
	bool here; /* this machine */
};

struct init_server {
	struct addr addr;
	unsigned port; /* 0: the service's */
};

struct init_plan {
	char dir[CONF_TEXT_LEN], instance[NAME_LEN];
	struct init_node nodes[CONF_NODES];
	size_t n_nodes;
	struct conf_vip vips[INIT_VIPS_MAX];
	size_t n_vips;
	struct init_server *servers; /* INIT_SERVERS_MAX of them */
	size_t n_servers;
	unsigned port;
	char protocol[8], scheduler[16], method[8];
	char http[CONF_TEXT_LEN], storage[CONF_TEXT_LEN], serial[64];
	char witness[CONF_TEXT_LEN], import_file[CONF_TEXT_LEN];
	char *imported; /* its text as ours; NULL: none */
	bool guessed;	/* some devices are guesses */
};

/* ---- init_plan.c: each tells on stderr what is wrong, and returns -1 ---- */
int init_plan_read(struct init_plan *p, unsigned n, char **words);
void init_plan_done(struct init_plan *p);

/* ---- init_text.c; caller free()s, NULL: no memory ---- */
char *init_yoke_conf(const struct init_plan *p);
char *init_corosync_conf(const struct init_plan *p);

/* ---- init_write.c: 0, or -1 and told on stderr ---- */
int init_write(const struct init_plan *p);

/* ---- init_check.c, init_facts.c ---- */
enum init_level { INIT_OK, INIT_WRONG, INIT_NOT_CHECKED };

struct init_report {
	unsigned n[INIT_NOT_CHECKED + 1];
};

/* One line: what was looked at, how it is, and how to mend it ("": nothing to). */
__attribute__((format(printf, 5, 6))) void init_say(struct init_report *r,
    enum init_level level, const char *what, const char *mend, const char *fmt,
    ...);

/* init_status.c: what the running pair says of itself. */
void init_check_status(struct init_report *r, const char *status, size_t len);
void init_check_here(struct init_report *r, const struct conf *c, bool root);
/* init_ping.c: an echo of that many bytes of IP, not to be cut up, by device
 * (NULL: any). 0, -EMSGSIZE, -ETIMEDOUT, another -errno. */
int init_ping(const struct addr *to, const char *device, unsigned bytes);

/* init_http.c: what path has, from an agent asked as check (NULL: plain, without a
 * token) says, until end (monotonic). 0 and caller free()s; -EACCES: the token
 * is refused, -ENOENT: it does not know path, another -errno. */
int init_get(const struct addr *to, uint16_t port,
    const struct conf_check *check, const char *path, usec_t end, char **ret);
/* init_arp.c: addresses and ARP of the real servers, by their agents. */
void init_check_servers(struct init_report *r, const struct conf *c);

/* What the two must agree in, a line "name value" each, on stdout. */
void init_facts_print(const struct conf *c, bool root);
/* Asks peer by ssh for its facts and compares. */
void init_facts_compare(
    struct init_report *r, const struct conf *c, bool root, const char *peer);
#endif
