/*
 * targets: monitord's readers of what comes from servers.
 */
#include <net-snmp/net-snmp-config.h>
/* the library's headers come in this order */
#include <net-snmp/net-snmp-includes.h>

#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/monitord/agent_reply.h"
#include "daemons/monitord/dns_talk.h"
#include "daemons/monitord/http_match.h"
#include "daemons/monitord/snmp_login.h"
#include "daemons/monitord/snmp_value.h"

static void
must(bool cond)
{
	if (!cond)
		abort();
}

static void
must_be_text(const char *s, size_t len)
{
	must(strnlen(s, len) < len);
}

static void
must_be_load(const struct load_sample *l)
{
	size_t i;

	must(l->scale <= WEIGH_PERCENT);
	for (i = 0; i < LOAD__METRICS; i++)
		must(!l->has[i] || l->metric[i] <= LOAD_FULL);
}

typedef int (*reply_fn)(const char *text, size_t len, struct load_sample *ret,
    char *why, size_t why_len);

static void
try_reply(reply_fn fn, const uint8_t *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1), why[DETAIL_LEN] = "";
	struct load_sample l = { .scale = 77 };
	int rc;

	memcpy(copy, bytes, len); /* a byte beyond it is found */
	rc = fn(copy, len, &l, why, sizeof(why));
	must(rc == 0 || (rc < 0 && l.scale == 77 && why[0] != '\0'));
	must_be_text(why, sizeof(why));
	must_be_load(&l);
	free(copy);
}

static void
agent_json(const uint8_t *bytes, size_t len)
{
	try_reply(agent_reply_json, bytes, len);
}

static void
agent_text(const uint8_t *bytes, size_t len)
{
	try_reply(agent_reply_text, bytes, len);
}

/* Its first bytes are the question's id, which the answer may have or not. */
static void
dns(const uint8_t *bytes, size_t len)
{
	char detail[DETAIL_LEN] = "", *copy;
	uint16_t id;
	enum verdict v;

	if (len < sizeof(id))
		return;
	memcpy(&id, bytes, sizeof(id));
	len -= sizeof(id);
	copy = malloc(len > 0 ? len : 1);
	memcpy(copy, bytes + sizeof(id), len);
	v = dns_answer(copy, len, id, detail);
	must(v == VERDICT_NONE || detail[0] != '\0');
	must_be_text(detail, sizeof(detail));
	free(copy);
}

/* What a configuration may ask for fits, or is refused. */
static void
dns_name(const uint8_t *bytes, size_t len)
{
	char name[CONF_TEXT_LEN] = "", *buf;
	size_t room, n;

	if (len < 2)
		return;
	room = (bytes[0] | (size_t)bytes[1] << 8) % (DNS_QUESTION_MAX + 1);
	n = len - 2 < sizeof(name) ? len - 2 : sizeof(name) - 1;
	memcpy(name, bytes + 2, n);
	buf = malloc(room > 0 ? room : 1);
	must(dns_question(name, 1, buf, room) <= room);
	free(buf);
}

/* What to look for, NUL, the length of pieces, and where to look. Held against
 * memmem(). */
static void
http_body(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = memchr(bytes, '\0', len);
	struct http_match m;
	size_t n, at, piece;
	bool there;

	if (end == NULL || end - bytes >= CONF_TEXT_LEN ||
	    (size_t)(end - bytes) + 2 > len)
		return;
	piece = end[1] % 16 + 1;
	n = len - (size_t)(end - bytes) - 2;
	http_match_init(&m, (const char *)bytes);
	for (at = 0; at < n; at += piece)
		(void)http_match_add(&m, (const char *)end + 2 + at,
		    n - at < piece ? n - at : piece);
	there = end == bytes ||
	    memmem(end + 2, n, bytes, (size_t)(end - bytes)) != NULL;
	must(http_match_found(&m) == there);
}

static void
try_values(const struct snmp_value *v, size_t n, const char *expect)
{
	struct snmp_memory m = { 0 };
	struct load_sample l = { 0 };
	char why[DETAIL_LEN] = "";
	size_t i;

	for (i = 0; i < n; i++) {
		must_be_text(v[i].text, sizeof(v[i].text));
		must(v[i].oid_len <= SNMP_OID_MAX);
		(void)snmp_expect(&v[i], expect, why, sizeof(why));
		must_be_text(why, sizeof(why));
	}
	for (i = 0; i < 2; i++) { /* with what the first one left behind */
		if (snmp_load(v, n, &m, &l, why, sizeof(why)) == 0)
			must_be_load(&l);
		must_be_text(why, sizeof(why));
	}
}

/* A PDU off the wire, as far as the library takes it; before it, what is
 * expected, up to a NUL. */
static void
snmp(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = memchr(bytes, '\0', len);
	struct snmp_value *values;
	netsnmp_variable_list *v;
	netsnmp_pdu *pdu;
	size_t left, n = 0;
	u_char *copy;

	if (end == NULL)
		return;
	left = len - (size_t)(end - bytes) - 1;
	copy = malloc(left > 0 ? left : 1);
	memcpy(copy, end + 1, left);
	values = calloc(SNMP_VALUES_MAX, sizeof(*values));
	pdu = calloc(1, sizeof(*pdu));
	if (left > 0 && snmp_pdu_parse(pdu, copy, &left) == 0)
		for (v = pdu->variables; v != NULL && n < SNMP_VALUES_MAX;
		    v = v->next_variable)
			snmp_value_take(v, &values[n++]);
	try_values(values, n, (const char *)bytes);
	snmp_free_pdu(pdu);
	free(values);
	free(copy);
}

static void
snmp_credentials(const uint8_t *bytes, size_t len)
{
	struct snmp_login l = { 0 };
	char *copy = malloc(len + 1), why[DETAIL_LEN] = "";

	memcpy(copy, bytes, len);
	copy[len] = '\0';
	if (snmp_login_parse(copy, &l, why, sizeof(why)) == 0)
		must((l.community[0] == '\0') != (l.user[0] == '\0'));
	else
		must(why[0] != '\0');
	free(copy);
}

const struct fuzz_target fuzz_targets[] = {
	{ "agent_json", agent_json },
	{ "agent_text", agent_text },
	{ "dns", dns },
	{ "dns_name", dns_name },
	{ "http_body", http_body },
	{ "snmp", snmp },
	{ "snmp_credentials", snmp_credentials },
};
const size_t fuzz_n_targets = ARRAY_LEN(fuzz_targets);

const struct fuzz_target *
fuzz_find(const char *name)
{
	size_t i;

	for (i = 0; i < fuzz_n_targets; i++)
		if (strcmp(fuzz_targets[i].name, name) == 0)
			return &fuzz_targets[i];
	return NULL;
}
