/*
 * arp: see arp.h. Addresses by getifaddrs(3), sysctls from /proc/sys: nothing
 * of it needs a privilege.
 */
#include "daemons/agentd/arp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/out.h"
#include "daemons/agentd/sensors.h"

#define CARDS_MAX 64
#define ADDRS_MAX 1024 /* of all cards */

static long
conf_value(const char *root, const char *card, const char *name)
{
	char path[128], text[32], *end;
	long v;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s",
	    card, name);
	if (sensor_file(root, path, text, sizeof(text)) < 0)
		return -1;
	v = strtol(text, &end, 10);
	return end == text ? -1 : v;
}

static void
show_value(struct out *o, const char *root, const char *card, const char *name)
{
	long own = conf_value(root, card, name);
	long all = conf_value(root, "all", name);

	if (own >= 0 && all >= 0)
		out_num(o, name, (uint64_t)(own > all ? own : all));
}

static bool
address_of(const struct ifaddrs *i, struct addr *ret)
{
	struct sockaddr_storage ss = { 0 };
	uint16_t port;
	int family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : 0;

	if (family != AF_INET && family != AF_INET6)
		return false;
	memcpy(&ss, i->ifa_addr, family == AF_INET6
		? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	return addr_from_sock(&ss, ret, &port) == 0;
}

static void
show_addresses(struct out *o, const struct ifaddrs *all, const char *card,
    size_t *left)
{
	char text[ADDR_TEXT_MAX];
	const struct ifaddrs *i;
	struct addr a;

	out_array(o, "addresses");
	for (i = all; i != NULL && *left > 0; i = i->ifa_next) {
		if (strcmp(i->ifa_name, card) != 0 || !address_of(i, &a))
			continue;
		out_str(o, NULL, addr_format(&a, text, sizeof(text)));
		--*left;
	}
	out_close(o);
}

static void
show_card(struct out *o, const char *root, const struct ifaddrs *all,
    const struct ifaddrs *card, size_t *left)
{
	out_object(o, NULL);
	out_str(o, "name", card->ifa_name);
	out_bool(o, "up", (card->ifa_flags & IFF_UP) != 0);
	out_bool(o, "arp", (card->ifa_flags & (IFF_LOOPBACK | IFF_NOARP)) == 0);
	show_value(o, root, card->ifa_name, "arp_ignore");
	show_value(o, root, card->ifa_name, "arp_announce");
	show_addresses(o, all, card->ifa_name, left);
	out_close(o);
}

/* getifaddrs(3) has each card once by itself and once for each address. */
static bool
is_first(const struct ifaddrs *all, const struct ifaddrs *card)
{
	for (; all != card; all = all->ifa_next)
		if (strcmp(all->ifa_name, card->ifa_name) == 0)
			return false;
	return true;
}

char *
arp_json(const char *root, size_t *ret_len)
{
	struct ifaddrs *all = NULL;
	const struct ifaddrs *i;
	size_t cards = CARDS_MAX, left = ADDRS_MAX;
	bool seen = getifaddrs(&all) == 0;
	struct out o;

	out_init(&o);
	out_object(&o, NULL);
	out_array(&o, "interfaces");
	for (i = all; i != NULL; i = i->ifa_next) {
		if (!is_first(all, i))
			continue;
		seen = seen && cards > 0;
		if (cards > 0) {
			show_card(&o, root, all, i, &left);
			cards--;
		}
	}
	out_close(&o);
	out_bool(&o, "whole", seen && left > 0);
	out_close(&o);
	if (all != NULL)
		freeifaddrs(all);
	return out_take(&o, ret_len);
}
