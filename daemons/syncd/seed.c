/*
 * seed: what the kernel has when this process starts, or when it missed
 * datagrams, from /proc, piece by piece with pauses: reading a piece takes the
 * longer the further it is. What /proc does not say is made up for: flags by
 * the server's method, the mark by the service that has such a server.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/syncd/syncd.h"

#define PIECE 60 /* lines; about what one read() gives */
#define REST_MIN USEC_MS
#define ASSURED 1 /* state of a template, IP_VS_CTPL_S_ASSURED */

/* clang-format off */
static const struct { const char *name; enum sync_tcp state; bool active; } tcp[] = {
	{ "NONE",        SYNC_TCP_NONE,        false },
	{ "ESTABLISHED", SYNC_TCP_ESTABLISHED, true },
	{ "SYN_SENT",    SYNC_TCP_SYN_SENT,    true },
	{ "SYN_RECV",    SYNC_TCP_SYN_RECV,    true },
	{ "FIN_WAIT",    SYNC_TCP_FIN_WAIT,    false },
	{ "TIME_WAIT",   SYNC_TCP_TIME_WAIT,   false },
	{ "CLOSE",       SYNC_TCP_CLOSE,       false },
	{ "CLOSE_WAIT",  SYNC_TCP_CLOSE_WAIT,  false },
	{ "LAST_ACK",    SYNC_TCP_LAST_ACK,    false },
	{ "LISTEN",      SYNC_TCP_LISTEN,      false },
	{ "SYNACK",      SYNC_TCP_SYNACK,      true },
};
/* clang-format on */

static void
state_of(const struct lvs_conn *k, struct sync_conn *c)
{
	size_t i;

	if ((c->flags & SYNC_TEMPLATE) != 0) {
		c->state = strcmp(k->state, "ASSURED") == 0 ? ASSURED : 0;
		return;
	}
	if (k->protocol != IPPROTO_TCP) {
		c->flags |= SYNC_INACTIVE; /* as the kernel has it */
		return;
	}
	for (i = 0; i < ARRAY_LEN(tcp); i++) {
		if (strcmp(tcp[i].name, k->state) != 0)
			continue;
		c->state = tcp[i].state;
		c->flags |= tcp[i].active ? 0 : SYNC_INACTIVE;
	}
}

/* A template of a service by mark has the mark for its virtual address. */
static uint32_t
template_mark(const struct lvs_conn *k)
{
	const uint8_t *b = k->virt.bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static const struct target *
service_of(const struct syncd *s, const struct lvs_conn *k)
{
	const struct target *g;

	if (k->protocol == IPPROTO_IP)
		return target_find(
		    &s->targets, 0, &k->virt, 0, template_mark(k));
	g = target_find(&s->targets, k->protocol, &k->virt, k->virt_port, 0);
	if (g == NULL || target_server(g, &k->dest, k->dest_port) == NULL) {
		const struct target *m =
		    target_of_mark(&s->targets, &k->dest, k->dest_port);

		return m != NULL ? m : g;
	}
	return g;
}

static void
on_conn(void *arg, const struct lvs_conn *k)
{
	struct syncd *s = arg;
	const struct target *g = service_of(s, k);
	const struct target_server *v;
	struct sync_conn c = { .protocol = k->protocol,
		.client = k->client,
		.virt = k->virt,
		.dest = k->dest,
		.client_port = k->client_port,
		.virt_port = k->virt_port,
		.dest_port = k->dest_port,
		.timeout_s = k->expires_s > 0 ? k->expires_s : 1 };

	if (g == NULL)
		return; /* of somebody else's service */
	v = target_server(g, &k->dest, k->dest_port);
	c.flags = v != NULL ? v->flags : LVS_DR | SYNC_NOOUTPUT;
	c.fwmark = g->key.fwmark;
	if (k->client_port == 0)
		c.flags |= SYNC_TEMPLATE;
	state_of(k, &c);
	(void)conn_map_put(&s->map, &c, true, loop_turn(s->loop));
}

static void
finish(struct syncd *s, int rc)
{
	struct seed *d = &s->seed;

	lvs_conns_close(d->conns);
	d->conns = NULL;
	d->done = true;
	syncd_urgency(s);
	if (rc < 0)
		log_warning("connections=unread why=\"%s\"", err_text(rc));
	else
		log_info("connections=read known=%u", s->map.n);
	if (s->state.phase == SYNC_PHASE_SEEDING)
		syncd_phase(s, SYNC_PHASE_READY);
}

static void
on_piece(void *arg)
{
	struct syncd *s = arg;
	usec_t start = loop_now(s->loop), took;
	int rc = lvs_conns_next(s->seed.conns, PIECE, on_conn, s);

	if (rc <= 0) {
		finish(s, rc);
		return;
	}
	took = loop_now(s->loop) - start;
	timer_in(&s->seed.timer, took > REST_MIN ? took : REST_MIN);
}

void
seed_init(struct syncd *s)
{
	timer_init(&s->seed.timer, s->loop, on_piece, s);
}

void
seed_start(struct syncd *s)
{
	struct seed *d = &s->seed;
	int rc;

	if (d->conns != NULL)
		return;
	d->again = 0;
	rc = lvs_conns_open(&d->conns);
	if (rc < 0)
		finish(s, rc == -ERR_NO_IPVS ? 0 : rc);
	else
		timer_in(&d->timer, 0);
}

void
seed_stop(struct syncd *s)
{
	timer_stop(&s->seed.timer);
	lvs_conns_close(s->seed.conns);
	s->seed.conns = NULL;
}
