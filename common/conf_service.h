/*
 * conf_service: services, their servers and checks while they are read: what
 * the file says, and where. Only conf's own files include this.
 */
#ifndef COMMON_CONF_SERVICE_H
#define COMMON_CONF_SERVICE_H

#include "common/conf.h"

#define CONF_DOWN_AUTO DOWN__LAST /* what suits the service */

struct in_check {
	struct conf_check out;
	unsigned line;
};

struct in_server {
	struct server_def out;
	unsigned line, address_line, port_line, lower_line;
	bool has_port, has_method, has_down;
};

struct in_service {
	struct conf_service out;
	uint8_t method, family, down; /* for servers that say none */
	uint32_t flag_words;
	unsigned port_line, flags_line, mask_line; /* 0: not given */
	unsigned policy_line;
	struct in_server *servers; /* n_servers and n_checks are out's */
	struct in_check *checks;
};

/* A service as a whole: fills what servers inherit, checks, moves the arrays
 * into s->out. */
int conf_close_service(struct in_service *s, struct conf_err *e);
/* conf_through.c: whether checks with through = vip have a way. */
int conf_check_through(const struct in_service *s, struct conf_err *e);
/* A service kept, as it was read: what rows can print and compare. */
void conf_service_in(const struct conf_service *s, struct in_service *ret);

#endif
