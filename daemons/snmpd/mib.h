/*
 * mib: YOKE-MIB's objects as values of one moment, made from a status, and found
 * by their numbers: GET and GETNEXT without any SNMP library. The objects are
 * rows of schema/mib.def.
 *
 * Numbers are those below the MIB's own (yokeMIB): 1, group, object, 0 for a
 * scalar; 1, group, 1, column, index... for a table.
 */
#ifndef SNMPD_MIB_H
#define SNMPD_MIB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

/* yokeMIB: 1.3.6.1.4.1.8072.9999.9999.5481, in what Net-SNMP sets aside for
 * trying MIBs out (netSnmpPlaypen), as yoke has no number of its own. */
#define MIB_ROOT 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 5481
#define MIB_ROOT_LEN 10
#define MIB_OBJECTS 1 /* yokeObjects, below it */
#define MIB_SUFFIX_MAX 8

enum mib_type {
	MIB_STRING,
	MIB_INTEGER, /* Integer32, TruthValue, enumerations */
	MIB_GAUGE,
	MIB_COUNTER64 /* and CounterBasedGauge64 */
};

struct mib_value {
	enum mib_type type;
	uint64_t number; /* an INTEGER's as int32_t */
	const char *text; /* borrowed from the mib */
};

enum mib_found {
	MIB_FOUND,
	MIB_NO_OBJECT,	 /* no such object */
	MIB_NO_INSTANCE, /* no such row */
	MIB_END		 /* next: nothing behind it */
};

struct mib;

/* From a status; takes it on success. before: the one this replaces, for rates;
 * NULL: none. when: monotonic. NULL: no memory. Caller mib_free()s. */
struct mib *mib_new(
    json_t *status, usec_t when, const struct mib *before);
void mib_free(struct mib *m); /* NULL ok */
const json_t *mib_status(const struct mib *m); /* borrowed */

/* What no status has: whether yoked answers, and how old all this is. */
void mib_set_live(struct mib *m, bool answers, usec_t now);

enum mib_found mib_get(const struct mib *m, const uint32_t *suffix, size_t len,
    struct mib_value *ret);

/* The first object behind suffix; its own goes to ret_suffix. */
enum mib_found mib_next(const struct mib *m, const uint32_t *suffix,
    size_t len, uint32_t ret_suffix[MIB_SUFFIX_MAX], size_t *ret_len,
    struct mib_value *ret);

/* The number of a word, 1 and up; 0: it is none of them. For tests, rows of
 * the enumeration called name. */
unsigned mib_word(const char *name, const char *word);

#endif
