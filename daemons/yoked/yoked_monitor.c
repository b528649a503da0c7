/*
 * yoked_monitor: what yoke-monitord is told, and what it reports. Only the
 * active director's servers are probed; a monitord that dies or hangs leaves
 * the table as it is.
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/yoked/yoked.h"

static void
send_state(struct yoked *y, const char *service, const struct server *v)
{
	uint8_t mem[256];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct probe_state m = { .health = (uint8_t)v->health,
		.drain = v->drain,
		.override = v->override,
		.policy = v->policy };

	memcpy(m.service, service, NAME_LEN);
	memcpy(m.server, v->def.name, NAME_LEN);
	probe_state_pack(&b, &m);
	(void)helper_send(y, &y->monitor, MSG_PROBE_STATE, mem, b.pos);
}

/* The operator's hand: policies give way to it. */
void
yoked_monitor_change(struct yoked *y, const struct change *c)
{
	const struct service *s;
	const struct server *v;

	if (c->what != CHANGE_DRAIN && c->what != CHANGE_OVERRIDE)
		return;
	s = table_service(&y->director.table, c->service);
	v = s != NULL ? service_server(s, c->server) : NULL;
	if (v != NULL && y->director.role == ROLE_ACTIVE)
		send_state(y, c->service, v);
}

static void
send_paths(struct yoked *y, uint64_t id)
{
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	put_u64(&b, id);
	y->monitor_paths = id;
	(void)helper_send(y, &y->monitor, MSG_PROBE_PATHS, mem, b.pos);
}

/* After each pass over the kernel's table. */
void
yoked_monitor_paths(void *yoked)
{
	struct yoked *y = yoked;

	if (y->started && y->director.ipvs.paths != y->monitor_paths)
		send_paths(y, y->director.ipvs.paths);
}

/* It is told first: a probe that finds no path must not be held against the
 * server. */
void
yoked_monitor_paths_stop(struct yoked *y)
{
	send_paths(y, 0);
	ipvs_probes_stop(&y->director.ipvs);
}

void
yoked_monitor_sync(struct yoked *y)
{
	const struct table *t = &y->director.table;
	uint8_t on = y->started && (y->director.role == ROLE_ACTIVE ||
				       y->director.role == ROLE_HANDING_OVER);
	size_t i, j;

	for (i = 0; on && i < t->n_services; i++)
		for (j = 0; j < t->services[i]->n_servers; j++)
			send_state(y, t->services[i]->def.name,
			    t->services[i]->servers[j]);
	send_paths(y, y->started ? y->director.ipvs.paths : 0);
	(void)helper_send(y, &y->monitor, MSG_PROBE_ON, &on, 1);
}

static int
on_health(struct yoked *y, struct buf *b)
{
	struct health_msg m;
	int rc = health_msg_unpack(b, &m);

	return rc < 0 ? rc : director_on_health(&y->director, &m);
}

static int
on_weight(struct yoked *y, struct buf *b)
{
	struct weight_msg m;
	int rc = weight_msg_unpack(b, &m);

	return rc < 0 ? rc : director_on_weight(&y->director, &m);
}

static int
on_state(struct yoked *y, struct buf *b)
{
	int rc = monitor_state_unpack(b, &y->monitor_state);

	if (rc == 0)
		y->monitor_said = loop_now(y->loop);
	return rc;
}

void
yoked_monitor_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	int rc = 0;

	if (!y->started)
		return;
	if (id == MSG_HEALTH)
		rc = on_health(y, &b);
	else if (id == MSG_WEIGHT)
		rc = on_weight(y, &b);
	else if (id == MSG_MONITOR_STATE)
		rc = on_state(y, &b);
	if (rc < 0)
		log_info("monitord: a report (%s) is not used: %s",
		    msg_name(id), err_text(rc));
}
