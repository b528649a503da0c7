/*
 * init_ping: does an IP packet of a size reach a host in one piece? An ICMP echo
 * that must not be cut up (RFC 791, RFC 1191; ICMPv6: RFC 4443), and up to a
 * second of waiting for the answer. Needs root.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/usec.h"
#include "daemons/yoke/init.h"

#define ANSWER_MS 1000
#define BYTES_MAX 65535
#define ECHO 8 /* bytes of an echo's own header, both families */

static int
never_cut(int fd, bool v6)
{
	const int must = IP_PMTUDISC_PROBE; /* as the interface allows, now */

	return v6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &must,
			sizeof(must))
		  : setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &must,
			sizeof(must));
}

static int
open_socket(const struct addr *to, const char *device)
{
	bool v6 = to->family == AF_INET6;
	int fd = socket(to->family, SOCK_RAW | SOCK_CLOEXEC,
	    v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	int rc;

	if (fd < 0)
		return -errno;
	if (never_cut(fd, v6) == 0 && (device == NULL ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		(socklen_t)strlen(device)) == 0))
		return fd;
	rc = -errno;
	(void)close(fd);
	return rc;
}

/* The kernel does ICMPv6's sum itself. */
static uint16_t
checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2 != 0)
		sum += (uint32_t)(p[n - 1] << 8);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int
send_echo(int fd, const struct addr *to, uint16_t id, uint8_t *p, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sock(to, 0, &ss);
	uint16_t sum;

	memset(p, 0, n);
	p[0] = to->family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	p[4] = (uint8_t)(id >> 8);
	p[5] = (uint8_t)id;
	if (to->family == AF_INET) {
		sum = checksum(p, n);
		p[2] = (uint8_t)(sum >> 8);
		p[3] = (uint8_t)sum;
	}
	return sendto(fd, p, n, 0, (const struct sockaddr *)&ss, len) < 0
	    ? -errno
	    : 0;
}

/* The answer to ours? IPv4 comes with the IP header before it. */
static bool
is_answer(const struct addr *from, uint16_t id, const uint8_t *p, size_t n)
{
	size_t skip = 0;

	if (from->family == AF_INET)
		skip = n > 0 ? (p[0] & 15U) * 4 : 0;
	if (n < skip + ECHO)
		return false;
	p += skip;
	return p[0] == (from->family == AF_INET6 ? ICMP6_ECHO_REPLY
						 : ICMP_ECHOREPLY) &&
	    (p[4] << 8 | p[5]) == id;
}

static int
wait_answer(int fd, const struct addr *from, uint16_t id, uint8_t *p,
    size_t len)
{
	usec_t end = usec_mono() + ANSWER_MS * USEC_MS, now;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while ((now = usec_mono()) < end) {
		if (poll(&pfd, 1, (int)((end - now) / USEC_MS) + 1) <= 0)
			continue;
		n = recv(fd, p, len, MSG_DONTWAIT);
		if (n > 0 && is_answer(from, id, p, (size_t)n))
			return 0;
	}
	return -ETIMEDOUT;
}

int
init_ping(const struct addr *to, const char *device, unsigned bytes)
{
	unsigned head = (to->family == AF_INET6 ? 40 : 20) + ECHO;
	uint16_t id = (uint16_t)getpid();
	uint8_t *p;
	int fd, rc;

	if (bytes < head || bytes > BYTES_MAX)
		return -EINVAL;
	p = malloc(BYTES_MAX);
	if (p == NULL)
		return -ENOMEM;
	fd = open_socket(to, device);
	rc = fd < 0 ? fd
		    : send_echo(fd, to, id, p, bytes - head + ECHO);
	if (rc == 0)
		rc = wait_answer(fd, to, id, p, BYTES_MAX);
	if (fd >= 0)
		(void)close(fd);
	free(p);
	return rc;
}
