/*
 * yoked_sync: what yoke-syncd is told (what this director is), what it reports
 * (how far the standby's connections are), and the messages between the two
 * syncds, which are carried without a look inside. A syncd that dies or hangs
 * changes nothing but what status says: the kernels go on synchronising.
 */
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"

#define TELL_EVERY USEC_S

/* A standby is one for syncd when there is an active to ask. */
static enum sync_role
role_now(const struct yoked *y)
{
	const struct director *d = &y->director;

	if (!y->started || !y->conf->sync)
		return SYNC_IDLE;
	if (d->role == ROLE_ACTIVE || d->role == ROLE_HANDING_OVER ||
	    d->role == ROLE_TAKING_OVER)
		return SYNC_ACTIVE;
	if (d->role == ROLE_STANDBY && d->members.peer &&
	    d->beats.report.role == ROLE_ACTIVE)
		return SYNC_STANDBY;
	return SYNC_IDLE;
}

static void
tell(struct yoked *y)
{
	uint8_t mem[32];
	struct buf b = buf_writer(mem, sizeof(mem));

	sync_role_pack(&b, &y->sync_role);
	(void)helper_send(y, &y->sync, MSG_SYNC_ROLE, mem, b.pos);
}

void
yoked_sync_role(struct yoked *y)
{
	enum sync_role now = role_now(y);
	bool changed = now != y->sync_role.role;

	if (changed) {
		y->sync_role.role = (uint8_t)now;
		y->sync_role.gen++;
	}
	y->director.conns_full = now == SYNC_STANDBY && yoked_sync_full(y);
	if (changed)
		yoked_sync_tell(y);
}

void
yoked_sync_tell(struct yoked *y)
{
	y->sync_role.conns = yoked_sync_conns(y);
	tell(y);
}

/* Datagrams were lost while the path that carries them was down. */
void
yoked_sync_path(struct yoked *y, unsigned index, bool up)
{
	const struct path_state *p = &y->director.beats.paths[index];
	const char *dev = ipvs_sync_device(y->conf);

	if (!up || dev == NULL || strcmp(p->own->device, dev) != 0)
		return;
	y->sync_role.gen++;
	yoked_sync_role(y);
	yoked_sync_tell(y);
}

static void
on_timer(void *arg)
{
	struct yoked *y = arg;

	timer_in(&y->sync_timer, TELL_EVERY);
	yoked_sync_role(y);
	yoked_sync_tell(y);
}

void
yoked_sync_init(struct yoked *y)
{
	timer_init(&y->sync_timer, y->loop, on_timer, y);
	timer_in(&y->sync_timer, TELL_EVERY);
}

static void
on_state(struct yoked *y, struct buf *b)
{
	bool was = y->director.conns_full;

	if (sync_state_unpack(b, &y->sync_state) < 0) {
		log_warning("message=SYNC_STATE state=dropped");
		return;
	}
	yoked_sync_role(y);
	if (y->director.conns_full != was)
		log_notice("connections=%s",
		    y->director.conns_full ? "full" : "incomplete");
}

void
yoked_sync_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);

	if (id == MSG_SYNC_STATE)
		on_state(y, &b);
	else if (id == MSG_SYNC_SEND && y->started)
		(void)yoked_link_ops.send(y, MSG_PEER_SYNC, body, len);
}

void
yoked_sync_peer(struct yoked *y, const void *body, size_t len)
{
	if (msg_check(MSG_PEER_SYNC, WHO_PEER, WHO_PEER, PRIV_NONE, len) == 0)
		(void)helper_send(y, &y->sync, MSG_SYNC_RECV, body, len);
}

void
yoked_sync_gone(struct yoked *y)
{
	y->sync_state = (struct sync_state_msg){ 0 };
	y->director.conns_full = false;
}
