/*
 * yoke-linkd: speaks to corosync for yoked.
 */
#include "common/daemon.h"
#include "common/mem.h"
#include "daemons/linkd/linkd.h"

static int
start(struct daemon *d)
{
	return linkd_start(d->user, d->loop, d->conf);
}

static void
stop(struct daemon *d)
{
	linkd_stop(d->user);
}

static const struct part parts[] = {
	{ "link", start, stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-linkd",
	.purpose = "Carries yoked's messages and membership over corosync.",
	.blackbox = "/run/yoke/linkd.blackbox",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY | CONF_NO_SERVICES,
};

int
main(int argc, char **argv)
{
	struct linkd k = { 0 };

	return daemon_main(&desc, argc, argv, &k);
}
