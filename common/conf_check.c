/*
 * conf_check: what makes the whole configuration right beyond each value: the
 * two nodes, their paths, the addresses. Services stand in conf_service.c.
 */
#include "common/conf_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/err.h"

struct ctx {
	struct conf *c;
	const struct conf_lines *at;
	struct conf_err *e;
};

static int
path_fail(
    const struct ctx *x, int n, size_t i, const char *key, const char *text)
{
	char path[NAME_LEN * 3];

	(void)snprintf(path, sizeof(path), "node %s / path %s%s%s",
	    x->c->nodes[n].name, x->c->nodes[n].paths[i].name,
	    key[0] != '\0' ? " / " : "", key);
	return conf_fail(x->e, x->at->paths[n][i], path, "%s", text);
}

static const struct conf_path *
path_of(const struct conf_node *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->n_paths; i++)
		if (strcmp(n->paths[i].name, name) == 0)
			return &n->paths[i];
	return NULL;
}

/* Path i of node n against the node's paths before it. */
static int
check_path_alone(const struct ctx *x, int n, size_t i)
{
	const struct conf_path *p = x->c->nodes[n].paths, *own = &p[i];
	size_t k;

	for (k = 0; k < i; k++) {
		if (strcmp(p[k].name, own->name) == 0)
			return path_fail(x, n, i, "",
			    "another path of this node has this name; give "
			    "each its own");
		if (own->type == PATH_SERIAL && p[k].type == PATH_SERIAL &&
		    strcmp(p[k].device, own->device) == 0)
			return path_fail(x, n, i, "device",
			    "another path uses this line already");
		if (own->type == PATH_UDP && p[k].type == PATH_UDP &&
		    addr_cmp(&p[k].address, &own->address) == 0)
			return path_fail(x, n, i, "address",
			    "another path of this node has this address; a "
			    "path needs a network of its own");
	}
	if (own->type == PATH_UDP && strlen(own->device) > 15)
		return path_fail(x, n, i, "device",
		    "no network interface has a name that long");
	if (own->type == PATH_SERIAL && own->device[0] != '/')
		return path_fail(x, n, i, "device",
		    "a serial line is a file, like /dev/ttyS0");
	return 0;
}

/* Path i of node n against its other end. */
static int
check_path_pair(const struct ctx *x, int n, size_t i)
{
	const struct conf_node *peer = &x->c->nodes[1 - n];
	const struct conf_path *own = &x->c->nodes[n].paths[i];
	const struct conf_path *other = path_of(peer, own->name);
	char text[256];

	if (other == NULL) {
		(void)snprintf(text, sizeof(text),
		    "node %s has no path of "
		    "this name; a path needs both its ends",
		    peer->name);
		return path_fail(x, n, i, "", text);
	}
	if (other->type != own->type)
		return path_fail(x, n, i, "type",
		    "is udp on one node and serial on the other");
	if (own->type == PATH_SERIAL && other->speed != own->speed)
		return path_fail(
		    x, n, i, "speed", "differs from the other node's");
	if (own->type == PATH_SERIAL)
		return 0;
	if (other->address.family != own->address.family)
		return path_fail(x, n, i, "address",
		    "is IPv4 on one node and IPv6 on the other");
	if (addr_cmp(&other->address, &own->address) == 0)
		return path_fail(x, n, i, "address",
		    "both nodes have the same; each says its own");
	return 0;
}

static int
check_paths(const struct ctx *x, int n)
{
	const struct conf_node *node = &x->c->nodes[n];
	size_t i, udp = 0;
	char key[NAME_LEN + 8];
	int rc;

	for (i = 0; i < node->n_paths; i++) {
		rc = check_path_alone(x, n, i);
		if (rc == 0)
			rc = check_path_pair(x, n, i);
		if (rc < 0)
			return rc;
		udp += node->paths[i].type == PATH_UDP;
	}
	(void)snprintf(key, sizeof(key), "node %s", node->name);
	if (node->n_paths == 0)
		return conf_fail(x->e, x->at->nodes[n], key,
		    "has no path to hear its peer; add: path net1 { device = "
		    "eth0  address = ... }");
	if (udp == 0)
		return conf_fail(x->e, x->at->nodes[n], key,
		    "has serial paths only; add one of type udp");
	return 0;
}

static int
check_nodes(const struct ctx *x)
{
	const struct conf_node *n = x->c->nodes;
	char key[NAME_LEN + 16];
	int i, rc;

	(void)snprintf(key, sizeof(key), "node %s", n[1].name);
	if (strcmp(n[0].name, n[1].name) == 0)
		return conf_fail(x->e, x->at->nodes[1], key,
		    "both nodes have this name, the other on line %u; use "
		    "what uname -n says on each",
		    x->at->nodes[0]);
	(void)snprintf(key, sizeof(key), "node %s / id", n[1].name);
	if (n[0].id == n[1].id)
		return conf_fail(x->e, x->at->nodes[1], key,
		    "both nodes have id %u; give each its own", n[0].id);
	for (i = 0; i < CONF_NODES; i++) {
		rc = check_paths(x, i);
		if (rc < 0)
			return rc;
		if (x->c->sync && x->c->sync_id + n[i].id > 255)
			return conf_fail(x->e, x->at->nodes[i], "sync / id",
			    "%u plus the id of node %s is more than 255, the "
			    "kernel's limit; make one of them smaller",
			    x->c->sync_id, n[i].name);
	}
	return 0;
}

static int
find_self(const struct ctx *x, const char *node)
{
	struct conf *c = x->c;
	struct utsname un;
	int i;

	if (node == NULL) {
		if (uname(&un) < 0)
			return conf_fail(
			    x->e, 0, "node", "uname: %s", strerror(errno));
		node = un.nodename;
	}
	for (i = 0; i < CONF_NODES; i++) {
		if (strcmp(c->nodes[i].name, node) != 0)
			continue;
		c->self = &c->nodes[i];
		c->peer = &c->nodes[1 - i];
		return 0;
	}
	return conf_fail(x->e, 0, "node",
	    "this machine is \"%s\", but the nodes are %s and %s; rename one, "
	    "or say which this is with -n",
	    node, c->nodes[0].name, c->nodes[1].name);
}

int
conf_check_all(struct conf *c, const struct conf_lines *at, const char *node,
    struct conf_err *e)
{
	const struct ctx x = { c, at, e };
	int rc = check_nodes(&x);

	if (rc == 0)
		rc = conf_check_vips(c, at, e);
	if (rc == 0)
		rc = conf_check_uplink(c, at, e);
	if (rc == 0)
		rc = conf_check_services(c, e);
	if (rc == 0)
		rc = conf_probe_paths(c, e);
	return rc < 0 ? rc : find_self(&x, node);
}
