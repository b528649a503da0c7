/*
 * conf_unique: services and vips against each other: each thing once, and a
 * vip for every service.
 */
#include "common/conf_impl.h"

#include <stdlib.h>
#include <string.h>

static int
service_by_name(const void *a, const void *b)
{
	return strcmp(((const struct conf_service *)a)->def.name,
	    ((const struct conf_service *)b)->def.name);
}

static int
service_by_key(const void *a, const void *b)
{
	const struct service_def *x = &((const struct conf_service *)a)->def;
	const struct service_def *y = &((const struct conf_service *)b)->def;
	int d;

	if (x->fwmark != y->fwmark)
		return x->fwmark < y->fwmark ? -1 : 1;
	d = addr_cmp(&x->addr, &y->addr);
	if (d == 0)
		d = (int)x->protocol - (int)y->protocol;
	return d != 0 ? d : (int)x->port - (int)y->port;
}

static int
services_twice(const struct conf *c, struct conf_err *e)
{
	const struct conf_service *s = c->services;
	size_t one, two;
	char key[NAME_LEN + 16];
	int rc;

	rc = conf_twice(
	    s, c->n_services, sizeof(*s), service_by_name, &one, &two);
	if (rc < 0)
		return conf_no_memory(e);
	if (rc == 0) {
		rc = conf_twice(
		    s, c->n_services, sizeof(*s), service_by_key, &one, &two);
		if (rc <= 0)
			return rc < 0 ? conf_no_memory(e) : 0;
		(void)snprintf(key, sizeof(key), "service %s", s[two].def.name);
		return conf_fail(e, s[two].line, key,
		    "service %s on line %u has the same %s; change one",
		    s[one].def.name, s[one].line,
		    s[one].def.fwmark != 0 ? "fwmark and family"
					   : "protocol, address and port");
	}
	(void)snprintf(key, sizeof(key), "service %s", s[two].def.name);
	return conf_fail(e, s[two].line, key,
	    "another service has this name, on line %u; rename one",
	    s[one].line);
}

static int
vip_by_addr(const void *a, const void *b)
{
	return addr_cmp(&((const struct conf_vip *)a)->addr,
	    &((const struct conf_vip *)b)->addr);
}

/* A service without its address cannot fail over. */
static int
check_addresses(
    const struct conf *c, const struct conf_vip *sorted, struct conf_err *e)
{
	char key[NAME_LEN + 32], addr[ADDR_TEXT_MAX];
	struct conf_vip want;
	size_t i;

	for (i = 0; i < c->n_services; i++) {
		const struct service_def *d = &c->services[i].def;

		want.addr = d->addr;
		if (d->fwmark != 0 ||
		    (c->n_vips > 0 &&
			bsearch(&want, sorted, c->n_vips, sizeof(*sorted),
			    vip_by_addr) != NULL))
			continue;
		(void)snprintf(
		    key, sizeof(key), "service %s / address", d->name);
		(void)addr_format(&d->addr, addr, sizeof(addr));
		return conf_fail(e, c->services[i].line, key,
		    "no vip carries %s, so the service could not fail over; "
		    "add: vip %s/%u { device = eth0 }",
		    addr, addr, d->addr.family == AF_INET ? 24 : 64);
	}
	return 0;
}

int
conf_check_services(const struct conf *c, struct conf_err *e)
{
	struct conf_vip *sorted;
	int rc = services_twice(c, e);

	if (rc < 0)
		return rc;
	sorted = calloc(c->n_vips + 1, sizeof(*sorted));
	if (sorted == NULL)
		return conf_no_memory(e);
	if (c->n_vips > 0) {
		memcpy(sorted, c->vips, c->n_vips * sizeof(*sorted));
		qsort(sorted, c->n_vips, sizeof(*sorted), vip_by_addr);
	}
	rc = check_addresses(c, sorted, e);
	free(sorted);
	return rc;
}

int
conf_check_vips(
    const struct conf *c, const struct conf_lines *at, struct conf_err *e)
{
	char key[ADDR_TEXT_MAX + 8] = "vip ";
	size_t one, two, i, k;
	int rc, n;

	rc = conf_twice(
	    c->vips, c->n_vips, sizeof(*c->vips), vip_by_addr, &one, &two);
	if (rc < 0)
		return conf_no_memory(e);
	if (rc > 0) {
		(void)addr_format(&c->vips[two].addr, key + 4, ADDR_TEXT_MAX);
		return conf_fail(e, at->vips[two], key,
		    "is there twice, first on line %u; take one out",
		    at->vips[one]);
	}
	for (i = 0; i < c->n_vips; i++)
		for (n = 0; n < CONF_NODES; n++)
			for (k = 0; k < c->nodes[n].n_paths; k++)
				if (addr_cmp(&c->nodes[n].paths[k].address,
					&c->vips[i].addr) == 0)
					goto own;
	return 0;
own:
	(void)addr_format(&c->vips[i].addr, key + 4, ADDR_TEXT_MAX);
	return conf_fail(e, at->vips[i], key,
	    "is node %s's own address on path %s; a vip is one that moves",
	    c->nodes[n].name, c->nodes[n].paths[k].name);
}
