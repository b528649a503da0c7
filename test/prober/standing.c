/*
 * standing: long-lived and short-lived busy connections; definitions in
 * standing.h. One timer per connection, whose meaning follows from the
 * connection's state. Driven by the reactor, started by prober.c.
 */
#include "test/prober/standing.h"

#include <errno.h>
#include <stdlib.h>

#include "common/mem.h"

#define RETRY (100 * USEC_MS) /* an old one that could not be opened */

struct hold {
	struct conn conn; /* first member */
	struct timer timer;
	struct standing *owner;
	struct qb_list_head list;
	bool old;
	bool counted; /* handshake done, end not yet counted */
	usec_t connected, asked, last_ok, dies;
};

static void hold_open(struct hold *h);
static void hold_new(struct standing *s, bool old);

/* Uniform in busy[0]..busy[1]; xorshift64. */
static usec_t
pause_length(struct standing *s)
{
	const usec_t *busy = s->opt->busy;

	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return busy[0] + s->seed % (busy[1] - busy[0] + 1);
}

static void
hold_free(struct hold *h)
{
	struct standing *s = h->owner;

	reactor_cancel(s->reactor, &h->timer);
	conn_drop(&h->conn, false);
	qb_list_del(&h->list);
	free(h);
	if (s->stopping && qb_list_empty(&s->holds))
		s->on_idle(s->arg);
}

static usec_t
hold_age(const struct hold *h)
{
	return h->last_ok > 0 ? h->last_ok - h->connected : 0;
}

static void
count_kept(struct hold *h)
{
	h->owner->tally.kept += h->counted;
	h->counted = false;
}

static void
on_error(struct conn *c, int rc)
{
	struct hold *h = (struct hold *)c;
	struct standing *s = h->owner;

	if (!h->counted) { /* never was a connection */
		s->tally.not_opened += !h->old;
		if (h->old && !s->stopping)
			reactor_at(s->reactor, &h->timer, usec_mono() + RETRY);
		else
			hold_free(h);
		return;
	}
	if (rc == -EBADMSG)
		s->tally.bad++;
	else
		tally_reset(&s->tally, hold_age(h));
	hold_free(h);
}

static void
ask(struct hold *h)
{
	usec_t now = usec_mono();
	int rc;

	h->asked = now;
	rc = conn_ask(&h->conn, now >= h->dies);
	if (rc < 0)
		on_error(&h->conn, rc);
	else
		reactor_at(h->owner->reactor, &h->timer,
		    now + h->owner->opt->hung);
}

static void
on_connected(struct conn *c)
{
	struct hold *h = (struct hold *)c;

	h->connected = usec_mono();
	h->dies = h->old ? USEC_NEVER
			 : h->connected + h->owner->opt->young_life;
	h->counted = true;
	h->owner->tally.total++;
	ask(h);
}

static void
on_answer(struct conn *c)
{
	struct hold *h = (struct hold *)c;
	struct standing *s = h->owner;
	usec_t now = usec_mono();

	if (c->http.status != 200) {
		conn_drop(c, true);
		on_error(c, -EBADMSG);
		return;
	}
	tally_stall(&s->tally, h->asked - h->connected, now - h->asked);
	if (h->old && h->last_ok == 0 && ++s->ready == s->opt->established)
		s->on_ready(s->arg);
	h->last_ok = now;
	if (c->state == CONN_IDLE && !s->stopping) {
		reactor_at(s->reactor, &h->timer, now + pause_length(s));
		return;
	}
	count_kept(h);
	if (h->old && !s->stopping) {
		s->tally.recycled++;
		hold_new(s, true);
	}
	if (c->state == CONN_CLOSING && !s->stopping)
		reactor_at(s->reactor, &h->timer, now + s->opt->timeout);
	else
		hold_free(h);
}

static void
on_closed(struct conn *c)
{
	hold_free((struct hold *)c);
}

/* Connecting took too long, as an error of our own making. */
static void
give_up(struct hold *h)
{
	conn_drop(&h->conn, true);
	on_error(&h->conn, -ETIMEDOUT);
}

static void
cut(struct hold *h)
{
	conn_drop(&h->conn, true);
	hold_free(h);
}

static void
on_timer(void *arg)
{
	struct hold *h = arg;

	switch (h->conn.state) {
	case CONN_CLOSED: /* to be tried again */
		hold_open(h);
		break;
	case CONN_CONNECTING:
		give_up(h);
		break;
	case CONN_IDLE:
		ask(h);
		break;
	case CONN_ASKED:
		tally_stall(&h->owner->tally, h->asked - h->connected,
		    usec_mono() - h->asked);
		tally_hung(&h->owner->tally, hold_age(h));
		cut(h);
		break;
	case CONN_CLOSING:
		cut(h);
		break;
	}
}

static const struct conn_ops ops = { on_connected, on_answer, on_error,
	on_closed };

static void
hold_open(struct hold *h)
{
	struct standing *s = h->owner;
	int rc;

	reactor_at(s->reactor, &h->timer, usec_mono() + s->opt->timeout);
	rc = conn_open(&h->conn, s->reactor, &s->opt->target, &ops);
	if (rc < 0)
		on_error(&h->conn, rc);
}

static void
hold_new(struct standing *s, bool old)
{
	struct hold *h = mem_new(struct hold);

	h->owner = s;
	h->old = old;
	h->timer.fn = on_timer;
	h->timer.arg = h;
	h->conn.state = CONN_CLOSED;
	qb_list_add_tail(&h->list, &s->holds);
	hold_open(h);
}

static void
on_tick(void *arg)
{
	struct standing *s = arg;
	usec_t scheduled;

	while (pace_take(&s->pace, usec_mono(), &scheduled))
		hold_new(s, false);
	reactor_at(s->reactor, &s->tick, pace_next(&s->pace));
}

void
standing_start(struct standing *s, const struct options *opt,
    struct reactor *r, usec_t start)
{
	unsigned long i;

	s->opt = opt;
	s->reactor = r;
	s->seed = 0x9e3779b97f4a7c15;
	qb_list_init(&s->holds);
	s->tick.fn = on_tick;
	s->tick.arg = s;
	s->pace = (struct pace){ .start = start, .rate = opt->young_rate };
	if (opt->young_rate > 0)
		reactor_at(r, &s->tick, start);
	for (i = 0; i < opt->established; i++)
		hold_new(s, true);
	if (opt->established == 0)
		s->on_ready(s->arg);
}

void
standing_mark(struct standing *s, usec_t mark)
{
	struct hold *h;

	s->tally.marked = true;
	qb_list_for_each_entry(h, &s->holds, list)
		if (h->counted && mark - h->connected < TALLY_YOUNG)
			s->tally.young_total++;
}

void
standing_stop(struct standing *s)
{
	struct hold *h;
	struct qb_list_head *at, *next;

	reactor_cancel(s->reactor, &s->tick);
	qb_list_for_each_safe(at, next, &s->holds)
	{
		h = qb_list_entry(at, struct hold, list);
		if (h->conn.state == CONN_ASKED)
			continue; /* its answer, its end or on_timer() */
		count_kept(h);
		hold_free(h);
	}
	s->stopping = true;
	if (qb_list_empty(&s->holds))
		s->on_idle(s->arg);
}

void
standing_done(struct standing *s)
{
	tally_done(&s->tally);
}
