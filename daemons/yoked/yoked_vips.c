/*
 * yoked_vips: the VIPs among others: other programs of this machine that touch
 * them, other machines that claim them. What is found is judged in ha/ and put
 * right by the director; here it is logged, with who it was as far as that can
 * be known.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/yoked/yoked.h"

#define PID_MAX 4194304 /* of any Linux, proc(5) */

/* Most programs' netlink port is their process id. It may have ended, or be
 * another one: a hint. "" if there is none. */
static const char *
who(uint32_t port, char *buf, size_t len)
{
	char file[64], name[32];
	FILE *f;

	buf[0] = '\0';
	if (port == 0 || port >= PID_MAX || port == (uint32_t)getpid())
		return buf;
	(void)snprintf(buf, len, " pid=%u", port);
	(void)snprintf(file, sizeof(file), "/proc/%u/comm", port);
	f = fopen(file, "re");
	if (f == NULL)
		return buf;
	if (fgets(name, sizeof(name), f) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		(void)snprintf(buf, len, " pid=%u program=%s", port, name);
	}
	(void)fclose(f);
	return buf;
}

static bool
holds(void *ctx)
{
	const struct yoked *y = ctx;

	return y->director.holding;
}

static bool
renew(void *ctx)
{
	struct yoked *y = ctx;

	return director_on_vips_touched(&y->director);
}

static void
drop(void *ctx, const struct conf_vip *v)
{
	struct yoked *y = ctx;
	int rc = vip_nl.drop(y->vip, v, 1);
	char addr[ADDR_TEXT_MAX];

	if (rc < 0)
		log_err("vip=%s device=%s drop=failed why=\"%s\"",
		    addr_format(&v->addr, addr, sizeof(addr)), v->device,
		    err_text(rc));
}

static bool
drain(void *ctx)
{
	struct yoked *y = ctx;

	rtwatch_drain(y->net.rt);
	return rtwatch_known(y->net.rt);
}

static void
fault(void *ctx, const struct vip_seat *s, enum vip_fault f)
{
	struct yoked *y = ctx;
	char addr[ADDR_TEXT_MAX], by[64], text[256];

	(void)snprintf(text, sizeof(text), "vip=%s device=%s was %s%s",
	    addr_format(&s->vip->addr, addr, sizeof(addr)), s->vip->device,
	    vip_fault_text(f), who(s->port, by, sizeof(by)));
	log_warning("%s", text);
	yoked_watch(y, text);
}

static const struct vip_watch_ops watch_ops = {
	.holds = holds,
	.renew = renew,
	.drop = drop,
	.drain = drain,
	.fault = fault,
};

static bool
own(void *ctx, const uint8_t mac[6])
{
	const struct yoked *y = ctx;

	return rtwatch_own_mac(y->net.rt, mac);
}

/* By IPv4 as a probe, which changes no neighbour table; by IPv6 from the
 * interface's own address, since the answer to a question without a sender goes
 * to all and would turn them to the duplicate. */
static void
ask(void *ctx, const struct addr *a, const char *device)
{
	static const struct addr none;
	struct yoked *y = ctx;
	const struct rt_link *l = rtwatch_link(y->net.rt, device);

	if (l == NULL || !l->ether || !l->carrier ||
	    (a->family == AF_INET6 && addr_is_none(&l->local6)))
		return;
	(void)neigh_ask(y->net.claims, l->index, l->mac,
	    a->family == AF_INET6 ? &l->local6 : &none, a, NULL);
}

static void
defend(void *ctx)
{
	struct yoked *y = ctx;

	director_defend(&y->director);
}

static void
found(void *ctx, const struct conf_vip *v, const struct vip_dup_seen *s)
{
	struct yoked *y = ctx;
	char addr[ADDR_TEXT_MAX], text[256];
	const uint8_t *m = s->mac;

	(void)snprintf(text, sizeof(text),
	    "vip=%s device=%s is claimed by another host "
	    "mac=%02x:%02x:%02x:%02x:%02x:%02x%s",
	    addr_format(&v->addr, addr, sizeof(addr)), v->device, m[0], m[1],
	    m[2], m[3], m[4], m[5], s->peer ? " (the peer)" : "");
	log_warning("%s", text);
	yoked_watch(y, text);
}

static const struct vip_dup_ops dup_ops = {
	.own = own,
	.ask = ask,
	.defend = defend,
	.found = found,
};

void
yoked_vips_claim(struct yoked *y, int index, const struct neigh_claim *c)
{
	const struct rt_link *l = rtwatch_link_at(y->net.rt, index);

	if (l != NULL)
		vip_dup_claim(
		    &y->net.dups, l->name, &c->addr, c->mac, c->to[0] & 1);
}

/* A standby hears the active; who is in these roles, or comes from them, may
 * not. */
static bool
may_not_know(enum role r)
{
	return r == ROLE_STARTING || r == ROLE_FAULT || r == ROLE_MAINTENANCE;
}

void
yoked_vips_role(struct yoked *y)
{
	bool held = y->director.holding;
	bool sought = y->net.dups.seeking;
	bool ours = held && y->director.role != ROLE_HANDING_OVER;

	if (!y->net.started)
		return;
	if (y->net.dups.holding != ours)
		vip_dup_hold(&y->net.dups, ours); /* the peer may claim them */
	vip_dup_seek(&y->net.dups, may_not_know(y->director.role));
	if (y->net.held == held && y->net.dups.seeking == sought)
		return;
	if (y->net.held != held) {
		y->net.held = held;
		vip_watch_hold(&y->net.vips);
	}
	yoked_net_listen(y);
}

void
yoked_vips_tick(struct yoked *y)
{
	if (y->net.dups.seeking)
		director_on_answered(
		    &y->director, vip_dup_peer_has(&y->net.dups));
}

int
yoked_vips_start(struct yoked *y)
{
	int rc = vip_watch_start(&y->net.vips, y->loop, y->conf, &watch_ops, y);

	if (rc == 0)
		rc = vip_dup_start(&y->net.dups, y->loop, y->conf, &dup_ops, y);
	return rc;
}

void
yoked_vips_stop(struct yoked *y)
{
	vip_watch_stop(&y->net.vips);
	vip_dup_stop(&y->net.dups);
}

void
yoked_vips_reload(struct yoked *y)
{
	if (vip_watch_reload(&y->net.vips, y->conf) < 0 ||
	    vip_dup_reload(&y->net.dups, y->conf) < 0)
		log_err("vips=unwatched why=\"out of memory\"");
	rtwatch_again(y->net.rt);
}
