/*
 * yoke-syncd: connections for the standby that the kernel's own synchronisation
 * does not give it: those from before it came, and those of this moment.
 */
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/syncd/syncd.h"
#include "ha/ipvs.h"

/* Below yoked; of an active one: a SYN is told of before it is answered. */
#define RT_PRIORITY 20

static int
state_start(struct daemon *d)
{
	struct syncd *s = d->user;

	s->daemon = d;
	s->loop = d->loop;
	s->conf = d->conf;
	s->device = ipvs_sync_device(d->conf);
	s->id = ipvs_sync_id(d->conf, d->conf->self);
	s->peer_id = ipvs_sync_id(d->conf, d->conf->peer);
	s->hear.fd = s->early.fd = s->copies.fd = s->pass.fd = -1;
	mirror_init(&s->mirror);
	conn_map_init(&s->map);
	seed_init(s);
	pass_init(s);
	join_init(s);
	return targets_from(d->conf, &s->targets);
}

static void
state_stop(struct daemon *d)
{
	struct syncd *s = d->user;

	targets_done(&s->targets);
	conn_map_done(&s->map);
}

static int
group_start(struct daemon *d)
{
	struct syncd *s = d->user;
	int rc = 0;

	if (d->conf->sync && s->device != NULL)
		rc = hear_start(s);
	if (rc < 0)
		hear_stop(s);
	return rc;
}

static void
group_stop(struct daemon *d)
{
	hear_stop(d->user);
}

/* Without it new connections are known a moment later, no more. */
static int
packets_start(struct daemon *d)
{
	struct syncd *s = d->user;
	int rc;

	if (!d->conf->sync || s->device == NULL)
		return 0;
	rc = capture_start(s);
	if (rc < 0) {
		log_err("capture=failed why=\"%s\" effect=\"connections are "
			"told by the kernel alone\"",
		    err_text(rc));
		capture_stop(s);
		return 0;
	}
	if (d->conf->sync_early)
		rc = early_start(s);
	if (rc < 0)
		log_err("early=failed why=\"%s\"", err_text(rc));
	return 0;
}

static void
packets_rest(struct daemon *d)
{
	mirror_rest(d->user);
	copies_stop(d->user);
	early_stop(d->user);
	capture_stop(d->user);
}

static void
packets_stop(struct daemon *d)
{
	packets_rest(d);
	mirror_stop(d->user);
}

void
syncd_reload(struct daemon *d)
{
	struct syncd *s = d->user;
	struct targets fresh;
	struct conf *c;

	if (daemon_load(d, &c) < 0)
		return;
	if (targets_from(c, &fresh) < 0) {
		conf_free(c);
		return;
	}
	packets_rest(d);
	targets_done(&s->targets);
	s->targets = fresh;
	conf_free(d->conf);
	d->conf = c;
	s->conf = c;
	s->device = ipvs_sync_device(c);
	(void)packets_start(d);
	log_notice("configuration=loaded services=%zu", s->targets.n);
}

static const struct part parts[] = {
	{ "state", state_start, state_stop },
	{ "group", group_start, group_stop },
	{ "packets", packets_start, packets_stop },
	{ "ipc", syncd_ipc_start, syncd_ipc_stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-syncd",
	.purpose = "Tells the standby of connections at once, and of all.",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY,
	.rt_priority = RT_PRIORITY,
	.rt_later = true,
	.reload = syncd_reload,
};

int
main(int argc, char **argv)
{
	static struct syncd s;

	return daemon_main(&desc, argc, argv, &s);
}
