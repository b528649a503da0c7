/*
 * sync_sock: sends datagrams as ip_vs_sync.c's make_send_sock() does
 * (interface, TTL 1, no loop), and looks at the socket of the backup thread.
 */
#include "ha/sync_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
set_up(int fd, const char *device, bool self)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(SYNC_PORT) };
	struct ip_mreqn out = { 0 };
	int loop = self, ttl = self ? 0 : 1;

	out.imr_ifindex = (int)if_nametoindex(device);
	if (out.imr_ifindex == 0)
		return -ENODEV;
	(void)inet_pton(AF_INET, SYNC_GROUP, &to.sin_addr);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) <
		0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop)) <
		0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) <
		0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int
sync_sock_open(const char *device, bool self)
{
	int fd, rc;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = set_up(fd, device, self);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return fd;
}

int
sync_sock_send(int fd, const struct sync_msg *m)
{
	ssize_t n;

	do
		n = send(fd, m->bytes, m->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ENOBUFS ? -EAGAIN : -errno;
}

/* sl local remote st tx_queue:rx_queue tr:tm retrnsmt uid timeout inode ref
 * pointer drops */
static int
parse_row(const char *line, uint32_t group, unsigned long except,
    unsigned long *ret_rx, unsigned long *ret_drops)
{
	unsigned long inode;
	unsigned addr, port;

	if (sscanf(line,
		"%*s %x:%x %*s %*s %*x:%lx %*s %*s %*s %*s %lu %*s "
		"%*s %lu",
		&addr, &port, ret_rx, &inode, ret_drops) != 5 ||
	    addr != group || port != SYNC_PORT || inode == except)
		return -ENOENT;
	return 0;
}

int
sync_sock_backlog(
    unsigned long except, unsigned long *ret_bytes, unsigned long *ret_drops)
{
	unsigned long rx, drops, rx_max = 0, drops_all = 0;
	FILE *f = fopen("/proc/net/udp", "re");
	struct in_addr group;
	char line[256];
	int rc = -ENOENT;

	if (f == NULL)
		return -errno;
	(void)inet_pton(AF_INET, SYNC_GROUP, &group);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (parse_row(line, group.s_addr, except, &rx, &drops) < 0)
			continue;
		rx_max = rx > rx_max ? rx : rx_max;
		drops_all += drops;
		rc = 0;
	}
	(void)fclose(f);
	if (rc == 0) {
		*ret_bytes = rx_max;
		*ret_drops = drops_all;
	}
	return rc;
}
