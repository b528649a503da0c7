/*
 * lvs_conn: reads /proc/net/ip_vs_conn_sync, which has what ip_vs_conn has and
 * also says which connections came by sync. IPv4 addresses are eight hex
 * digits there, IPv6 ones eight groups, ports four hex digits.
 */
#include "ha/lvs_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

#define CONN_FILE "/proc/net/ip_vs_conn_sync"
#define READ_BYTES 65536
#define FIELDS 10

struct lvs_conns {
	int fd;
	size_t pos, len; /* unread part of buf */
	bool header;	 /* was seen */
	char buf[READ_BYTES + 1];
};

static int
parse_hex(const char *text, size_t digits, uint32_t *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 16);

	if (*end != '\0' || strlen(text) != digits)
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}

static int
parse_side(char *const *field, struct addr *ret_addr, uint16_t *ret_port)
{
	uint32_t v4, port;

	if (parse_hex(field[1], 4, &port) < 0)
		return -EBADMSG;
	*ret_port = (uint16_t)port;
	if (strchr(field[0], ':') != NULL)
		return addr_parse(field[0], ret_addr) < 0 ? -EBADMSG : 0;
	if (parse_hex(field[0], 8, &v4) < 0)
		return -EBADMSG;
	v4 = htonl(v4);
	*ret_addr = (struct addr){ .family = AF_INET };
	memcpy(ret_addr->bytes, &v4, sizeof(v4));
	return 0;
}

/* clang-format off */
static const struct { const char *name; uint8_t protocol; } protocols[] = {
	{ "TCP",  IPPROTO_TCP },
	{ "UDP",  IPPROTO_UDP },
	{ "SCTP", IPPROTO_SCTP },
	{ "IP",   IPPROTO_IP },
};
/* clang-format on */

static int
parse_protocol(const char *name, uint8_t *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			*ret = protocols[i].protocol;
			return 0;
		}
	return -EBADMSG;
}

static size_t
split(char *line, char **field, size_t max)
{
	char *save = NULL, *p;
	size_t n = 0;

	for (p = strtok_r(line, " \n", &save); p != NULL && n < max;
	     p = strtok_r(NULL, " \n", &save))
		field[n++] = p;
	return n;
}

/* pro client cport virtual vport dest dport state [origin] expires */
int
lvs_conn_parse(const char *line, struct lvs_conn *ret)
{
	char copy[256], *field[FIELDS], *end;
	struct lvs_conn c = { 0 };
	size_t n, at = 8;

	if (strlen(line) >= sizeof(copy))
		return -EBADMSG;
	strcpy(copy, line);
	n = split(copy, field, FIELDS);
	if (n < 9 || parse_protocol(field[0], &c.protocol) < 0 ||
	    parse_side(&field[1], &c.client, &c.client_port) < 0 ||
	    parse_side(&field[3], &c.virt, &c.virt_port) < 0 ||
	    parse_side(&field[5], &c.dest, &c.dest_port) < 0 ||
	    strlen(field[7]) >= sizeof(c.state))
		return -EBADMSG;
	strcpy(c.state, field[7]);
	if (field[at][0] < '0' || field[at][0] > '9') {
		c.synced = strcmp(field[at], "SYNC") == 0;
		at++;
	}
	if (at >= n)
		return -EBADMSG;
	c.expires_s = (uint32_t)strtoul(field[at], &end, 10);
	if (*end != '\0' || end == field[at])
		return -EBADMSG;
	*ret = c;
	return 0;
}

static int
conn_file_open(void)
{
	int fd = open(CONN_FILE, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : errno == ENOENT ? -ERR_NO_IPVS : -errno;
}

int
lvs_conns_open(struct lvs_conns **ret)
{
	struct lvs_conns *c;
	int fd = conn_file_open();

	if (fd < 0)
		return fd;
	c = mem_new(struct lvs_conns);
	c->fd = fd;
	*ret = c;
	return 0;
}

void
lvs_conns_close(struct lvs_conns *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	free(c);
}

static ssize_t
read_some(int fd, char *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The next whole line, NUL for newline; 1, 0 at the end, or -errno. */
static int
next_line(struct lvs_conns *c, char **ret)
{
	char *start = c->buf + c->pos, *nl;
	ssize_t n;

	while ((nl = memchr(start, '\n', c->len - c->pos)) == NULL) {
		memmove(c->buf, start, c->len - c->pos);
		c->len -= c->pos;
		c->pos = 0;
		start = c->buf;
		if (c->len == READ_BYTES)
			return -EBADMSG;
		n = read_some(c->fd, c->buf + c->len, READ_BYTES - c->len);
		if (n <= 0)
			return (int)n;
		c->len += (size_t)n;
	}
	*nl = '\0';
	c->pos = (size_t)(nl + 1 - c->buf);
	*ret = start;
	return 1;
}

/* A line we can't read (a protocol of a later kernel) is passed over. */
int
lvs_conns_next(struct lvs_conns *c, size_t max, lvs_conn_fn fn, void *arg)
{
	struct lvs_conn conn;
	char *line = NULL;
	size_t i;
	int rc = 1;

	for (i = 0; i < max; i++) {
		rc = next_line(c, &line);
		if (rc > 0 && !c->header) {
			c->header = true;
			rc = next_line(c, &line);
		}
		if (rc <= 0)
			return rc;
		if (lvs_conn_parse(line, &conn) == 0)
			fn(arg, &conn);
	}
	return rc;
}

int
lvs_read_conns(size_t max, lvs_conn_fn fn, void *arg)
{
	struct lvs_conns *c;
	int rc;

	rc = lvs_conns_open(&c);
	if (rc < 0)
		return rc;
	rc = lvs_conns_next(c, max, fn, arg);
	lvs_conns_close(c);
	return rc < 0 ? rc : 0;
}

int
lvs_count_conns(uint64_t *ret)
{
	char buf[READ_BYTES];
	uint64_t lines = 0;
	const char *p;
	ssize_t n;
	int fd = conn_file_open();

	if (fd < 0)
		return fd;
	while ((n = read_some(fd, buf, sizeof(buf))) > 0)
		for (p = buf;
		     (p = memchr(p, '\n', (size_t)(buf + n - p))) != NULL; p++)
			lines++;
	(void)close(fd);
	if (n < 0)
		return (int)n;
	*ret = lines > 0 ? lines - 1 : 0;
	return 0;
}
