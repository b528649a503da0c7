/*
 * import: other programs' configurations as a yoke.conf.
 *
 * A reader (import_keepalived.c, import_ldirectord.c) fills struct imp, the
 * model; import_print.c writes it. What cannot be kept becomes a note with its
 * line. Files are text from strangers: everything is bounded, and numbers and
 * addresses are checked.
 */
#ifndef YOKE_IMPORT_H
#define YOKE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/addr.h"
#include "common/usec.h"

#define IMP_FILE_MAX (4 << 20)
#define IMP_SERVICES_MAX 4096
#define IMP_SERVERS_MAX 20000 /* of all services together */
#define IMP_CHECKS_MAX 8      /* of one server */
#define IMP_NOTES_MAX 2000
#define IMP_TEXT 256

enum imp_level {
	IMP_LOST, /* had an effect, has no equivalent: comment and warning */
	IMP_MOOT, /* yoke does it anyway, or needs it no more: comment */
	IMP__LEVELS
};

struct imp_note {
	unsigned line;
	enum imp_level level;
	char text[IMP_TEXT];
};

enum imp_type { IMP_TCP, IMP_HTTP, IMP_HTTPS, IMP__TYPES };

struct imp_check {
	enum imp_type type;
	unsigned line;
	usec_t interval, timeout; /* 0: the service's, or yoke's default */
	unsigned rise, fall;	  /* 0: default */
	unsigned port;		  /* 0: the server's */
	unsigned status;	  /* http: 0: any 2xx or 3xx */
	char path[IMP_TEXT], host[IMP_TEXT], body[IMP_TEXT];
};

/* A server that is down; UNSAID: as its service says. */
enum imp_down { IMP_DOWN_UNSAID, IMP_DOWN_QUIESCE, IMP_DOWN_REMOVE };

struct imp_server {
	struct addr addr;
	unsigned line, port; /* 0: the service's */
	unsigned weight, upper, lower;
	char method[8]; /* "": the service's */
	enum imp_down down;
	struct imp_check checks[IMP_CHECKS_MAX];
	size_t n_checks;
};

struct imp_service {
	unsigned line;
	char name[64]; /* "": made from what it is */
	unsigned fwmark, port;
	struct addr addr; /* none: by fwmark */
	bool udp;
	char scheduler[16], method[8], flags[64];
	enum imp_down down;
	usec_t persistence;
	unsigned mask; /* bits; 0: whole address */
	usec_t interval; /* of checks that say none */
	char host[IMP_TEXT];
	struct imp_server *servers;
	size_t n_servers;
};

struct imp_vip {
	struct addr addr;
	unsigned bits, line;
	char device[16];
};

struct imp {
	const char *file, *what; /* "keepalived", "ldirectord" */
	char device[16];	 /* for addresses that name none */
	struct imp_service *services;
	size_t n_services;
	struct imp_vip *vips;
	size_t n_vips, n_servers; /* the latter: added, of all services */
	struct imp_note *notes;
	size_t n_notes, n_level[IMP__LEVELS]; /* all, the ones kept: n_notes */
	unsigned err_line; /* why a reader failed */
	char err[IMP_TEXT];
};

/* ---- import_model.c ---- */
void imp_init(struct imp *m, const char *file);
void imp_done(struct imp *m);

/* A reader's failure; returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int imp_fail(
    struct imp *m, unsigned line, const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void imp_note(
    struct imp *m, unsigned line, enum imp_level level, const char *fmt, ...);

/* Add a copy; 0, or imp_fail() for too many, no memory. A vip that is there
 * already is noted. */
int imp_add_service(struct imp *m, const struct imp_service *s);
int imp_add_vip(struct imp *m, const struct imp_vip *v);
int imp_add_server(
    struct imp *m, struct imp_service *s, const struct imp_server *v);

/* What readers leave open: vips for services that have none, names, checks of
 * servers made those of the service, values that yoke refuses. */
int imp_finish(struct imp *m);

/* Text to value; false: it is not one in range. */
bool imp_uint(const char *text, unsigned max, unsigned *ret);
bool imp_seconds(const char *text, usec_t *ret); /* "1.5"; at most 31 days */
bool imp_device(const char *text); /* can it be an interface's name? */

/* ---- readers: text is changed; 0 or imp_fail() ---- */
int imp_keepalived(struct imp *m, char *text, size_t len);
int imp_ldirectord(struct imp *m, char *text, size_t len);
int imp_read(struct imp *m, char *text, size_t len); /* by its looks */

/* ---- import_tree.c: the statements of a keepalived.conf ---- */
struct stmt {
	unsigned line, n; /* words: at least one */
	char **w;
	struct stmt *sub, *next; /* those in its braces; its neighbour */
	bool block;
};

/* The first statement; NULL with m->err set, or for none. Words point into
 * text. Caller frees with stmts_free(). */
int stmts_parse(struct imp *m, char *text, size_t len, struct stmt **ret);
void stmts_free(struct stmt *s);

/* ---- import_print.c: vips and services, without nodes ---- */
void imp_print(const struct imp *m, FILE *f);

/* ---- import_check.c ---- */
/* Whether a yoke.conf with this text and two nodes is accepted; 0, or why. */
int imp_check(const char *text, char *why, size_t len);
/* The same with the nodes that are in it, as the one called node. */
int imp_check_as(const char *text, const char *node, char *why, size_t len);

/* ---- import_file.c ---- */
/* A file as text for a yoke.conf; tells on stderr what is lost, or why it
 * failed: -1. Caller free()s. */
int imp_file(const char *file, char **ret);

#endif
