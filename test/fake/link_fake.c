/*
 * link_fake: two inboxes and what each end is told of the other.
 */
#include "test/fake/link_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct link_item {
	struct link_item *next;
	usec_t at;
	bool is_members;
	struct link_members members;
	enum msg_id id;
	size_t len;
	uint8_t body[];
};

static void
inbox_clear(struct link_end *e, bool messages_only)
{
	struct link_item **p = &e->inbox, *i;

	while ((i = *p) != NULL) {
		if (messages_only && i->is_members) {
			p = &i->next;
			continue;
		}
		*p = i->next;
		free(i);
	}
}

static void
arm(struct link_end *e)
{
	if (e->loop == NULL)
		return;
	if (e->inbox != NULL &&
	    (e->inbox->is_members || !e->link->cut))
		io_at(&e->arrival, e->inbox->at);
	else
		io_stop(&e->arrival);
}

static void
inbox_add(struct link_end *e, struct link_item *i, usec_t delay)
{
	struct link_item **p = &e->inbox;

	i->at = loop_now(e->link->world) + delay;
	if (i->at < e->last)
		i->at = e->last;
	e->last = i->at;
	while (*p != NULL)
		p = &(*p)->next;
	*p = i;
	arm(e);
}

static void
on_arrival(void *arg)
{
	struct link_end *e = arg;
	struct link_item *i = e->inbox;
	struct link_user u = e->user;

	if (i == NULL)
		return;
	e->inbox = i->next;
	e->received++;
	arm(e);
	if (i->is_members)
		u.on_members(&i->members, u.arg);
	else
		u.on_message(i->id, i->body, i->len, u.arg);
	free(i);
}

static bool
in_group(const struct link_end *e)
{
	return e->linkd && e->corosync && e->attached;
}

/* Tells each end what is new to it of the group. */
static void
tell(struct link_fake *k, enum link_loss how, usec_t delay)
{
	struct link_members now;
	struct link_item *i;
	struct link_end *e;
	unsigned s;

	for (s = 0; s < 2; s++) {
		e = &k->ends[s];
		if (!e->attached)
			continue;
		now = (struct link_members){ .connected = in_group(e) };
		now.peer =
		    now.connected && in_group(&k->ends[!s]) && !k->lost;
		if (now.connected && e->told.peer && !now.peer)
			now.loss = how;
		if (now.connected == e->told.connected &&
		    now.peer == e->told.peer)
			continue;
		if (!now.connected)
			inbox_clear(e, true);
		e->told = now;
		i = mem_new(struct link_item);
		i->is_members = true;
		i->members = now;
		inbox_add(e, i, now.connected ? delay : 0);
	}
}

static void
on_token(void *arg)
{
	struct link_fake *k = arg;

	k->lost = true;
	inbox_clear(&k->ends[0], true);
	inbox_clear(&k->ends[1], true);
	tell(k, LINK_NODEDOWN, 0);
}

static void
on_rejoin(void *arg)
{
	struct link_fake *k = arg;

	k->lost = false;
	tell(k, LINK_THERE, 0);
}

void
link_fake_init(struct link_fake *k, struct loop *world, uint64_t seed)
{
	unsigned s;

	*k = (struct link_fake){ .rng = seed,
		.world = world,
		.delay = 300,
		.jitter = 400,
		.notice = 2 * USEC_MS,
		.token = USEC_S,
		.rejoin = 300 * USEC_MS };
	timer_init(&k->token_end, world, on_token, k);
	timer_init(&k->rejoin_end, world, on_rejoin, k);
	for (s = 0; s < 2; s++)
		k->ends[s] = (struct link_end){
			.link = k, .side = s, .linkd = true, .corosync = true
		};
}

void
link_fake_done(struct link_fake *k)
{
	inbox_clear(&k->ends[0], false);
	inbox_clear(&k->ends[1], false);
	timer_stop(&k->token_end);
	timer_stop(&k->rejoin_end);
}

void
link_fake_attach(struct link_fake *k, unsigned side, struct loop *l,
    const struct link_user *u)
{
	struct link_end *e = &k->ends[side];

	e->loop = l;
	e->user = *u;
	e->told = (struct link_members){ 0 };
	e->last = 0;
	timer_init(&e->arrival, l, on_arrival, e);
	e->attached = true;
	tell(k, LINK_THERE, k->notice);
}

void
link_fake_detach(struct link_fake *k, unsigned side, enum link_loss how)
{
	struct link_end *e = &k->ends[side];

	if (!e->attached)
		return;
	io_stop(&e->arrival);
	inbox_clear(e, false);
	e->attached = false;
	e->loop = NULL;
	if (how == LINK_NODEDOWN) /* what it had sent is lost with it */
		inbox_clear(&k->ends[!side], true);
	tell(k, how, how == LINK_NODEDOWN ? k->token : k->notice);
}

void
link_fake_linkd(struct link_fake *k, unsigned side, bool runs)
{
	k->ends[side].linkd = runs;
	tell(k, LINK_PROCDOWN, k->notice);
}

void
link_fake_corosync(struct link_fake *k, unsigned side, bool runs)
{
	k->ends[side].corosync = runs;
	tell(k, LINK_NODEDOWN, k->notice);
}

void
link_fake_cut(struct link_fake *k, bool cut)
{
	if (k->cut == cut)
		return;
	k->cut = cut;
	timer_stop(&k->token_end);
	timer_stop(&k->rejoin_end);
	if (cut && !k->lost)
		timer_in(&k->token_end, k->token);
	else if (!cut && k->lost)
		timer_in(&k->rejoin_end, k->rejoin);
	arm(&k->ends[0]);
	arm(&k->ends[1]);
}

static int
fake_send(void *ctx, enum msg_id id, const void *body, size_t len)
{
	struct link_end *e = ctx, *to = &e->link->ends[!e->side];
	struct link_fake *k = e->link;
	usec_t delay = k->delay;
	struct link_item *i;

	if (!in_group(e))
		return -ENOTCONN;
	if (k->full)
		return -ENOBUFS;
	e->sent++;
	if (k->drop_next > 0) {
		k->drop_next--;
		return 0;
	}
	if (!in_group(to) || k->lost)
		return 0; /* to a group without the peer */
	if (k->jitter > 0)
		delay += fake_random(&k->rng) % k->jitter;
	i = mem_zalloc(sizeof(*i) + len);
	i->id = id;
	i->len = len;
	memcpy(i->body, body, len);
	inbox_add(to, i, delay);
	return 0;
}

const struct link_ops link_fake_ops = { .send = fake_send };
