/*
 * link_msg: what linkd tells yoked about the group.
 */
#include "ha/link_msg.h"

#include <errno.h>

static const char *const reasons[LINK_REASON__LAST] = {
	[LINK_REASON_UNDEFINED] = "undefined",
	[LINK_REASON_JOIN] = "join",
	[LINK_REASON_LEAVE] = "leave",
	[LINK_REASON_NODEDOWN] = "nodedown",
	[LINK_REASON_NODEUP] = "nodeup",
	[LINK_REASON_PROCDOWN] = "procdown",
};

const char *
link_reason_name(unsigned reason)
{
	return reason < LINK_REASON__LAST ? reasons[reason] : "unknown";
}

void
link_members_pack(struct buf *b, const struct link_members_msg *m)
{
	unsigned i;

	put_u8(b, m->connected);
	put_u32(b, m->own);
	put_u16(b, (uint16_t)m->n_members);
	for (i = 0; i < m->n_members; i++)
		put_u32(b, m->members[i]);
	put_u16(b, (uint16_t)m->n_left);
	for (i = 0; i < m->n_left; i++) {
		put_u32(b, m->left[i].node);
		put_u8(b, m->left[i].reason);
	}
}

int
link_members_unpack(struct buf *b, struct link_members_msg *ret)
{
	struct link_members_msg m = { 0 };
	unsigned i, connected;

	connected = get_u8(b);
	m.connected = connected == 1;
	m.own = get_u32(b);
	m.n_members = get_u16(b);
	if (m.n_members > LINK_LIST_MAX)
		return -EBADMSG;
	for (i = 0; i < m.n_members; i++)
		m.members[i] = get_u32(b);
	m.n_left = get_u16(b);
	if (m.n_left > LINK_LIST_MAX)
		return -EBADMSG;
	for (i = 0; i < m.n_left; i++) {
		m.left[i].node = get_u32(b);
		m.left[i].reason = get_u8(b);
	}
	if (b->bad || buf_left(b) != 0 || connected > 1)
		return -EBADMSG;
	*ret = m;
	return 0;
}

bool
link_members_have(const struct link_members_msg *m, uint32_t node)
{
	unsigned i;

	for (i = 0; i < m->n_members; i++)
		if (m->members[i] == node)
			return true;
	return false;
}
