/*
 * vip_dup: duplicates of our VIPs on the segment.
 *
 * The peer's hardware addresses are learned from claims of its own addresses,
 * the ones its paths have. At a switch it may answer for the VIPs a little
 * longer; only if it still does when the first question is asked, it is a
 * duplicate of another kind: a director that does not let go.
 */
#include "ha/vip_dup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
is_peer_mac(const struct vip_dup *u, const uint8_t mac[6])
{
	unsigned i;

	for (i = 0; i < u->n_peers; i++)
		if (memcmp(u->peers[i], mac, 6) == 0)
			return true;
	return false;
}

static bool
is_peer_addr(const struct vip_dup *u, const struct addr *a)
{
	const struct conf_node *p = u->conf->peer;
	size_t i;

	for (i = 0; i < p->n_paths; i++)
		if (p->paths[i].type == PATH_UDP &&
		    addr_cmp(&p->paths[i].address, a) == 0)
			return true;
	return false;
}

/* The oldest one makes room: cards are replaced. */
static void
learn_peer(struct vip_dup *u, const uint8_t mac[6])
{
	if (is_peer_mac(u, mac))
		return;
	if (u->n_peers == DUP_PEER_MACS) {
		memmove(u->peers[0], u->peers[1], sizeof(u->peers) - 6);
		u->n_peers--;
	}
	memcpy(u->peers[u->n_peers++], mac, 6);
}

static void
note(struct vip_dup *u, size_t i, const uint8_t mac[6])
{
	struct vip_dup_seen *s = &u->seen[i];
	usec_t now = loop_now(u->loop);
	bool fresh = s->last == 0 || now - s->last > DUP_RECENT ||
		     memcmp(s->mac, mac, 6) != 0;

	if (fresh) {
		*s = (struct vip_dup_seen){ .since = now };
		memcpy(s->mac, mac, 6);
	}
	s->peer = is_peer_mac(u, mac);
	s->last = now;
	s->count++;
	if (!fresh || (u->told != 0 && now - u->told < DUP_TELL))
		return;
	u->told = now;
	u->ops->found(u->ctx, &u->conf->vips[i], s);
}

static size_t
place(const struct vip_dup *u, const char *device, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < u->conf->n_vips; i++)
		if (addr_cmp(&u->conf->vips[i].addr, addr) == 0 &&
		    strcmp(u->conf->vips[i].device, device) == 0)
			break;
	return i;
}

void
vip_dup_claim(struct vip_dup *u, const char *device, const struct addr *addr,
    const uint8_t mac[6], bool to_all)
{
	usec_t now = loop_now(u->loop);
	size_t i;

	if (u->ops->own(u->ctx, mac))
		return;
	if (is_peer_addr(u, addr))
		learn_peer(u, mac);
	i = place(u, device, addr);
	if (i == u->conf->n_vips || u->seen == NULL)
		return;
	if (!u->holding) {
		if (is_peer_mac(u, mac))
			u->peer_had = now;
		return;
	}
	if (is_peer_mac(u, mac) && now - u->held_since < DUP_FIRST_ASK)
		return;
	note(u, i, mac);
	if (!to_all || u->seen[i].peer ||
	    (u->defended != 0 && now - u->defended < DUP_DEFEND))
		return;
	u->defended = now;
	u->ops->defend(u->ctx);
}

const struct vip_dup_seen *
vip_dup_now(const struct vip_dup *u, size_t i)
{
	const struct vip_dup_seen *s;

	if (u->seen == NULL)
		return NULL;
	s = &u->seen[i];
	if (s->last == 0 || loop_now(u->loop) - s->last > DUP_RECENT)
		return NULL;
	if (is_peer_mac(u, s->mac) && s->last - u->held_since < DUP_FIRST_ASK)
		return NULL; /* we know by now who it was */
	return s;
}

static void
ask_peer(struct vip_dup *u)
{
	const struct conf_node *n = u->conf->self, *p = u->conf->peer;
	size_t i, k;

	for (i = 0; i < p->n_paths; i++)
		for (k = 0; k < n->n_paths; k++)
			if (p->paths[i].type == PATH_UDP &&
			    strcmp(p->paths[i].name, n->paths[k].name) == 0)
				u->ops->ask(u->ctx, &p->paths[i].address,
				    n->paths[k].device);
}

/* Whose claims are the peer's must be known before there are any. */
static void
on_who(void *arg)
{
	struct vip_dup *u = arg;

	if (u->n_peers > 0)
		return;
	ask_peer(u);
	timer_in(&u->who, DUP_ASK_PEER);
}

static void
ask_vips(struct vip_dup *u, size_t most)
{
	size_t i, n = u->conf->n_vips;
	const struct conf_vip *v;

	for (i = 0; i < n && i < most; i++) {
		v = &u->conf->vips[u->next++ % n];
		u->ops->ask(u->ctx, &v->addr, v->device);
	}
}

static void
on_ask(void *arg)
{
	struct vip_dup *u = arg;

	ask_peer(u); /* its card may be another one by now */
	if (u->holding)
		ask_vips(u, u->conf->n_vips);
	else if (u->seeking)
		ask_vips(u, DUP_SEEK_MOST);
	timer_in(&u->ask, u->seeking ? DUP_SEEK : DUP_ASK);
}

void
vip_dup_seek(struct vip_dup *u, bool seeking)
{
	if (u->seeking == seeking)
		return;
	u->seeking = seeking;
	u->peer_had = 0;
	if (!u->holding)
		timer_in(&u->ask, seeking ? DUP_WHO : DUP_ASK);
}

bool
vip_dup_peer_has(const struct vip_dup *u)
{
	return u->peer_had != 0 &&
	       loop_now(u->loop) - u->peer_had <= DUP_SEEK_RECENT;
}

void
vip_dup_hold(struct vip_dup *u, bool holding)
{
	if (u->holding == holding)
		return;
	u->holding = holding;
	u->peer_had = 0;
	u->held_since = loop_now(u->loop);
	if (u->seen != NULL)
		memset(u->seen, 0, u->conf->n_vips * sizeof(*u->seen));
	timer_in(&u->ask, holding ? DUP_FIRST_ASK : DUP_ASK);
}

int
vip_dup_reload(struct vip_dup *u, const struct conf *fresh)
{
	struct vip_dup_seen *seen = calloc(fresh->n_vips + 1, sizeof(*seen));
	size_t i, k;

	for (i = 0; seen != NULL && u->seen != NULL && i < fresh->n_vips; i++)
		for (k = 0; k < u->conf->n_vips; k++)
			if (addr_cmp(&fresh->vips[i].addr,
				&u->conf->vips[k].addr) == 0)
				seen[i] = u->seen[k];
	free(u->seen);
	u->seen = seen;
	u->conf = fresh;
	return seen != NULL ? 0 : -ENOMEM;
}

int
vip_dup_start(struct vip_dup *u, struct loop *l, const struct conf *conf,
    const struct vip_dup_ops *ops, void *ctx)
{
	*u =
	    (struct vip_dup){ .loop = l, .conf = conf, .ops = ops, .ctx = ctx };
	timer_init(&u->ask, l, on_ask, u);
	timer_in(&u->ask, DUP_ASK);
	timer_init(&u->who, l, on_who, u);
	timer_in(&u->who, DUP_WHO);
	return vip_dup_reload(u, conf);
}

void
vip_dup_stop(struct vip_dup *u)
{
	timer_stop(&u->ask);
	timer_stop(&u->who);
	free(u->seen);
	u->seen = NULL;
}
