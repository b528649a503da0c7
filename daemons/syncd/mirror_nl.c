/*
 * mirror_nl: the device and the cards, by libnl.
 */
#include "daemons/syncd/mirror_nl.h"

#include <linux/if_arp.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/vxlan.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemons/syncd/mirror_tc.h"

static int
device_of(const struct mirror_device *d, struct rtnl_link *l)
{
	struct nl_addr *local, *remote;
	int rc = -NLE_NOMEM;

	local = nl_addr_build(d->local.family, d->local.bytes, addr_len(&d->local));
	remote = nl_addr_build(
	    d->remote.family, d->remote.bytes, addr_len(&d->remote));
	if (local != NULL && remote != NULL) {
		rtnl_link_set_name(l, d->name);
		rc = rtnl_link_vxlan_set_id(l, d->vni);
		rc = rc < 0 ? rc : rtnl_link_vxlan_set_local(l, local);
		rc = rc < 0 ? rc : rtnl_link_vxlan_set_group(l, remote);
		rc = rc < 0 ? rc : rtnl_link_vxlan_set_port(l, d->port);
		rc = rc < 0 ? rc : rtnl_link_vxlan_set_learning(l, 0);
		rc = rc < 0 ? rc : rtnl_link_vxlan_set_link(l, (uint32_t)d->below);
	}
	nl_addr_put(local);
	nl_addr_put(remote);
	return rc;
}

int
mirror_nl_delete(struct nl_sock *k, const char *name)
{
	struct rtnl_link *l = rtnl_link_alloc();
	int rc;

	if (l == NULL)
		return -NLE_NOMEM;
	rtnl_link_set_name(l, name);
	rc = rtnl_link_delete(k, l);
	rtnl_link_put(l);
	return rc == -NLE_NODEV || rc == -NLE_OBJ_NOTFOUND ? 0 : rc;
}

/* Up, without an address of IPv6 (which a machine may not have): nothing is to
 * leave by it but copies. */
static int
bring_up(struct nl_sock *k, struct rtnl_link *l)
{
	struct rtnl_link *mute = rtnl_link_alloc(), *up = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (mute != NULL && up != NULL) {
		(void)rtnl_link_inet6_set_addr_gen_mode(
		    mute, rtnl_link_inet6_str2addrgenmode("none"));
		(void)rtnl_link_change(k, l, mute, 0);
		rtnl_link_set_flags(up, IFF_UP | IFF_NOARP);
		rc = rtnl_link_change(k, l, up, 0);
	}
	rtnl_link_put(mute);
	rtnl_link_put(up);
	return rc;
}

static int
begin(struct nl_sock *k, const char *name, int *ret_ifindex)
{
	struct rtnl_link *l = NULL;
	int rc = rtnl_link_get_kernel(k, 0, name, &l);

	if (rc < 0)
		return rc;
	*ret_ifindex = rtnl_link_get_ifindex(l);
	rc = mirror_tc_deafen(k, *ret_ifindex);
	if (rc == 0)
		rc = bring_up(k, l);
	rtnl_link_put(l);
	return rc;
}

int
mirror_nl_add(
    struct nl_sock *k, const struct mirror_device *d, int *ret_ifindex)
{
	struct rtnl_link *l = rtnl_link_vxlan_alloc();
	int rc;

	if (l == NULL)
		return -NLE_NOMEM;
	rc = device_of(d, l);
	if (rc == 0)
		rc = mirror_nl_delete(k, d->name);
	if (rc == 0)
		rc = rtnl_link_add(k, l, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(l);
	return rc < 0 ? rc : begin(k, d->name, ret_ifindex);
}

static bool
is_card(struct rtnl_link *l, int except)
{
	return rtnl_link_get_arptype(l) == ARPHRD_ETHER &&
	    (rtnl_link_get_flags(l) & IFF_UP) != 0 &&
	    rtnl_link_get_master(l) == 0 && rtnl_link_get_ifindex(l) != except;
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int
mirror_nl_cards(
    struct nl_sock *k, int except, int ret[MIRROR_CARDS], unsigned *ret_n)
{
	struct nl_cache *all;
	struct nl_object *o;
	unsigned n = 0;
	int rc = rtnl_link_alloc_cache(k, AF_UNSPEC, &all);

	if (rc < 0)
		return rc;
	for (o = nl_cache_get_first(all); o != NULL && rc == 0;
	    o = nl_cache_get_next(o)) {
		struct rtnl_link *l = (struct rtnl_link *)o;

		if (!is_card(l, except))
			continue;
		if (n == MIRROR_CARDS)
			rc = -NLE_RANGE;
		else
			ret[n++] = rtnl_link_get_ifindex(l);
	}
	nl_cache_free(all);
	qsort(ret, n, sizeof(*ret), by_number);
	*ret_n = n;
	return rc;
}
