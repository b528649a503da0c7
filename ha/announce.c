/*
 * announce: gratuitous ARP and unsolicited neighbour advertisements, as whole
 * Ethernet frames over one packet socket: nothing depends on routes, on the
 * neighbour table or on the address being usable yet.
 */
#include "ha/announce.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "ha/neigh_frame.h"

#define NA_LEN 32 /* ICMPv6 header, target, link-layer address option */

struct announce {
	int fd;
};

int
announce_open(struct announce **ret)
{
	struct announce *a = mem_new(struct announce);
	int rc;

	a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0) {
		rc = -errno;
		free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

void
announce_close(struct announce *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	free(a);
}

size_t
announce_arp(
    uint8_t *frame, const uint8_t mac[6], const uint8_t ip[4], uint16_t oper)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t none[6];
	struct buf b = buf_writer(frame, ANNOUNCE_FRAME_MAX);

	put_bytes(&b, all, 6);
	put_bytes(&b, mac, 6);
	put_u16(&b, ETH_P_ARP);
	put_u16(&b, ARPHRD_ETHER);
	put_u16(&b, ETH_P_IP);
	put_u8(&b, 6);
	put_u8(&b, 4);
	put_u16(&b, oper);
	put_bytes(&b, mac, 6);
	put_bytes(&b, ip, 4);
	put_bytes(&b, oper == ARPOP_REPLY ? all : none, 6);
	put_bytes(&b, ip, 4);
	return b.pos;
}

size_t
announce_na(uint8_t *frame, const uint8_t mac[6], const uint8_t ip[16])
{
	static const uint8_t eth_all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t ip_all[16] = { 0xff, 0x02, [15] = 1 };
	struct buf b = buf_writer(frame, ANNOUNCE_FRAME_MAX);
	uint8_t *msg;
	uint16_t sum;

	put_bytes(&b, eth_all, 6);
	put_bytes(&b, mac, 6);
	put_u16(&b, ETH_P_IPV6);
	put_u32(&b, 6U << 28);
	put_u16(&b, NA_LEN);
	put_u8(&b, IPPROTO_ICMPV6);
	put_u8(&b, 255); /* hop limit: RFC 4861 accepts no other */
	put_bytes(&b, ip, 16);
	put_bytes(&b, ip_all, 16);
	msg = frame + b.pos;
	put_u8(&b, ND_NEIGHBOR_ADVERT);
	put_u8(&b, 0);
	put_u16(&b, 0);
	put_u32(&b, 0x20000000); /* override */
	put_bytes(&b, ip, 16);
	put_u8(&b, ND_OPT_TARGET_LINKADDR);
	put_u8(&b, 1);
	put_bytes(&b, mac, 6);
	sum = icmp6_sum(ip, ip_all, msg, NA_LEN);
	msg[2] = (uint8_t)(sum >> 8);
	msg[3] = (uint8_t)sum;
	return b.pos;
}

static int
device_of(int fd, const char *name, uint8_t *ret_mac, int *ret_index)
{
	struct ifreq ifr = { 0 };

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	*ret_index = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EAFNOSUPPORT; /* lo, tunnels: nobody to tell */
	memcpy(ret_mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int
frame_send(int fd, int ifindex, const uint8_t *frame, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6
	};

	memcpy(to.sll_addr, frame, 6);
	memcpy(&to.sll_protocol, frame + 12, 2);
	if (sendto(fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to,
		sizeof(to)) < 0)
		return -errno;
	return 0;
}

int
announce_send(struct announce *a, const struct conf_vip *v)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX], mac[6];
	int rc, ifindex = 0;
	size_t n;

	rc = device_of(a->fd, v->device, mac, &ifindex);
	if (rc == -EAFNOSUPPORT)
		return 0;
	if (rc < 0)
		return rc;
	if (v->addr.family == AF_INET6) {
		n = announce_na(frame, mac, v->addr.bytes);
		return frame_send(a->fd, ifindex, frame, n);
	}
	n = announce_arp(frame, mac, v->addr.bytes, ARPOP_REQUEST);
	rc = frame_send(a->fd, ifindex, frame, n);
	n = announce_arp(frame, mac, v->addr.bytes, ARPOP_REPLY);
	return rc < 0 ? rc : frame_send(a->fd, ifindex, frame, n);
}
