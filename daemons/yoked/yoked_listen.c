/*
 * yoked_listen: what the director tells: logs it, shows it to those who watch,
 * and passes on to monitord what it has to know. With its role goes how urgent
 * this process is.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/err.h"
#include "common/log.h"
#include "common/urgent.h"
#include "daemons/yoked/yoked.h"

/* Of the active, see be_urgent(): more than it needs, and little enough that a
 * machine with one CPU grants it beside others. */
#define RUNTIME (4 * USEC_MS)
#define PERIOD (10 * USEC_MS)

static void
on_change(const struct change *c, void *arg)
{
	struct yoked *y = arg;
	char text[512];

	(void)change_format(c, text, sizeof(text));
	log_info("%s", text);
	yoked_watch(y, text);
	yoked_monitor_change(y, c);
}

static void
on_table(void *arg)
{
	struct yoked *y = arg;
	const struct table *t = &y->director.table;
	char text[128];

	(void)snprintf(text, sizeof(text), "table replaced epoch=%" PRIu64
	    " seq=%" PRIu64 " services=%zu servers=%zu", t->epoch, t->seq,
	    t->n_services, t->n_servers);
	log_notice("%s", text);
	yoked_watch(y, text);
	yoked_monitor_sync(y);
}

static bool
holds(enum role role)
{
	return role == ROLE_ACTIVE || role == ROLE_HANDING_OVER;
}

/* Who holds the addresses must be heard while real-time work is halted. Who
 * listens is better halted with it: the kernel's receive threads are, and a
 * standby that is awake then would take what was not brought to it for silence
 * (beats.h: it knows when it slept). */
static void
be_urgent(const struct transition *t)
{
	int rc;

	if (holds(t->to) == holds(t->from))
		return;
	if (!holds(t->to)) {
		(void)urgent_real_time(YOKED_PRIORITY);
		return;
	}
	rc = urgent_deadline(RUNTIME, PERIOD);
	if (rc < 0)
		log_notice("cannot=deadline why=\"%s\" effect=\"halted with "
			   "all real-time work, see yoked(8)\"",
		    err_text(rc));
}

static void
on_role(const struct transition *t, void *arg)
{
	struct yoked *y = arg;
	char text[256];
	int n;
	unsigned i;

	n = snprintf(text, sizeof(text),
	    "role=%s was=%s event=%s why=%s epoch=%" PRIu64
	    " silence_us=%" PRIu64, role_name(t->to), role_name(t->from),
	    role_event_name(t->event), why_name(t->why), t->epoch, t->silence);
	for (i = 0; i < t->n_steps && n > 0 && n < (int)sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    " %s_us=%" PRIu64, t->steps[i].name, t->steps[i].took);
	be_urgent(t);
	log_notice("node=%s %s", y->conf->self->name, text);
	yoked_watch(y, text);
	yoked_store_role(y, t);
	yoked_vips_role(y);
	if (t->to == ROLE_ACTIVE || t->from == ROLE_ACTIVE ||
	    t->from == ROLE_HANDING_OVER)
		yoked_monitor_sync(y);
	yoked_sync_role(y);
}

static void
on_path(unsigned index, bool up, void *arg)
{
	struct yoked *y = arg;
	char text[128];

	(void)snprintf(text, sizeof(text), "path=%s state=%s",
	    y->director.beats.paths[index].own->name, up ? "up" : "down");
	if (up)
		log_notice("%s", text);
	else
		log_warning("%s", text);
	yoked_watch(y, text);
	yoked_sync_path(y, index, up);
}

static void
on_note(enum note level, const char *text, void *arg)
{
	switch (level) {
	case NOTE_ERR:
		log_err("%s", text);
		break;
	case NOTE_WARNING:
		log_warning("%s", text);
		break;
	case NOTE_NOTICE:
		log_notice("%s", text);
		break;
	default:
		log_info("%s", text);
		break;
	}
	yoked_watch(arg, text);
}

/* The peer knows; linkd leaves the group in good order, then the loop ends. */
static void
on_left(void *arg)
{
	struct yoked *y = arg;

	(void)helper_send(y, &y->link, MSG_LINK_LEAVE, "", 0);
	loop_stop(y->loop);
}

static void
on_tick(void *arg)
{
	struct yoked *y = arg;

	yoked_vips_tick(y);
	guard_alive(y->guard, loop_turn(y->loop), y->director.holding);
}

static void
on_followed(void *arg)
{
	yoked_reload_followed(arg);
}

const struct director_listener yoked_listener = {
	.on_change = on_change,
	.on_table = on_table,
	.on_role = on_role,
	.on_path = on_path,
	.on_note = on_note,
	.on_left = on_left,
	.on_tick = on_tick,
	.on_followed = on_followed,
};
