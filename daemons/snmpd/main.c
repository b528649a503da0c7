/*
 * yoke-snmpd: this director's status for SNMP, as a subagent of snmpd.
 *
 *   yoked --watch/feed.c--> status --mib.c--> values --agent.c--> snmpd
 *                                  --watch/events.c--> notifications
 *
 * While somebody asks, values are at most about a second old; else they are
 * looked at now and then, for the notifications. However fast a manager walks,
 * yoked is asked once a second.
 */
#include <stdio.h>
#include <string.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/snmpd/agent.h"
#include "daemons/snmpd/mib.h"
#include "watch/feed.h"

#define LOOK (5 * USEC_S) /* without news and questions */
#define GONE (3 * USEC_S) /* yoked may be away for, as when it restarts */

struct snmpd {
	struct daemon *daemon;
	struct feed *feed;
	struct agent *agent;
	struct mib *mib; /* NULL: none yet */
	usec_t when;	 /* it was made */
	struct timer look, gone;
	bool answers, told_gone;
	int gone_rc;
};

static void
on_event(const struct event *e, void *arg)
{
	struct snmpd *s = arg;
	uint32_t wanted = s->daemon->conf->snmp_events;

	/* What was so before we came is found by asking. */
	if (e->initial || (wanted != 0 && (wanted >> e->id & 1) == 0))
		return;
	agent_event(s->agent, e);
}

static void
tell_yoked(struct snmpd *s, enum event_id id, const char *text)
{
	const struct event e = {
		.id = id,
		.instance = s->daemon->conf->instance,
		.node = s->daemon->conf->self->name,
		.role = "", .service = "", .server = "", .path = "",
		.name = "", .from = "", .why = "", .text = text,
	};

	on_event(&e, s);
}

static void
set_mib(struct snmpd *s, json_t *status)
{
	struct mib *fresh;

	fresh = mib_new(status, loop_now(s->daemon->loop), s->mib);
	if (fresh == NULL) {
		log_err("status=dropped why=\"out of memory\"");
		json_decref(status);
		return;
	}
	events_between(
	    s->mib != NULL ? mib_status(s->mib) : NULL, status, on_event, s);
	mib_free(s->mib);
	s->mib = fresh;
	s->when = loop_now(s->daemon->loop);
	s->answers = true;
}

static void
on_status(const char *text, size_t len, void *arg)
{
	struct snmpd *s = arg;
	json_error_t e;
	json_t *j = json_loadb(text, len, 0, &e);

	if (!json_is_object(j)) {
		log_warning("status=unreadable why=\"%s\"", e.text);
		json_decref(j);
		return;
	}
	timer_stop(&s->gone);
	if (s->told_gone)
		tell_yoked(s, EVENT_YOKED_BACK, "yoked answers again");
	s->told_gone = false;
	set_mib(s, j);
	timer_in(&s->look, LOOK);
}

static void
on_gone(int rc, void *arg)
{
	struct snmpd *s = arg;

	s->answers = false;
	s->gone_rc = rc;
	if (!s->told_gone && !timer_armed(&s->gone))
		timer_in(&s->gone, GONE);
	timer_in(&s->look, USEC_S);
}

static void
on_still_gone(void *arg)
{
	struct snmpd *s = arg;

	s->told_gone = true;
	tell_yoked(s, EVENT_YOKED_GONE, err_text(s->gone_rc));
}

static void
on_look(void *arg)
{
	struct snmpd *s = arg;

	feed_ask(s->feed);
}

static void
on_line(const char *line, void *arg)
{
	struct snmpd *s = arg;

	if (strncmp(line, "role=", 5) == 0)
		feed_hurry(s->feed);
	else
		feed_ask(s->feed);
}

/* ---- the agent's side ---- */

static const struct mib *
values(void *arg)
{
	struct snmpd *s = arg;
	usec_t now = loop_now(s->daemon->loop);

	if (s->feed != NULL && now > s->when + USEC_S)
		feed_ask(s->feed);
	if (s->mib != NULL)
		mib_set_live(s->mib, s->answers, now);
	return s->mib;
}

static void
on_connected(bool yes, void *arg)
{
	struct snmpd *s = arg;

	if (yes)
		log_notice("snmpd=connected socket=%s",
		    s->daemon->conf->snmp_agentx);
	else
		log_warning("snmpd=gone action=\"looked for again\"");
}

/* ---- parts ---- */

static void
reload(struct daemon *d)
{
	struct conf *fresh;

	if (daemon_load(d, &fresh) < 0)
		return;
	if (strcmp(fresh->instance, d->conf->instance) != 0 ||
	    strcmp(fresh->snmp_agentx, d->conf->snmp_agentx) != 0) {
		log_err("configuration=unused why=\"instance or agentx differ: "
			"restart\"");
		conf_free(fresh);
		return;
	}
	conf_free(d->conf);
	d->conf = fresh;
}

static void
on_reload(void *arg)
{
	struct snmpd *s = arg;

	reload(s->daemon);
}

static const struct feed_ops feed_ops = {
	.on_status = on_status,
	.on_line = on_line,
	.on_gone = on_gone,
	.on_reload = on_reload,
};

static const struct agent_ops agent_ops = { values, on_connected };

static int
agent_start(struct daemon *d)
{
	struct snmpd *s = d->user;

	s->daemon = d;
	timer_init(&s->look, d->loop, on_look, s);
	timer_init(&s->gone, d->loop, on_still_gone, s);
	return agent_new(
	    d->loop, d->conf->snmp_agentx, &agent_ops, s, &s->agent);
}

static void
agent_stop(struct daemon *d)
{
	struct snmpd *s = d->user;

	agent_free(s->agent);
	mib_free(s->mib);
}

static int
feed_start(struct daemon *d)
{
	struct snmpd *s = d->user;

	return feed_new(d->loop, d->conf->instance, &feed_ops, s, &s->feed);
}

static void
feed_stop(struct daemon *d)
{
	struct snmpd *s = d->user;

	feed_free(s->feed);
	s->feed = NULL;
	timer_stop(&s->look);
	timer_stop(&s->gone);
}

static const struct part parts[] = {
	{ "agent", agent_start, agent_stop },
	{ "feed", feed_start, feed_stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-snmpd",
	.purpose = "Serves the status of yoked to SNMP, by way of snmpd.",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY,
	.reload = reload,
};

int
main(int argc, char **argv)
{
	struct snmpd s = { 0 };

	return daemon_main(&desc, argc, argv, &s);
}
