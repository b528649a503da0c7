/*
 * vip_watch: the VIPs as the kernel has them.
 *
 * Nothing is judged before all that the kernel has said is read: what this
 * director did itself (a takeover, a release) is among it. Then what is there
 * is compared with what should be, and put right in one go. The kernel tells of
 * a new IPv6 address some time after it was added, so that only what was seen
 * to go is missing, or what is not in a dump.
 */
#include "ha/vip_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/vip.h"

static int
by_addr(const void *a, const void *b)
{
	return addr_cmp(&((const struct vip_seat *)a)->vip->addr,
	    &((const struct vip_seat *)b)->vip->addr);
}

static struct vip_seat *
seat_of(const struct vip_watch *w, const struct addr *a)
{
	const struct conf_vip want = { .addr = *a };
	const struct vip_seat key = { .vip = &want };

	if (w->n == 0)
		return NULL;
	return bsearch(&key, w->seats, w->n, sizeof(key), by_addr);
}

const struct vip_seat *
vip_watch_seat(const struct vip_watch *w, const struct conf_vip *v)
{
	return seat_of(w, &v->addr);
}

/* IPv4 may have one address twice, with two prefixes; IPv6 has it once. */
static bool
is_stray(const struct vip_seat *s, const struct rt_addr *a)
{
	return a->addr.family == AF_INET && a->bits != s->vip->bits;
}

void
vip_watch_on_addr(struct vip_watch *w, const struct rt_addr *a,
    const struct rt_link *l, bool gone)
{
	struct vip_seat *s = seat_of(w, &a->addr);

	if (s == NULL || (l != NULL && strcmp(l->name, s->vip->device) != 0))
		return;
	w->dirty = true;
	s->port = a->port;
	if (is_stray(s, a)) {
		s->stray = gone ? 0 : a->bits;
		return;
	}
	s->there = !gone;
	s->gone = gone;
	s->link_off = gone && (l == NULL || !l->up);
	s->bits = a->bits;
	s->altered =
	    !gone && (a->valid_s > VIP_LEASE_S || a->bits != s->vip->bits);
}

void
vip_watch_restart(struct vip_watch *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		w->seats[i].there = w->seats[i].altered = false;
		w->seats[i].gone = false;
		w->seats[i].stray = 0;
	}
	w->told = false;
	w->dirty = true;
}

void
vip_watch_hold(struct vip_watch *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		w->seats[i].gone = false;
}

static enum vip_fault
fault_of(const struct vip_seat *s, bool holds)
{
	if (!holds)
		return s->there || s->stray != 0 ? VIP_INTRUDED : VIP_FINE;
	if (s->gone)
		return s->link_off ? VIP_UNPLUGGED : VIP_REMOVED;
	return s->altered || s->stray != 0 ? VIP_CHANGED : VIP_FINE;
}

static void
count(struct vip_watch *w, struct vip_seat *s, enum vip_fault f)
{
	usec_t now = loop_now(w->loop);

	s->last = f;
	s->when = now;
	if (f == VIP_INTRUDED)
		s->intruded++;
	else
		s->removed++;
	if (s->recent == 0 || now - s->recent_from > VIP_RECENT) {
		s->recent = 0;
		s->recent_from = now;
	}
	s->recent++;
	w->ops->fault(w->ctx, s, f);
}

/* With whatever prefix it is there. */
static void
drop(struct vip_watch *w, const struct vip_seat *s, unsigned bits)
{
	struct conf_vip v = *s->vip;

	v.bits = bits;
	w->ops->drop(w->ctx, &v);
}

static void
put_right(struct vip_watch *w, struct vip_seat *s, enum vip_fault f)
{
	count(w, s, f);
	if (s->stray != 0)
		drop(w, s, s->stray);
	if (s->there && (f == VIP_INTRUDED || s->bits != s->vip->bits))
		drop(w, s, s->bits);
}

static void
judge(struct vip_watch *w)
{
	bool holds = w->ops->holds(w->ctx);
	size_t i, bad = 0;

	for (i = 0; i < w->n; i++) {
		w->seats[i].now = fault_of(&w->seats[i], holds);
		bad += w->seats[i].now != VIP_FINE;
	}
	w->dirty = false;
	if (bad == 0 || (holds && !w->ops->renew(w->ctx)))
		return;
	memmove(w->repaired + 1, w->repaired,
	    sizeof(w->repaired) - sizeof(w->repaired[0]));
	w->repaired[0] = loop_now(w->loop);
	for (i = 0; i < w->n; i++)
		if (w->seats[i].now != VIP_FINE)
			put_right(w, &w->seats[i], w->seats[i].now);
}

void
vip_watch_settled(struct vip_watch *w)
{
	usec_t now = loop_now(w->loop), last = w->repaired[VIP_REPAIRS - 1];
	size_t i;

	for (i = 0; !w->told && i < w->n; i++)
		w->seats[i].gone = !w->seats[i].there;
	w->told = true;
	if (!w->dirty)
		return;
	if (last != 0 && now - last < VIP_REPAIRS_IN)
		timer_at(&w->again, last + VIP_REPAIRS_IN);
	else
		judge(w);
}

static void
on_again(void *arg)
{
	struct vip_watch *w = arg;

	if (w->ops->drain(w->ctx))
		vip_watch_settled(w);
}

static void
fill(struct vip_watch *w, struct vip_seat *seats, const struct conf *c)
{
	const struct vip_seat *old;
	size_t i;

	for (i = 0; i < c->n_vips; i++) {
		old = seat_of(w, &c->vips[i].addr);
		if (old != NULL)
			seats[i] = *old;
		seats[i].vip = &c->vips[i];
	}
	qsort(seats, c->n_vips, sizeof(*seats), by_addr);
}

int
vip_watch_reload(struct vip_watch *w, const struct conf *fresh)
{
	struct vip_seat *seats = calloc(fresh->n_vips + 1, sizeof(*seats));

	if (seats != NULL)
		fill(w, seats, fresh);
	free(w->seats);
	w->seats = seats;
	w->n = seats != NULL ? fresh->n_vips : 0;
	vip_watch_restart(w);
	return seats != NULL ? 0 : -ENOMEM;
}

int
vip_watch_start(struct vip_watch *w, struct loop *l, const struct conf *conf,
    const struct vip_watch_ops *ops, void *ctx)
{
	*w = (struct vip_watch){ .loop = l, .ops = ops, .ctx = ctx };
	timer_init(&w->again, l, on_again, w);
	return vip_watch_reload(w, conf);
}

void
vip_watch_stop(struct vip_watch *w)
{
	timer_stop(&w->again);
	free(w->seats);
	w->seats = NULL;
	w->n = 0;
}

bool
vip_seat_recent(const struct vip_seat *s, usec_t now)
{
	return s->when != 0 && now - s->when < VIP_RECENT;
}

const char *
vip_fault_text(enum vip_fault f)
{
	static const char *const text[VIP__FAULTS] = {
		[VIP_FINE] = "",
		[VIP_REMOVED] = "removed by another program and put back",
		[VIP_UNPLUGGED] = "lost with its interface and put back",
		[VIP_CHANGED] = "changed by another program and put right",
		[VIP_INTRUDED] = "added by another program and removed",
	};

	return text[f];
}
