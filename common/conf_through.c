/*
 * conf_through: checks that go through the virtual address: whether there is a
 * way, and the marks of all of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/conf_impl.h"
#include "common/conf_service.h"
#include "common/err.h"

/* Why a server cannot be reached so, NULL: it can. */
static const char *
no_way(const struct in_service *s, const struct in_server *v)
{
	if (s->out.def.fwmark != 0)
		return "the service is by fwmark and has no address";
	if (v->out.method == METHOD_NAT)
		return "it is reached by nat, not by dr or tun";
	if (v->out.addr.family != s->out.def.addr.family)
		return "its address is of another family than the service's";
	return NULL;
}

static int
check_one(
    const struct in_service *s, const struct in_check *k, struct conf_err *e)
{
	char key[sizeof(e->key)];
	const char *why;
	size_t i;

	for (i = 0; i < s->out.n_servers; i++) {
		why = no_way(s, &s->servers[i]);
		if (why == NULL)
			continue;
		(void)snprintf(key, sizeof(key),
		    "service %.40s / check %.40s / through", s->out.def.name,
		    k->out.name);
		return conf_fail(e, k->line, key,
		    "vip does not lead to server %s: %s; say through = server",
		    s->servers[i].out.name, why);
	}
	return 0;
}

int
conf_check_through(const struct in_service *s, struct conf_err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < s->out.n_checks && rc == 0; i++)
		if (s->checks[i].out.through == THROUGH_VIP)
			rc = check_one(s, &s->checks[i], e);
	return rc;
}

static int
by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

/* There may be thousands of both. */
static int
mark_vips(struct conf *c)
{
	struct addr *all = calloc(c->n_services + 1, sizeof(*all));
	size_t i, n = 0;

	if (all == NULL)
		return -ENOMEM;
	for (i = 0; i < c->n_services; i++)
		if (probe_path_needed(&c->services[i]))
			all[n++] = c->services[i].def.addr;
	if (n > 0)
		qsort(all, n, sizeof(*all), by_addr);
	for (i = 0; i < c->n_vips && n > 0; i++)
		c->vips[i].probed = bsearch(&c->vips[i].addr, all, n,
					sizeof(*all), by_addr) != NULL;
	free(all);
	return 0;
}

int
conf_probe_paths(struct conf *c, struct conf_err *e)
{
	char key[NAME_LEN + 32];
	size_t i;
	int rc;

	for (i = 0; i < c->n_services; i++) {
		const struct service_def *d = &c->services[i].def;

		if (!probe_mark_ours(c, d->fwmark))
			continue;
		(void)snprintf(
		    key, sizeof(key), "service %s / fwmark", d->name);
		return conf_fail(e, c->services[i].line, key,
		    "%" PRIu32 " is one of the marks that yoke keeps for its "
		    "probes, %" PRIu32 " to %" PRIu32 "; say another, or set "
		    "probe_marks",
		    d->fwmark, probe_marks_first(c),
		    probe_marks_first(c) + (PROBE_MARKS - 1));
	}
	rc = mark_vips(c);
	if (rc == 0)
		rc = probe_paths_make(c, &c->probe_paths);
	if (rc == -E2BIG)
		return conf_fail(e, 0, "probe_marks",
		    "more than %u servers are checked through their VIPs",
		    PROBE_MARKS);
	return rc < 0 ? conf_no_memory(e) : 0;
}
