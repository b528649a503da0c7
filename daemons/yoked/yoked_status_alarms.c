/*
 * yoked_status_alarms: what is not well, in words. What is not well with
 * the network is in yoked_status_net.c.
 */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "daemons/yoked/yoked_status_impl.h"
#include "ha/mounting.h"

#define MONITOR_WORD (120 * USEC_S)
#define MONITOR_LATE (50U * 1000) /* us */
#define RECENT (3 * USEC_S) /* a refused beat of then still explains things */

void
yoked_alarm(struct out *o, const char *name, const char *text)
{
	out_object(o, NULL);
	out_str(o, "name", name);
	out_str(o, "text", text);
	out_close(o);
}

/* Why a path that is down is down, as far as it shows. */
static const char *
path_trouble(const struct yoked *y, const struct path_state *p)
{
	static const char *const refusals[REFUSED__LAST] = {
		[REFUSED_MALFORMED] = "what is heard on it is no beat",
		[REFUSED_VERSION] = "its beats have another version",
		[REFUSED_AUTH] = ("its beats are not signed with our key; is "
				 "the key file the same on both directors?"),
		[REFUSED_FOREIGN] = "its beats are of another instance or node",
		[REFUSED_REPLAY] = "only old beats are heard on it",
		[REFUSED_UNPROVEN] = "its beats do not answer ours",
	};

	if (p->path != NULL && p->path->problem != NULL)
		return p->path->problem;
	if (p->refused != 0 &&
	    status_ago(loop_now(y->loop), p->refused) < RECENT)
		return refusals[p->refusal];
	if (p->path != NULL && p->path->line != NULL &&
	    p->path->line->carrier == CARRIER_NO)
		return "no carrier: the other side is off or the cable is "
		       "unplugged";
	return p->heard == 0 ? "nothing was ever heard on it"
			     : "nothing is heard on it";
}

static void
path_alarms(const struct yoked *y, struct out *o)
{
	const struct beats *b = &y->director.beats;
	char text[CONF_TEXT_LEN];
	unsigned i;

	for (i = 0; i < b->n_paths; i++) {
		const struct path_state *p = &b->paths[i];

		if (p->up)
			continue;
		(void)snprintf(text, sizeof(text), "path %s: %s", p->own->name,
		    path_trouble(y, p));
		yoked_alarm(o, "path", text);
	}
}

/* Connected is not enough: it may be stopped, or wait for a disk. */
static bool
helper_answers(const struct yoked *y, const struct helper *h)
{
	return h->conn != NULL && loop_now(y->loop) - h->heard < HELPER_SILENT;
}

static void
helper_alarm(const struct yoked *y, const struct helper *h, struct out *o)
{
	char text[64];

	if (helper_answers(y, h))
		return;
	(void)snprintf(text, sizeof(text), "yoke-%s %s", h->name,
	    h->conn == NULL ? "is not connected" : "does not answer");
	yoked_alarm(o, h->name, text);
}

/* Its last word counts for two minutes. */
static void
late_alarm(const struct yoked *y, struct out *o)
{
	const struct monitor_state *s = &y->monitor_state;
	char text[160];

	if (y->monitor.conn == NULL || y->monitor_said == 0 ||
	    status_ago(loop_now(y->loop), y->monitor_said) > MONITOR_WORD)
		return;
	if (s->late_p99_us > MONITOR_LATE) {
		(void)snprintf(text, sizeof(text), "probes begin late, one in "
		    "a hundred by %u ms or more: servers are judged later "
		    "than configured", s->late_p99_us / 1000);
		yoked_alarm(o, "monitord-late", text);
	}
	if (s->unasked > 0) {
		(void)snprintf(text, sizeof(text), "%u probes of %u could not "
		    "be made in the last minute, for reasons of this machine",
		    s->unasked, s->started);
		yoked_alarm(o, "monitord-unasked", text);
	}
}

/* Of the standby too: it would know nothing of the servers once it is active.
 * Once for an interface, as a rule all of them have the same. */
static void
through_alarms(const struct yoked *y, struct out *o)
{
	const char *device = "";
	char what[80], text[160];
	size_t i;

	for (i = 0; i < y->conf->n_vips; i++) {
		const struct conf_vip *v = &y->conf->vips[i];

		if (!v->probed || v->addr.family != AF_INET ||
		    strcmp(device, v->device) == 0)
			continue;
		device = v->device;
		if (probe_path_accepts(device))
			continue;
		(void)snprintf(text, sizeof(text), "checks through the vip "
		    "get no answer while active: %s, set it to 1",
		    probe_path_format(device, what, sizeof(what)));
		yoked_alarm(o, "through-vip", text);
	}
}

static void
link_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;

	helper_alarm(y, &y->link, o);
	if (y->link.conn == NULL)
		return;
	if (!d->members.connected)
		yoked_alarm(o, "link", "corosync is not connected");
	else if (!d->members.peer && beats_any_up(&d->beats))
		yoked_alarm(o, "link", "the peer is not in the corosync group");
}

static void
store_alarms(const struct yoked *y, struct out *o)
{
	const struct store_state *s = &y->store_state;
	char text[WIRE_TEXT_LEN + 32];

	helper_alarm(y, &y->store, o);
	if (s->mounting == MOUNTING_STUCK) {
		(void)snprintf(text, sizeof(text),
		    "%.120s cannot be unmounted here; the other director waits",
		    y->conf->checkpoint_device);
		yoked_alarm(o, "device", text);
	}
	if (!status_holds(&y->director) || s->ok || s->error[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "checkpoint: %s", s->error);
	yoked_alarm(o, "checkpoint", text);
}

static void
service_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	char text[128];

	if (d->vip_rc < 0) {
		(void)snprintf(text, sizeof(text), "virtual addresses: %s",
		    err_text(d->vip_rc));
		yoked_alarm(o, "vips", text);
	}
	if (d->ipvs.rc < 0 || d->ipvs.error[0] != '\0')
		yoked_alarm(o, "ipvs", d->ipvs.error);
	helper_alarm(y, &y->monitor, o);
	late_alarm(y, o);
	through_alarms(y, o);
	if (y->conf->sync)
		helper_alarm(y, &y->sync, o);
}

static void
fence_alarm(const struct yoked *y, struct out *o)
{
	const struct fence *f = &y->director.fence;
	char text[256];

	if (f->state != FENCE_FAILED)
		return;
	(void)snprintf(text, sizeof(text), "fencing %s failed: %s; tried again",
	    y->conf->peer->name, f->text);
	yoked_alarm(o, "fence", text);
}

void
status_alarms(const struct yoked *y, struct out *o)
{
	const struct director *d = &y->director;
	enum why why = d->decision.why;

	out_array(o, "alarms");
	if (d->decision.alarm)
		yoked_alarm(o, why_name(why), why_text(why));
	if (d->role == ROLE_ACTIVE && !status_peer_in_step(d) &&
	    !(d->decision.alarm && why == WHY_ALONE))
		yoked_alarm(o, "no-standby", "no standby is in step");
	fence_alarm(y, o);
	yoked_alarms_net(y, o);
	service_alarms(y, o);
	path_alarms(y, o);
	link_alarms(y, o);
	store_alarms(y, o);
	out_close(o);
}
