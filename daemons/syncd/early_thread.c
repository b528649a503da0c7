/*
 * early_thread: SYNs have a thread and a socket of their own. Until the standby
 * was told of a connection, a power cut loses it; what the loop does meanwhile
 * (a list for the standby, hundreds of datagrams) must not be waited for. From
 * the SYN to the datagram it makes three system calls: read, clock, send.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thread.h"
#include "daemons/syncd/capture.h"
#include "daemons/syncd/syncd.h"
#include "ha/sync_sock.h"

#define END (60 * USEC_S) /* what it uses is freed then */

static void
take_syn(struct early *e, unsigned i)
{
	struct packets *p = e->packets;
	int card = packets_card(p, i);
	uint32_t mark;
	usec_t when;

	if (card == atomic_load(&e->except))
		return;
	packets_control(p, i, &mark, &when);
	early_syn(e, p->frame[i], packets_len(p, i), card, mark,
	    packets_out(p, i), when);
}

/* Before the loop, also while that is not: it does next to nothing. Where this is
 * refused, the loop says so. */
static void
be_urgent(const struct daemon *d)
{
	const struct sched_param sp = { d->desc->rt_priority + 1 };

	(void)sched_setscheduler(0, SCHED_RR, &sp);
}

static void *
work(void *arg)
{
	struct early *e = arg;
	unsigned n, i;

	be_urgent(e->daemon);
	while (atomic_load(&e->running)) {
		n = packets_read(e->packets);
		if (n == 0 || !atomic_load(&e->active))
			continue;
		e->now = usec_real();
		for (i = 0; i < n; i++)
			e->take(e, i);
		early_flush(e);
	}
	return NULL;
}

int
early_thread(struct early *e)
{
	int rc;

	atomic_store(&e->running, true);
	rc = thread_start(work, e, &e->thread);
	if (rc < 0)
		atomic_store(&e->running, false);
	return rc;
}

void
early_new(struct syncd *s, struct early *e, uint8_t id)
{
	(void)pthread_mutex_init(&e->lock, NULL);
	e->targets = &s->targets;
	e->daemon = s->daemon;
	e->id = id;
	e->fd = -1;
	atomic_store(&e->active, true);
	sync_msg_begin(&e->msg, id);
	e->packets = mem_new(struct packets);
	e->packets->fd = -1;
}

void
early_end(struct early *e)
{
	if (atomic_exchange(&e->running, false))
		thread_end(e->thread, END);
	if (e->packets != NULL)
		packets_close(e->packets);
	free(e->packets);
	e->packets = NULL;
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = -1;
	free(e->in);
	e->in = NULL;
	cards_done(&e->cards);
	cards_wire_done(&e->heard);
}

static unsigned
wanted(const struct syncd *s)
{
	if (s->role.role != SYNC_ACTIVE)
		return 0;
	return CAPTURE_SYN | (s->targets.nat ? CAPTURE_SYN_IN : 0);
}

/* A standby's own SYNs, its probes, are nobody's business. */
void
early_role(struct syncd *s)
{
	struct early *e = &s->early;
	int rc;

	if (e->fd < 0)
		return;
	atomic_store(&e->active, s->role.role == SYNC_ACTIVE);
	rc = packets_filter(e->packets, wanted(s));
	if (rc < 0)
		log_err("early=deaf why=\"%s\"", err_text(rc));
}

static int
set_up(struct syncd *s)
{
	struct early *e = &s->early;
	int rc;

	e->take = take_syn;
	if (s->targets.nat)
		e->in = calloc(EARLY_INBOUND, sizeof(*e->in));
	e->fd = sync_sock_open(s->device, false, NULL);
	if (e->fd < 0)
		return e->fd;
	rc = packets_open(e->packets, wanted(s), EARLY_PATIENCE);
	if (rc < 0)
		return rc;
	atomic_store(&e->active, s->role.role == SYNC_ACTIVE);
	return early_thread(e);
}

int
early_start(struct syncd *s)
{
	int rc;

	early_new(s, &s->early, s->id);
	rc = set_up(s);
	if (rc < 0)
		early_stop(s);
	return rc;
}

void
early_stop(struct syncd *s)
{
	early_end(&s->early);
}

uint64_t
early_drops(struct syncd *s)
{
	return s->early.packets != NULL ? packets_drops(s->early.packets) : 0;
}
