/*
 * uplink_fake: devices and witnesses as a test wants them.
 */
#include "test/fake/uplink_fake.h"

#include <stdio.h>
#include <string.h>

static enum uplink_device
fake_device(void *ctx, const char *name)
{
	const struct uplink_fake *f = ctx;
	unsigned i;

	for (i = 0; i < FAKE_DEVICES; i++)
		if (strcmp(f->devices[i].name, name) == 0)
			return f->devices[i].state;
	return UPLINK_GONE;
}

void
uplink_fake_device(
    struct uplink_fake *f, const char *name, enum uplink_device state)
{
	unsigned i;

	for (i = 0; i < FAKE_DEVICES; i++)
		if (f->devices[i].name[0] == '\0' ||
		    strcmp(f->devices[i].name, name) == 0)
			break;
	if (i == FAKE_DEVICES)
		return;
	(void)snprintf(f->devices[i].name, 16, "%s", name);
	f->devices[i].state = state;
}

static struct uplink_asked
fake_ask(
    void *ctx, unsigned i, const struct conf_witness *w, const char *device)
{
	struct uplink_fake *f = ctx;

	(void)device;
	f->asked++;
	if (f->answers[i])
		uplink_on_answer(f->uplink, i);
	return (struct uplink_asked){ UPLINK_ARP, w->addr, NULL };
}

const struct uplink_ops uplink_fake_ops = {
	.ask = fake_ask,
	.device = fake_device,
};
