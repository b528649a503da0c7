/*
 * uplink_nl: devices as rtnetlink tells of them, and questions to witnesses.
 *
 * The way to a witness is the kernel's own (a route lookup, kept for a while or
 * until something changes). A witness that answered is asked at its hardware
 * address; only one that did not is sought by a question to all.
 */
#include "ha/uplink_nl.h"

#include <errno.h>
#include <string.h>

#define WAY_KEPT (5 * USEC_S)

static enum uplink_device
nl_device(void *ctx, const char *name)
{
	const struct uplink_nl *n = ctx;
	const struct rt_link *l;

	if (!rtwatch_known(n->rt))
		return UPLINK_UNKNOWN;
	l = rtwatch_link(n->rt, name);
	if (l == NULL)
		return UPLINK_GONE;
	if (!l->up)
		return UPLINK_DOWN;
	return l->carrier ? UPLINK_FINE : UPLINK_NO_CARRIER;
}

static const char *
find_gateway(const struct uplink_nl *n, int index, struct uplink_way *way)
{
	const struct rt_route *r = rtwatch_default(n->rt, AF_INET, index);

	if (r == NULL)
		r = rtwatch_default(n->rt, AF_INET6, index);
	if (r == NULL)
		return "there is no default route";
	if (addr_is_none(&r->gateway))
		return "the default route names no gateway";
	way->target = r->gateway;
	way->index = r->index;
	return NULL;
}

static bool
is_vip(const struct uplink_nl *n, const struct addr *a)
{
	size_t i;

	for (i = 0; i < n->conf->n_vips; i++)
		if (addr_cmp(&n->conf->vips[i].addr, a) == 0)
			return true;
	return false;
}

/* NULL, or why there is no way. */
static const char *
find_way(struct uplink_nl *n, const struct conf_witness *w, const char *device,
    struct uplink_way *way)
{
	const struct rt_link *l = NULL;
	struct addr was = way->target;
	const char *problem = NULL;
	int rc;

	if (device[0] != '\0') {
		l = rtwatch_link(n->rt, device);
		if (l == NULL)
			return "its device does not exist";
	}
	way->index = l != NULL ? l->index : 0;
	way->target = w->addr;
	if (w->gateway)
		problem = find_gateway(n, way->index, way);
	if (problem != NULL)
		return problem;
	rc = rtwatch_reach(n->rt, &way->target, way->index, &way->reach);
	if (rc == -EADDRINUSE)
		return "it is this director's own address";
	if (rc < 0)
		return "no route leads to it";
	if (addr_cmp(&was, &way->target) != 0)
		way->mac_known = false;
	if (is_vip(n, &way->reach.source))
		way->reach.source = (struct addr){ 0 };
	way->index = way->reach.index;
	way->found = loop_now(n->uplink->loop);
	return NULL;
}

static int
send_question(struct uplink_nl *n, unsigned i, struct uplink_asked *ret)
{
	struct uplink_way *way = &n->ways[i];
	const struct rt_link *l = rtwatch_link_at(n->rt, way->index);
	bool known = way->mac_known;

	way->mac_known = false; /* until it answers */
	if (l == NULL)
		return -ENODEV;
	if (addr_is_none(&way->reach.via) && l->ether) {
		ret->how =
		    way->target.family == AF_INET6 ? UPLINK_ND : UPLINK_ARP;
		return neigh_ask(n->neigh, way->index, l->mac,
		    &way->reach.source, &way->target, known ? way->mac : NULL);
	}
	ret->how = UPLINK_ICMP;
	if (addr_is_none(&way->reach.source))
		return -EADDRNOTAVAIL;
	return ping_send(
	    n->ping, i, &way->target, &way->reach.source, way->index);
}

static void
follow_routes(struct uplink_nl *n)
{
	unsigned i;

	if (n->generation == rtwatch_generation(n->rt))
		return;
	n->generation = rtwatch_generation(n->rt);
	for (i = 0; i < CONF_WITNESSES_MAX; i++)
		n->ways[i].found = 0;
}

static struct uplink_asked
nl_ask(void *ctx, unsigned i, const struct conf_witness *w, const char *device)
{
	struct uplink_nl *n = ctx;
	struct uplink_way *way = &n->ways[i];
	struct uplink_asked asked = { 0 };
	struct addr was = way->target;
	int rc;

	if (!rtwatch_known(n->rt)) {
		asked.problem = "the routes are not known yet";
		return asked;
	}
	follow_routes(n);
	if (way->found == 0 ||
	    loop_now(n->uplink->loop) - way->found > WAY_KEPT) {
		way->found = 0;
		asked.problem = find_way(n, w, device, way);
		if (asked.problem != NULL)
			return asked;
		if (addr_cmp(&was, &way->target) != 0)
			n->retarget(n->arg);
	}
	asked.addr = way->target;
	rc = send_question(n, i, &asked);
	if (rc == -EADDRNOTAVAIL)
		asked.problem = "there is no address but a vip to ask it from";
	else if (rc < 0)
		asked.problem = strerror(-rc);
	return asked;
}

unsigned
uplink_nl_targets(
    const struct uplink_nl *n, struct addr ret[CONF_WITNESSES_MAX])
{
	unsigned i, count = 0;

	for (i = 0; i < n->uplink->n_witnesses; i++)
		if (!addr_is_none(&n->ways[i].target))
			ret[count++] = n->ways[i].target;
	return count;
}

/* An answer is addressed to us, not to all. */
void
uplink_nl_heard(struct uplink_nl *n, int index, const struct neigh_claim *c)
{
	const struct rt_link *l = rtwatch_link_at(n->rt, index);
	struct uplink_way *way;
	unsigned i;

	if (!c->answer || l == NULL)
		return;
	for (i = 0; i < n->uplink->n_witnesses; i++) {
		way = &n->ways[i];
		if (way->index != index ||
		    addr_cmp(&way->target, &c->addr) != 0)
			continue;
		if (memcmp(c->to, l->mac, 6) != 0 &&
		    !addr_is_none(&way->reach.source))
			continue;
		memcpy(way->mac, c->mac, 6);
		way->mac_known = true;
		uplink_on_answer(n->uplink, i);
	}
}

void
uplink_nl_echo(struct uplink_nl *n, unsigned i)
{
	uplink_on_answer(n->uplink, i);
}

/* Witnesses may have other numbers now. */
void
uplink_nl_reload(struct uplink_nl *n, const struct conf *fresh)
{
	n->conf = fresh;
	memset(n->ways, 0, sizeof(n->ways));
}

const struct uplink_ops uplink_nl_ops = {
	.device = nl_device,
	.ask = nl_ask,
};
