/*
 * init_plan: the words of `yoke init`. NODE=ADDRESS[@DEVICE],... is a node; other
 * KEY=VALUE words are rows below. What is not said is looked up on this machine,
 * if it is one of the two, or guessed and said so.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/import.h"
#include "daemons/yoke/init.h"

static int
fail(const char *word, const char *why)
{
	fprintf(stderr, "yoke: init: %s: %s\n", word, why);
	return -1;
}

/* The next part of a list with commas; NULL: no more. */
static char *
part(char **at)
{
	char *from = *at;

	if (from == NULL)
		return NULL;
	*at = strchr(from, ',');
	if (*at != NULL)
		*(*at)++ = '\0';
	return from;
}

/* Takes "@eth0" off the end. */
static int
take_device(char *text, char dst[16])
{
	char *at = strrchr(text, '@');

	if (at == NULL)
		return 0;
	*at++ = '\0';
	if (!imp_device(at))
		return fail(at, "is not the name of an interface");
	(void)snprintf(dst, 16, "%s", at);
	return 0;
}

static int
take_node(struct init_plan *p, const char *name, char *list)
{
	struct init_node *n;
	struct init_path *path;
	char *one;

	if (p->n_nodes == CONF_NODES)
		return fail(name, "is a third node, or not a key that init "
				  "knows");
	if (!name_valid(name))
		return fail(name, "is not a node's name (as uname -n says)");
	n = &p->nodes[p->n_nodes++];
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	while ((one = part(&list)) != NULL) {
		if (n->n_paths == INIT_PATHS_MAX)
			return fail(name, "has more than 4 addresses");
		path = &n->paths[n->n_paths++];
		if (take_device(one, path->device) < 0)
			return -1;
		if (addr_parse(one, &path->addr) < 0)
			return fail(one, "is not a numeric address");
	}
	return 0;
}

static int
take_vips(struct init_plan *p, char *list)
{
	struct conf_vip *v;
	char *one;

	while ((one = part(&list)) != NULL) {
		if (p->n_vips == INIT_VIPS_MAX)
			return fail("vip", "more than 64");
		v = &p->vips[p->n_vips++];
		if (take_device(one, v->device) < 0)
			return -1;
		if (addr_parse_prefix(one, &v->addr, &v->bits) < 0)
			return fail(one, "is not a numeric address");
	}
	return 0;
}

/* "10.0.0.1" "10.0.0.1:8080" "[2001:db8::1]:8080" "2001:db8::1" */
static int
take_server(struct init_server *s, char *text)
{
	char *colon = strrchr(text, ':'), *from = text, *end;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL)
			return fail(text, "has no ]");
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		from++;
	} else if (colon != NULL && strchr(text, ':') != colon) {
		colon = NULL; /* IPv6 without a port */
	}
	if (colon != NULL) {
		*colon = '\0';
		if (!imp_uint(colon + 1, 65535, &s->port))
			return fail(colon + 1, "is not a port");
	}
	if (addr_parse(from, &s->addr) < 0)
		return fail(from, "is not a numeric address");
	return 0;
}

static int
take_servers(struct init_plan *p, char *list)
{
	char *one;

	while ((one = part(&list)) != NULL) {
		if (p->n_servers == INIT_SERVERS_MAX)
			return fail("servers", "more than 1000");
		if (take_server(&p->servers[p->n_servers++], one) < 0)
			return -1;
	}
	return 0;
}

static int
take_port(struct init_plan *p, char *text)
{
	return imp_uint(text, 65535, &p->port) && p->port > 0
	    ? 0
	    : fail(text, "is not a port");
}

/* ---- the rows ---- */

#define TEXT(word, field, words)                                        \
	{ word, NULL, offsetof(struct init_plan, field),                \
	  sizeof(((struct init_plan *)0)->field), words }
static const struct row {
	const char *key;
	int (*fn)(struct init_plan *p, char *text); /* or a text: */
	size_t at, size;
	const char *words; /* NULL: anything */
} rows[] = {
	{ .key = "vip", .fn = take_vips },
	{ .key = "servers", .fn = take_servers },
	{ .key = "port", .fn = take_port },
	TEXT("protocol", protocol, "tcp udp"),
	TEXT("scheduler", scheduler, NULL),
	TEXT("method", method, "dr nat tun"),
	TEXT("http", http, NULL),
	TEXT("witness", witness, NULL),
	TEXT("storage", storage, NULL),
	TEXT("serial", serial, NULL),
	TEXT("instance", instance, NULL),
	TEXT("import", import_file, NULL),
	TEXT("dir", dir, NULL),
};

static bool
among(const char *words, const char *text)
{
	size_t n = strlen(text);
	const char *w = words;

	for (; w != NULL; w = strchr(w, ' ')) {
		w += *w == ' ';
		if (strncmp(w, text, n) == 0 && (w[n] == ' ' || w[n] == '\0'))
			return true;
	}
	return false;
}

/* Texts go into files in quotes: none that would end them. */
static bool
plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~' || strchr("\"\\$", *s) != NULL)
			return false;
	return true;
}

static int
take_key(struct init_plan *p, const struct row *row, char *text)
{
	char *field = (char *)p + row->at;

	if (*text == '\0')
		return fail(row->key, "has no value");
	if (row->fn != NULL)
		return row->fn(p, text);
	if (strlen(text) >= row->size || !plain(text))
		return fail(row->key, "is too long, or has characters that a "
				      "yoke.conf cannot have here");
	if (row->words != NULL && !among(row->words, text))
		return fail(text, row->words);
	memcpy(field, text, strlen(text) + 1);
	return 0;
}

