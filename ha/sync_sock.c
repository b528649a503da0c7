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

static struct sockaddr_in
group(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(SYNC_PORT) };

	(void)inet_pton(AF_INET, SYNC_GROUP, &to.sin_addr);
	return to;
}

static int
set_up(int fd, const char *device, bool self, uint16_t *ret_port)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	struct ip_mreqn out = { 0 };
	int loop = self, ttl = self ? 0 : 1;
	socklen_t len = sizeof(own);

	out.imr_ifindex = (int)if_nametoindex(device);
	if (out.imr_ifindex == 0)
		return -ENODEV;
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) <
		0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop)) <
		0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) <
		0 ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return -errno;
	if (ret_port != NULL)
		*ret_port = ntohs(own.sin_port);
	return 0;
}

int
sync_sock_open(const char *device, bool self, uint16_t *ret_port)
{
	int fd, rc;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = set_up(fd, device, self, ret_port);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return fd;
}

int
sync_sock_send(int fd, const struct sync_msg *m)
{
	struct sockaddr_in to = group();
	ssize_t n;

	do
		n = sendto(fd, m->bytes, m->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		    (struct sockaddr *)&to, sizeof(to));
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ENOBUFS ? -EAGAIN : -errno;
}

/* sl local remote st tx_queue:rx_queue tr:tm retrnsmt uid timeout inode ref
 * pointer drops */
static int
parse_row(const char *line, uint32_t to, unsigned long except,
    unsigned long *ret_rx, unsigned long *ret_drops)
{
	unsigned long inode;
	unsigned addr, port;

	if (sscanf(line,
		"%*s %x:%x %*s %*s %*x:%lx %*s %*s %*s %*s %lu %*s "
		"%*s %lu",
		&addr, &port, ret_rx, &inode, ret_drops) != 5 ||
	    addr != to || port != SYNC_PORT || inode == except)
		return -ENOENT;
	return 0;
}

int
sync_sock_backlog(
    unsigned long except, unsigned long *ret_bytes, unsigned long *ret_drops)
{
	unsigned long rx, drops, rx_max = 0, drops_all = 0;
	FILE *f = fopen("/proc/net/udp", "re");
	const struct sockaddr_in to = group();
	char line[256];
	int rc = -ENOENT;

	if (f == NULL)
		return -errno;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (parse_row(line, to.sin_addr.s_addr, except, &rx, &drops) <
		    0)
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
