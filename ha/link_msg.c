/*
 * link_msg: codec of LINK_MEMBERS: u8 connected, u32 own, u16 n, n x u32
 * members, u16 n, n x (u32 node, u8 reason) that left.
 */
#include "ha/link_msg.h"

#include <errno.h>

void
link_members_pack(struct buf *b, const struct link_members_msg *m)
{
	unsigned i;

	put_u8(b, m->connected);
	put_u32(b, m->own);
	put_u16(b, m->n_members);
	for (i = 0; i < m->n_members; i++)
		put_u32(b, m->members[i]);
	put_u16(b, m->n_left);
	for (i = 0; i < m->n_left; i++) {
		put_u32(b, m->left[i].node);
		put_u8(b, m->left[i].reason);
	}
}

int
link_members_unpack(struct buf *b, struct link_members_msg *ret)
{
	struct link_members_msg m = { 0 };
	unsigned i;

	m.connected = get_u8(b) != 0;
	m.own = get_u32(b);
	m.n_members = get_u16(b);
	if (m.n_members > LINK_MEMBERS_MAX)
		return -EBADMSG;
	for (i = 0; i < m.n_members; i++)
		m.members[i] = get_u32(b);
	m.n_left = get_u16(b);
	if (m.n_left > LINK_MEMBERS_MAX)
		return -EBADMSG;
	for (i = 0; i < m.n_left; i++) {
		m.left[i].node = get_u32(b);
		m.left[i].reason = get_u8(b);
	}
	if (b->bad || buf_left(b) != 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}
