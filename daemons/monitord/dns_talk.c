/*
 * dns_talk: see dns_talk.h.
 */
#include "daemons/monitord/dns_talk.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define DNS_HEAD 12
#define DNS_NAME_MAX 255
#define TYPE_A 1
#define TYPE_SOA 6
#define CLASS_IN 1

/* "www.example.org" as labels; 0: it is none. */
static size_t
put_name(const char *name, char *buf, size_t len)
{
	size_t n = 0, label;

	if (strcmp(name, ".") == 0)
		name = "";
	while (*name != '\0') {
		label = strcspn(name, ".");
		if (label == 0 || label > 63 || n + label + 2 > len ||
		    n + label + 2 > DNS_NAME_MAX)
			return 0;
		buf[n++] = (char)label;
		memcpy(buf + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	if (n >= len)
		return 0;
	buf[n++] = 0;
	return n;
}

/* One question, recursion wanted. */
size_t
dns_question(const char *name, uint16_t id, char *buf, size_t len)
{
	static const char head[DNS_HEAD] = { 0, 0, 1, 0, 0, 1 };
	size_t n = len < DNS_HEAD + 4 ? 0
	    : put_name(name, buf + DNS_HEAD, len - DNS_HEAD - 4);
	bool root = n == 1;

	if (n == 0)
		return 0;
	memcpy(buf, head, DNS_HEAD);
	memcpy(buf, &id, sizeof(id));
	n += DNS_HEAD;
	buf[n++] = 0;
	buf[n++] = root ? TYPE_SOA : TYPE_A;
	buf[n++] = 0;
	buf[n++] = CLASS_IN;
	return n;
}

enum verdict
dns_answer(const char *reply, size_t n, uint16_t id, char detail[DETAIL_LEN])
{
	static const char *const codes[] = { "ok", "format error",
		"server failure", "no such name", "not implemented",
		"refused" };
	unsigned code;

	if (n < DNS_HEAD || memcmp(reply, &id, sizeof(id)) != 0 ||
	    (reply[2] & 0x80) == 0)
		return VERDICT_NONE;
	code = reply[3] & 0x0f;
	if (code < ARRAY_LEN(codes))
		(void)snprintf(detail, DETAIL_LEN, "%s", codes[code]);
	else
		(void)snprintf(detail, DETAIL_LEN, "code %u", code);
	return code == 0 ? VERDICT_OK : VERDICT_BAD;
}
