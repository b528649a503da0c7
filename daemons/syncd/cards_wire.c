/*
 * cards_wire: parts come in order or not at all: one socket sends them to one.
 */
#include "daemons/syncd/cards_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"

#define MAGIC 0x594b4344U

/* What is more than a list may have is not told. */
static size_t
told(const struct cards *n)
{
	return n->n < CARDS_WIRE_LIST ? n->n : CARDS_WIRE_LIST;
}

uint16_t
cards_wire_parts(const struct cards *n)
{
	return (uint16_t)((told(n) + CARDS_WIRE_EACH - 1) / CARDS_WIRE_EACH);
}

static void
put_card(struct buf *b, const struct card *c)
{
	put_bytes(b, c->mac, MAC_LEN);
	put_u8(b, c->addr.family == AF_INET ? 4 : 6);
	put_bytes(b, c->addr.bytes, addr_len(&c->addr));
}

size_t
cards_wire_pack(const struct cards *n, uint32_t list, uint16_t part,
    uint8_t out[CARDS_WIRE_MAX])
{
	struct buf b = buf_writer(out, CARDS_WIRE_MAX);
	size_t i, from = (size_t)part * CARDS_WIRE_EACH;
	size_t to = from + CARDS_WIRE_EACH < told(n) ? from + CARDS_WIRE_EACH
						     : told(n);

	put_u32(&b, MAGIC);
	put_u32(&b, list);
	put_u16(&b, part);
	put_u16(&b, cards_wire_parts(n));
	put_u16(&b, (uint16_t)(to - from));
	for (i = from; i < to; i++)
		put_card(&b, &n->all[i]);
	return b.pos;
}

bool
cards_wire_is(const uint8_t *data, size_t len)
{
	struct buf b = buf_reader(data, len);

	return get_u32(&b) == MAGIC && !b.bad;
}

static int
get_card(struct buf *b, struct card *ret)
{
	uint8_t version;

	*ret = (struct card){ 0 };
	get_bytes(b, ret->mac, MAC_LEN);
	version = get_u8(b);
	if (version != 4 && version != 6)
		return -EBADMSG;
	ret->addr.family = version == 4 ? AF_INET : AF_INET6;
	get_bytes(b, ret->addr.bytes, addr_len(&ret->addr));
	return b->bad ? -EBADMSG : 0;
}

void
cards_wire_done(struct cards_heard *h)
{
	cards_done(&h->cards);
	*h = (struct cards_heard){ 0 };
}

static int
take(struct cards_heard *h, struct buf *b)
{
	uint16_t n = get_u16(b), i;
	struct card *grown;
	int rc = 0;

	if (b->bad || n > CARDS_WIRE_EACH || h->cards.n + n > CARDS_WIRE_LIST)
		return -EBADMSG;
	grown = reallocarray(h->cards.all, h->cards.n + n + 1, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	h->cards.all = grown;
	for (i = 0; i < n && rc == 0; i++) {
		rc = get_card(b, &grown[h->cards.n]);
		h->cards.n += rc == 0;
	}
	return rc == 0 && buf_left(b) != 0 ? -EBADMSG : rc;
}

int
cards_wire_take(struct cards_heard *h, const uint8_t *data, size_t len)
{
	struct buf b = buf_reader(data, len);
	uint32_t list;
	uint16_t part, parts;
	int rc;

	(void)get_u32(&b);
	list = get_u32(&b);
	part = get_u16(&b);
	parts = get_u16(&b);
	if (b.bad || part >= parts)
		return -EBADMSG;
	if (part == 0) {
		cards_wire_done(h);
		h->list = list;
	}
	if (list != h->list || part != h->next)
		return 0;
	h->next++;
	rc = take(h, &b);
	if (rc < 0)
		cards_wire_done(h);
	else if (h->next == parts)
		return 1;
	return rc;
}