static int
take_word(struct init_plan *p, char *word)
{
	char *eq = strchr(word, '=');
	size_t i;

	if (eq == NULL)
		return fail(word, "is not of the kind NODE=ADDRESS,... or "
				  "KEY=VALUE");
	*eq++ = '\0';
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].key, word) == 0)
			return take_key(p, &rows[i], eq);
	return take_node(p, word, eq);
}

/* ---- what this machine knows ---- */

static unsigned
mask_bits(const struct sockaddr *sa)
{
	struct sockaddr_storage ss = { 0 };
	struct addr a;
	unsigned bits = 0;
	uint16_t port;

	if (sa == NULL)
		return 0;
	memcpy(&ss, sa, sa->sa_family == AF_INET6
		? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	if (addr_from_sock(&ss, &a, &port) < 0)
		return 0;
	while (bits < addr_bits(&a) &&
	    (a.bytes[bits / 8] >> (7 - bits % 8) & 1) != 0)
		bits++;
	return bits;
}

static bool
same_net(const struct addr *a, const struct addr *b, unsigned bits)
{
	unsigned i;

	if (a->family != b->family || bits == 0)
		return false;
	for (i = 0; i < bits; i++)
		if (((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1))
			return false;
	return true;
}

static void
found(struct init_plan *p, const struct ifaddrs *i, const struct addr *a)
{
	struct init_path *path;
	size_t n, k;

	for (n = 0; n < p->n_nodes; n++)
		for (k = 0; k < p->nodes[n].n_paths; k++) {
			path = &p->nodes[n].paths[k];
			if (addr_cmp(&path->addr, a) != 0)
				continue;
			p->nodes[n].here = true;
			path->bits = mask_bits(i->ifa_netmask);
			if (path->device[0] == '\0' && imp_device(i->ifa_name))
				(void)snprintf(path->device,
				    sizeof(path->device), "%s", i->ifa_name);
		}
}

static void
look_here(struct init_plan *p)
{
	struct ifaddrs *all = NULL, *i;
	struct sockaddr_storage ss;
	uint16_t port;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, i->ifa_addr, i->ifa_addr->sa_family == AF_INET6
			? sizeof(struct sockaddr_in6)
			: sizeof(struct sockaddr_in));
		if (addr_from_sock(&ss, &a, &port) == 0)
			found(p, i, &a);
	}
	freeifaddrs(all);
}

/* The other node's device: as here, else eth0, eth1 ... */
static void
guess_devices(struct init_plan *p)
{
	const struct init_node *here = NULL;
	struct init_path *path;
	size_t n, k;

	for (n = 0; n < CONF_NODES; n++)
		if (p->nodes[n].here)
			here = &p->nodes[n];
	for (n = 0; n < CONF_NODES; n++)
		for (k = 0; k < p->nodes[n].n_paths; k++) {
			path = &p->nodes[n].paths[k];
			if (path->device[0] != '\0')
				continue;
			p->guessed = true;
			if (here != NULL)
				memcpy(path->device, here->paths[k].device,
				    sizeof(path->device));
			if (path->device[0] == '\0')
				(void)snprintf(path->device,
				    sizeof(path->device), "eth%u",
				    (unsigned)(uint8_t)k);
		}
}

/* A vip goes where its network is, else where the first path is. */
static void
place_vips(struct init_plan *p)
{
	const struct init_path *path;
	size_t i, n, k;

	for (i = 0; i < p->n_vips; i++) {
		for (n = 0; n < CONF_NODES; n++)
			for (k = 0; k < p->nodes[n].n_paths; k++) {
				path = &p->nodes[n].paths[k];
				if (p->vips[i].device[0] == '\0' &&
				    same_net(&path->addr, &p->vips[i].addr,
					path->bits))
					memcpy(p->vips[i].device, path->device,
					    sizeof(path->device));
			}
		if (p->vips[i].device[0] == '\0') {
			memcpy(p->vips[i].device, p->nodes[0].paths[0].device,
			    sizeof(p->vips[i].device));
			p->guessed = true;
		}
	}
}

/* ---- all together ---- */

static int
complete(const struct init_plan *p)
{
	const struct init_node *a = &p->nodes[0], *b = &p->nodes[1];

	if (p->n_nodes < CONF_NODES)
		return fail("nodes", "two are needed: d1=10.1.0.1,10.2.0.1 "
				     "d2=10.1.0.2,10.2.0.2");
	if (a->n_paths != b->n_paths)
		return fail(b->name, "needs as many addresses as the other "
				     "node, in the same order");
	if (p->import_file[0] == '\0' && (p->n_vips == 0 || p->n_servers == 0))
		return fail("services", "say vip=ADDRESS and servers=ADDRESS,"
					"..., or import=FILE");
	if (p->import_file[0] != '\0' && p->n_servers > 0)
		return fail("services", "servers= or import=, not both");
	return 0;
}

int
init_plan_read(struct init_plan *p, unsigned n, char **words)
{
	unsigned i;

	*p = (struct init_plan){ .port = 80, .dir = "yoke-pair",
		.instance = "main", .protocol = "tcp", .scheduler = "wlc",
		.method = "dr" };
	p->servers = calloc(INIT_SERVERS_MAX, sizeof(*p->servers));
	if (p->servers == NULL)
		return fail("memory", "none left");
	for (i = 0; i < n; i++)
		if (take_word(p, words[i]) < 0)
			return -1;
	if (complete(p) < 0)
		return -1;
	look_here(p);
	guess_devices(p);
	place_vips(p);
	return 0;
}

void
init_plan_done(struct init_plan *p)
{
	free(p->servers);
	free(p->imported);
	p->servers = NULL;
	p->imported = NULL;
}
