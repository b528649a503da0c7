/*
 * uplink: the verdict on the uplink. What was seen (a carrier, an answer) says
 * whether it is well now; the verdict follows when that has lasted: for the
 * time in which a silent director is noticed before it is lost, so that both
 * report the death of a switch they share before one of them hands over in
 * vain, and for UPLINK_RISE before it is well again.
 */
#include "ha/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HURRY (5 * USEC_MS) /* between two questions out of turn */

static void
settle(struct uplink *u, bool well)
{
	u->well = well;
	u->since = loop_now(u->loop);
	u->losses += !well;
	timer_stop(&u->settle);
	u->judged(well, u->arg);
}

unsigned
uplink_answering(const struct uplink *u)
{
	unsigned i, n = 0;

	for (i = 0; i < u->n_witnesses; i++)
		n += u->witnesses[i].up;
	return n;
}

/* Is it well right now? If not, why. */
static bool
look(struct uplink *u)
{
	unsigned up = uplink_answering(u);
	size_t i;

	u->why[0] = '\0';
	for (i = 0; i < u->n_devices; i++)
		if (u->devices[i].state > UPLINK_FINE) {
			(void)snprintf(u->why, sizeof(u->why), "%s %s",
			    u->devices[i].name,
			    uplink_device_text(u->devices[i].state));
			return false;
		}
	if (u->n_witnesses == 0 || up >= u->conf->uplink_need)
		return true;
	(void)snprintf(u->why, sizeof(u->why),
	    "%u of %u witnesses answer%s, %u must", up, u->n_witnesses,
	    up == 1 ? "s" : "", u->conf->uplink_need);
	return false;
}

static void
judge(struct uplink *u)
{
	usec_t now = loop_now(u->loop), wait;
	bool well = look(u);

	if (well != u->now_well) {
		u->now_well = well;
		u->now_since = now;
	}
	if (well == u->well) {
		timer_stop(&u->settle);
		return;
	}
	wait =
	    well ? UPLINK_RISE : u->conf->beat_interval * u->conf->beat_misses;
	if (now - u->now_since >= wait)
		settle(u, well);
	else
		timer_at(&u->settle, u->now_since + wait);
}

static void
on_settle(void *arg)
{
	judge(arg);
}

void
uplink_on_devices(struct uplink *u)
{
	enum uplink_device state;
	size_t i;

	for (i = 0; i < u->n_devices; i++) {
		state = u->ops->device(u->ctx, u->devices[i].name);
		if (state == u->devices[i].state)
			continue;
		u->devices[i].state = state;
		u->devices[i].since = loop_now(u->loop);
	}
	judge(u);
}

static void
witness_is(struct uplink *u, struct uplink_witness *w, bool up)
{
	if (w->up == up)
		return;
	w->up = up;
	w->since = loop_now(u->loop);
}

void
uplink_on_answer(struct uplink *u, unsigned i)
{
	struct uplink_witness *w = &u->witnesses[i];

	if (i >= u->n_witnesses)
		return;
	w->waiting = false;
	w->missed = 0;
	w->answered = loop_now(u->loop);
	if (!w->up) {
		witness_is(u, w, true);
		judge(u);
	}
	if (u->answered != NULL)
		u->answered(u->arg);
}

bool
uplink_fine(const struct uplink *u)
{
	return u->now_well;
}

static void
hurry(struct uplink *u)
{
	usec_t now = loop_now(u->loop);
	unsigned i;

	if (u->hurried != 0 && now - u->hurried < HURRY)
		return;
	u->hurried = now;
	for (i = 0; i < u->n_witnesses; i++)
		u->witnesses[i].asked = u->ops->ask(
		    u->ctx, i, &u->witnesses[i].def, u->conf->uplink_device);
}

bool
uplink_sure(struct uplink *u, usec_t since)
{
	unsigned i, n = 0;

	if (!u->now_well)
		return false;
	for (i = 0; i < u->n_witnesses; i++)
		n += u->witnesses[i].answered >= since &&
		    u->witnesses[i].answered != 0;
	if (u->n_witnesses == 0 || n >= u->conf->uplink_need)
		return true;
	hurry(u);
	return false;
}

/* Who was not running itself blames nobody: the answers may still wait to be
 * read. */
static void
count_misses(struct uplink *u)
{
	usec_t late = loop_now(u->loop) - u->tick.when;
	struct uplink_witness *w;
	unsigned i;

	if (late > u->conf->uplink_interval / 2)
		return;
	for (i = 0; i < u->n_witnesses; i++) {
		w = &u->witnesses[i];
		if (!w->waiting)
			continue;
		w->missed++;
		if (w->missed >= u->conf->uplink_misses)
			witness_is(u, w, false);
	}
	judge(u);
}

