/*
 * attempts: the measure of what a new client sees. Each slot of the pace opens a
 * connection; its record is filled in when the outcome is known, the connection
 * itself lives on until the server has closed it. Driven by the reactor, started
 * and stopped by prober.c.
 */
#include "test/prober/attempts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct try {
	struct conn conn; /* first member */
	struct timer deadline;
	struct attempts *owner;
	size_t index; /* in owner->list */
	bool late;
	bool recorded;
};

static enum outcome
outcome_of(int rc)
{
	switch (-rc) {
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return OUTCOME_RESET;
	case ETIMEDOUT:
		return OUTCOME_TIMEOUT;
	case EBADMSG:
		return OUTCOME_BAD;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
	case EAGAIN:
	case EIO:
		return OUTCOME_LOCAL;
	default:
		return OUTCOME_UNREACH;
	}
}

static uint8_t
server_id(struct attempts *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->servers; i++)
		if (strcmp(a->server[i], name) == 0)
			return (uint8_t)i;
	if (a->servers == SERVERS_MAX)
		return SERVERS_MAX - 1;
	a->servers++;
	if (i == SERVERS_MAX - 1)
		name = "other";
	strcpy(a->server[i], name);
	return (uint8_t)i;
}

static void
record(struct try *t, enum outcome o)
{
	struct attempts *a = t->owner;
	struct attempt *rec = &a->list[t->index];

	if (t->recorded)
		return;
	t->recorded = true;
	rec->ended = usec_mono();
	rec->outcome = (uint8_t)o;
	a->ok += o == OUTCOME_OK;
	a->failed += outcome_fails(o);
}

static void
try_free(struct try *t)
{
	struct attempts *a = t->owner;

	reactor_cancel(a->reactor, &t->deadline);
	conn_drop(&t->conn, false);
	free(t);
	if (--a->running == 0)
		a->on_idle(a->arg);
}

static void
on_error(struct conn *c, int rc)
{
	struct try *t = (struct try *)c;

	record(t, outcome_of(rc));
	try_free(t);
}

static void
on_connected(struct conn *c)
{
	struct try *t = (struct try *)c;
	usec_t took;
	bool again;
	int rc;

	conn_handshake(c, &took, &again);
	t->late = again || took > t->owner->opt->late;
	rc = conn_ask(c, true);
	if (rc < 0)
		on_error(c, rc);
}

static void
on_answer(struct conn *c)
{
	struct try *t = (struct try *)c;

	t->owner->list[t->index].server = server_id(t->owner, c->http.word);
	if (c->http.status != 200)
		record(t, OUTCOME_BAD);
	else
		record(t, t->late ? OUTCOME_LATE : OUTCOME_OK);
	if (c->state == CONN_CLOSED)
		try_free(t);
}

static void
on_closed(struct conn *c)
{
	try_free((struct try *)c);
}

static void
on_deadline(void *arg)
{
	struct try *t = arg;

	record(t, OUTCOME_TIMEOUT);
	conn_drop(&t->conn, true);
	try_free(t);
}

static const struct conn_ops ops = { on_connected, on_answer, on_error,
	on_closed };

static void
try_new(struct attempts *a, usec_t scheduled)
{
	struct try *t = mem_new(struct try);
	struct attempt *rec;
	int rc;

	if (a->n == a->cap) {
		a->cap = a->cap > 0 ? a->cap * 2 : 65536;
		a->list = realloc(a->list, a->cap * sizeof(*a->list));
		if (a->list == NULL)
			abort();
	}
	t->owner = a;
	t->index = a->n++;
	rec = &a->list[t->index];
	*rec = (struct attempt){ .scheduled = scheduled };
	rec->started = usec_mono();
	a->running++;
	rc = conn_open(&t->conn, a->reactor, &a->opt->target, &ops);
	if (rc < 0) {
		on_error(&t->conn, rc);
		return;
	}
	t->deadline.fn = on_deadline;
	t->deadline.arg = t;
	reactor_at(a->reactor, &t->deadline, rec->started + a->opt->timeout);
}

static void
on_tick(void *arg)
{
	struct attempts *a = arg;
	usec_t scheduled;

	while (pace_take(&a->pace, usec_mono(), &scheduled))
		try_new(a, scheduled);
	reactor_at(a->reactor, &a->tick, pace_next(&a->pace));
}

void
attempts_start(struct attempts *a, const struct options *opt,
    struct reactor *r, usec_t start)
{
	a->opt = opt;
	a->reactor = r;
	a->servers = 1;
	a->tick.fn = on_tick;
	a->tick.arg = a;
	a->pace = (struct pace){ .start = start, .rate = opt->rate };
	if (opt->rate > 0)
		reactor_at(r, &a->tick, start);
}

void
attempts_stop(struct attempts *a)
{
	reactor_cancel(a->reactor, &a->tick);
	if (a->running == 0)
		a->on_idle(a->arg);
}

void
attempts_done(struct attempts *a)
{
	free(a->list);
	*a = (struct attempts){ 0 };
}
