/*
 * conf_health: what an operator says about how a real server is asked whether
 * it is well, and how busy: the check sections of yoke.conf. Plain data, a part
 * of struct conf (common/conf.h); schema/config.def has the keys.
 */
#ifndef COMMON_CONF_HEALTH_H
#define COMMON_CONF_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/service.h"
#include "common/usec.h"

#define CONF_TEXT_LEN 256 /* of a text or file name, with its NUL */

enum check_type {
	CHECK_TCP,
	CHECK_HTTP,
	CHECK_HTTPS,
	CHECK_AGENT,       /* yoke-agentd by HTTP ... */
	CHECK_AGENT_HTTPS,
	CHECK_AGENT_TEXT,  /* HAProxy's agent-check */
	CHECK_COMMAND,
	CHECK_UDP,
	CHECK_DNS,
	CHECK_SNMP,      /* an object of an SNMP agent */
	CHECK_SNMP_LOAD, /* how busy, by SNMP */
	CHECK_URL, /* any other scheme of libcurl: as far as its greeting */
	CHECK__TYPES
};
/* Agents tell how busy a server is, never whether it is up. */
bool conf_check_is_agent(enum check_type type);
bool conf_check_is_tls(enum check_type type);
bool conf_check_is_snmp(enum check_type type);
bool conf_check_is_http(enum check_type type); /* http and https */
bool conf_check_goes_through(enum check_type type); /* may say through = vip */

/* The way that a probe goes. */
enum check_through {
	THROUGH_SERVER, /* to the server's own address */
	THROUGH_VIP     /* to the virtual address, as clients; probe_path.h */
};

struct conf_check {
	char name[NAME_LEN];
	enum check_type type;
	usec_t interval, timeout;
	unsigned rise, fall;
	uint16_t port;             /* 0: the server's */
	enum check_through through;
	unsigned effect;           /* percent left when it fails; 0: down */
	char path[CONF_TEXT_LEN];  /* http: "/health" */
	char host[CONF_TEXT_LEN];  /* http: Host header; "": the address */
	unsigned status;           /* http: expected; 0: any 2xx or 3xx */
	char body[CONF_TEXT_LEN];  /* must contain; "": anything */
	char method[16];           /* http: "GET" */
	char header[CONF_TEXT_LEN]; /* http: one more; "": none */
	char send[CONF_TEXT_LEN];  /* http: body of the request; udp: packet */
	bool verify;               /* TLS: its certificate */
	char server_name[CONF_TEXT_LEN]; /* TLS: asked for and verified */
	char ca_file[CONF_TEXT_LEN];     /* TLS: "": the system's */
	char certificate[CONF_TEXT_LEN], private_key[CONF_TEXT_LEN]; /* ours */
	char token_file[CONF_TEXT_LEN];  /* agent: "": none */
	char command[CONF_TEXT_LEN];
	char name_asked[CONF_TEXT_LEN];  /* dns */
	char scheme[16];                 /* url: "smtp" */
	char credentials[CONF_TEXT_LEN]; /* snmp: file; "": public */
	char oid[CONF_TEXT_LEN], expect[CONF_TEXT_LEN]; /* snmp */
};

#endif
