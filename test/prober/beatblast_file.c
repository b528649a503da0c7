/*
 * beatblast_file: see beatblast_file.h. Called by beatblast.c.
 */
#include "test/prober/beatblast_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int
read_one(FILE *f, struct datagram *d)
{
	uint8_t head[2];
	size_t n = fread(head, 1, 2, f);

	if (n == 0)
		return 0;
	d->len = (uint16_t)(head[0] << 8 | head[1]);
	if (n != 2 || d->len > DATAGRAM_MAX ||
	    fread(d->data, 1, d->len, f) != d->len)
		return -EBADMSG;
	return 1;
}

int
datagrams_read(
    const char *path, size_t max, struct datagram **ret, size_t *ret_n)
{
	struct datagram *list = calloc(max, sizeof(*list));
	FILE *f = fopen(path, "re");
	size_t n = 0;
	int rc = 0;

	if (list == NULL || f == NULL)
		rc = -errno;
	while (rc == 0 && n < max) {
		rc = read_one(f, &list[n]);
		if (rc <= 0)
			break;
		n++;
		rc = 0;
	}
	if (f != NULL)
		(void)fclose(f);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The UDP payload within an IP packet, if it is one to port; else NULL. */
static const uint8_t *
udp_payload(const uint8_t *p, size_t len, uint16_t port, size_t *ret_len)
{
	size_t at, udp_len;

	if (len >= 20 && p[0] >> 4 == 4) {
		at = (size_t)(p[0] & 15) * 4;
		if (p[9] != IPPROTO_UDP || (p[6] & 0x3f) != 0 || p[7] != 0)
			return NULL;
	} else if (len >= 40 && p[0] >> 4 == 6) {
		at = 40;
		if (p[6] != IPPROTO_UDP)
			return NULL;
	} else {
		return NULL;
	}
	if (len < at + 8 || (p[at + 2] << 8 | p[at + 3]) != port)
		return NULL;
	udp_len = (size_t)(p[at + 4] << 8 | p[at + 5]);
	if (udp_len < 8 || udp_len > len - at)
		return NULL;
	*ret_len = udp_len - 8;
	return p + at + 8;
}

static int
packet_open(const char *dev, int *ret_fd)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	int fd;

	sll.sll_protocol = htons(ETH_P_ALL);
	sll.sll_ifindex = (int)if_nametoindex(dev);
	if (sll.sll_ifindex == 0)
		return -errno;
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)) < 0) {
		(void)close(fd);
		return -errno;
	}
	*ret_fd = fd;
	return 0;
}

static bool
write_one(FILE *f, const uint8_t *p, size_t len)
{
	uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	return fwrite(head, 1, 2, f) == 2 && fwrite(p, 1, len, f) == len;
}

/* Loopback shows every packet going out and coming in: take it once. */
static int
record_until(FILE *f, int fd, uint16_t port, usec_t end, size_t *n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t from_len;
	uint8_t data[65536];
	const uint8_t *p;
	usec_t now;
	ssize_t got;
	size_t len;

	while ((now = usec_mono()) < end) {
		if (poll(&pfd, 1, (int)((end - now) / USEC_MS) + 1) <= 0)
			continue;
		from_len = sizeof(from);
		got = recvfrom(fd, data, sizeof(data), 0,
		    (struct sockaddr *)&from, &from_len);
		if (got <= 0 || (from.sll_pkttype == PACKET_OUTGOING &&
				    from.sll_hatype == 772 /* loopback */))
			continue;
		p = udp_payload(data, (size_t)got, port, &len);
		if (p == NULL || len > DATAGRAM_MAX)
			continue;
		if (!write_one(f, p, len))
			return -EIO;
		++*n;
	}
	return 0;
}

int
datagrams_record(const char *path, const char *dev, uint16_t port,
    usec_t how_long, size_t *ret_n)
{
	FILE *f;
	int fd = -1, rc;

	rc = packet_open(dev, &fd);
	if (rc < 0)
		return rc;
	f = fopen(path, "we");
	if (f == NULL) {
		rc = -errno;
	} else {
		*ret_n = 0;
		rc = record_until(f, fd, port, usec_mono() + how_long, ret_n);
		if (fclose(f) != 0 && rc == 0)
			rc = -EIO;
	}
	(void)close(fd);
	return rc;
}
