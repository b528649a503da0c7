/*
 * conf_frame: the sections that are being read, innermost last, and what
 * becomes of each when it ends. Knows nothing of the parser.
 */
#ifndef COMMON_CONF_FRAME_H
#define COMMON_CONF_FRAME_H

#include "common/conf_impl.h"
#include "common/conf_service.h"

#define FRAMES_MAX 3

struct frame {
	void *owner;	   /* the parser's name for this section */
	const char *title; /* as in the file; borrowed while it is read */
	struct conf_section_view sec;
	unsigned line;
	unsigned key_line[CONF_KEYS_MAX]; /* 0: not given */
	union {
		struct conf_node node;
		struct conf_path path;
		struct conf_vip vip;
		struct in_service service;
		struct in_check check;
		struct in_server server;
		struct conf_notify notify;
		struct policy policy;
	} in;
};

struct load {
	struct conf *conf;
	struct conf_err *err;
	bool no_services;
	size_t n_nodes;
	struct conf_lines at;
	unsigned once[SEC__LAST];	 /* line of a section there is one of */
	struct frame frames[FRAMES_MAX]; /* [0] is the file, for good */
	int depth;
};

struct frame *frame_top(struct load *l);
void frame_defaults(const struct conf_section_view *sec, void *base);

/* 0, or -ERR_CONFIG and l->err filled. */
int frame_open(struct load *l, enum conf_section id, void *owner,
    const char *title, unsigned line);
/* Key number i of the innermost section; again: it may be there before. */
int frame_value(
    struct load *l, size_t i, const char *text, unsigned line, bool again);
/* Where a key was given, 0: nowhere. */
unsigned frame_key_line(const struct frame *f, const char *key);
int frame_close(struct load *l);  /* hands the innermost to its parent */
void frames_drop(struct load *l); /* after an error */

/* Refuses the file for what the innermost section, or its key, has wrong. */
__attribute__((format(printf, 4, 5))) int frame_fail(
    struct load *l, unsigned line, const char *key, const char *fmt, ...);

/* conf_parse.c: drives the above over the text, which is scanned. */
int conf_parse(struct load *l, const char *file, char *text, size_t len);
/* conf_scan.c: see there. Changes text, which may become shorter. */
int conf_scan(struct load *l, char *text, size_t *len);

#endif
