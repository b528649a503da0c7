/*
 * snmp_reply: rows of objects, and what a load is made of.
 *
 * A processor's load comes from the ssCpuRaw counters, by their difference to
 * the last answer; the first time, and where there are none, from
 * hrProcessorLoad, which is the last minute's. Memory that is available is what
 * the kernel says (memSysAvail), or else free, buffers and cache together.
 */
#include "daemons/monitord/snmp_reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* ---- one value ---- */

size_t
snmp_oid_parse(const char *text, uint32_t ret[SNMP_OID_MAX])
{
	size_t n = 0;
	char *end;
	unsigned long v;

	if (*text == '.')
		text++;
	for (;; text = end + 1) {
		if (*text < '0' || *text > '9' || n == SNMP_OID_MAX)
			return 0;
		errno = 0;
		v = strtoul(text, &end, 10);
		if (errno != 0 || v > UINT32_MAX)
			return 0;
		ret[n++] = (uint32_t)v;
		if (*end == '\0')
			break;
		if (*end != '.')
			return 0;
	}
	return n >= 2 && ret[0] <= 2 && (ret[0] == 2 || ret[1] < 40) ? n : 0;
}

enum { LESS = 1, EQUAL = 2, MORE = 4, HAS = 8 };

static const struct {
	const char *word; /* longer ones first */
	unsigned accepts;
} operators[] = {
	{ "<=", LESS | EQUAL },
	{ ">=", MORE | EQUAL },
	{ "!=", LESS | MORE },
	{ "<", LESS },
	{ ">", MORE },
	{ "=", EQUAL },
	{ "~", HAS },
};

/* The operator's meaning; *text is moved to what follows. */
static unsigned
take_operator(const char **text)
{
	unsigned accepts = EQUAL;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(operators); i++) {
		n = strlen(operators[i].word);
		if (strncmp(*text, operators[i].word, n) == 0) {
			accepts = operators[i].accepts;
			*text += n;
			break;
		}
	}
	*text += strspn(*text, " \t");
	return accepts;
}

static unsigned
order(bool less, bool more)
{
	return less ? LESS : more ? MORE : EQUAL;
}

/* How the value stands to the text, as one of the bits; 0: not comparable. */
static unsigned
compare(const struct snmp_value *v, const char *want)
{
	char *end;
	int64_t n;
	uint64_t u;
	int d;

	if (v->kind == SNMP_TEXT) {
		d = strcmp(v->text, want);
		return order(d < 0, d > 0);
	}
	errno = 0;
	n = strtoll(want, &end, 10);
	if (end == want || *end != '\0')
		return 0;
	if (v->kind == SNMP_NUMBER)
		return errno != 0 ? 0 : order(v->number < n, v->number > n);
	if (n < 0)
		return MORE;
	errno = 0;
	u = strtoull(want, &end, 10);
	return errno != 0 ? 0 : order(v->count < u, v->count > u);
}

static void
value_text(const struct snmp_value *v, char *buf, size_t len)
{
	if (v->kind == SNMP_TEXT)
		(void)snprintf(buf, len, "\"%.40s\"", v->text);
	else if (v->kind == SNMP_NUMBER)
		(void)snprintf(buf, len, "%" PRId64, v->number);
	else
		(void)snprintf(buf, len, "%" PRIu64, v->count);
}

bool
snmp_expect(
    const struct snmp_value *v, const char *expect, char *why, size_t len)
{
	const char *want = expect;
	char text[64];
	unsigned accepts;

	if (v->kind == SNMP_ABSENT) {
		(void)snprintf(why, len, "no such object");
		return false;
	}
	value_text(v, text, sizeof(text));
	(void)snprintf(why, len, "%s", text);
	if (expect[0] == '\0')
		return true;
	accepts = take_operator(&want);
	if (accepts == HAS && v->kind == SNMP_TEXT &&
	    strstr(v->text, want) != NULL)
		return true;
	if (accepts == HAS || (compare(v, want) & accepts) == 0) {
		(void)snprintf(why, len, "%.30s, expected %.20s", text, expect);
		return false;
	}
	return true;
}

/* ---- load ---- */

enum object {
	LA_LOAD, MEM_TOTAL, MEM_AVAIL, MEM_BUFFER, MEM_CACHED, MEM_SYS,
	CPU_USER, CPU_NICE, CPU_SYSTEM, CPU_IDLE, CPU_WAIT, CPU_STEAL,
	OBJECTS
};

#define UCD 1, 3, 6, 1, 4, 1, 2021
static const uint32_t la_load[] = { UCD, 10, 1, 5 };
static const uint32_t mem_total[] = { UCD, 4, 5 };
static const uint32_t mem_avail[] = { UCD, 4, 6 };
static const uint32_t mem_buffer[] = { UCD, 4, 14 };
static const uint32_t mem_cached[] = { UCD, 4, 15 };
static const uint32_t mem_sys[] = { UCD, 4, 27 };
static const uint32_t cpu_user[] = { UCD, 11, 50 };
static const uint32_t cpu_nice[] = { UCD, 11, 51 };
static const uint32_t cpu_system[] = { UCD, 11, 52 };
static const uint32_t cpu_idle[] = { UCD, 11, 53 };
static const uint32_t cpu_wait[] = { UCD, 11, 54 };
static const uint32_t cpu_steal[] = { UCD, 11, 64 };
static const uint32_t hr_load[] = { 1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2 };

