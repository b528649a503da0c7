/*
 * takeover: taking the addresses and letting go of them.
 *
 * Taking over, in this order, none of it waiting for corosync or storage: a new
 * term, the table in IPVS (a no-op when this standby was in step), the VIPs in
 * one batch as one-second leases, announcements, a beat that tells the peer.
 * Only then does stable storage hear of it: rollback.c.
 */
#include <string.h>

#include "common/err.h"
#include "ha/director_impl.h"

#define ASK_WAIT USEC_S /* for the standby to take over */
#define LINGER (20 * USEC_MS) /* for packets that are on their way to us */
#define ANNOUNCE_EVERY (30 * USEC_S)

/* When to announce, after the first time at once. The last is after a dead
 * manager's leases have run out, whoever it was that answered until then. */
static const usec_t announce_at[] = {
	50 * USEC_MS,
	200 * USEC_MS,
	USEC_S,
	2 * USEC_S,
};
#define ANNOUNCES (sizeof(announce_at) / sizeof(announce_at[0]))

static void
vip_result(struct director *d, const char *what, int rc)
{
	if (rc < 0 && rc != d->vip_rc)
		director_note(
		    d, NOTE_ERR, "vip %s failed: %s", what, err_text(rc));
	d->vip_rc = rc;
}

static void
announce(struct director *d)
{
	int rc = d->ports.vip->announce(
	    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips);

	if (rc < 0)
		vip_result(d, "announcement", rc);
	d->announced++;
}

void
announce_again(struct director *d)
{
	d->announced = 0;
	announce(d);
	timer_in(&d->announce, announce_at[0]);
}

/* A manager that was stopped for a while may have been replaced meanwhile: the
 * beats that wait in its sockets say so, and are read before it touches the
 * addresses again. There may be none, or only old ones (a machine that was
 * paused, a buffer that was full): who comes late listens first, for as long
 * as silence takes to be noticed. */
static bool
still_ours(struct director *d, struct timer *t)
{
	usec_t late = loop_now(d->loop) - t->when;
	usec_t listen = d->conf->beat_interval * (d->conf->beat_misses + 1);

	beats_drain(&d->beats);
	director_evaluate(d);
	if (role_holds(d->role) && late >= listen)
		timer_in(t, listen);
	return role_holds(d->role) && late < listen;
}

static void
on_announce(void *arg)
{
	struct director *d = arg;
	unsigned i = d->announced;
	usec_t next = ANNOUNCE_EVERY;

	if (!still_ours(d, &d->announce))
		return;
	announce(d);
	if (i < ANNOUNCES)
		next = announce_at[i] - announce_at[i - 1];
	timer_in(&d->announce, next);
}