static void
on_tick(void *arg)
{
	struct uplink *u = arg;
	unsigned i;

	count_misses(u);
	for (i = 0; i < u->n_witnesses; i++) {
		u->witnesses[i].waiting = true;
		u->witnesses[i].asked = u->ops->ask(
		    u->ctx, i, &u->witnesses[i].def, u->conf->uplink_device);
	}
	timer_in(&u->tick, u->conf->uplink_interval);
}

static const struct uplink_dev *
device_of(const struct uplink_dev *d, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(d[i].name, name) == 0)
			return &d[i];
	return NULL;
}

/* Name i of those to watch; NULL: no more. */
static const char *
watched(const struct conf *c, size_t i)
{
	if (c->uplink_device[0] != '\0')
		return i == 0 ? c->uplink_device : NULL;
	return i < c->n_vips ? c->vips[i].device : NULL;
}

/* Each device once; what was known of it stays known. */
static int
make_devices(struct uplink *u, const struct conf *c)
{
	struct uplink_dev *fresh = calloc(c->n_vips + 1, sizeof(*fresh));
	const struct uplink_dev *old;
	const char *name;
	size_t i, n = 0;

	if (fresh == NULL)
		return -ENOMEM;
	for (i = 0; (name = watched(c, i)) != NULL; i++) {
		if (device_of(fresh, n, name) != NULL)
			continue;
		old = device_of(u->devices, u->n_devices, name);
		if (old != NULL)
			fresh[n] = *old;
		else
			(void)snprintf(
			    fresh[n].name, sizeof(fresh[n].name), "%s", name);
		n++;
	}
	free(u->devices);
	u->devices = fresh;
	u->n_devices = n;
	return 0;
}

static void
make_witnesses(struct uplink *u, const struct conf *c)
{
	struct uplink_witness old[CONF_WITNESSES_MAX];
	unsigned i, k, n = u->n_witnesses;

	memcpy(old, u->witnesses, sizeof(old));
	u->n_witnesses = (unsigned)c->witnesses.n;
	for (i = 0; i < u->n_witnesses; i++) {
		const struct conf_witness *w = &c->witnesses.list[i];

		u->witnesses[i] = (struct uplink_witness){
			.def = *w, .up = true, .since = loop_now(u->loop)
		};
		for (k = 0; k < n; k++)
			if (old[k].def.gateway == w->gateway &&
			    addr_cmp(&old[k].def.addr, &w->addr) == 0)
				u->witnesses[i] = old[k];
		/* its number may be another: the next answer is awaited */
		u->witnesses[i].waiting = false;
	}
	timer_stop(&u->tick);
	if (u->n_witnesses > 0)
		timer_in(&u->tick, 0);
}

int
uplink_reload(struct uplink *u, const struct conf *fresh)
{
	int rc = make_devices(u, fresh);

	u->conf = fresh;
	make_witnesses(u, fresh);
	uplink_on_devices(u);
	return rc;
}

int
uplink_start(struct uplink *u, struct loop *l, const struct conf *conf,
    const struct uplink_ops *ops, void *ctx,
    void (*judged)(bool well, void *arg), void *arg)
{
	*u = (struct uplink){ .loop = l,
		.conf = conf,
		.ops = ops,
		.ctx = ctx,
		.judged = judged,
		.arg = arg,
		.well = true,
		.now_well = true,
		.since = loop_now(l) };
	timer_init(&u->settle, l, on_settle, u);
	timer_init(&u->tick, l, on_tick, u);
	return uplink_reload(u, conf);
}

void
uplink_stop(struct uplink *u)
{
	timer_stop(&u->settle);
	timer_stop(&u->tick);
	free(u->devices);
	u->devices = NULL;
	u->n_devices = 0;
}

const char *
uplink_device_text(enum uplink_device state)
{
	static const char *const text[UPLINK__DEVICES] = {
		[UPLINK_UNKNOWN] = "is not known yet",
		[UPLINK_FINE] = "has carrier",
		[UPLINK_GONE] = "does not exist",
		[UPLINK_DOWN] = "is switched off",
		[UPLINK_NO_CARRIER] = "has no carrier",
	};

	return text[state];
}

const char *
uplink_how_name(enum uplink_how how)
{
	static const char *const names[UPLINK__HOWS] = {
		[UPLINK_NOT] = "not",
		[UPLINK_ARP] = "arp",
		[UPLINK_ND] = "nd",
		[UPLINK_ICMP] = "icmp",
	};

	return names[how];
}
