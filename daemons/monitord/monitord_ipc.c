/*
 * monitord_ipc: what yoked says and hears. It says what it believes of each
 * server (PROBE_STATE), then whether to probe (PROBE_ON); it hears every server
 * that is otherwise (HEALTH). Without yoked probing goes on, so that what
 * happened meanwhile is known when it is back.
 */
#include <errno.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/monitord/monitord.h"

#define HEALTH_BYTES 512

static int
on_probe_state(struct monitord *m, struct buf *b)
{
	struct probe_state s;
	int rc = probe_state_unpack(b, &s);

	if (rc == 0)
		monitor_state(m->monitor, &s);
	return rc;
}

static int
on_probe_on(struct monitord *m, struct buf *b)
{
	bool was = monitor_counts(m->monitor).on;
	uint8_t on = get_u8(b);

	if (b->bad || buf_left(b) != 0 || on > 1)
		return -EBADMSG;
	monitor_on(m->monitor, on);
	if (was != (bool)on)
		log_notice("probing=%s probes=%zu servers=%zu",
		    on ? "on" : "off", monitor_counts(m->monitor).probes,
		    monitor_counts(m->monitor).targets);
	return 0;
}

static int
on_probe_paths(struct monitord *m, struct buf *b)
{
	uint64_t id = get_u64(b);

	if (b->bad || buf_left(b) != 0)
		return -EBADMSG;
	monitor_paths(m->monitor, id);
	return 0;
}

static int
on_reload(struct monitord *m, struct buf *b)
{
	(void)b;
	monitord_reload(m->daemon);
	return 0;
}

static const struct {
	enum msg_id id;
	int (*fn)(struct monitord *m, struct buf *b);
} rows[] = {
	{ MSG_PROBE_STATE, on_probe_state },
	{ MSG_PROBE_ON, on_probe_on },
	{ MSG_PROBE_PATHS, on_probe_paths },
	{ MSG_RELOAD, on_reload },
};

/* What others are told too (changes, snapshots) is none of our business. */
static void
on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct buf b = buf_reader(body, len);
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].id != id)
			continue;
		rc = rows[i].fn(arg, &b);
		if (rc < 0)
			log_warning("message=%s from=yoked state=dropped "
				    "why=\"%s\"",
			    msg_name(id), err_text(rc));
	}
}

static void
on_up(void *arg)
{
	(void)arg;
	log_info("yoked=connected");
}

static void
on_down(void *arg)
{
	struct monitord *m = arg;

	monitor_forget(m->monitor);
	log_warning("yoked=gone action=\"probing on, connecting again\"");
}

int
monitord_report(const struct health_msg *s, void *arg)
{
	struct monitord *m = arg;
	uint8_t mem[HEALTH_BYTES];
	struct buf b = buf_writer(mem, sizeof(mem));
	int rc;

	health_msg_pack(&b, s);
	if (b.bad)
		return -EMSGSIZE;
	rc = ipcc_keep_send(m->yoked, MSG_HEALTH, mem, b.pos);
	if (rc == 0)
		log_info("service=%s server=%s health=%s why=\"%s\"",
		    s->service, s->server, health_name(s->health), s->cause);
	return rc;
}

/* Nobody there: the next minute will do. */
void
monitord_minute(const struct monitor_state *s, void *arg)
{
	struct monitord *m = arg;
	uint8_t mem[64];
	struct buf b = buf_writer(mem, sizeof(mem));

	monitor_state_pack(&b, s);
	(void)ipcc_keep_send(m->yoked, MSG_MONITOR_STATE, mem, b.pos);
}

int
monitord_weight(const struct weight_msg *s, void *arg)
{
	struct monitord *m = arg;
	uint8_t mem[HEALTH_BYTES];
	struct buf b = buf_writer(mem, sizeof(mem));

	weight_msg_pack(&b, s);
	return b.bad ? -EMSGSIZE
	             : ipcc_keep_send(m->yoked, MSG_WEIGHT, mem, b.pos);
}

static const struct ipcc_ops ops = { .on_up = on_up, .on_down = on_down,
	.on_event = on_event };

int
monitord_ipc_start(struct daemon *d)
{
	struct monitord *m = d->user;

	return ipcc_keep_new(d->loop, d->conf->instance, WHO_MONITOR, &ops, m,
	    &m->yoked);
}

void
monitord_ipc_stop(struct daemon *d)
{
	struct monitord *m = d->user;

	ipcc_keep_free(m->yoked);
	m->yoked = NULL;
}
