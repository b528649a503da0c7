/*
 * sim_conf: the configuration of the simulated pair, made in memory: two NIC
 * paths, perhaps a serial one, two addresses, two services.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/sim/sim.h"

static void *
array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		abort();
	return p;
}

static struct addr
address(unsigned a, unsigned b)
{
	struct addr r = { .family = AF_INET, .bytes = { 10, 0, 0, 0 } };

	r.bytes[2] = (uint8_t)a;
	r.bytes[3] = (uint8_t)b;
	return r;
}

static void
make_node(struct conf_node *n, unsigned i, bool serial, bool fence)
{
	unsigned p;

	(void)snprintf(n->name, sizeof(n->name), "d%u", i + 1);
	n->id = i + 1;
	if (fence)
		(void)strcpy(n->fence_command, "/fence");
	n->n_paths = serial ? 3 : 2;
	n->paths = array(n->n_paths, sizeof(*n->paths));
	for (p = 0; p < n->n_paths; p++) {
		struct conf_path *c = &n->paths[p];

		c->type = p < 2 ? PATH_UDP : PATH_SERIAL;
		(void)snprintf(c->name, sizeof(c->name), "p%u", p);
		(void)snprintf(c->device, sizeof(c->device), "eth%u", p);
		c->address = address(p + 1, i + 1);
		c->port = 5199;
		c->speed = 115200;
	}
}

static void
make_service(struct conf_service *s, unsigned i, unsigned servers)
{
	static const char *const names[] = { "mail", "web" };
	unsigned k;

	(void)snprintf(s->def.name, sizeof(s->def.name), "%s", names[i]);
	(void)snprintf(s->def.scheduler, sizeof(s->def.scheduler), "%s", "wlc");
	s->def.protocol = IPPROTO_TCP;
	s->def.addr = address(77, 10 + i);
	s->def.port = i == 0 ? 25 : 80;
	s->n_servers = servers;
	s->servers = array(servers > 0 ? servers : 1, sizeof(*s->servers));
	for (k = 0; k < servers; k++) {
		struct server_def *d = &s->servers[k];

		(void)snprintf(d->name, sizeof(d->name), "rs%u", k + 1);
		d->addr = address(80 + k / 200, 1 + k % 200);
		d->port = s->def.port;
		d->weight = 10;
		d->down = (uint8_t)(k % DOWN__LAST);
	}
}

struct conf *
sim_conf(
    const struct sim_options *o, unsigned self, unsigned servers, unsigned vips)
{
	struct conf *c = mem_new(struct conf);
	unsigned i;

	(void)snprintf(c->instance, sizeof(c->instance), "main");
	memset(c->key, 0x5a, 32);
	c->key_len = 32;
	c->beat_interval = o->beat;
	c->beat_misses = o->misses;
	c->start_wait = o->start_wait;
	c->sync = true;
	c->sync_id = 10;
	c->test_no_replica = o->no_replica;
	if (o->device)
		(void)strcpy(c->checkpoint_device, "/dev/disk");
	for (i = 0; i < CONF_NODES; i++)
		make_node(&c->nodes[i], i, o->serial, o->fence);
	c->self = &c->nodes[self];
	c->peer = &c->nodes[!self];
	c->n_vips = vips;
	c->vips = array(vips, sizeof(*c->vips));
	for (i = 0; i < vips; i++) {
		c->vips[i].addr = address(77, 10 + i);
		c->vips[i].bits = 32;
		(void)snprintf(
		    c->vips[i].device, sizeof(c->vips[i].device), "eth0");
	}
	c->n_services = 2;
	c->services = array(2, sizeof(*c->services));
	for (i = 0; i < 2; i++)
		make_service(&c->services[i], i, servers);
	return c;
}
