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

static void
settle(struct uplink *u, bool well)
{
	u->well = well;
	u->since = loop_now(u->loop);
	u->losses += !well;
	timer_stop(&u->settle);
	u->judged(well, u->arg);
}

/* Is it well right now? If not, why. */
static bool
look(struct uplink *u)
{
	size_t i;

	u->why[0] = '\0';
	for (i = 0; i < u->n_devices; i++)
		if (u->devices[i].state > UPLINK_FINE) {
			(void)snprintf(u->why, sizeof(u->why), "%s %s",
			    u->devices[i].name,
			    uplink_device_text(u->devices[i].state));
			return false;
		}
	return true;
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

static const struct uplink_dev *
device_of(const struct uplink_dev *d, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(d[i].name, name) == 0)
			return &d[i];
	return NULL;
}

/* Each device once; what was known of it stays known. */
static int
make_devices(struct uplink *u, const struct conf *c)
{
	struct uplink_dev *fresh = calloc(c->n_vips + 1, sizeof(*fresh));
	const struct uplink_dev *old;
	size_t i, n = 0;

	if (fresh == NULL)
		return -ENOMEM;
	for (i = 0; i < c->n_vips; i++) {
		if (device_of(fresh, n, c->vips[i].device) != NULL)
			continue;
		old = device_of(u->devices, u->n_devices, c->vips[i].device);
		if (old != NULL)
			fresh[n] = *old;
		else
			memcpy(fresh[n].name, c->vips[i].device,
			    sizeof(fresh[n].name));
		n++;
	}
	free(u->devices);
	u->devices = fresh;
	u->n_devices = n;
	return 0;
}

int
uplink_reload(struct uplink *u, const struct conf *fresh)
{
	int rc = make_devices(u, fresh);

	u->conf = fresh;
	if (rc == 0)
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
	return uplink_reload(u, conf);
}

void
uplink_stop(struct uplink *u)
{
	timer_stop(&u->settle);
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
