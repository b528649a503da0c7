/*
 * mirror: see mirror.h. A second without copies is one of early.c's alone.
 */
#include "daemons/syncd/mirror.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemons/syncd/cards_wire.h"
#include "daemons/syncd/mirror_cards.h"
#include "daemons/syncd/syncd.h"

#define AGAIN 60 /* looks */

void
mirror_init(struct mirror *m)
{
	*m = (struct mirror){ .fd = -1 };
}

bool
mirror_on(const struct mirror *m)
{
	return m->on;
}

static const struct conf_path *
path_of(const struct conf_node *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->n_paths; i++)
		if (n->paths[i].type == PATH_UDP &&
		    (name == NULL || strcmp(n->paths[i].name, name) == 0))
			return &n->paths[i];
	return NULL;
}

/* The one with the lower number listens at the port, the other at the next. */
int
mirror_place(
    const struct syncd *s, bool own, struct addr *ret, uint16_t *ret_port)
{
	const struct conf *c = s->conf;
	const struct conf_path *mine = path_of(c->self, NULL), *its = NULL;
	bool lower = own == (c->self->id < c->peer->id);

	if (mine != NULL)
		its = path_of(c->peer, mine->name);
	if (its == NULL)
		return -ENOENT;
	*ret = own ? mine->address : its->address;
	*ret_port = (uint16_t)(c->sync_mirror_port + (lower ? 0 : 1));
	return 0;
}

static int
open_words(struct mirror *m)
{
	struct sockaddr_storage to;
	socklen_t len = addr_to_sock(&m->device.remote, m->device.port, &to);

	m->fd = socket(
	    to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->fd < 0 || connect(m->fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	return 0;
}

static void
servers_only(const struct cards *all, const struct targets *t, struct cards *ret)
{
	size_t i;

	ret->all = calloc(all->n + 1, sizeof(*ret->all));
	for (i = 0; ret->all != NULL && i < all->n; i++)
		if (targets_serve(t, &all->all[i].addr))
			ret->all[ret->n++] = all->all[i];
}

/* One that is lost is said again in a second. */
static void
tell_cards(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	uint8_t out[CARDS_WIRE_MAX];
	struct cards told = { 0 };
	uint16_t i, parts;

	(void)pthread_mutex_lock(&s->early.lock);
	servers_only(&s->early.cards, &s->targets, &told);
	(void)pthread_mutex_unlock(&s->early.lock);
	parts = cards_wire_parts(&told);
	m->list++;
	for (i = 0; i < parts; i++)
		(void)send(m->fd, out, cards_wire_pack(&told, m->list, i, out),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	cards_done(&told);
}

/* The filters first: one without its device tells the kernel's log so. */
static void
copy_none(struct syncd *s)
{
	struct mirror *m = &s->mirror;

	mirror_cards_still(m);
	(void)mirror_nl_delete(m->kernel, m->device.name);
	m->ifindex = 0;
	atomic_store(&s->early.except, 0);
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
	m->on = false;
}

static int
begin(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	int rc = mirror_nl_add(m->kernel, &m->device, &m->ifindex);

	atomic_store(&s->early.except, m->ifindex);
	return rc == 0 && open_words(m) < 0 ? -NLE_FAILURE : rc;
}

/* On a standby the queues are made ready, for the day when its cards are busy. */
static int
step(struct syncd *s, bool want)
{
	struct mirror *m = &s->mirror;
	int rc = m->cleaned ? 0 : mirror_nl_delete(m->kernel, m->device.name);

	m->cleaned = rc == 0;
	if (m->on &&
	    (!want || if_nametoindex(m->device.name) != (unsigned)m->ifindex)) {
		log_notice("mirror=off why=\"%s\"",
		    want ? "its device is gone" : "not active");
		copy_none(s);
	}
	if (rc == 0)
		rc = mirror_cards_follow(m);
	if (rc < 0 || !want)
		return rc;
	if (!m->on)
		rc = begin(s);
	return rc == 0 ? mirror_cards_copy(s) : rc;
}

static void
keep(struct syncd *s, bool want)
{
	struct mirror *m = &s->mirror;
	int rc;

	if (want != m->wanted)
		m->failed = 0;
	m->wanted = want;
	if (m->failed > 0 && --m->failed > 0)
		return;
	rc = step(s, want);
	if (rc == 0) {
		if (want && !m->on)
			log_notice("mirror=on device=%s cards=%u",
			    m->device.name, m->n_cards);
		m->on = want;
		return;
	}
	log_warning("mirror=failed why=\"%s\" effect=\"the standby hears of "
		    "connections a moment after their first packet\"",
	    nl_geterror(rc));
	copy_none(s);
	m->failed = AGAIN;
}

static int
set_up(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	struct mirror_device *d = &m->device;
	uint16_t own;
	int rc;

	(void)snprintf(d->name, sizeof(d->name), "yoke-syn%u", s->id);
	d->vni = s->id;
	d->below = (int)if_nametoindex(s->device);
	rc = mirror_place(s, true, &d->local, &own);
	if (rc == 0)
		rc = mirror_place(s, false, &d->remote, &d->port);
	if (rc < 0 || m->kernel != NULL)
		return rc;
	m->kernel = nl_socket_alloc();
	if (m->kernel != NULL && nl_connect(m->kernel, NETLINK_ROUTE) < 0) {
		nl_socket_free(m->kernel);
		m->kernel = NULL;
	}
	return m->kernel != NULL ? 0 : -ENOMEM;
}

/* It is turned off: what there was of it goes, when it is known how busy the cards
 * are. */
static void
clean(struct syncd *s)
{
	struct mirror *m = &s->mirror;

	if (m->cleaned || s->role.role == SYNC_IDLE || set_up(s) < 0)
		return;
	(void)mirror_nl_delete(m->kernel, m->device.name);
	mirror_cards_clean(m, s->role.role == SYNC_ACTIVE);
	m->cleaned = true;
}

void
mirror_look(struct syncd *s)
{
	struct mirror *m = &s->mirror;

	if (s->device == NULL)
		return;
	if (!s->conf->sync || !s->conf->sync_mirror) {
		clean(s);
		return;
	}
	if (set_up(s) == 0)
		keep(s, s->role.role == SYNC_ACTIVE && s->early.fd >= 0);
	if (m->on)
		tell_cards(s);
}

void
mirror_rest(struct syncd *s)
{
	if (s->mirror.kernel != NULL)
		copy_none(s);
	s->mirror.failed = 0;
	s->mirror.cleaned = false;
}

void
mirror_stop(struct syncd *s)
{
	struct mirror *m = &s->mirror;

	if (m->kernel == NULL)
		return;
	copy_none(s);
	mirror_cards_clean(m, s->role.role == SYNC_ACTIVE);
	nl_socket_free(m->kernel);
	m->kernel = NULL;
}
