/*
 * change: codec and text of changes. Layout, all big-endian: u8 version,
 * u8 what, u64 epoch, u64 seq, u64 when, str service, str server, i64 value,
 * str cause, then the definition for the two SET kinds.
 */
#include "ha/change.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define CHANGE_VERSION 1

static const char *const names[CHANGE__LAST] = {
	[CHANGE_NONE] = "none",
	[CHANGE_EPOCH] = "epoch",
	[CHANGE_SERVICE_SET] = "service",
	[CHANGE_SERVICE_DEL] = "service-removed",
	[CHANGE_SERVER_SET] = "server",
	[CHANGE_SERVER_DEL] = "server-removed",
	[CHANGE_HEALTH] = "health",
	[CHANGE_DRAIN] = "drain",
	[CHANGE_OVERRIDE] = "weight",
	[CHANGE_POLICY] = "policy-weight",
};

static const char *const healths[HEALTH__LAST] = {
	[HEALTH_UNKNOWN] = "unknown",
	[HEALTH_UP] = "up",
	[HEALTH_DOWN] = "down",
};

const char *
change_name(unsigned what)
{
	return what < CHANGE__LAST ? names[what] : "?";
}

const char *
health_name(unsigned health)
{
	return health < HEALTH__LAST ? healths[health] : "?";
}

static void
addr_pack(struct buf *b, const struct addr *a)
{
	put_u8(b, (uint8_t)(addr_len(a)));
	put_bytes(b, a->bytes, addr_len(a));
}

static void
addr_unpack(struct buf *b, struct addr *ret)
{
	size_t n = get_u8(b);

	*ret = (struct addr){ 0 };
	if (n != 0 && n != 4 && n != 16) {
		b->bad = true;
		return;
	}
	ret->family = n == 4 ? AF_INET : n == 16 ? AF_INET6 : 0;
	get_bytes(b, ret->bytes, n);
}

/* A name as configuration would accept it; anything else is refused. */
static void
get_name(struct buf *b, char *dst)
{
	get_str(b, dst, NAME_LEN);
	if (!name_valid(dst))
		b->bad = true;
}

void
service_def_pack(struct buf *b, const struct service_def *d)
{
	put_str(b, d->name);
	put_u8(b, d->protocol);
	addr_pack(b, &d->addr);
	put_u16(b, d->port);
	put_u32(b, d->fwmark);
	put_str(b, d->scheduler);
	put_u32(b, d->flags);
	put_u32(b, d->persistence_s);
	put_u8(b, d->persistence_bits);
}

void
service_def_unpack(struct buf *b, struct service_def *ret)
{
	struct service_def d = { 0 };

	get_name(b, d.name);
	d.protocol = get_u8(b);
	addr_unpack(b, &d.addr);
	d.port = get_u16(b);
	d.fwmark = get_u32(b);
	get_str(b, d.scheduler, sizeof(d.scheduler));
	d.flags = get_u32(b);
	d.persistence_s = get_u32(b);
	d.persistence_bits = get_u8(b);
	if ((d.protocol == 0) != (d.fwmark != 0) || addr_is_none(&d.addr) ||
	    (d.flags & ~(uint32_t)SERVICE__FLAGS) != 0 ||
	    d.scheduler[0] == '\0' || d.persistence_bits > addr_bits(&d.addr))
		b->bad = true;
	*ret = d;
}

/* `down` came later: it shares the method's byte, so that files and peers from
 * before it are understood, and understand all that it was for them. */
#define DOWN_SHIFT 4

void
server_def_pack(struct buf *b, const struct server_def *d)
{
	put_str(b, d->name);
	addr_pack(b, &d->addr);
	put_u16(b, d->port);
	put_u8(b, (uint8_t)(d->method | d->down << DOWN_SHIFT));
	put_u32(b, d->weight);
	put_u32(b, d->upper);
	put_u32(b, d->lower);
}

