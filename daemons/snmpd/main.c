/*
 * yoke-snmpd: this director's status for SNMP, as a subagent of snmpd.
 *
 *   yoked --watch/news.c--> status --mib.c--> values --agent.c--> snmpd
 *                           events ----------------> notifications
 *
 * While somebody asks, values are at most about a second old; else they are
 * looked at now and then, for the notifications. However fast a manager walks,
 * yoked is asked once a second.
 */
#include <errno.h>
#include <string.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/snmpd/agent.h"
#include "daemons/snmpd/mib.h"
#include "watch/news.h"

struct snmpd {
	struct daemon *daemon;
	struct news *news;
	struct agent *agent;
	struct mib *mib; /* NULL: none yet */
	usec_t when;	 /* it was made */
	bool answers;
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
on_status(json_t *status, void *arg)
{
	struct snmpd *s = arg;
	usec_t now = loop_now(s->daemon->loop);
	struct mib *fresh = mib_new(json_incref(status), now, s->mib);

	if (fresh == NULL) {
		log_err("status=dropped why=\"out of memory\"");
		json_decref(status);
		return;
	}
	mib_free(s->mib);
	s->mib = fresh;
	s->when = now;
	s->answers = true;
}

static void
on_gone(int rc, const char *why, void *arg)
{
	struct snmpd *s = arg;

	if (rc == -EBADMSG)
		log_warning("status=unreadable why=\"%s\"", why);
	s->answers = false;
}

/* ---- the agent's side ---- */

static const struct mib *
values(void *arg)
{
	struct snmpd *s = arg;
	usec_t now = loop_now(s->daemon->loop);

	if (s->news != NULL && now > s->when + USEC_S)
		news_ask(s->news);
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

static const struct news_ops news_ops = {
	.on_status = on_status,
	.on_gone = on_gone,
	.on_event = on_event,
	.on_reload = on_reload,
};

static const struct agent_ops agent_ops = { values, on_connected };

static int
agent_start(struct daemon *d)
{
	struct snmpd *s = d->user;

	s->daemon = d;
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
news_start(struct daemon *d)
{
	struct snmpd *s = d->user;

	return news_new(d, &news_ops, s, &s->news);
}

static void
news_stop(struct daemon *d)
{
	struct snmpd *s = d->user;

	news_free(s->news);
	s->news = NULL;
}

static const struct part parts[] = {
	{ "agent", agent_start, agent_stop },
	{ "news", news_start, news_stop },
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
