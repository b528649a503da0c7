/*
 * yoked_net: what happens on this director's own network: the kernel's events
 * go to those who judge them, and their verdicts to the director.
 */
#include "common/log.h"
#include "daemons/yoked/yoked.h"

static void
on_addr(const struct rt_addr *a, bool gone, void *arg)
{
	(void)a;
	(void)gone;
	(void)arg;
}

static void
on_restart(void *arg)
{
	(void)arg;
}

static void
on_settled(bool known, void *arg)
{
	struct yoked_net *n = arg;

	if (known && n->started)
		uplink_on_devices(&n->uplink);
}

static const struct rtwatch_listener listener = {
	.on_addr = on_addr,
	.on_restart = on_restart,
	.on_settled = on_settled,
};

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

int
yoked_net_start(struct yoked *y)
{
	struct yoked_net *n = &y->net;
	int rc = rtwatch_open(y->loop, &listener, n, &n->rt);

	if (rc < 0)
		return rc;
	n->uplink_nl = (struct uplink_nl){ .rt = n->rt };
	rc = uplink_start(&n->uplink, y->loop, y->conf, &uplink_nl_ops,
	    &n->uplink_nl, on_judged, y);
	n->started = rc == 0;
	if (rc < 0)
		yoked_net_stop(y);
	return rc;
}

void
yoked_net_stop(struct yoked *y)
{
	struct yoked_net *n = &y->net;

	if (n->started)
		uplink_stop(&n->uplink);
	n->started = false;
	rtwatch_close(n->rt);
	n->rt = NULL;
}

void
yoked_net_reload(struct yoked *y)
{
	if (uplink_reload(&y->net.uplink, y->conf) < 0)
		log_err("uplink=unchanged why=\"out of memory\"");
}
