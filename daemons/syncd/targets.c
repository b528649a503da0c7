/*
 * targets: built anew whenever the configuration changes; see the header.
 */
#include "daemons/syncd/targets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "ha/ipvs.h"
#include "ha/sync_msg.h"

static const uint32_t method_flags[METHOD__LAST] = {
	[METHOD_DR] = LVS_DR | SYNC_NOOUTPUT,
	[METHOD_NAT] = LVS_NAT,
	[METHOD_TUN] = LVS_TUN | SYNC_NOOUTPUT,
};

static int
by_addr(const void *a, const void *b)
{
	const struct target_server *x = a, *y = b;
	int c = addr_cmp(&x->addr, &y->addr);

	return c != 0 ? c : (int)x->port - (int)y->port;
}

static int
by_key(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return lvs_key_cmp(&x->key, &y->key);
}

static int
add_service(struct targets *t, const struct conf_service *s)
{
	struct target *g = &t->all[t->n];
	size_t i;

	ipvs_key(&s->def, &g->key);
	g->servers = calloc(s->n_servers + 1, sizeof(*g->servers));
	if (g->servers == NULL)
		return -ENOMEM;
	t->n++;
	g->n = s->n_servers;
	for (i = 0; i < s->n_servers; i++) {
		const struct server_def *d = &s->servers[i];

		g->servers[i] = (struct target_server){ .addr = d->addr,
			.port = d->port,
			.flags = method_flags[d->method] };
		t->nat |= d->method == METHOD_NAT;
	}
	qsort(g->servers, g->n, sizeof(*g->servers), by_addr);
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static size_t
each_once(struct addr *a, size_t n)
{
	size_t i, kept = 0;

	qsort(a, n, sizeof(*a), by_value);
	for (i = 0; i < n; i++)
		if (kept == 0 || addr_cmp(&a[kept - 1], &a[i]) != 0)
			a[kept++] = a[i];
	return kept;
}

static int
list_addrs(struct targets *t)
{
	size_t i, k, n = 0;

	for (i = 0; i < t->n; i++)
		n += t->all[i].n;
	t->vips = calloc(t->n + 1, sizeof(*t->vips));
	t->addrs = calloc(n + 1, sizeof(*t->addrs));
	if (t->vips == NULL || t->addrs == NULL)
		return -ENOMEM;
	for (i = 0; i < t->n; i++) {
		const struct target *g = &t->all[i];

		if (g->key.fwmark == 0 && g->key.protocol == IPPROTO_TCP)
			t->vips[t->n_vips++] = g->key.addr;
		for (k = 0; k < g->n; k++)
			t->addrs[t->n_addrs++] = g->servers[k].addr;
	}
	t->n_vips = each_once(t->vips, t->n_vips);
	t->n_addrs = each_once(t->addrs, t->n_addrs);
	return 0;
}

int
targets_from(const struct conf *c, struct targets *ret)
{
	struct targets t = { 0 };
	size_t i;
	int rc = 0;

	t.all = calloc(c->n_services + 1, sizeof(*t.all));
	if (t.all == NULL)
		return -ENOMEM;
	for (i = 0; i < c->n_services && rc == 0; i++)
		rc = add_service(&t, &c->services[i]);
	if (rc == 0)
		rc = list_addrs(&t);
	if (rc < 0) {
		targets_done(&t);
		return rc;
	}
	qsort(t.all, t.n, sizeof(*t.all), by_key);
	t.probe_marks = probe_marks_first(c);
	*ret = t;
	return 0;
}

void
targets_done(struct targets *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->all[i].servers);
	free(t->all);
	free(t->vips);
	free(t->addrs);
	*t = (struct targets){ 0 };
}

static const struct target *
lookup(const struct targets *t, const struct lvs_key *k)
{
	struct target want = { .key = *k };

	return t->n == 0 ? NULL
			 : bsearch(&want, t->all, t->n, sizeof(want), by_key);
}

const struct target *
target_find(const struct targets *t, uint8_t protocol, const struct addr *virt,
    uint16_t port, uint32_t mark)
{
	struct lvs_key k = { .addr = { .family = virt->family },
		.fwmark = mark };
	const struct target *g = mark != 0 ? lookup(t, &k) : NULL;

	if (mark >= t->probe_marks &&
	    mark - t->probe_marks < PROBE_MARKS)
		return NULL;
	if (g != NULL)
		return g;
	k = (struct lvs_key){
		.addr = *virt, .port = port, .protocol = protocol
	};
	g = lookup(t, &k);
	if (g != NULL || port == 0)
		return g;
	k.port = 0;
	return lookup(t, &k);
}

const struct target_server *
target_server(const struct target *t, const struct addr *a, uint16_t port)
{
	size_t low = 0, high = t->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (addr_cmp(&t->servers[mid].addr, a) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < t->n && addr_cmp(&t->servers[low].addr, a) == 0; low++)
		if (port == 0 || t->servers[low].port == 0 ||
		    t->servers[low].port == port)
			return &t->servers[low];
	return NULL;
}

bool
targets_serve(const struct targets *t, const struct addr *a)
{
	return t->n_addrs > 0 &&
	    bsearch(a, t->addrs, t->n_addrs, sizeof(*a), by_value) != NULL;
}

const struct target *
target_of_mark(
    const struct targets *t, const struct addr *server, uint16_t port)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->all[i].key.fwmark != 0 &&
		    t->all[i].key.addr.family == server->family &&
		    target_server(&t->all[i], server, port) != NULL)
			return &t->all[i];
	return NULL;
}
