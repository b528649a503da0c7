/*
 * probe_path: marks for servers. A server's mark is the hash of its address and
 * method; where two have the same, the later one in order takes the next that
 * is free.
 */
#include "common/probe_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

/* FNV-1a */
#define HASH_START 0xcbf29ce484222325ULL
#define HASH_PRIME 0x100000001b3ULL
/* Ranges of marks that names of instances choose from, up to 0x7fffffff. */
#define BY_NAME 0x40000000U
#define BY_NAME_RANGES 0x4000U

static uint64_t
hash(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len-- > 0)
		h = (h ^ *p++) * HASH_PRIME;
	return h;
}

static uint64_t
path_hash(uint64_t h, const struct probe_path *p)
{
	h = hash(h, p->server.bytes, addr_len(&p->server));
	return hash(h, &p->method, sizeof(p->method));
}

static int
path_cmp(const void *a, const void *b)
{
	const struct probe_path *x = a, *y = b;
	int d = addr_cmp(&x->server, &y->server);

	return d != 0 ? d : (int)x->method - (int)y->method;
}

bool
probe_path_needed(const struct conf_service *s)
{
	size_t i;

	for (i = 0; i < s->n_checks; i++)
		if (s->checks[i].through == THROUGH_VIP)
			return true;
	return false;
}

/* All servers with such a check, several times where they are in several
 * services. */
static void
collect(const struct conf *c, struct probe_paths *p)
{
	const struct conf_service *s;
	size_t i, k;

	for (i = 0; i < c->n_services; i++) {
		s = &c->services[i];
		for (k = 0; probe_path_needed(s) && k < s->n_servers; k++)
			p->all[p->n++] =
			    (struct probe_path){ .server = s->servers[k].addr,
				    .method = s->servers[k].method };
	}
}

static void
sort(struct probe_paths *p)
{
	size_t i, n = 0;

	if (p->n > 0)
		qsort(p->all, p->n, sizeof(*p->all), path_cmp);
	for (i = 0; i < p->n; i++)
		if (n == 0 || path_cmp(&p->all[n - 1], &p->all[i]) != 0)
			p->all[n++] = p->all[i];
	p->n = n;
}

static int
number(const struct conf *c, struct probe_paths *p)
{
	bool *taken = calloc(PROBE_MARKS, sizeof(*taken));
	uint32_t at;
	size_t i;

	if (taken == NULL)
		return -ENOMEM;
	for (i = 0; i < p->n; i++) {
		at = (uint32_t)path_hash(HASH_START, &p->all[i]) % PROBE_MARKS;
		while (taken[at])
			at = (at + 1) % PROBE_MARKS;
		taken[at] = true;
		p->all[i].mark = probe_marks_first(c) + at;
	}
	free(taken);
	return 0;
}

static uint64_t
id_of(const struct probe_paths *p)
{
	uint64_t h = HASH_START;
	size_t i;

	for (i = 0; i < p->n; i++) {
		h = path_hash(h, &p->all[i]);
		h = hash(h, &p->all[i].mark, sizeof(p->all[i].mark));
	}
	return p->n == 0 ? 0 : h | 1;
}

int
probe_paths_make(const struct conf *c, struct probe_paths *ret)
{
	struct probe_paths p = { 0 };
	size_t i, n = 0;
	int rc = 0;

	for (i = 0; i < c->n_services; i++)
		n += probe_path_needed(&c->services[i])
			 ? c->services[i].n_servers
			 : 0;
	if (n > 0) {
		p.all = calloc(n, sizeof(*p.all));
		if (p.all == NULL)
			return -ENOMEM;
		collect(c, &p);
		sort(&p);
		rc = p.n > PROBE_MARKS ? -E2BIG : number(c, &p);
	}
	if (rc < 0) {
		probe_paths_done(&p);
		return rc;
	}
	p.id = id_of(&p);
	*ret = p;
	return 0;
}

void
probe_paths_done(struct probe_paths *p)
{
	free(p->all);
	*p = (struct probe_paths){ 0 };
}

uint32_t
probe_paths_mark(const struct probe_paths *p, const struct server_def *d)
{
	const struct probe_path key = { .server = d->addr,
		.method = d->method };
	const struct probe_path *found =
	    p->n == 0 ? NULL
		      : bsearch(&key, p->all, p->n, sizeof(key), path_cmp);

	return found != NULL ? found->mark : 0;
}

uint32_t
probe_marks_first(const struct conf *c)
{
	uint64_t h = hash(HASH_START, c->instance, strlen(c->instance));

	if (c->probe_marks != 0)
		return c->probe_marks;
	return BY_NAME + (uint32_t)(h % BY_NAME_RANGES) * PROBE_MARKS;
}

bool
probe_mark_ours(const struct conf *c, uint32_t mark)
{
	uint32_t first = probe_marks_first(c);

	return mark >= first && mark - first < PROBE_MARKS;
}

static bool
accept_local(const char *device)
{
	char path[80], c = '0';
	int fd;

	(void)snprintf(path, sizeof(path),
	    "/proc/sys/net/ipv4/conf/%s/accept_local", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &c, 1) < 1)
		c = '0';
	(void)close(fd);
	return c != '0';
}

bool
probe_path_accepts(const char *device)
{
	return accept_local(device) || accept_local("all");
}

char *
probe_path_format(const char *device, char *buf, size_t len)
{
	(void)snprintf(buf, len, "net.ipv4.conf.%s.accept_local is 0", device);
	return buf;
}
