/*
 * yoked_link: the peer and the group, by way of yoke-linkd, which makes the
 * corosync calls that could block. A peer message is its u16 id and its body.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/log.h"
#include "daemons/yoked/yoked.h"
#include "ha/link_msg.h"

static int
link_send(void *ctx, enum msg_id id, const void *body, size_t len)
{
	struct yoked *y = ctx;
	uint8_t mem[LINK_DATA_MAX];
	struct buf b = buf_writer(mem, LINK_DATA_MAX);

	put_u16(&b, (uint16_t)id);
	put_bytes(&b, body, len);
	if (b.bad)
		return -EMSGSIZE;
	return helper_send(y, &y->link, MSG_LINK_SEND, mem, b.pos);
}

const struct link_ops yoked_link_ops = { .send = link_send };

static enum link_loss
loss_of(const struct link_members_msg *m, uint32_t peer)
{
	unsigned i;

	for (i = 0; i < m->n_left; i++) {
		if (m->left[i].node != peer)
			continue;
		if (m->left[i].reason == LINK_REASON_PROCDOWN)
			return LINK_PROCDOWN;
		return m->left[i].reason == LINK_REASON_LEAVE ? LINK_LEFT :
			LINK_NODEDOWN;
	}
	return LINK_NODEDOWN;
}

static void
on_members(struct yoked *y, struct buf *b)
{
	uint32_t peer = y->conf->peer->id;
	struct link_members_msg m;
	struct link_members now = { 0 };
	unsigned i;

	if (link_members_unpack(b, &m) < 0)
		return;
	if (m.connected && m.own != y->conf->self->id)
		log_err("corosync's nodeid=%" PRIu32 " but node %s has id=%"
			PRIu32 ": make them equal", m.own,
		    y->conf->self->name, y->conf->self->id);
	y->link_id = m.own;
	now.connected = m.connected;
	for (i = 0; i < m.n_members; i++)
		now.peer |= m.members[i] == peer;
	if (!now.peer && m.connected)
		now.loss = loss_of(&m, peer);
	log_notice("link=%s peer=%s", now.connected ? "up" : "down",
	    now.peer ? "joined" : "absent");
	director_on_members(&y->director, &now);
	yoked_sync_role(y);
}

static void
on_recv(struct yoked *y, const uint8_t *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	uint32_t node = get_u32(&b);
	unsigned id = get_u16(&b);

	if (b.bad || node != y->conf->peer->id)
		return;
	if (id == MSG_PEER_SYNC)
		yoked_sync_peer(y, body + b.pos, buf_left(&b));
	else
		director_on_message(
		    &y->director, id, body + b.pos, buf_left(&b));
}

void
yoked_link_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);

	if (!y->started)
		return;
	if (id == MSG_LINK_MEMBERS)
		on_members(y, &b);
	else if (id == MSG_LINK_RECV)
		on_recv(y, body, len);
}

void
yoked_link_gone(struct yoked *y)
{
	struct link_members none = { 0 };

	log_warning("link=down: yoke-linkd is not connected");
	if (y->started)
		director_on_members(&y->director, &none);
}