void
server_def_unpack(struct buf *b, struct server_def *ret)
{
	struct server_def d = { 0 };

	get_name(b, d.name);
	addr_unpack(b, &d.addr);
	d.port = get_u16(b);
	d.method = get_u8(b);
	d.down = d.method >> DOWN_SHIFT;
	d.method &= (1 << DOWN_SHIFT) - 1;
	d.weight = get_u32(b);
	d.upper = get_u32(b);
	d.lower = get_u32(b);
	if (addr_is_none(&d.addr) || d.method >= METHOD__LAST ||
	    d.down >= DOWN__LAST ||
	    d.weight > WEIGHT_MAX)
		b->bad = true;
	*ret = d;
}

void
change_pack(struct buf *b, const struct change *c)
{
	put_u8(b, CHANGE_VERSION);
	put_u8(b, (uint8_t)c->what);
	put_u64(b, c->epoch);
	put_u64(b, c->seq);
	put_u64(b, c->when);
	put_str(b, c->service);
	put_str(b, c->server);
	put_u64(b, (uint64_t)c->value);
	put_str(b, c->cause);
	if (c->what == CHANGE_SERVICE_SET)
		service_def_pack(b, &c->service_def);
	else if (c->what == CHANGE_SERVER_SET)
		server_def_pack(b, &c->server_def);
}

static bool
value_ok(const struct change *c)
{
	switch (c->what) {
	case CHANGE_HEALTH:
		return c->value >= 0 && c->value < HEALTH__LAST;
	case CHANGE_DRAIN:
		return c->value == 0 || c->value == 1;
	case CHANGE_OVERRIDE:
	case CHANGE_POLICY:
		return c->value >= WEIGHT_NONE && c->value <= WEIGHT_MAX;
	default:
		return true;
	}
}

/* The names that its kind needs and no others; a definition's is the same. A
 * table must never hold a name that its own bytes could not. */
static bool
names_ok(const struct change *c)
{
	bool of_server = c->what >= CHANGE_SERVER_SET;

	if (c->what == CHANGE_EPOCH)
		return c->service[0] == '\0' && c->server[0] == '\0';
	if (!name_valid(c->service) ||
	    (of_server ? !name_valid(c->server) : c->server[0] != '\0'))
		return false;
	if (c->what == CHANGE_SERVICE_SET)
		return strcmp(c->service_def.name, c->service) == 0;
	return c->what != CHANGE_SERVER_SET ||
	    strcmp(c->server_def.name, c->server) == 0;
}

int
change_unpack(struct buf *b, struct change *ret)
{
	struct change c = { 0 };
	uint8_t version = get_u8(b);

	if (!b->bad && version != CHANGE_VERSION)
		return -ERR_VERSION;
	c.what = get_u8(b);
	c.epoch = get_u64(b);
	c.seq = get_u64(b);
	c.when = get_u64(b);
	get_str(b, c.service, sizeof(c.service));
	get_str(b, c.server, sizeof(c.server));
	c.value = (int64_t)get_u64(b);
	get_str(b, c.cause, sizeof(c.cause));
	if (c.what == CHANGE_SERVICE_SET)
		service_def_unpack(b, &c.service_def);
	else if (c.what == CHANGE_SERVER_SET)
		server_def_unpack(b, &c.server_def);
	if (b->bad || buf_left(b) != 0 || c.what <= CHANGE_NONE ||
	    c.what >= CHANGE__LAST || !value_ok(&c) || !names_ok(&c))
		return -EBADMSG;
	*ret = c;
	return 0;
}

char *
change_format(const struct change *c, char *buf, size_t len)
{
	char value[32] = "";

	if (c->what == CHANGE_HEALTH)
		(void)snprintf(value, sizeof(value), "=%s",
		    health_name((unsigned)c->value));
	else if (c->what >= CHANGE_DRAIN && c->value == WEIGHT_NONE)
		(void)snprintf(value, sizeof(value), "=none");
	else if (c->what >= CHANGE_DRAIN)
		(void)snprintf(value, sizeof(value), "=%" PRId64, c->value);
	else if (c->what == CHANGE_EPOCH)
		(void)snprintf(value, sizeof(value), "=%" PRIu64, c->epoch);
	(void)snprintf(buf, len, "seq=%" PRIu64 " %s%s%s%s%s%s cause=\"%s\"",
	    c->seq, c->service, c->server[0] != '\0' ? "/" : "", c->server,
	    c->service[0] != '\0' ? " " : "", change_name(c->what), value,
	    c->cause);
	return buf;
}
