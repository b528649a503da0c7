/*
 * copies: VXLAN datagrams (RFC 7348) at a socket of our own, no device: flags 0x08,
 * 24 bits, VNI, 8 bits, and the frame as it went to the server.
 */
#include "daemons/syncd/copies.h"

#include <errno.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "daemons/syncd/syncd.h"
#include "ha/sync_sock.h"

#define HEAD 8
#define VNI_VALID 0x08

static bool
is_copy(const struct early *e, const uint8_t *data, size_t len)
{
	return len > HEAD && data[0] == VNI_VALID && data[4] == 0 &&
	    data[5] == 0 && data[6] == e->id;
}

static void
on_cards(struct early *e, const uint8_t *data, size_t len)
{
	if (cards_wire_take(&e->heard, data, len) != 1)
		return;
	cards_anywhere(&e->heard.cards);
	cards_done(&e->cards);
	e->cards = e->heard.cards;
	e->heard = (struct cards_heard){ 0 };
}

static void
take(struct early *e, unsigned i)
{
	const struct packets *p = e->packets;
	const uint8_t *data = p->frame[i];
	size_t len = packets_len(p, i);
	uint32_t mark;
	usec_t when;

	if (!packets_from(p, i, &e->peer))
		return;
	packets_control(e->packets, i, &mark, &when);
	if (cards_wire_is(data, len))
		on_cards(e, data, len);
	else if (is_copy(e, data, len))
		early_syn(e, data + HEAD, len - HEAD, 0, 0, true, when);
}

static int
start(struct syncd *s)
{
	struct early *e = &s->copies;
	struct addr own;
	uint16_t port, theirs;
	int rc = mirror_place(s, true, &own, &port);

	if (rc == 0)
		rc = mirror_place(s, false, &e->peer, &theirs);
	if (rc < 0)
		return rc;
	e->fd = sync_sock_open(s->device, true, NULL);
	if (e->fd < 0)
		return e->fd;
	e->take = take;
	e->no_cards = true;
	rc = packets_open_udp(e->packets, &own, port, EARLY_PATIENCE);
	return rc == 0 ? early_thread(e) : rc;
}

void
copies_look(struct syncd *s)
{
	struct early *e = &s->copies;
	bool want = s->conf->sync && s->conf->sync_mirror &&
	    s->device != NULL && s->role.role == SYNC_STANDBY;
	int was = s->copies_why;

	if (!want) {
		copies_stop(s);
		s->copies_why = 0;
		return;
	}
	if (e->packets != NULL)
		return;
	early_new(s, e, s->peer_id);
	s->copies_why = start(s);
	if (s->copies_why == 0)
		return;
	copies_stop(s);
	if (s->copies_why != was)
		log_warning("copies=failed why=\"%s\" effect=\"the active's "
			    "datagrams alone tell of connections\"",
		    err_text(s->copies_why));
}

void
copies_stop(struct syncd *s)
{
	early_end(&s->copies);
}

uint64_t
copies_heard(struct syncd *s)
{
	return atomic_load(&s->copies.sent);
}
