/*
 * syncd: what yoked says this director is, what we report, and what the two
 * syncds say to each other. Without yoked listening goes on, so that the map is
 * whole when it is back.
 */
#include "daemons/syncd/syncd.h"

#include <errno.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define TICK (100 * USEC_MS)
#define REPORT_EVERY 10 /* ticks */
#define SWEEP 65536	/* entries looked at in a tick */
#define SEED_AGAIN (10 * USEC_S)

static void
report(struct syncd *s)
{
	uint8_t mem[128];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct sync_state_msg *m = &s->state;

	m->role = s->role.role;
	m->gen = s->role.gen;
	m->known = s->map.n;
	m->early = s->conf->sync && s->conf->sync_early && s->early.fd >= 0;
	m->early_sent = atomic_load(&s->early.sent);
	m->early_lost = atomic_load(&s->early.lost);
	m->early_unsure = atomic_load(&s->early.unsure);
	m->mirror = mirror_on(&s->mirror) || s->copies.fd >= 0;
	m->copies = copies_heard(s);
	sync_state_pack(&b, m);
	(void)ipcc_keep_send(s->yoked, MSG_SYNC_STATE, mem, b.pos);
}

void
syncd_phase(struct syncd *s, enum sync_phase p)
{
	if (s->state.phase != p)
		log_info("phase=%s was=%s", sync_phase_name(p),
		    sync_phase_name(s->state.phase));
	s->state.phase = (uint8_t)p;
	report(s);
}

void
syncd_tell_peer(struct syncd *s, const struct sync_peer *m)
{
	uint8_t mem[64];
	struct buf b = buf_writer(mem, sizeof(mem));

	sync_peer_pack(&b, m);
	(void)ipcc_keep_send(s->yoked, MSG_SYNC_SEND, mem, b.pos);
}

/* Only an active director's SYNs are in a hurry. On one CPU the kernel's receive
 * thread waits behind real-time work, and a standby that reads the kernel's table
 * and is sent all connections would hear no beats meanwhile. */
void
syncd_urgency(struct syncd *s)
{
	bool want = s->role.role == SYNC_ACTIVE && s->seed.done;

	if (want == s->urgent)
		return;
	s->urgent = want;
	daemon_real_time(s->daemon, want);
}

/* Datagrams or SYNs that we were too slow for: the map misses something. */
static void
look_for_losses(struct syncd *s)
{
	uint64_t drops = capture_drops(s);
	usec_t now = loop_now(s->loop);

	atomic_fetch_add(&s->early.lost, early_drops(s));
	if (drops > 0 && s->seed.again == 0)
		s->seed.again = now + SEED_AGAIN;
	if (s->seed.again != 0 && now >= s->seed.again)
		seed_start(s);
}

static void
on_tick(void *arg)
{
	struct syncd *s = arg;

	timer_in(&s->tick, TICK);
	conn_map_sweep(&s->map, SWEEP, loop_now(s->loop));
	if (++s->ticks % REPORT_EVERY != 0)
		return;
	look_for_losses(s);
	if (s->role.role == SYNC_ACTIVE && s->early.fd >= 0)
		early_cards(&s->early);
	copies_look(s);
	mirror_look(s);
	report(s);
}

static void
on_role(struct syncd *s, struct buf *b)
{
	struct sync_role_msg was = s->role;
	struct sync_peer count = { .type = SYNC_COUNT };

	if (sync_role_unpack(b, &s->role) < 0) {
		log_warning("message=SYNC_ROLE state=dropped");
		return;
	}
	if (!s->seed.done)
		seed_start(s);
	syncd_urgency(s);
	count.conns = s->role.conns;
	if (s->role.role != SYNC_IDLE)
		syncd_tell_peer(s, &count);
	if (was.role == s->role.role &&
	    (was.gen == s->role.gen || s->role.role == SYNC_ACTIVE))
		return; /* who may have missed something asks */
	early_role(s);
	pass_stop(s);
	join_stop(s);
	if (s->role.role == SYNC_STANDBY)
		join_start(s, 0);
	else if (s->role.role == SYNC_ACTIVE)
		syncd_phase(
		    s, s->seed.done ? SYNC_PHASE_READY : SYNC_PHASE_SEEDING);
	else
		syncd_phase(s, SYNC_PHASE_NONE);
}

/* One that asks while we still read the kernel's table asks again. */
static void
on_want(struct syncd *s, const struct sync_peer *m)
{
	if (s->role.role == SYNC_ACTIVE && s->seed.done)
		pass_start(s, m);
}

static void
on_count(struct syncd *s, const struct sync_peer *m)
{
	s->state.peer_conns = m->conns;
}

static void
on_peer(struct syncd *s, struct buf *b)
{
	static void (*const fns[SYNC_PEER__LAST])(
	    struct syncd *, const struct sync_peer *) = {
		[SYNC_WANT] = on_want,
		[SYNC_DONE] = join_done,
		[SYNC_COUNT] = on_count,
	};
	struct sync_peer m;

	if (sync_peer_unpack(b, &m) < 0)
		log_warning("message=PEER_SYNC state=dropped");
	else
		fns[m.type](s, &m);
}

static void
on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct buf b = buf_reader(body, len);
	struct syncd *s = arg;

	if (!s->conf->sync || s->device == NULL)
		return;
	if (id == MSG_SYNC_ROLE)
		on_role(s, &b);
	else if (id == MSG_SYNC_RECV)
		on_peer(s, &b);
	else if (id == MSG_RELOAD)
		syncd_reload(s->daemon);
}

static void
on_up(void *arg)
{
	(void)arg;
	log_info("yoked=connected");
}

/* early.c goes on as it was: the kernel forwards until the addresses are gone. */
static void
on_down(void *arg)
{
	struct syncd *s = arg;

	pass_stop(s);
	join_stop(s);
	s->role = (struct sync_role_msg){ 0 };
	s->state.phase = SYNC_PHASE_NONE;
	log_warning("yoked=gone action=\"listening on, connecting again\"");
}

static const struct ipcc_ops ops = { .on_up = on_up, .on_down = on_down,
	.on_event = on_event };

int
syncd_ipc_start(struct daemon *d)
{
	struct syncd *s = d->user;

	timer_init(&s->tick, s->loop, on_tick, s);
	timer_in(&s->tick, TICK);
	return ipcc_keep_new(
	    d->loop, d->conf->instance, WHO_SYNC, &ops, s, &s->yoked);
}

void
syncd_ipc_stop(struct daemon *d)
{
	struct syncd *s = d->user;

	timer_stop(&s->tick);
	pass_stop(s);
	join_stop(s);
	seed_stop(s);
	ipcc_keep_free(s->yoked);
	s->yoked = NULL;
}