static void
on_renew(void *arg)
{
	struct director *d = arg;

	/* Listening twice in a row would be too careful. After it the addresses
	 * are announced: somebody may have had them, and be gone. */
	if (!still_ours(d, &d->renew) && !d->listened) {
		d->listened = role_holds(d->role);
		return;
	}
	if (!role_holds(d->role))
		return;
	vip_result(d, "lease",
	    d->ports.vip->renew(
		d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	if (d->listened || d->touched)
		announce_again(d);
	d->listened = d->touched = false;
	timer_in(&d->renew, VIP_RENEW);
}

/* A lease that is due is left to on_renew() and its caution: it may be the
 * kernel that ended it, while we were stopped. */
bool
director_on_vips_touched(struct director *d)
{
	if (!d->holding || d->listened || !timer_armed(&d->renew) ||
	    d->renew.when <= loop_now(d->loop))
		return false;
	d->touched = true;
	timer_in(&d->renew, 0);
	return true;
}

void
director_defend(struct director *d)
{
	if (d->holding)
		(void)d->ports.vip->announce(
		    d->ports.vip_ctx, d->conf->vips, d->conf->n_vips);
}

static void
on_ask(void *arg)
{
	struct director *d = arg;

	if (d->role == ROLE_HANDING_OVER)
		director_event(d, EV_REFUSED, WHY_SWITCH);
}

/* The other one has the addresses, and whoever knows it sends there. What was
 * sent before is served to the end, while nothing is announced any more: dropped
 * at once, the addresses took packets with them that had to be sent again. */
bool
still_lingering(struct director *d)
{
	if (d->role != ROLE_HANDING_OVER || d->lingered)
		return false;
	if (!timer_armed(&d->linger)) {
		timer_stop(&d->announce);
		timer_stop(&d->ask);
		timer_in(&d->linger, LINGER);
	}
	return true;
}

static void
on_linger(void *arg)
{
	struct director *d = arg;

	if (d->role != ROLE_HANDING_OVER)
		return;
	d->lingered = true;
	director_evaluate(d);
	if (d->role != ROLE_HANDING_OVER)
		return;
	announce_again(d); /* it does not have them after all */
	timer_in(&d->ask, ASK_WAIT);
}

void
takeover_start(struct director *d)
{
	timer_init(&d->linger, d->loop, on_linger, d);
	timer_init(&d->renew, d->loop, on_renew, d);
	timer_init(&d->announce, d->loop, on_announce, d);
	timer_init(&d->ask, d->loop, on_ask, d);
}

void
takeover_stop(struct director *d)
{
	timer_stop(&d->renew);
	timer_stop(&d->announce);
	timer_stop(&d->ask);
	timer_stop(&d->linger);
}

enum role_event
take_over(struct director *d, struct transition *t)
{
	usec_t start = loop_now(d->loop), now;
	bool told_all = was_told_all(d, t);

	d->load_token = 0;
	d->store_opened = false;
	d->began_as = t->from;
	early_forget(d);
	choose_table(d);
	begin_term(d, why_text(t->why));
	if (d->began_as == ROLE_STARTING)
		table_follow_conf(d);
	ipvs_flush(&d->ipvs);
	now = loop_now(d->loop);
	transition_step(t, "table", now - start);
	start = now;

	d->holding = true;
	vip_result(d, "takeover",
	    d->ports.vip->hold(
		d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	now = loop_now(d->loop);
	transition_step(t, "vips", now - start);
	start = now;

	announce_again(d);
	d->listened = d->touched = false;
	timer_in(&d->renew, VIP_RENEW);
	transition_step(t, "announce", loop_now(d->loop) - start);
	d->load_at = loop_now(d->loop);
	if (told_all)
		open_store(d);
	else
		load_again(d);
	return EV_TOOK;
}

enum role_event
let_go(struct director *d, struct transition *t)
{
	usec_t start = loop_now(d->loop);

	takeover_stop(d);
	if (d->holding)
		vip_result(d, "release",
		    d->ports.vip->drop(
			d->ports.vip_ctx, d->conf->vips, d->conf->n_vips));
	d->holding = false;
	transition_step(t, "release", loop_now(d->loop) - start);
	d->ports.store->close(d->ports.store_ctx);
	d->store_opened = false;
	d->load_token = 0;
	early_forget(d);
	return join_as_standby(d, t);
}

enum role_event
join_as_standby(struct director *d, struct transition *t)
{
	(void)t;
	d->loaded = true;
	replica_lost(d);
	return EV__LAST;
}

enum role_event
ask_standby(struct director *d, struct transition *t)
{
	uint8_t mem[32];
	struct buf b = buf_writer(mem, sizeof(mem));

	(void)t;
	put_u64(&b, d->table.epoch);
	put_u64(&b, d->table.seq);
	/* from this beat on we are handing over: it tells a late message */
	put_u64(&b, d->beats.guard.session);
	put_u64(&b, d->beats.guard.number + 1);
	d->lingered = false;
	timer_in(&d->ask, ASK_WAIT);
	if (d->ports.link->send(
		d->ports.link_ctx, MSG_PEER_SWITCH, mem, b.pos) < 0)
		return EV_REFUSED;
	return EV__LAST;
}

static bool
vip_stays(const struct conf_vip *v, const struct conf *fresh)
{
	size_t i;

	for (i = 0; i < fresh->n_vips; i++)
		if (addr_cmp(&v->addr, &fresh->vips[i].addr) == 0 &&
		    v->bits == fresh->vips[i].bits &&
		    strcmp(v->device, fresh->vips[i].device) == 0)
			return true;
	return false;
}

/* What stays is not touched: it is never away, not for an instant. */
void
vips_reload(struct director *d, const struct conf *fresh)
{
	size_t i;

	if (!d->holding)
		return;
	for (i = 0; i < d->conf->n_vips; i++)
		if (!vip_stays(&d->conf->vips[i], fresh))
			(void)d->ports.vip->drop(
			    d->ports.vip_ctx, &d->conf->vips[i], 1);
	vip_result(d, "reload",
	    d->ports.vip->hold(d->ports.vip_ctx, fresh->vips, fresh->n_vips));
	(void)d->ports.vip->announce(
	    d->ports.vip_ctx, fresh->vips, fresh->n_vips);
}