#define ASK(name) { name, ARRAY_LEN(name) }
const struct snmp_question snmp_load_scalars[OBJECTS] = {
	[LA_LOAD] = ASK(la_load),
	[MEM_TOTAL] = ASK(mem_total),
	[MEM_AVAIL] = ASK(mem_avail),
	[MEM_BUFFER] = ASK(mem_buffer),
	[MEM_CACHED] = ASK(mem_cached),
	[MEM_SYS] = ASK(mem_sys),
	[CPU_USER] = ASK(cpu_user),
	[CPU_NICE] = ASK(cpu_nice),
	[CPU_SYSTEM] = ASK(cpu_system),
	[CPU_IDLE] = ASK(cpu_idle),
	[CPU_WAIT] = ASK(cpu_wait),
	[CPU_STEAL] = ASK(cpu_steal),
};
const size_t snmp_load_n_scalars = OBJECTS;
const struct snmp_question snmp_load_table = ASK(hr_load);

/* What of an answer counts. */
struct seen {
	bool has[OBJECTS];
	uint64_t value[OBJECTS];
	unsigned processors;
	uint64_t percent; /* their sum */
};

/* An instance of the object: one number more. */
static bool
is_of(const struct snmp_value *v, const struct snmp_question *q)
{
	return v->oid_len == q->oid_len + 1 &&
	    memcmp(v->oid, q->oid, q->oid_len * sizeof(*q->oid)) == 0;
}

static bool
as_count(const struct snmp_value *v, uint64_t *ret)
{
	if (v->kind == SNMP_NUMBER && v->number < 0)
		return false;
	*ret = v->kind == SNMP_NUMBER ? (uint64_t)v->number : v->count;
	return v->kind == SNMP_NUMBER || v->kind == SNMP_COUNT;
}

static void
see(const struct snmp_value *v, struct seen *s)
{
	uint64_t n;
	unsigned i;

	if (!as_count(v, &n) || n > UINT32_MAX)
		return;
	if (is_of(v, &snmp_load_table) && n <= 100) {
		s->processors++;
		s->percent += n;
		return;
	}
	for (i = 0; i < OBJECTS; i++)
		if (!s->has[i] && is_of(v, &snmp_load_scalars[i])) {
			s->has[i] = true;
			s->value[i] = n;
			return;
		}
}

static void
set(struct load_sample *l, enum load_metric m, uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return;
	l->has[m] = true;
	l->metric[m] = (uint16_t)(part >= whole ? LOAD_FULL
	                                        : part * LOAD_FULL / whole);
}

/* Counters that the agent does not have count as standing still. */
static void
processor(const struct seen *s, struct snmp_memory *m, struct load_sample *l)
{
	struct snmp_memory now = { .valid = s->has[CPU_IDLE] };
	uint32_t busy, all;

	now.busy = (uint32_t)(s->value[CPU_USER] + s->value[CPU_NICE] +
	    s->value[CPU_SYSTEM] + s->value[CPU_STEAL]);
	now.all = now.busy +
	    (uint32_t)(s->value[CPU_IDLE] + s->value[CPU_WAIT]);
	busy = now.busy - m->busy;
	all = now.all - m->all;
	if (now.valid && m->valid && all == 0) { /* it has not looked since */
		set(l, LOAD_CPU, m->cpu, m->has_cpu ? LOAD_FULL : 0);
		return;
	}
	if (now.valid && m->valid && busy <= all)
		set(l, LOAD_CPU, busy, all);
	else
		set(l, LOAD_CPU, s->percent, (uint64_t)s->processors * 100);
	now.has_cpu = l->has[LOAD_CPU];
	now.cpu = l->metric[LOAD_CPU];
	*m = now;
}

static void
memory(const struct seen *s, struct load_sample *l)
{
	uint64_t total = s->value[MEM_TOTAL], free_ = s->value[MEM_AVAIL] +
	    s->value[MEM_BUFFER] + s->value[MEM_CACHED];

	if (s->has[MEM_SYS])
		free_ = s->value[MEM_SYS];
	if (!s->has[MEM_TOTAL] || (!s->has[MEM_AVAIL] && !s->has[MEM_SYS]))
		return;
	set(l, LOAD_MEMORY, free_ < total ? total - free_ : 0, total);
}

int
snmp_load(const struct snmp_value *v, size_t n, struct snmp_memory *m,
    struct load_sample *ret, char *why, size_t len)
{
	struct load_sample l = { .scale = WEIGH_PERCENT };
	struct snmp_memory fresh = *m;
	struct seen s = { 0 };
	size_t i;
	bool any = false;

	for (i = 0; i < n; i++)
		see(&v[i], &s);
	processor(&s, &fresh, &l);
	memory(&s, &l);
	if (s.has[LA_LOAD]) /* in hundredths */
		set(&l, LOAD_RUN, s.value[LA_LOAD],
		    100 * (uint64_t)(s.processors > 0 ? s.processors : 1));
	for (i = 0; i < LOAD__METRICS; i++)
		any = any || l.has[i];
	if (!any) {
		(void)snprintf(why, len, "no load in its answer");
		return -EBADMSG;
	}
	*m = fresh;
	*ret = l;
	return 0;
}
