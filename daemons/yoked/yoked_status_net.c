/*
 * yoked_status_net: the status of our own network: the uplink and who is asked
 * about it, and what others do with the VIPs.
 */
#include <stdio.h>

#include "common/out.h"
#include "daemons/yoked/yoked.h"

static usec_t
since(const struct yoked *y, usec_t then)
{
	usec_t now = loop_now(y->loop);

	return now > then ? now - then : 0;
}

static void
show_device(const struct yoked *y, const struct uplink_dev *d, struct out *o)
{
	out_object(o, NULL);
	out_str(o, "name", d->name);
	if (d->state == UPLINK_UNKNOWN)
		out_null(o, "carrier");
	else
		out_bool(o, "carrier", d->state == UPLINK_FINE);
	out_ms(o, "for_ms", since(y, d->since));
	out_close(o);
}

static void
show_witness(
    const struct yoked *y, const struct uplink_witness *w, struct out *o)
{
	char text[ADDR_TEXT_MAX];

	out_object(o, NULL);
	out_str(o, "name",
	    w->def.gateway ? "gateway"
			   : addr_format(&w->def.addr, text, sizeof(text)));
	out_str(o, "address",
	    addr_is_none(&w->asked.addr)
		? NULL
		: addr_format(&w->asked.addr, text, sizeof(text)));
	out_str(o, "how", uplink_how_name(w->asked.how));
	if (w->up && w->answered == 0)
		out_null(o, "up");
	else
		out_bool(o, "up", w->up);
	if (w->answered != 0)
		out_ms(o, "answered_ms", since(y, w->answered));
	else
		out_null(o, "answered_ms");
	out_str(o, "problem", w->asked.problem);
	out_close(o);
}

void
yoked_status_uplink(const struct yoked *y, struct out *o)
{
	const struct uplink *u = &y->net.uplink;
	size_t i;

	out_object(o, "uplink");
	out_bool(o, "well", u->well);
	out_str(o, "why", u->why);
	out_ms(o, "for_ms", since(y, u->since));
	out_num(o, "losses", u->losses);
	out_num(o, "need", y->conf->uplink_need);
	out_array(o, "devices");
	for (i = 0; i < u->n_devices; i++)
		show_device(y, &u->devices[i], o);
	out_close(o);
	out_array(o, "witnesses");
	for (i = 0; i < u->n_witnesses; i++)
		show_witness(y, &u->witnesses[i], o);
	out_close(o);
	out_close(o);
}

static const char *
mac_text(const uint8_t m[6], char *buf, size_t len)
{
	(void)snprintf(buf, len, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
	    m[2], m[3], m[4], m[5]);
	return buf;
}

static void
show_duplicate(
    const struct yoked *y, const struct vip_dup_seen *s, struct out *o)
{
	char text[24];

	out_object(o, "duplicate");
	out_str(
	    o, "mac", s != NULL ? mac_text(s->mac, text, sizeof(text)) : NULL);
	out_bool(o, "peer", s != NULL && s->peer);
	if (s != NULL) {
		out_ms(o, "since_ms", since(y, s->since));
		out_ms(o, "last_ms", since(y, s->last));
	} else {
		out_null(o, "since_ms");
		out_null(o, "last_ms");
	}
	out_num(o, "claims", s != NULL ? s->count : 0);
	out_close(o);
}

void
yoked_status_vip(const struct yoked *y, size_t i, struct out *o)
{
	static const struct vip_seat none;
	const struct vip_seat *s =
	    vip_watch_seat(&y->net.vips, &y->conf->vips[i]);

	if (s == NULL)
		s = &none;
	out_num(o, "touched", s->removed);
	out_num(o, "intruded", s->intruded);
	if (s->when != 0)
		out_ms(o, "touched_ms", since(y, s->when));
	else
		out_null(o, "touched_ms");
	out_str(
	    o, "touched_text", s->when != 0 ? vip_fault_text(s->last) : NULL);
	show_duplicate(y, vip_dup_now(&y->net.dups, i), o);
}

static void
seat_alarm(const struct yoked *y, const struct vip_seat *s, struct out *o)
{
	char addr[ADDR_TEXT_MAX], text[256];

	if (s == NULL || !vip_seat_recent(s, loop_now(y->loop)))
		return;
	(void)snprintf(text, sizeof(text), "vip %s was %s, %u time%s%s",
	    addr_format(&s->vip->addr, addr, sizeof(addr)),
	    vip_fault_text(s->last), s->recent, s->recent == 1 ? "" : "s",
	    s->recent >= VIP_FIGHT ? ": something here fights over it" : "");
	yoked_alarm(o, "vip", text);
}

static void
duplicate_alarm(const struct yoked *y, size_t i, struct out *o)
{
	const struct vip_dup_seen *s = vip_dup_now(&y->net.dups, i);
	char addr[ADDR_TEXT_MAX], mac[24], text[256];

	if (s == NULL)
		return;
	(void)addr_format(&y->conf->vips[i].addr, addr, sizeof(addr));
	(void)mac_text(s->mac, mac, sizeof(mac));
	if (s->peer)
		(void)snprintf(text, sizeof(text),
		    "vip %s: the peer (%s) answers for it too", addr, mac);
	else
		(void)snprintf(text, sizeof(text),
		    "vip %s is a duplicate: %s claims it too, on %s", addr, mac,
		    y->conf->vips[i].device);
	yoked_alarm(o, s->peer ? "two-holders" : "duplicate", text);
}

void
yoked_alarms_net(const struct yoked *y, struct out *o)
{
	const struct uplink *u = &y->net.uplink;
	char text[sizeof(u->why) + 32];
	size_t i;

	if (!y->net.started)
		return;
	for (i = 0; i < y->conf->n_vips; i++) {
		seat_alarm(
		    y, vip_watch_seat(&y->net.vips, &y->conf->vips[i]), o);
		duplicate_alarm(y, i, o);
	}
	if (u->well)
		return;
	(void)snprintf(text, sizeof(text), "uplink lost: %s",
	    u->why[0] != '\0' ? u->why : "it is back, but not for long yet");
	yoked_alarm(o, "uplink", text);
}
