/*
 * mirror: see mirror.h. All is taken away and made anew when something about it
 * changed; a second without copies is one of early.c's alone.
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
#include "daemons/syncd/mirror_filter.h"
#include "daemons/syncd/mirror_tc.h"
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
	return m->n_cards > 0;
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

static int
copy_all(struct syncd *s, const int *cards, unsigned n)
{
	struct mirror *m = &s->mirror;
	struct sock_filter *code = calloc(BPF_MAXINSNS, sizeof(*code));
	unsigned i, len;
	int rc = -NLE_NOMEM;

	if (code != NULL)
		rc = mirror_filter(
		    s->targets.vips, s->targets.n_vips, code, &len);
	if (rc == -E2BIG)
		rc = -NLE_RANGE;
	for (i = 0; i < n && rc == 0; i++) {
		rc = mirror_tc_copy(m->kernel, cards[i], m->ifindex, code, len);
		m->cards[i] = cards[i];
		m->n_cards = i + 1;
	}
	free(code);
	return rc;
}

/* What one that was killed left may be on any card. */
static void
take_away(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	unsigned i;

	if (!m->cleaned && mirror_nl_cards(m->kernel, 0, m->cards,
			       &m->n_cards) < 0)
		m->n_cards = 0;
	for (i = 0; i < m->n_cards; i++)
		(void)mirror_tc_end(m->kernel, m->cards[i]);
	m->n_cards = 0;
	(void)mirror_nl_delete(m->kernel, m->device.name);
	m->ifindex = 0;
	atomic_store(&s->early.except, 0);
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
	m->cleaned = true;
}

static int
make(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	int cards[MIRROR_CARDS], rc;
	unsigned n;

	rc = mirror_nl_add(m->kernel, &m->device, &m->ifindex);
	atomic_store(&s->early.except, m->ifindex);
	if (rc == 0 && open_words(m) < 0)
		rc = -NLE_FAILURE;
	if (rc == 0)
		rc = mirror_nl_cards(m->kernel, m->ifindex, cards, &n);
	return rc == 0 ? copy_all(s, cards, n) : rc;
}

static void
begin(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	int rc;

	if (m->failed > 0 && --m->failed > 0)
		return;
	rc = make(s);
	if (rc == 0) {
		log_notice("mirror=on device=%s cards=%u", m->device.name,
		    m->n_cards);
		return;
	}
	log_warning("mirror=failed why=\"%s\" effect=\"the standby hears of "
		    "connections a moment after their first packet\"",
	    nl_geterror(rc));
	take_away(s);
	m->failed = AGAIN;
}

/* The cards are others now, or the device is gone. */
static bool
changed(struct mirror *m)
{
	int now[MIRROR_CARDS];
	unsigned n;

	if (mirror_nl_cards(m->kernel, m->ifindex, now, &n) < 0)
		return true;
	return n != m->n_cards ||
	    memcmp(now, m->cards, n * sizeof(*now)) != 0 ||
	    if_nametoindex(m->device.name) != (unsigned)m->ifindex;
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

void
mirror_look(struct syncd *s)
{
	struct mirror *m = &s->mirror;
	bool want = s->conf->sync && s->conf->sync_mirror &&
	    s->role.role == SYNC_ACTIVE && s->early.fd >= 0;

	if (s->device == NULL || (!want && m->cleaned && !mirror_on(m)) ||
	    set_up(s) < 0)
		return;
	if (!want || !m->cleaned || (mirror_on(m) && changed(m))) {
		if (mirror_on(m))
			log_notice("mirror=off why=\"%s\"",
			    want ? "cards changed" : "not active");
		take_away(s);
	}
	if (want && !mirror_on(m))
		begin(s);
	if (mirror_on(m))
		tell_cards(s);
}

void
mirror_stop(struct syncd *s)
{
	struct mirror *m = &s->mirror;

	if (m->kernel == NULL)
		return;
	take_away(s);
	nl_socket_free(m->kernel);
	m->kernel = NULL;
}
