/*
 * lvs_table: sorted arrays of services and of their servers, and how they are
 * named in texts.
 */
#include "ha/lvs_table.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CMP(a, b) (((a) > (b)) - ((a) < (b)))

int
lvs_key_cmp(const struct lvs_key *a, const struct lvs_key *b)
{
	int c = CMP(a->fwmark, b->fwmark);

	if (c == 0)
		c = CMP(a->protocol, b->protocol);
	if (c == 0 && a->fwmark != 0)
		return CMP(a->addr.family, b->addr.family);
	if (c == 0)
		c = addr_cmp(&a->addr, &b->addr);
	return c != 0 ? c : CMP(a->port, b->port);
}

int
lvs_dest_cmp(const struct lvs_dest *a, const struct lvs_dest *b)
{
	int c = addr_cmp(&a->addr, &b->addr);

	return c != 0 ? c : CMP(a->port, b->port);
}

char *
lvs_key_format(const struct lvs_key *k, char *buf, size_t len)
{
	char text[LVS_KEY_TEXT_MAX];
	const char *proto = k->protocol == IPPROTO_TCP	  ? "tcp"
			    : k->protocol == IPPROTO_UDP  ? "udp"
			    : k->protocol == IPPROTO_SCTP ? "sctp"
							  : "ip";

	if (k->fwmark != 0)
		(void)snprintf(buf, len, "fwmark %u%s", k->fwmark,
		    k->addr.family == AF_INET6 ? " ipv6" : "");
	else
		(void)snprintf(buf, len, "%s %s", proto,
		    addr_format_port(&k->addr, k->port, text, sizeof(text)));
	return buf;
}

/* Room for one more of `size` bytes in *p. NULL or the place of the new one. */
static void *
array_grow(void *pp, size_t n, size_t *cap, size_t size)
{
	void **p = pp;
	size_t want = *cap == 0 ? 8 : *cap * 2;
	void *q;

	if (n == *cap) {
		q = reallocarray(*p, want, size);
		if (q == NULL)
			return NULL;
		*p = q;
		*cap = want;
	}
	return (char *)*p + n * size;
}

struct lvs_service *
lvs_table_add(struct lvs_table *t, const struct lvs_service *s)
{
	struct lvs_service *to =
	    array_grow(&t->services, t->n, &t->cap, sizeof(*to));

	if (to == NULL)
		return NULL;
	*to = *s;
	to->dests = NULL;
	to->n_dests = to->cap_dests = 0;
	t->n++;
	return to;
}

int
lvs_service_add_dest(struct lvs_service *s, const struct lvs_dest *d)
{
	struct lvs_dest *to;

	if (s->n_dests >= LVS_SERVERS_MAX)
		return -E2BIG;
	to = array_grow(&s->dests, s->n_dests, &s->cap_dests, sizeof(*to));
	if (to == NULL)
		return -ENOMEM;
	*to = *d;
	s->n_dests++;
	return 0;
}

static int
cmp_services(const void *a, const void *b)
{
	const struct lvs_service *x = a, *y = b;

	return lvs_key_cmp(&x->key, &y->key);
}

static int
cmp_dests(const void *a, const void *b)
{
	return lvs_dest_cmp(a, b);
}

/* Sorts what is not sorted yet. -EEXIST: two are equal. */
static int
array_sort(
    void *p, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *at = p;
	size_t i;

	for (i = 1; i < n; i++)
		if (cmp(at + (i - 1) * size, at + i * size) >= 0)
			break;
	if (i >= n)
		return 0;
	qsort(p, n, size, cmp);
	for (i = 1; i < n; i++)
		if (cmp(at + (i - 1) * size, at + i * size) == 0)
			return -EEXIST;
	return 0;
}

int
lvs_table_sort(struct lvs_table *t)
{
	struct lvs_service *s;
	size_t i;
	int rc;

	rc = array_sort(t->services, t->n, sizeof(*s), cmp_services);
	for (i = 0; i < t->n && rc == 0; i++) {
		s = &t->services[i];
		rc = array_sort(
		    s->dests, s->n_dests, sizeof(*s->dests), cmp_dests);
	}
	return rc;
}

struct lvs_service *
lvs_table_find(const struct lvs_table *t, const struct lvs_key *k)
{
	struct lvs_service probe = { .key = *k };

	if (t->n == 0)
		return NULL;
	return bsearch(&probe, t->services, t->n, sizeof(probe), cmp_services);
}

struct lvs_dest *
lvs_service_find(
    const struct lvs_service *s, const struct addr *a, uint16_t port)
{
	struct lvs_dest probe = { .addr = *a, .port = port };

	if (s->n_dests == 0)
		return NULL;
	return bsearch(&probe, s->dests, s->n_dests, sizeof(probe), cmp_dests);
}

uint64_t
lvs_table_conns(const struct lvs_table *t)
{
	const struct lvs_service *s;
	uint64_t sum = 0;
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		s = &t->services[i];
		for (k = 0; k < s->n_dests; k++)
			sum +=
			    (uint64_t)s->dests[k].active + s->dests[k].inactive;
	}
	return sum;
}

void
lvs_table_done(struct lvs_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->services[i].dests);
	free(t->services);
	*t = (struct lvs_table){ 0 };
}
