/*
 * yoked_net: what happens on this director's own network: events of the kernel
 * and of the segment go to those who judge them, and their verdicts to the
 * director.
 */
#include <stdlib.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/yoked/yoked.h"

static void
on_addr(const struct rt_addr *a, bool gone, void *arg)
{
	struct yoked *y = arg;

	if (y->net.started)
		vip_watch_on_addr(&y->net.vips, a,
		    rtwatch_link_at(y->net.rt, a->index), gone);
}

static void
on_restart(void *arg)
{
	struct yoked *y = arg;

	if (y->net.started)
		vip_watch_restart(&y->net.vips);
}

static bool
has_carrier(const char *device, void *arg)
{
	const struct yoked *y = arg;
	const struct rt_link *l = rtwatch_link(y->net.rt, device);

	return l != NULL && l->up && l->carrier;
}

/* The uplink first: a director that lost all its cards must know that. */
static void
on_settled(bool known, void *arg)
{
	struct yoked *y = arg;

	if (!known || !y->net.started)
		return;
	vip_watch_settled(&y->net.vips);
	uplink_on_devices(&y->net.uplink);
	beats_carrier(&y->director.beats, has_carrier, y);
}

static const struct rtwatch_listener listener = {
	.on_addr = on_addr,
	.on_restart = on_restart,
	.on_settled = on_settled,
};

static void
on_answer(int index, const struct neigh_claim *c, void *arg)
{
	struct yoked *y = arg;

	if (y->net.started)
		uplink_nl_heard(&y->net.uplink_nl, index, c);
}

static void
on_claim(int index, const struct neigh_claim *c, void *arg)
{
	struct yoked *y = arg;

	if (y->net.started)
		yoked_vips_claim(y, index, c);
}

static void
on_echo(unsigned slot, void *arg)
{
	struct yoked *y = arg;

	if (y->net.started)
		uplink_nl_echo(&y->net.uplink_nl, slot);
}

static void
listen_to(struct neigh *n, const struct addr *addrs, size_t count)
{
	int rc = neigh_listen(n, addrs, count);

	if (rc < 0)
		log_err("segment=deaf why=\"%s\"", err_text(rc));
}

/* Claims of VIPs that we hold are duplicates, of those that we would take their
 * holder's; the peer's own tell its card. */
void
yoked_net_listen(struct yoked *y)
{
	const struct conf *c = y->conf;
	size_t i, n = 0;
	struct addr *addrs = calloc(CONF_PATHS_MAX + c->n_vips, sizeof(*addrs));

	if (addrs == NULL)
		return;
	for (i = 0; i < c->peer->n_paths; i++)
		if (c->peer->paths[i].type == PATH_UDP)
			addrs[n++] = c->peer->paths[i].address;
	for (i = 0; (y->net.held || y->net.dups.seeking) && i < c->n_vips; i++)
		addrs[n++] = c->vips[i].addr;
	listen_to(y->net.claims, addrs, n);
	free(addrs);
}

/* Claims of witnesses are answers. They have ears of their own: a flood of
 * others does not drown them. */
static void
retarget(void *arg)
{
	struct yoked *y = arg;
	struct addr addrs[CONF_WITNESSES_MAX];

	listen_to(
	    y->net.answers, addrs, uplink_nl_targets(&y->net.uplink_nl, addrs));
}

static void
on_judged(bool well, void *arg)
{
	struct yoked *y = arg;
	const struct uplink *u = &y->net.uplink;

	if (well)
		log_notice("uplink=well");
	else
		log_warning("uplink=lost why=\"%s\"", u->why);
	director_on_uplink(&y->director, well);
}

static int
open_all(struct yoked *y)
{
	struct yoked_net *n = &y->net;
	int rc = rtwatch_open(y->loop, &listener, y, &n->rt);

	if (rc == 0)
		rc = neigh_open(y->loop, on_answer, y, &n->answers);
	if (rc == 0)
		rc = neigh_open(y->loop, on_claim, y, &n->claims);
	if (rc == 0)
		rc = ping_open(y->loop, on_echo, y, &n->ping);
	return rc;
}

static void
on_witness(void *arg)
{
	struct yoked *y = arg;

	director_on_witness(&y->director);
}

static bool
outside_fine(void *ctx)
{
	const struct yoked *y = ctx;

	return !y->net.started || uplink_fine(&y->net.uplink);
}

static bool
outside_sure(void *ctx, usec_t since)
{
	struct yoked *y = ctx;

	return !y->net.started || uplink_sure(&y->net.uplink, since);
}

const struct outside_ops yoked_outside = { outside_fine, outside_sure };

int
yoked_net_start(struct yoked *y)
{
	struct yoked_net *n = &y->net;
	int rc = open_all(y);

	if (rc == 0) {
		n->uplink_nl = (struct uplink_nl){ .uplink = &n->uplink,
			.conf = y->conf,
			.rt = n->rt,
			.neigh = n->answers,
			.ping = n->ping,
			.retarget = retarget,
			.arg = y };
		rc = uplink_start(&n->uplink, y->loop, y->conf, &uplink_nl_ops,
		    &n->uplink_nl, on_judged, y);
		n->uplink.answered = on_witness;
		if (rc == 0)
			rc = yoked_vips_start(y);
		n->started = true;
	}
	if (rc < 0) {
		yoked_net_stop(y);
		return rc;
	}
	yoked_vips_role(y);
	yoked_net_listen(y);
	return 0;
}

void
yoked_net_stop(struct yoked *y)
{
	struct yoked_net *n = &y->net;

	if (n->started) {
		yoked_vips_stop(y);
		uplink_stop(&n->uplink);
	}
	n->started = false;
	ping_close(n->ping);
	neigh_close(n->answers);
	neigh_close(n->claims);
	rtwatch_close(n->rt);
	*n = (struct yoked_net){ 0 };
}

void
yoked_net_reload(struct yoked *y)
{
	uplink_nl_reload(&y->net.uplink_nl, y->conf);
	if (uplink_reload(&y->net.uplink, y->conf) < 0)
		log_err("uplink=unchanged why=\"out of memory\"");
	yoked_vips_reload(y);
	retarget(y);
	yoked_net_listen(y);
}
