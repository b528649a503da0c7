/*
 * conf_impl: what the files of conf share: the rows of schema/config.def, the
 * sections as they are while they are read, and errors. Nobody else includes
 * this.
 */
#ifndef COMMON_CONF_IMPL_H
#define COMMON_CONF_IMPL_H

#include <stdio.h>

#include "common/conf.h"

#define CONF_FILE_MAX (16 << 20)

enum conf_section {
#define SECTION(name, parent, many, help) SEC_##name,
#define TITLE(...)
#define KEY(...)
#include "schema/config.def"
#undef SECTION
#undef TITLE
#undef KEY
	SEC__LAST
};

enum conf_value {
	VALUE_NAME,	/* name_valid(); char[] */
	VALUE_TEXT,	/* char[] without control characters */
	VALUE_FILENAME, /* char[], absolute */
	VALUE_UINT,
	VALUE_BOOL,
	VALUE_DURATION,	     /* usec_t */
	VALUE_DURATION_AUTO, /* usec_t, 0 is "auto" */
	VALUE_SECONDS,	     /* duration kept in whole seconds */
	VALUE_ADDRESS,	     /* struct addr */
	VALUE_PREFIX,	     /* struct conf_vip's addr and bits */
	VALUE_ENUM,	     /* one of words; an integer or enum */
	VALUE_WORDS,	     /* list; bit i is words[i]; uint32_t */
	VALUE_WITNESSES,     /* list; struct conf_witnesses */
	VALUE__TYPES
};

/* When a key means something; else giving it is an error. */
enum conf_when {
	WHEN_ALWAYS,
	WHEN_LOADING, /* always, and not kept: its users are printed instead */
	WHEN_UDP,
	WHEN_SERIAL,
	WHEN_ADDRESS, /* service by address */
	WHEN_FWMARK,
	WHEN_HTTP,
	WHEN_ASKS,    /* check that sends something of ours */
	WHEN_TLS,
	WHEN_AGENT,   /* over HTTP */
	WHEN_COMMAND,
	WHEN_DNS,
	WHEN_URL,
	WHEN_SNMP,
	WHEN_OID,     /* SNMP check of one object */
	WHEN_THROUGH, /* check that may go through the VIP */
	WHEN_LOADS,   /* policy that goes by load */
	WHEN__LAST
};

struct conf_word {
	const char *text;
	unsigned value;
};

struct conf_row {
	enum conf_section section;
	const char *key; /* NULL: the section's title */
	enum conf_value type;
	size_t offset, size; /* of the field */
	const struct conf_word *words;
	const char *dflt; /* NULL: required; conf_inherit: from the service */
	uint64_t min, max;
	enum conf_when when;
	unsigned change; /* enum conf_change */
	/* NULL, or what is wrong with a value in range, NULL if nothing is */
	const char *(*check)(const void *field);
	const char *help;
};

/* A section and its rows, which stand together in config.def. */
struct conf_section_view {
	enum conf_section id, parent;
	const char *name;
	bool many;
	const struct conf_row *title; /* NULL: it has none */
	const struct conf_row *keys;
	size_t n_keys;
};

#define CONF_KEYS_MAX 32 /* of one section; a test holds it to the rows */

/* Whether a key takes a list, { a, b }. */
bool conf_is_list(enum conf_value type);

extern const char conf_inherit[];
struct conf_section_view conf_section(enum conf_section id);
/* Whether a key means anything for what base says so far. */
bool conf_applies(const struct conf_row *r, const void *base);
const char *conf_when_text(enum conf_when when); /* "checks of type http" */
const struct conf_word *conf_flag_words(void);	 /* ends with a NULL text */
/* Whether a flag's word means something to the scheduler. */
bool conf_flag_fits(const struct conf_word *w, const char *scheduler);

/* Values: text to field and back. base is the section's struct. why gets what
 * is wrong and what would be right. */
int conf_value_parse(const struct conf_row *r, const char *text, void *base,
    char *why, size_t len); /* 0 or -EINVAL */
void conf_value_print(const struct conf_row *r, const void *base, FILE *out);
bool conf_value_same(
    const struct conf_row *r, const void *base_a, const void *base_b);

/* Fills *e unless it has an error already; returns -ERR_CONFIG. */
__attribute__((format(printf, 4, 5))) int conf_fail(
    struct conf_err *e, unsigned line, const char *key, const char *fmt, ...);

int conf_no_memory(struct conf_err *e); /* conf_fail() with that */

/* Room for one more in the array at *items; 0 or -ENOMEM. */
int conf_grow(void **items, size_t n, size_t size);

/* The bytes of a regular file with a NUL behind them; caller free()s. */
int conf_read(
    const char *file, char **ret, size_t *ret_len, struct conf_err *e);
/* Reads c->key_file, which the configuration names on this line, into c. */
int conf_key_load(struct conf *c, unsigned line, struct conf_err *e);
/* Reads n->fence_file, when there is one, into n. */
int conf_fence_load(struct conf_node *n, struct conf_err *e);

struct conf_lines { /* where things stand that struct conf keeps no line of */
	unsigned nodes[CONF_NODES];
	unsigned paths[CONF_NODES][CONF_PATHS_MAX];
	unsigned *vips;
	unsigned uplink, witness, need; /* the section and its keys; 0: none */
};

/* All services against each other and the vips. */
int conf_check_services(const struct conf *c, struct conf_err *e);
int conf_check_vips(
    const struct conf *c, const struct conf_lines *at, struct conf_err *e);

/* Two of n items that are equal: *ret_first stands before *ret_again in
 * memory. 1: found, 0: none, -ENOMEM. items is an array, cmp takes two of it.
 */
int conf_twice(const void *items, size_t n, size_t size,
    int (*cmp)(const void *a, const void *b), size_t *ret_first,
    size_t *ret_again);
int conf_check_uplink(
    const struct conf *c, const struct conf_lines *at, struct conf_err *e);
/* conf_through.c: marks of services are not ours; makes c->probe_paths. */
int conf_probe_paths(struct conf *c, struct conf_err *e);
/* The file as a whole. Sets self and peer. */
int conf_check_all(struct conf *c, const struct conf_lines *at,
    const char *node, struct conf_err *e);

#endif
