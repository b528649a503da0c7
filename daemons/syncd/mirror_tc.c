/*
 * mirror_tc: libnl knows queues, but no "bpf" among its filters, so those are put
 * together here. Sources: net/sched/cls_bpf.c, act_mirred.c, act_gact.c (6.1).
 */
#include "daemons/syncd/mirror_tc.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/tc.h>
#include <stdbool.h>

#define PRIO 0x796bU /* of our filters; whoever has it too is refused, not hit */
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
enum number { /* of a filter of ours */
	FOUND = 3,    /* the mark: the queue was there */
	MADE = 4,     /* the mark: it was not */
	COPY = 5
};
#define FILTER_BYTES 65536 /* BPF_MAXINSNS are half of it */

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

/* What is done with a packet: an action's kind and its parameters. */
struct action {
	const char *kind;
	int type;
	const void *params;
	int len;
};

static int
put_action(struct nl_msg *m, const struct action *a)
{
	struct nlattr *all, *first, *options;

	all = nla_nest_start(m, TCA_BPF_ACT);
	first = all == NULL ? NULL : nla_nest_start(m, 1);
	if (first == NULL || nla_put_string(m, TCA_ACT_KIND, a->kind) < 0)
		return -NLE_MSGSIZE;
	options = nla_nest_start(m, TCA_ACT_OPTIONS);
	if (options == NULL || nla_put(m, a->type, a->len, a->params) < 0)
		return -NLE_MSGSIZE;
	(void)nla_nest_end(m, options);
	(void)nla_nest_end(m, first);
	(void)nla_nest_end(m, all);
	return 0;
}

static int
put_filter(struct nl_msg *m, const struct action *a,
    const struct sock_filter *code, unsigned n)
{
	struct nlattr *options;

	if (nla_put_string(m, TCA_KIND, "bpf") < 0)
		return -NLE_MSGSIZE;
	options = nla_nest_start(m, TCA_OPTIONS);
	if (options == NULL || (a != NULL && put_action(m, a) < 0) ||
	    nla_put_u16(m, TCA_BPF_OPS_LEN, (uint16_t)n) < 0 ||
	    nla_put(m, TCA_BPF_OPS, (int)(n * sizeof(*code)), code) < 0)
		return -NLE_MSGSIZE;
	(void)nla_nest_end(m, options);
	return 0;
}

static int
filter_add(struct nl_sock *k, int card, uint32_t parent, uint32_t number,
    const struct action *a, const struct sock_filter *code, unsigned n)
{
	struct nl_msg *m = filter_msg(RTM_NEWTFILTER,
	    NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, card, parent, OURS,
	    number);
	int rc;

	if (m == NULL)
		return -NLE_NOMEM;
	rc = put_filter(m, a, code, n);
	if (rc == 0)
		return nl_send_sync(k, m); /* frees it */
	nlmsg_free(m);
	return rc;
}

static int
mark(struct nl_sock *k, int card, enum number number)
{
	const struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);

	return filter_add(k, card, EGRESS, number, NULL, &none, 1);
}

/* number 0: all of ours */
static int
filter_delete(struct nl_sock *k, int card, uint32_t number)
{
	struct nl_msg *m = filter_msg(
	    RTM_DELTFILTER, NLM_F_REQUEST, card, EGRESS, OURS, number);

	return m == NULL ? -NLE_NOMEM : nl_send_sync(k, m);
}

struct found {
	uint32_t mark; /* FOUND, MADE; 0: there is none */
	bool more;     /* of ours */
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
	else if (t->tcm_handle == FOUND || t->tcm_handle == MADE)
		f->mark = t->tcm_handle;
	else if (t->tcm_handle != 0)
		f->more = true;
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
mirror_tc_end(struct nl_sock *k, int card)
{
	struct found f = { 0 };
	struct rtnl_qdisc *q;
	int rc = look(k, card, EGRESS, &f);

	if (rc < 0 || (f.mark == 0 && !f.more))
		return rc;
	rc = filter_delete(k, card, 0);
	if (rc < 0 || f.mark != MADE || look(k, card, INGRESS, &f) < 0 ||
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
mirror_tc_ready(struct nl_sock *k, int card)
{
	struct found f = { 0 };
	struct rtnl_qdisc *q;
	int rc = look(k, card, EGRESS, &f);

	if (rc == 0 && f.more)
		rc = filter_delete(k, card, 0);
	if (rc < 0 || (f.mark != 0 && !f.more))
		return rc;
	if (f.mark != 0)
		return mark(k, card, f.mark);
	q = clsact(card);
	if (q == NULL)
		return -NLE_NOMEM;
	rc = rtnl_qdisc_add(k, q, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_qdisc_put(q);
	if (rc < 0 && rc != -NLE_EXIST)
		return rc;
	return mark(k, card, rc == 0 ? MADE : FOUND);
}

/* The result "unspecified": the filters after ours have their say. */
int
mirror_tc_copy(struct nl_sock *k, int card, int device,
    const struct sock_filter *code, unsigned n)
{
	const struct tc_mirred to = { .action = TC_ACT_UNSPEC,
		.eaction = TCA_EGRESS_MIRROR,
		.ifindex = (uint32_t)device };
	const struct action a = {
		"mirred", TCA_MIRRED_PARMS, &to, sizeof(to)
	};

	return filter_add(k, card, EGRESS, COPY, &a, code, n);
}

int
mirror_tc_still(struct nl_sock *k, int card)
{
	return filter_delete(k, card, COPY);
}

/* A VXLAN device is a door too: what others send to its port would come in by it.
 * It is for sending only, so everything that comes is dropped. */
int
mirror_tc_deafen(struct nl_sock *k, int ifindex)
{
	const struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	const struct tc_gact drop = { .action = TC_ACT_SHOT };
	const struct action a = { "gact", TCA_GACT_PARMS, &drop, sizeof(drop) };
	struct rtnl_qdisc *q = clsact(ifindex);
	int rc;

	if (q == NULL)
		return -NLE_NOMEM;
	rc = rtnl_qdisc_add(k, q, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_qdisc_put(q);
	return rc < 0 ? rc : filter_add(k, ifindex, INGRESS, MADE, &a, &all, 1);
}
