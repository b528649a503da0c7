/*
 * test_store_help: see test_store_help.h.
 */
#include "test/unit/test_store_help.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (uint32_t)((r->state >> 16) % n);
}

static void
define_service(struct service_def *d, const char *name, uint32_t n)
{
	*d = (struct service_def){ .protocol = IPPROTO_TCP,
		.port = (uint16_t)(80 + n),
		.persistence_s = n % 3 * 60,
		.persistence_bits = 24 };
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	(void)snprintf(d->scheduler, sizeof(d->scheduler), "wlc");
	if (n % 4 == 1) {
		d->protocol = 0;
		d->fwmark = 7 + n;
	}
	assert(addr_parse(n % 2 == 0 ? "192.0.2.1" : "2001:db8::1",
		   &d->addr) == 0);
}

static void
define_server(struct server_def *d, const char *name, uint32_t n)
{
	*d = (struct server_def){ .port = 8080,
		.method = (uint8_t)(n % METHOD__LAST),
		.weight = 1 + n % 100,
		.upper = n % 7 };
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	assert(addr_parse("10.0.0.1", &d->addr) == 0);
	d->addr.bytes[2] = (uint8_t)(n >> 8);
	d->addr.bytes[3] = (uint8_t)n;
}

void
next_change(const struct table *t, enum change_what what, const char *service,
    const char *server, int64_t value, struct change *ret)
{
	*ret = (struct change){ .epoch = t->epoch + (what == CHANGE_EPOCH),
		.seq = t->seq + 1,
		.when = 1700000000000000 + t->seq,
		.what = what,
		.value = value };
	(void)snprintf(ret->service, sizeof(ret->service), "%s", service);
	(void)snprintf(ret->server, sizeof(ret->server), "%s", server);
	(void)snprintf(ret->cause, sizeof(ret->cause), "test said so, %llu",
	    (unsigned long long)t->seq);
	if (what == CHANGE_SERVICE_SET)
		define_service(&ret->service_def, service, (uint32_t)value);
	if (what == CHANGE_SERVER_SET)
		define_server(&ret->server_def, server, (uint32_t)value);
}

static void
random_state(struct rng *r, const struct table *t, const struct service *s,
    struct change *ret)
{
	const char *name = s->servers[rng_below(r, (uint32_t)s->n_servers)]
			       ->def.name;
	enum change_what what = CHANGE_HEALTH + rng_below(r, 4);
	int64_t value;

	if (what == CHANGE_HEALTH)
		value = rng_below(r, HEALTH__LAST);
	else if (what == CHANGE_DRAIN)
		value = rng_below(r, 2);
	else
		value = (int64_t)rng_below(r, 200) - 1;
	if (rng_below(r, 20) == 0)
		what = CHANGE_SERVER_DEL;
	next_change(t, what, s->def.name, name, value, ret);
}

void
random_change(struct rng *r, const struct table *t, struct change *ret)
{
	uint32_t pick = rng_below(r, 100);
	char name[16], server[16];
	const struct service *s;

	(void)snprintf(name, sizeof(name), "vs%02u", rng_below(r, 12));
	if (t->n_services == 0 || pick < 8) {
		next_change(t, CHANGE_SERVICE_SET, name, "",
		    rng_below(r, 1000), ret);
		return;
	}
	if (pick == 8) {
		next_change(t, CHANGE_EPOCH, "", "", 0, ret);
		return;
	}
	s = t->services[rng_below(r, (uint32_t)t->n_services)];
	if (pick < 11) {
		next_change(t, CHANGE_SERVICE_DEL, s->def.name, "", 0, ret);
		return;
	}
	if (s->n_servers > 0 && pick > 40) {
		random_state(r, t, s, ret);
		return;
	}
	(void)snprintf(server, sizeof(server), "rs%02u", rng_below(r, 40));
	next_change(t, CHANGE_SERVER_SET, s->def.name, server,
	    rng_below(r, 1000), ret);
}

void
random_table(uint64_t seed, unsigned n, struct table *ret)
{
	struct rng r = { seed };
	struct change c;

	table_init(ret);
	ret->epoch = 1;
	while (n-- > 0) {
		random_change(&r, ret, &c);
		assert(table_apply(ret, &c) == 0);
	}
}

void
large_table(unsigned n, struct table *ret)
{
	char service[16] = "", server[16];
	struct change c;
	unsigned i;

	table_init(ret);
	ret->epoch = 1;
	for (i = 0; i < n; i++) {
		if (i % 100 == 0) {
			(void)snprintf(service, sizeof(service), "vs%03u",
			    i / 100);
			next_change(ret, CHANGE_SERVICE_SET, service, "", 0, &c);
			assert(table_apply(ret, &c) == 0);
		}
		(void)snprintf(server, sizeof(server), "rs%05u", i);
		next_change(ret, CHANGE_SERVER_SET, service, server, i, &c);
		assert(table_apply(ret, &c) == 0);
	}
}
