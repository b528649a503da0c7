/*
 * snmp_reply: what an SNMP agent answered, judged: one value against what is
 * expected of it, or many as the load of a server. Pure; the library that spoke
 * with the agent is check_snmp.c's.
 *
 * Objects: UCD-SNMP-MIB (laLoadInt, memTotalReal ..., ssCpuRaw...), and
 * HOST-RESOURCES-MIB's hrProcessorLoad (RFC 2790).
 */
#ifndef MONITORD_SNMP_REPLY_H
#define MONITORD_SNMP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/weigh.h"

#define SNMP_OID_MAX 64  /* numbers in an object's name */
#define SNMP_TEXT_MAX 256
#define SNMP_VALUES_MAX 96 /* of one answer that are looked at */

enum snmp_kind {
	SNMP_ABSENT, /* noSuchObject, endOfMibView ...: no value */
	SNMP_NUMBER, /* signed */
	SNMP_COUNT,  /* unsigned: counters, gauges, ticks */
	SNMP_TEXT    /* strings, and names and addresses as text */
};

struct snmp_value {
	uint32_t oid[SNMP_OID_MAX];
	size_t oid_len;
	enum snmp_kind kind;
	int64_t number;
	uint64_t count;
	char text[SNMP_TEXT_MAX];
};

/* "1.3.6.1.2.1.1.3.0"; how many numbers, 0: not an object's name. */
size_t snmp_oid_parse(const char *text, uint32_t ret[SNMP_OID_MAX]);

/* expect: "" any value; "= 1", "!= 2", "< 90", "<= 90", "> 0", ">= 1",
 * "~ text" contains; without an operator: equal. Is the value so? why says what
 * it is. */
bool snmp_expect(const struct snmp_value *v, const char *expect, char *why,
    size_t len);

/* What a server's last answer is remembered for; zero at first. */
struct snmp_memory {
	bool valid;
	uint32_t busy, all; /* of counters that wrap */
	bool has_cpu;       /* what came of them last */
	uint16_t cpu;
};

/* What to ask for with one GETBULK: names whose next ones are wanted, and one
 * whose next ones are a table. */
struct snmp_question {
	const uint32_t *oid;
	size_t oid_len;
};
extern const struct snmp_question snmp_load_scalars[];
extern const size_t snmp_load_n_scalars;
extern const struct snmp_question snmp_load_table;

/* 0, or -EBADMSG and why; *ret and *m untouched then. */
int snmp_load(const struct snmp_value *v, size_t n, struct snmp_memory *m,
    struct load_sample *ret, char *why, size_t len);

#endif
