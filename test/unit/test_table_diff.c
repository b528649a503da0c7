/*
 * test_table_diff: whatever two tables are, applying the differences to the one
 * makes the other, and states survive. test_table_diff SEED repeats a run.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>

#include "common/mem.h"
#include "ha/table_diff.h"
#include "test/tap.h"

#define ROUNDS 2000

static unsigned
upto(unsigned n)
{
	return (unsigned)random() % n;
}

static void
apply(struct table *t, struct change *c)
{
	c->epoch = t->epoch;
	c->seq = t->seq + 1;
	if (table_apply(t, c) < 0)
		abort();
}

static struct addr
address(unsigned n)
{
	return (struct addr){ AF_INET, { 10, 0, 0, (uint8_t)n } };
}

static void
add_service(struct table *t, unsigned i)
{
	struct change c = { .what = CHANGE_SERVICE_SET };

	(void)snprintf(c.service, NAME_LEN, "s%u", i);
	strcpy(c.service_def.name, c.service);
	strcpy(c.service_def.scheduler, upto(2) ? "wlc" : "rr");
	c.service_def.protocol = upto(4) ? IPPROTO_TCP : 0;
	c.service_def.fwmark = c.service_def.protocol == 0;
	c.service_def.addr = address(i);
	c.service_def.port = (uint16_t)(80 + upto(2));
	c.service_def.flags = upto(2) * SERVICE_SCHED1;
	c.service_def.persistence_s = upto(2) * 300;
	c.service_def.persistence_bits = (uint8_t)(upto(2) * 8 + 24);
	apply(t, &c);
}

static void
add_server(struct table *t, unsigned i, unsigned k)
{
	struct change c = { .what = CHANGE_SERVER_SET };

	(void)snprintf(c.service, NAME_LEN, "s%u", i);
	(void)snprintf(c.server, NAME_LEN, "r%u", k);
	strcpy(c.server_def.name, c.server);
	c.server_def.addr = address(100 + upto(3));
	c.server_def.port = (uint16_t)(80 + upto(2));
	c.server_def.method = (uint8_t)upto(METHOD__LAST);
	c.server_def.weight = upto(3);
	c.server_def.upper = upto(2);
	c.server_def.lower = 0;
	c.server_def.down = (uint8_t)upto(DOWN__LAST);
	apply(t, &c);
	memset(&c.server_def, 0, sizeof(c.server_def));
	c.what = CHANGE_OVERRIDE;
	c.value = (int64_t)(upto(5)) - 1;
	apply(t, &c);
}

static void
random_table(struct table *t)
{
	unsigned i, k;

	table_init(t);
	for (i = 0; i < 6; i++) {
		if (upto(3) == 0)
			continue;
		add_service(t, i);
		for (k = 0; k < 5; k++)
			if (upto(3) != 0)
				add_server(t, i, k);
	}
}

static void
emit(const struct change *c, void *arg)
{
	struct change one = *c;
	struct change **list = arg;
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	list[n] = mem_new(struct change);
	*list[n] = one;
}

/* The same definitions; states are not compared. */
static bool
same_definitions(const struct table *a, const struct table *b)
{
	struct change *list[64] = { NULL };

	return table_diff(a, b, "", emit, list) == 0 && list[0] == NULL;
}

static size_t
go(struct table *have, const struct table *want)
{
	struct change *list[64] = { NULL };
	size_t n = table_diff(have, want, "because", emit, list), i;

	for (i = 0; i < n; i++) {
		apply(have, list[i]);
		free(list[i]);
	}
	return n;
}

/* Who is in both tables keeps what was set by hand. */
static bool
states_kept(const struct table *was, const struct table *now)
{
	const struct service *s, *o;
	const struct server *v;
	size_t i, k;

	for (i = 0; i < now->n_services; i++) {
		s = now->services[i];
		o = table_service(was, s->def.name);
		for (k = 0; o != NULL && k < s->n_servers; k++) {
			v = service_server(o, s->servers[k]->def.name);
			if (v != NULL &&
			    v->override != s->servers[k]->override)
				return false;
		}
	}
	return true;
}

static bool
one_round(void)
{
	struct table a, b, was;
	uint8_t *bytes;
	size_t len;
	bool good;

	random_table(&a);
	random_table(&b);
	if (table_pack(&a, &bytes, &len) < 0 ||
	    table_unpack(bytes, len, &was) < 0)
		abort();
	free(bytes);
	(void)go(&a, &b);
	good = same_definitions(&a, &b) && go(&a, &b) == 0 &&
	    states_kept(&was, &a) && a.n_services == b.n_services &&
	    a.n_servers == b.n_servers;
	table_done(&a);
	table_done(&b);
	table_done(&was);
	return good;
}

static void
test_conf(void)
{
	struct server_def servers[2] = {
		{ .name = "r1", .weight = 3 }, { .name = "r0", .weight = 4 }
	};
	struct conf_service services[1] = { {
	    .def = { .name = "web", .protocol = IPPROTO_TCP, .port = 80 },
	    .servers = servers,
	    .n_servers = 2 } };
	struct conf c = { .services = services, .n_services = 1 };
	struct change *list[64] = { NULL };
	struct table t, none;
	size_t n, i;

	servers[0].addr = servers[1].addr = address(1);
	services[0].def.addr = address(2);
	strcpy(services[0].def.scheduler, "wlc");
	table_init(&none);
	is_int(table_from_conf(&c, &t), 0, "a table from a configuration");
	is_int(t.n_servers, 2, "its servers");
	is_int(t.epoch + t.seq, 0, "which nobody has changed yet");
	n = table_diff(&none, &t, "start", emit, list);
	is_int(n, 3, "all of it is a difference from nothing");
	is_str(list[0]->cause, "start", "which says why");
	is_int(list[0]->what, CHANGE_SERVICE_SET, "the service comes first");
	is_str(list[1]->server, "r0", "servers in order");
	for (i = 0; i < n; i++)
		free(list[i]);
	table_done(&t);
}

int
main(int argc, char *argv[])
{
	unsigned seed =
	    argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)time(NULL);
	int i, good = 0;

	srandom(seed);
	test_conf();
	for (i = 0; i < ROUNDS; i++)
		good += one_round();
	is_int(good, ROUNDS, "random tables, seed %u", seed);
	return done();
}
