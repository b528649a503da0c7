/*
 * join: how a standby gets the active's connections. It asks until they come;
 * all of them came when as many datagrams were heard as the active says it
 * sent, the backup thread has taken what waited in its socket, and that socket
 * lost none. Else it asks again, for a slower sending.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "common/log.h"
#include "daemons/syncd/syncd.h"

#define ASK_EVERY USEC_S
#define LOOK_EVERY (10 * USEC_MS)
#define STALLED USEC_S /* nothing came for so long: some were lost */
#define TRIES_SLOW 8   /* then one in so many seconds only */

static void
ask(struct syncd *s)
{
	struct join *j = &s->join;
	struct sync_peer m = {
		.type = SYNC_WANT, .nonce = j->nonce, .try_n = j->try_n
	};

	syncd_tell_peer(s, &m);
	timer_in(&j->timer, ASK_EVERY);
}

static void
full(struct syncd *s)
{
	struct join *j = &s->join;
	usec_t took = loop_now(s->loop) - j->start;

	timer_stop(&j->timer);
	s->state.resyncs++;
	s->state.resync_conns = j->done.conns;
	s->state.resync_ms = (uint32_t)(took / USEC_MS);
	log_notice("resync=complete connections=%llu ms=%u tries=%u",
	    (unsigned long long)j->done.conns, s->state.resync_ms,
	    j->try_n + 1);
	syncd_phase(s, SYNC_PHASE_FULL);
}

static void
again(struct syncd *s, const char *why)
{
	struct join *j = &s->join;

	log_notice("resync=again why=\"%s\" tries=%u", why, j->try_n + 1);
	s->state.again++;
	join_start(s, j->try_n + 1);
}

/* DONE came: did everything else? */
static void
judge(struct syncd *s)
{
	struct join *j = &s->join;
	unsigned long waiting = 0, drops = 0;
	bool stalled = loop_now(s->loop) - j->moved > STALLED;
	int rc = sync_sock_backlog(s->hear.inode, &waiting, &drops);

	timer_in(&j->timer, LOOK_EVERY); /* unless it is over */
	if (rc < 0) {
		if (stalled)
			again(s, "the kernel's backup daemon does not run");
	} else if (drops != j->drops) {
		again(s, "the kernel lost sync datagrams");
	} else if (hear_count(&s->hear, j->done.port) < j->done.datagrams) {
		if (stalled)
			again(s, "not all came");
	} else if (waiting == 0) {
		full(s);
	}
}

static void
on_timer(void *arg)
{
	struct syncd *s = arg;
	struct join *j = &s->join;
	bool moved = s->hear.datagrams != j->seen;

	if (moved) {
		j->seen = s->hear.datagrams;
		j->moved = loop_now(s->loop);
	}
	if (j->told)
		judge(s);
	else if (moved && s->state.phase == SYNC_PHASE_GETTING)
		timer_in(&j->timer, ASK_EVERY);
	else
		ask(s); /* the same once more: nobody may have heard it */
}

void
join_init(struct syncd *s)
{
	timer_init(&s->join.timer, s->loop, on_timer, s);
}

void
join_start(struct syncd *s, uint32_t try_n)
{
	struct join *j = &s->join;
	unsigned long waiting;
	usec_t now = loop_now(s->loop);

	if (try_n == 0)
		j->start = now;
	j->try_n = try_n;
	j->told = false;
	j->seen = s->hear.datagrams;
	j->moved = now;
	j->drops = 0;
	(void)sync_sock_backlog(s->hear.inode, &waiting, &j->drops);
	if (getrandom(&j->nonce, sizeof(j->nonce), GRND_NONBLOCK) < 0 ||
	    j->nonce == 0)
		j->nonce = now;
	hear_begin(&s->hear);
	syncd_phase(s, SYNC_PHASE_ASKING);
	if (try_n < TRIES_SLOW)
		ask(s);
	else
		timer_in(&j->timer, TRIES_SLOW * USEC_S);
}

void
join_stop(struct syncd *s)
{
	timer_stop(&s->join.timer);
	s->join.nonce = 0;
}

void
join_done(struct syncd *s, const struct sync_peer *done)
{
	struct join *j = &s->join;

	if (s->role.role != SYNC_STANDBY || done->nonce != j->nonce ||
	    j->told || s->state.phase == SYNC_PHASE_FULL)
		return;
	j->told = true;
	j->done = *done;
	j->moved = loop_now(s->loop);
	syncd_phase(s, SYNC_PHASE_GETTING);
	timer_in(&j->timer, 0);
}
