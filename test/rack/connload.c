/*
 * connload: puts connections into this machine's own kernel, or writes down
 * those that are there, for tests that need more of them than clients can make.
 *
 *	connload add DEVICE SYNCID VIP PORT N FIRST METHOD DEST...
 *	connload list FILE       one line each, unsorted: who, a tab, the state and
 *	                         the seconds left
 *	connload time            how long reading them takes, in us, and how
 *many
 *
 * add speaks to the machine's own backup thread in sync datagrams, SYNCID being
 * the one it listens to. The i-th connection has a client address and port made
 * of FIRST + i and the DEST (address) that is i's turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/usec.h"
#include "ha/lvs_conn.h"
#include "ha/lvs_table.h"
#include "ha/sync_sock.h"

#define PORTS 50000
#define BACKLOG_MAX 60000

static void
die(const char *what, int rc)
{
	fprintf(stderr, "connload: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void
client(struct sync_conn *c, unsigned long i)
{
	uint32_t host = htonl(0x0a000000 + (uint32_t)(1 + i / PORTS));

	c->client = (struct addr){ .family = c->virt.family };
	if (c->virt.family == AF_INET6) {
		memcpy(c->client.bytes, "\xfd\x77\x00\x09", 4);
		memcpy(c->client.bytes + 12, &host, 4);
	} else {
		memcpy(c->client.bytes, &host, 4);
	}
	c->client_port = (uint16_t)(10000 + i % PORTS);
}

/* Never more than the backup thread's socket holds. */
static void
flush(int fd, struct sync_msg *m, uint8_t id)
{
	unsigned long bytes, drops;
	int rc;

	if (m->n > 0)
		while ((rc = sync_sock_send(fd, m)) == -EAGAIN)
			(void)poll(NULL, 0, 1);
	while (sync_sock_backlog(0, &bytes, &drops) == 0 && bytes > BACKLOG_MAX)
		(void)poll(NULL, 0, 1);
	sync_msg_begin(m, id);
}

static int
add(char **arg, int n_arg)
{
	struct sync_conn c = { .protocol = IPPROTO_TCP,
		.state = SYNC_TCP_ESTABLISHED,
		.timeout_s = 900 };
	unsigned long i, n = strtoul(arg[4], NULL, 10);
	unsigned long first = strtoul(arg[5], NULL, 10);
	uint8_t id = (uint8_t)atoi(arg[1]);
	int fd = sync_sock_open(arg[0], true, NULL), n_dests = n_arg - 7;
	struct sync_msg m;

	if (fd < 0)
		die(arg[0], fd);
	if (addr_parse(arg[2], &c.virt) < 0)
		die(arg[2], -EINVAL);
	c.virt_port = c.dest_port = (uint16_t)atoi(arg[3]);
	c.flags = (uint32_t)atoi(arg[6]);
	if (c.flags != 0)
		c.flags |= SYNC_NOOUTPUT;
	sync_msg_begin(&m, id);
	for (i = first; i < first + n; i++) {
		client(&c, i);
		if (addr_parse(arg[7 + i % (unsigned long)n_dests], &c.dest) <
		    0)
			die(arg[7], -EINVAL);
		if (sync_msg_add(&m, &c) == -ENOBUFS) {
			flush(fd, &m, id);
			(void)sync_msg_add(&m, &c);
		}
	}
	flush(fd, &m, id);
	return 0;
}

static void
print(void *arg, const struct lvs_conn *c)
{
	char a[ADDR_TEXT_MAX], v[ADDR_TEXT_MAX], d[ADDR_TEXT_MAX];

	fprintf(arg, "%u %s %s %s\t%s %u\n", c->protocol,
	    addr_format_port(&c->client, c->client_port, a, sizeof(a)),
	    addr_format_port(&c->virt, c->virt_port, v, sizeof(v)),
	    addr_format_port(&c->dest, c->dest_port, d, sizeof(d)), c->state,
	    c->expires_s);
}

static void
count(void *arg, const struct lvs_conn *c)
{
	(void)c;
	++*(unsigned long *)arg;
}

/* With pauses: a machine that is busy for a second on end is stopped by the
 * host for 50 ms, being a real-time process there. */
static int
list(const char *file)
{
	FILE *f = fopen(file, "w");
	struct lvs_conns *c = NULL;
	usec_t start;
	int rc = f == NULL ? -errno : lvs_conns_open(&c);

	if (rc < 0)
		die(file, rc);
	do {
		start = usec_mono();
		rc = lvs_conns_next(c, 500, print, f);
		(void)usleep((useconds_t)(usec_mono() - start));
	} while (rc > 0);
	lvs_conns_close(c);
	if (rc < 0 || fclose(f) != 0)
		die(file, rc);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned long n = 0;
	usec_t start = usec_mono();
	int rc;

	if (argc > 9 && strcmp(argv[1], "add") == 0)
		return add(argv + 2, argc - 2);
	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	if (argc == 2 && strcmp(argv[1], "time") == 0) {
		rc = lvs_read_conns(SIZE_MAX, count, &n);
		if (rc < 0)
			die("read", rc);
		printf(
		    "%llu %lu\n", (unsigned long long)(usec_mono() - start), n);
		return 0;
	}
	fprintf(stderr, "usage: see the top of connload.c\n");
	return 2;
}
