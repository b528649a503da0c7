/*
 * yoked: decides and drives. One thread, one loop; nothing in it blocks: shared
 * storage, probes and corosync are other processes (checkpointd, monitord,
 * linkd) that talk to it over libqb IPC. See yoked.h for its files.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"
#include "schema/files.h"

#define READERS "yoke" /* the group that may read status */

/* By the file alone: getgrnam() may ask a directory somewhere, and loads a
 * megabyte for it. -1: there is none. */
static gid_t
readers(void)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *g = NULL;
	gid_t gid = (gid_t)-1;

	if (f == NULL)
		return gid;
	while ((g = fgetgrent(f)) != NULL)
		if (strcmp(g->gr_name, READERS) == 0) {
			gid = g->gr_gid;
			break;
		}
	(void)fclose(f);
	return gid;
}

static int
ipc_start(struct daemon *d)
{
	struct yoked *y = d->user;
	int rc;

	rc = ipcs_new(d->loop, d->conf->instance, readers(), &yoked_ipcs_ops, y,
	    &y->ipcs);
	if (rc == -EADDRINUSE)
		(void)snprintf(d->why, sizeof(d->why),
		    "another yoked serves instance %s", d->conf->instance);
	return rc;
}

static void
ipc_stop(struct daemon *d)
{
	struct yoked *y = d->user;

	ipcs_free(y->ipcs);
	timer_stop(&y->flush);
	outbox_done(&y->monitor.outbox);
	outbox_done(&y->store.outbox);
	outbox_done(&y->link.outbox);
	outbox_done(&y->sync.outbox);
	timer_stop(&y->sync_timer);
	chunks_done(&y->found_chunks);
}

static int
kernel_start(struct daemon *d)
{
	struct yoked *y = d->user;
	int rc;

	rc = lvs_open(&y->lvs);
	if (rc < 0) {
		(void)snprintf(
		    d->why, sizeof(d->why), "IPVS: %s", err_text(rc));
		return rc;
	}
	yoked_kernel_setup(d->conf);
	rc = vip_nl_open(&y->vip);
	if (rc < 0)
		(void)snprintf(
		    d->why, sizeof(d->why), "addresses: %s", err_text(rc));
	return rc;
}

/* Early: what it is a copy of is small. */
static int
guard_begin(struct daemon *d)
{
	struct yoked *y = d->user;
	int rc = guard_start(d->conf, YOKED_PRIORITY, &y->guard);

	if (rc < 0)
		log_warning("guard=none why=\"%s\" effect=\"a dead manager's "
		    "addresses stay for a second\"", err_text(rc));
	return 0;
}

static void
guard_end(struct daemon *d)
{
	struct yoked *y = d->user;

	guard_stop(y->guard);
	y->guard = NULL;
}

static void
kernel_stop(struct daemon *d)
{
	struct yoked *y = d->user;

	vip_nl_close(y->vip);
	lvs_close(y->lvs);
	yoked_kernel_restore(y->conf);
}

/* Was it taken out of service before this start? */
static bool
in_maintenance(const struct yoked *y)
{
	char file[sizeof(YOKE_MAINTENANCE_FILE) + NAME_LEN];

	(void)snprintf(file, sizeof(file), YOKE_MAINTENANCE_FILE,
	    y->conf->instance);
	return access(file, F_OK) == 0;
}

static int
pair_start(struct daemon *d)
{
	struct yoked *y = d->user;
	struct director_ports ports = {
		.path_open = path_open,
		.lvs = &lvs_nl,
		.lvs_ctx = y->lvs,
		.vip = &vip_nl,
		.vip_ctx = y->vip,
		.link = &yoked_link_ops,
		.link_ctx = y,
		.store = &yoked_store_ops,
		.store_ctx = y,
		.outside = &yoked_outside,
		.outside_ctx = y,
		.fence = &yoked_fence_ops,
		.fence_ctx = y,
	};
	int rc;

	rc = director_start(&y->director, d->loop, y->conf, &ports,
	    &yoked_listener, y);
	y->started = rc == 0;
	y->director.ipvs.on_pass = yoked_monitor_paths;
	y->director.ipvs.arg = y;
	if (y->started && in_maintenance(y))
		(void)director_maintain(&y->director, true);
	return rc;
}

static void
pair_stop(struct daemon *d)
{
	struct yoked *y = d->user;

	yoked_reload_stop(y);
	y->started = false;
	yoked_monitor_paths_stop(y);
	ipvs_sync_stop(&y->director.ipvs);
	director_stop(&y->director);
	yoked_fence_stop(y); /* may wait a moment for what it kills */
}

static int
net_start(struct daemon *d)
{
	int rc = yoked_net_start(d->user);

	if (rc < 0)
		(void)snprintf(d->why, sizeof(d->why), "network events: %s",
		    err_text(rc));
	return rc;
}

static void
net_stop(struct daemon *d)
{
	yoked_net_stop(d->user);
}

static int
state_start(struct daemon *d)
{
	struct yoked *y = d->user;

	y->loop = d->loop;
	y->conf = d->conf;
	y->conf_file = d->conf_file;
	y->node_name = d->node;
	y->start = loop_now(d->loop);
	y->monitor = (struct helper){ .name = "monitord", .who = WHO_MONITOR };
	y->store = (struct helper){ .name = "checkpointd",
		.who = WHO_CHECKPOINT };
	y->link = (struct helper){ .name = "linkd", .who = WHO_LINK };
	y->sync = (struct helper){ .name = "syncd", .who = WHO_SYNC };
	yoked_flush_init(y);
	yoked_sync_init(y);
	return 0;
}

/* The configuration may be a reloaded one: it goes back to who frees it. */
static void
state_stop(struct daemon *d)
{
	struct yoked *y = d->user;

	d->conf = y->conf;
}

static void
reload(struct daemon *d)
{
	if (yoked_reload(d->user) < 0)
		log_warning("reload=refused why=\"one is under way\"");
}

static void
leave(struct daemon *d)
{
	struct yoked *y = d->user;

	director_leave(&y->director);
}

static const struct part parts[] = {
	{ "state", state_start, state_stop },
	{ "guard", guard_begin, guard_end },
	{ "kernel", kernel_start, kernel_stop },
	{ "ipc", ipc_start, ipc_stop },
	{ "pair", pair_start, pair_stop },
	{ "net", net_start, net_stop },
};

static const struct daemon_desc desc = {
	.name = "yoked",
	.purpose = "manages one director of a pair: role, addresses, IPVS",
	.blackbox = "/var/lib/yoke/yoked.blackbox",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.needs_root = true,
	.rt_priority = YOKED_PRIORITY,
	.lock_memory = true,
	.reload = reload,
	.leave = leave,
};

int
main(int argc, char **argv)
{
	static struct yoked y;

	return daemon_main(&desc, argc, argv, &y);
}
