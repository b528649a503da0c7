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
	uint8_t mem[256 + CAUSE_LEN];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct health_msg m = { .health = (uint8_t)v->health };

	memcpy(m.service, service, NAME_LEN);
	memcpy(m.server, v->def.name, NAME_LEN);
	health_msg_pack(&b, &m);
	(void)helper_send(y, &y->monitor, MSG_PROBE_STATE, mem, b.pos);
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
	(void)helper_send(y, &y->monitor, MSG_PROBE_ON, &on, 1);
}

void
yoked_monitor_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct health_msg m;
	int rc;

	if (id != MSG_HEALTH || !y->started)
		return;
	rc = health_msg_unpack(&b, &m);
	if (rc == 0)
		rc = director_on_health(&y->director, &m);
	if (rc < 0)
		log_info("monitord: report of %.63s/%.63s not used: %s",
		    rc == -EBADMSG ? "?" : m.service,
		    rc == -EBADMSG ? "?" : m.server, err_text(rc));
}
