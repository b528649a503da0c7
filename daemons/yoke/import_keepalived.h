/*
 * import_keepalived: what the files that read a keepalived.conf share. Each
 * keyword that means something here is a row with a function; each other one a
 * row with what became of it. Source: keepalived.conf(5) of version 2.2.7.
 */
#ifndef YOKE_IMPORT_KEEPALIVED_H
#define YOKE_IMPORT_KEEPALIVED_H

#include "daemons/yoke/import.h"

#define KA_MOOT_RETRY "the next probe comes after the interval"

struct ka_reader {
	struct imp *m;
	const struct stmt *top; /* all, to find groups in */
	struct imp_service *s;	/* the one that is being read */
	struct imp_server *v;
	struct imp_check *c, base; /* the check; what its urls have in common */
	const char *device;	   /* of the vrrp_instance */
	unsigned n_instances;
	int rc; /* of what cannot go on */
};

struct ka_row {
	const char *word;
	void (*fn)(struct ka_reader *r, const struct stmt *s);
	enum imp_level level; /* without a function */
	const char *why;
};

/* A statement by its first word; rows end with one without a word. */
void ka_walk(struct ka_reader *r, const struct stmt *s,
    const struct ka_row *rows, const char *where);

/* The value of a statement that has one; NULL: noted that it has none. */
const char *ka_value(struct ka_reader *r, const struct stmt *s);

/* The same as text, number, time; what is not is noted, and dst left alone. */
void ka_take_text(
    struct ka_reader *r, const struct stmt *s, char *dst, size_t len);
void ka_take_uint(struct ka_reader *r, const struct stmt *s, unsigned max,
    unsigned *ret);
void ka_take_seconds(struct ka_reader *r, const struct stmt *s, usec_t *ret);

/* import_keepalived_service.c: a virtual_server with its servers */
void ka_service(struct ka_reader *r, const struct stmt *s);

/* import_keepalived_check.c: the checks of a server */
void ka_server_tcp(struct ka_reader *r, const struct stmt *s);
void ka_server_smtp(struct ka_reader *r, const struct stmt *s);
void ka_server_http(struct ka_reader *r, const struct stmt *s);
void ka_server_ssl(struct ka_reader *r, const struct stmt *s);

#endif
