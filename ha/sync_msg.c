/*
 * sync_msg: packs and reads the kernel's sync datagrams; see the header for
 * their layout.
 */
#include "ha/sync_msg.h"

#include <errno.h>
#include <string.h>

#include "common/buf.h"

#define HEAD 8
#define CONN_HEAD 24 /* of a connection, before its addresses */
#define TYPE_INET6 1
#define SIZE_MASK 0x0fff /* above it: version of the connection, 0 */

void
sync_msg_begin(struct sync_msg *m, uint8_t id)
{
	struct buf b = buf_writer(m->bytes, sizeof(m->bytes));

	put_u8(&b, 0);
	put_u8(&b, id);
	put_u16(&b, HEAD);
	put_u8(&b, 0);
	put_u8(&b, SYNC_VERSION);
	put_u16(&b, 0);
	m->len = b.pos;
	m->n = 0;
}

static void
put_conn(struct buf *b, const struct sync_conn *c, size_t size)
{
	size_t len = addr_len(&c->client);

	put_u8(b, c->client.family == AF_INET6 ? TYPE_INET6 : 0);
	put_u8(b, c->protocol);
	put_u16(b, (uint16_t)size);
	put_u32(b, c->flags);
	put_u16(b, c->state);
	put_u16(b, c->client_port);
	put_u16(b, c->virt_port);
	put_u16(b, c->dest_port);
	put_u32(b, c->fwmark);
	put_u32(b, c->timeout_s);
	put_bytes(b, c->client.bytes, len);
	put_bytes(b, c->virt.bytes, len);
	put_bytes(b, c->dest.bytes, len);
}

int
sync_msg_add(struct sync_msg *m, const struct sync_conn *c)
{
	size_t size = CONN_HEAD + 3 * addr_len(&c->client);
	struct buf b, head = buf_writer(m->bytes, sizeof(m->bytes));

	if (addr_is_none(&c->client) || c->virt.family != c->client.family ||
	    c->dest.family != c->client.family)
		return -EINVAL;
	if (m->len + size > sizeof(m->bytes) || m->n == UINT8_MAX)
		return -ENOBUFS;
	b = buf_writer(m->bytes + m->len, size);
	put_conn(&b, c, size);
	m->len += size;
	m->n++;
	head.pos = 2;
	put_u16(&head, (uint16_t)m->len);
	put_u8(&head, (uint8_t)m->n);
	return 0;
}

static void
get_addr(struct buf *b, uint8_t family, struct addr *ret)
{
	*ret = (struct addr){ .family = family };
	get_bytes(b, ret->bytes, addr_len(ret));
}

/* What follows the addresses are options; the caller skips them. */
static int
get_conn(const uint8_t *bytes, size_t len, struct sync_conn *ret)
{
	struct buf b = buf_reader(bytes, len);
	uint8_t family, type = get_u8(&b);
	struct sync_conn c = { 0 };

	if (type > TYPE_INET6)
		return -EBADMSG;
	family = type == TYPE_INET6 ? AF_INET6 : AF_INET;
	c.protocol = get_u8(&b);
	(void)get_u16(&b);
	c.flags = get_u32(&b);
	c.state = get_u16(&b);
	c.client_port = get_u16(&b);
	c.virt_port = get_u16(&b);
	c.dest_port = get_u16(&b);
	c.fwmark = get_u32(&b);
	c.timeout_s = get_u32(&b);
	get_addr(&b, family, &c.client);
	get_addr(&b, family, &c.virt);
	get_addr(&b, family, &c.dest);
	if (b.bad)
		return -EBADMSG;
	*ret = c;
	return 0;
}

/* The size of the connection at bytes; 0 if it does not fit. */
static size_t
conn_size(const uint8_t *bytes, size_t left)
{
	size_t size;

	if (left < 4)
		return 0;
	size = (size_t)bytes[2] << 8 | bytes[3];
	if ((size & ~(size_t)SIZE_MASK) != 0 || size < CONN_HEAD || size > left)
		return 0;
	return size;
}

int
sync_msg_unpack(
    const void *bytes, size_t len, uint8_t *ret_id, sync_conn_fn fn, void *arg)
{
	const uint8_t *p = bytes;
	struct buf b = buf_reader(bytes, len);
	unsigned zero = get_u8(&b), id = get_u8(&b), size = get_u16(&b);
	unsigned n = get_u8(&b), version = get_u8(&b), i;
	struct sync_conn c;
	size_t at = HEAD, k;

	if (b.bad || len < HEAD || zero != 0 || size != len ||
	    version != SYNC_VERSION)
		return -EBADMSG;
	*ret_id = (uint8_t)id;
	for (i = 0; i < n; i++) {
		k = at <= len ? conn_size(p + at, len - at) : 0;
		if (k == 0 || get_conn(p + at, k, &c) < 0)
			return -EBADMSG;
		fn(arg, &c);
		at += (k + 3) & ~(size_t)3;
	}
	return (int)n;
}
