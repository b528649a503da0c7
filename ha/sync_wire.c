/*
 * sync_wire: explicit big-endian codecs; every field has its line twice.
 */
#include "ha/sync_wire.h"

#include <errno.h>

#include "common/mem.h"

static int
done(const struct buf *b)
{
	return b->bad || buf_left(b) != 0 ? -EBADMSG : 0;
}

void
sync_role_pack(struct buf *b, const struct sync_role_msg *m)
{
	put_u8(b, m->role);
	put_u32(b, m->gen);
	put_u64(b, m->conns);
}

int
sync_role_unpack(struct buf *b, struct sync_role_msg *ret)
{
	struct sync_role_msg m;

	m.role = get_u8(b);
	m.gen = get_u32(b);
	m.conns = get_u64(b);
	if (done(b) < 0 || m.role >= SYNC_ROLE__LAST)
		return -EBADMSG;
	*ret = m;
	return 0;
}

const char *
sync_phase_name(unsigned p)
{
	static const char *const names[SYNC_PHASE__LAST] = {
		[SYNC_PHASE_NONE] = "none",
		[SYNC_PHASE_SEEDING] = "seeding",
		[SYNC_PHASE_ASKING] = "asking",
		[SYNC_PHASE_GETTING] = "getting",
		[SYNC_PHASE_FULL] = "full",
		[SYNC_PHASE_SENDING] = "sending",
		[SYNC_PHASE_READY] = "ready",
	};

	return p < ARRAY_LEN(names) ? names[p] : "unknown";
}

void
sync_state_pack(struct buf *b, const struct sync_state_msg *m)
{
	put_u8(b, m->role);
	put_u8(b, m->phase);
	put_u32(b, m->gen);
	put_u64(b, m->known);
	put_u64(b, m->peer_conns);
	put_u32(b, m->resyncs);
	put_u64(b, m->resync_conns);
	put_u32(b, m->resync_ms);
	put_u32(b, m->again);
	put_u64(b, m->early_sent);
	put_u64(b, m->early_lost);
	put_u64(b, m->early_unsure);
	put_u8(b, m->early);
	put_u8(b, m->mirror);
	put_u64(b, m->copies);
}

int
sync_state_unpack(struct buf *b, struct sync_state_msg *ret)
{
	struct sync_state_msg m;

	m.role = get_u8(b);
	m.phase = get_u8(b);
	m.gen = get_u32(b);
	m.known = get_u64(b);
	m.peer_conns = get_u64(b);
	m.resyncs = get_u32(b);
	m.resync_conns = get_u64(b);
	m.resync_ms = get_u32(b);
	m.again = get_u32(b);
	m.early_sent = get_u64(b);
	m.early_lost = get_u64(b);
	m.early_unsure = get_u64(b);
	m.early = get_u8(b);
	m.mirror = get_u8(b);
	m.copies = get_u64(b);
	if (done(b) < 0 || m.role >= SYNC_ROLE__LAST ||
	    m.phase >= SYNC_PHASE__LAST || m.early > 1 || m.mirror > 1)
		return -EBADMSG;
	*ret = m;
	return 0;
}

void
sync_peer_pack(struct buf *b, const struct sync_peer *m)
{
	put_u8(b, m->type);
	put_u64(b, m->nonce);
	put_u32(b, m->try_n);
	put_u16(b, m->port);
	put_u32(b, m->datagrams);
	put_u64(b, m->conns);
	put_u32(b, m->ms);
}

int
sync_peer_unpack(struct buf *b, struct sync_peer *ret)
{
	struct sync_peer m;

	m.type = get_u8(b);
	m.nonce = get_u64(b);
	m.try_n = get_u32(b);
	m.port = get_u16(b);
	m.datagrams = get_u32(b);
	m.conns = get_u64(b);
	m.ms = get_u32(b);
	if (done(b) < 0 || m.type >= SYNC_PEER__LAST)
		return -EBADMSG;
	*ret = m;
	return 0;
}
