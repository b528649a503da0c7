/*
 * cards: one RTM_GETNEIGH dump by libnl, sorted.
 */
#include "daemons/syncd/cards.h"

#include <errno.h>
#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <stdlib.h>
#include <string.h>

static int
card_cmp(const struct card *a, const struct card *b)
{
	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	return memcmp(a->mac, b->mac, MAC_LEN);
}

static int
cmp(const void *a, const void *b)
{
	const struct card *x = a, *y = b;
	int c = card_cmp(x, y);

	return c != 0 ? c : addr_cmp(&x->addr, &y->addr);
}

static void
add(struct nl_object *o, void *arg)
{
	struct rtnl_neigh *k = (struct rtnl_neigh *)o;
	struct nl_addr *mac = rtnl_neigh_get_lladdr(k);
	struct nl_addr *dst = rtnl_neigh_get_dst(k);
	struct cards *n = arg;
	struct card *e = &n->all[n->n];
	int family;

	if (mac == NULL || dst == NULL || nl_addr_get_len(mac) != MAC_LEN)
		return;
	family = nl_addr_get_family(dst);
	if (family != AF_INET && family != AF_INET6)
		return;
	*e = (struct card){ .ifindex = rtnl_neigh_get_ifindex(k) };
	e->addr.family = (uint8_t)family;
	if (nl_addr_get_len(dst) != addr_len(&e->addr))
		return;
	memcpy(e->addr.bytes, nl_addr_get_binary_addr(dst), addr_len(&e->addr));
	memcpy(e->mac, nl_addr_get_binary_addr(mac), MAC_LEN);
	n->n++;
}

static int
read_cache(struct cards *ret, struct nl_cache *cache)
{
	int count = nl_cache_nitems(cache);

	if (count < 0 || count > CARDS_MAX)
		return -E2BIG;
	ret->all = calloc((size_t)count + 1, sizeof(*ret->all));
	if (ret->all == NULL)
		return -ENOMEM;
	nl_cache_foreach(cache, add, ret);
	qsort(ret->all, ret->n, sizeof(*ret->all), cmp);
	return 0;
}

int
cards_read(struct cards *n)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_cache *cache = NULL;
	struct cards fresh = { 0 };
	int rc = -ENOMEM;

	if (sock == NULL)
		return -ENOMEM;
	if (nl_connect(sock, NETLINK_ROUTE) < 0 ||
	    rtnl_neigh_alloc_cache(sock, &cache) < 0)
		rc = -EIO;
	else
		rc = read_cache(&fresh, cache);
	if (cache != NULL)
		nl_cache_free(cache);
	nl_socket_free(sock);
	if (rc < 0)
		return rc;
	cards_done(n);
	*n = fresh;
	return 0;
}

void
cards_done(struct cards *n)
{
	free(n->all);
	*n = (struct cards){ 0 };
}

void
cards_anywhere(struct cards *n)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		n->all[i].ifindex = 0;
	qsort(n->all, n->n, sizeof(*n->all), cmp);
}

const struct card *
cards_find(const struct cards *n, int ifindex, const uint8_t mac[MAC_LEN],
    size_t *ret_n)
{
	struct card want = { .ifindex = ifindex };
	size_t low = 0, high = n->n, mid, i;

	memcpy(want.mac, mac, MAC_LEN);
	while (low < high) {
		mid = low + (high - low) / 2;
		if (card_cmp(&n->all[mid], &want) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low; i < n->n && card_cmp(&n->all[i], &want) == 0; i++)
		;
	*ret_n = i - low;
	return i > low ? &n->all[low] : NULL;
}
