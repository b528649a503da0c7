/*
 * addr: numeric IPv4 and IPv6 addresses: parse, compare, format, convert.
 */
#include "common/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
addr_parse(const char *text, struct addr *ret)
{
	struct addr a = { 0 };

	a.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(a.family, text, a.bytes) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

int
addr_parse_prefix(const char *text, struct addr *ret, unsigned *ret_bits)
{
	char copy[ADDR_TEXT_MAX];
	struct addr a;
	unsigned long bits;
	char *slash, *end;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (addr_parse(copy, &a) < 0)
		return -EINVAL;
	bits = addr_bits(&a);
	if (slash != NULL) {
		bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' ||
		    bits > addr_bits(&a))
			return -EINVAL;
	}
	*ret = a;
	*ret_bits = (unsigned)bits;
	return 0;
}

/* A decimal number up to 65535 and nothing else. */
static int
parse_port(const char *text, uint16_t *ret)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 5)
		return -EINVAL;
	n = strtoul(text, &end, 10);
	if (*end != '\0' || n > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

int
addr_parse_port(const char *text, struct addr *ret, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	bool wide = text[0] == '[';
	char host[64];
	struct addr a;
	uint16_t port;
	size_t n;

	if (colon == NULL || (wide && (colon == text || colon[-1] != ']')))
		return -EINVAL;
	n = (size_t)(colon - text) - (wide ? 2 : 0);
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text + wide, n);
	host[n] = '\0';
	if (addr_parse(host, &a) < 0 || wide != (a.family == AF_INET6) ||
	    parse_port(colon + 1, &port) < 0)
		return -EINVAL;
	*ret = a;
	*ret_port = port;
	return 0;
}

size_t
addr_len(const struct addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned
addr_bits(const struct addr *a)
{
	return (unsigned)addr_len(a) * 8;
}

bool
addr_is_none(const struct addr *a)
{
	return a->family == 0;
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_len(a));
}

char *
addr_format(const struct addr *a, char *buf, size_t len)
{
	if (addr_is_none(a) ||
	    inet_ntop(a->family, a->bytes, buf, (socklen_t)len) == NULL)
		(void)snprintf(buf, len, "none");
	return buf;
}

char *
addr_format_port(const struct addr *a, uint16_t port, char *buf, size_t len)
{
	char text[ADDR_TEXT_MAX];

	(void)snprintf(buf, len, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
	    addr_format(a, text, sizeof(text)), port);
	return buf;
}

socklen_t
addr_to_sock(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	if (a->family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->bytes, 16);
		return sizeof(*in6);
	}
	return 0;
}

int
addr_from_sock(
    const struct sockaddr_storage *ss, struct addr *ret, uint16_t *ret_port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	struct addr a = { 0 };

	a.family = (uint8_t)ss->ss_family;
	if (ss->ss_family == AF_INET)
		memcpy(a.bytes, &in->sin_addr, 4);
	else if (ss->ss_family == AF_INET6)
		memcpy(a.bytes, &in6->sin6_addr, 16);
	else
		return -EAFNOSUPPORT;
	*ret = a;
	*ret_port = ntohs(
	    ss->ss_family == AF_INET ? in->sin_port : in6->sin6_port);
	return 0;
}
