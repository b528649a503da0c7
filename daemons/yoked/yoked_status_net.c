/*
 * yoked_status_net: the status of our own network: the uplink and who is asked
 * about it.
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

void
yoked_alarms_net(const struct yoked *y, struct out *o)
{
	const struct uplink *u = &y->net.uplink;
	char text[sizeof(u->why) + 32];

	if (!y->net.started || u->well)
		return;
	(void)snprintf(text, sizeof(text), "uplink lost: %s",
	    u->why[0] != '\0' ? u->why : "it is back, but not for long yet");
	yoked_alarm(o, "uplink", text);
}
