/*
 * yoke-checkpointd: keeps the table on stable storage, for yoked, which must
 * not wait for a disk. This process may: a hung disk hangs nothing else. For
 * the same reason its unit wants no watchdog: killing it would not help.
 *
 *   yoked --ipc.c--> keeper.c (a copy of the table) --store.c--> SQLite file
 *   yoked <--ipc.c-- store_load.c (newest table that can be trusted) <-- files
 */
#include <inttypes.h>
#include <string.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/checkpointd/ipc.h"
#include "daemons/checkpointd/keeper.h"
#include "ha/mounting.h"

struct checkpointd {
	struct keeper *keeper;
	struct ipc *ipc;
	bool failing;
	uint8_t mounting;
};

/* Faults are logged once, when they begin and when they end. */
static void
on_state(const struct store_state *st, void *arg)
{
	struct checkpointd *x = arg;
	bool failing = !st->ok && st->error[0] != '\0';

	if (st->mounting != x->mounting)
		log_notice("device=%s was=%s guard=%s",
		    mounting_name(st->mounting), mounting_name(x->mounting),
		    mount_guard_name(st->guard));
	x->mounting = st->mounting;
	if (failing && !x->failing)
		log_warning("checkpoint=failing why=\"%s\" retry=1s",
		    st->error);
	if (!failing && x->failing)
		log_notice("checkpoint=ok was=failing file=%s seq=%" PRIu64,
		    st->file, st->seq);
	x->failing = failing;
	ipc_send_state(st, &x->ipc);
}

static void
on_loaded(int rc, const struct store_loaded *l, usec_t took)
{
	if (rc < 0 || l->text[0] != '\0')
		log_warning("load=%s file=%s why=\"%s\" took_us=%" PRIu64,
		    rc < 0 ? "failed" : "partial", l->file, l->text, took);
	else
		log_info("load=ok file=%s epoch=%" PRIu64 " seq=%" PRIu64
			 " took_us=%" PRIu64,
		    l->file, l->table.epoch, l->table.seq, took);
}

/* SIGHUP, or yoked read it again. The instance is not changed live. */
static void
reload(struct daemon *d)
{
	struct checkpointd *x = d->user;
	struct conf *fresh;

	if (daemon_load(d, &fresh) < 0)
		return;
	if (conf_diff(d->conf, fresh) & CONF_CHANGE_STORE)
		log_notice("checkpoint=configured directory=%s",
		    fresh->checkpoint_dir);
	memcpy(fresh->instance, d->conf->instance, sizeof(fresh->instance));
	conf_free(d->conf);
	d->conf = fresh;
	keeper_conf(x->keeper, fresh);
}

static void
on_reload(void *arg)
{
	reload(arg);
}

static int
keeper_start(struct daemon *d)
{
	struct checkpointd *x = d->user;

	keeper_new(d->loop, on_state, x, &x->keeper);
	keeper_conf(x->keeper, d->conf);
	return 0;
}

static void
keeper_stop(struct daemon *d)
{
	struct checkpointd *x = d->user;

	keeper_free(x->keeper);
}

static int
ipc_start(struct daemon *d)
{
	static const struct ipc_ops ops = { .on_reload = on_reload,
		.on_loaded = on_loaded };
	struct checkpointd *x = d->user;

	return ipc_new(
	    d->loop, d->conf->instance, x->keeper, &ops, d, &x->ipc);
}

static void
ipc_stop(struct daemon *d)
{
	struct checkpointd *x = d->user;

	ipc_free(x->ipc);
	x->ipc = NULL;
}

int
main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "keeper", keeper_start, keeper_stop },
		{ "ipc", ipc_start, ipc_stop },
	};
	static const struct daemon_desc desc = {
		.name = "yoke-checkpointd",
		.purpose = "Keeps yoke's scheduling table on stable storage.",
		.parts = parts,
		.n_parts = ARRAY_LEN(parts),
		.conf_flags = CONF_NO_KEY | CONF_NO_SERVICES,
		.reload = reload,
	};
	struct checkpointd x = { 0 };

	return daemon_main(&desc, argc, argv, &x);
}
