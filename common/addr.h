/*
 * addr: an IPv4 or IPv6 address as a plain value. Always numeric: nothing in
 * yoke looks a name up in DNS.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX 64

struct addr {
	uint8_t family;    /* AF_INET, AF_INET6; 0 means none */
	uint8_t bytes[16]; /* network order; the first 4 for AF_INET */
};

/* 0 or -EINVAL: not a numeric address. */
int addr_parse(const char *text, struct addr *ret);

/* "192.0.2.10/24": the prefix defaults to the whole address. 0 or -EINVAL. */
int addr_parse_prefix(const char *text, struct addr *ret, unsigned *ret_bits);

/* "192.0.2.1:80", "[2001:db8::1]:80". 0 or -EINVAL. */
int addr_parse_port(const char *text, struct addr *ret, uint16_t *ret_port);

size_t addr_len(const struct addr *a);  /* 4, 16, or 0 for none */
unsigned addr_bits(const struct addr *a); /* 32, 128 or 0 */
bool addr_is_none(const struct addr *a);

/* Order: family, then bytes; like memcmp. */
int addr_cmp(const struct addr *a, const struct addr *b);

char *addr_format(const struct addr *a, char *buf, size_t len); /* returns buf */

/* "192.0.2.1:80", "[2001:db8::1]:80"; returns buf. */
char *addr_format_port(
    const struct addr *a, uint16_t port, char *buf, size_t len);

/* The socket address for a and port; returns its length, 0 for none. */
socklen_t addr_to_sock(
    const struct addr *a, uint16_t port, struct sockaddr_storage *ret);
int addr_from_sock(
    const struct sockaddr_storage *ss, struct addr *ret, uint16_t *ret_port);

#endif
