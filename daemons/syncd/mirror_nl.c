/*
 * mirror_nl: libnl has devices and queues; its filters know no "bpf", so those
 * are put together here. Sources: net/sched/cls_bpf.c, act_mirred.c (6.1).
 */
#include "daemons/syncd/mirror_nl.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/vxlan.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <stdlib.h>

#define PRIO 0x796bU /* of our filters; whoever has it too is refused, not hit */
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define FOUND 1U /* the filter's number: its queue was there */
#define MADE 2U	 /* and this: it was not */
#define FILTER_BYTES 65536 /* BPF_MAXINSNS are half of it */

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
	rc = bring_up(k, l);
	rtnl_link_put(l);
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

static struct rtnl_qdisc *
clsact(int card)
{
	struct rtnl_qdisc *q = rtnl_qdisc_alloc();

	if (q == NULL)
		return NULL;
	rtnl_tc_set_ifindex(TC_CAST(q), card);
	rtnl_tc_set_parent(TC_CAST(q), TC_H_CLSACT);
	rtnl_tc_set_handle(TC_CAST(q), TC_H_MAKE(TC_H_CLSACT, 0));
	if (rtnl_tc_set_kind(TC_CAST(q), "clsact") < 0) {
		rtnl_qdisc_put(q);
		return NULL;
	}
	return q;
}

static struct nl_msg *
filter_msg(int type, int flags, int card, uint32_t parent, uint32_t info,
    uint32_t number)
{
	struct tcmsg t = { .tcm_family = AF_UNSPEC,
		.tcm_ifindex = card,
		.tcm_handle = number,
		.tcm_parent = parent,
		.tcm_info = info };
	struct nl_msg *m = nlmsg_alloc_size(FILTER_BYTES);

	if (m == NULL)
		return NULL;
	if (nlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags) == NULL ||
	    nlmsg_append(m, &t, sizeof(t), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

#define OURS TC_H_MAKE(PRIO << 16, htons(ETH_P_ALL))

/* The result "unspecified": the filters after ours have their say. */
static int
put_action(struct nl_msg *m, int device)
{
	struct tc_mirred to = { .action = TC_ACT_UNSPEC,
		.eaction = TCA_EGRESS_MIRROR,
		.ifindex = (uint32_t)device };
	struct nlattr *all, *first, *options;

	all = nla_nest_start(m, TCA_BPF_ACT);
	first = all == NULL ? NULL : nla_nest_start(m, 1);
	if (first == NULL || nla_put_string(m, TCA_ACT_KIND, "mirred") < 0)
		return -NLE_MSGSIZE;
	options = nla_nest_start(m, TCA_ACT_OPTIONS);
	if (options == NULL ||
	    nla_put(m, TCA_MIRRED_PARMS, sizeof(to), &to) < 0)
		return -NLE_MSGSIZE;
	(void)nla_nest_end(m, options);
	(void)nla_nest_end(m, first);
	(void)nla_nest_end(m, all);
	return 0;
}

static int
put_filter(
    struct nl_msg *m, int device, const struct sock_filter *code, unsigned n)
{
	struct nlattr *options;

	if (nla_put_string(m, TCA_KIND, "bpf") < 0)
		return -NLE_MSGSIZE;
	options = nla_nest_start(m, TCA_OPTIONS);
	if (options == NULL || put_action(m, device) < 0 ||
	    nla_put_u16(m, TCA_BPF_OPS_LEN, (uint16_t)n) < 0 ||
	    nla_put(m, TCA_BPF_OPS, (int)(n * sizeof(*code)), code) < 0)
		return -NLE_MSGSIZE;
	(void)nla_nest_end(m, options);
	return 0;
}

static int
filter_add(struct nl_sock *k, int card, int device, uint32_t number,
    const struct sock_filter *code, unsigned n)
{
	struct nl_msg *m = filter_msg(RTM_NEWTFILTER,
	    NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, card, EGRESS, OURS,
	    number);
	int rc;

	if (m == NULL)
		return -NLE_NOMEM;
	rc = put_filter(m, device, code, n);
	if (rc == 0)
		return nl_send_sync(k, m); /* frees it */
	nlmsg_free(m);
	return rc;
}

static int
filter_delete(struct nl_sock *k, int card)
{
	struct nl_msg *m = filter_msg(
	    RTM_DELTFILTER, NLM_F_REQUEST, card, EGRESS, OURS, 0);

	return m == NULL ? -NLE_NOMEM : nl_send_sync(k, m);
}

struct found {
	uint32_t ours; /* its number; 0: there is none */
	bool others;
};

/* A kind's first entry, without a number, comes before its filters. */
static int
see(struct nl_msg *m, void *arg)
{
	const struct tcmsg *t = nlmsg_data(nlmsg_hdr(m));
	struct found *f = arg;

	if (!nlmsg_valid_hdr(nlmsg_hdr(m), sizeof(*t)))
		return NL_SKIP;
	if (TC_H_MAJ(t->tcm_info) != PRIO << 16)
		f->others = true;
	else if (t->tcm_handle != 0)
		f->ours = t->tcm_handle;
	return NL_OK;
}

static int
look(struct nl_sock *k, int card, uint32_t parent, struct found *f)
{
	struct nl_msg *m = filter_msg(
	    RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP, card, parent, 0, 0);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc = -NLE_NOMEM;

	if (m != NULL && cb != NULL)
		rc = nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, see, f);
	if (rc == 0)
		rc = nl_send_auto(k, m);
	if (rc >= 0)
		rc = nl_recvmsgs(k, cb);
	nlmsg_free(m);
	nl_cb_put(cb);
	return rc;
}

int
mirror_nl_end(struct nl_sock *k, int card)
{
	struct found f = { 0 };
	struct rtnl_qdisc *q;
	int rc = look(k, card, EGRESS, &f);

	if (rc < 0 || f.ours == 0)
		return rc;
	rc = filter_delete(k, card);
	if (rc < 0 || f.ours != MADE || look(k, card, INGRESS, &f) < 0 ||
	    f.others)
		return rc;
	q = clsact(card);
	if (q == NULL)
		return -NLE_NOMEM;
	rc = rtnl_qdisc_delete(k, q);
	rtnl_qdisc_put(q);
	return rc;
}

int
mirror_nl_copy(struct nl_sock *k, int card, int device,
    const struct sock_filter *code, unsigned n)
{
	struct rtnl_qdisc *q;
	int rc = mirror_nl_end(k, card);

	q = rc < 0 ? NULL : clsact(card);
	if (q == NULL)
		return rc < 0 ? rc : -NLE_NOMEM;
	rc = rtnl_qdisc_add(k, q, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_qdisc_put(q);
	if (rc < 0 && rc != -NLE_EXIST)
		return rc;
	return filter_add(
	    k, card, device, rc == 0 ? MADE : FOUND, code, n);
}
