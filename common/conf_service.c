/*
 * conf_service: what makes a service right: its servers get what they leave
 * unsaid, and what the kernel would refuse or silently ignore is refused here,
 * with the reason.
 */
#include "common/conf_service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_impl.h"
#include "common/err.h"

__attribute__((format(printf, 6, 7))) static int
service_fail(struct conf_err *e, const struct in_service *s, unsigned line,
    const char *kind, const char *name, const char *fmt, ...)
{
	char key[sizeof(e->key)], text[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(key, sizeof(key), "service %s / %s%s%s", s->out.def.name,
	    kind, name[0] != '\0' ? " " : "", name);
	return conf_fail(e, line != 0 ? line : s->out.line, key, "%s", text);
}

/* Scheduler's own flags become bits. The hashing schedulers keep a server's
 * share of the clients when its weight goes to 0 and refuse them, unless they
 * may fall back: so they may, where nothing else is said. */
static int
close_flags(struct in_service *s, struct conf_err *e)
{
	struct service_def *d = &s->out.def;
	const struct conf_word *w = conf_flag_words();
	size_t i;

	if (s->flags_line == 0 && (strcmp(d->scheduler, "mh") == 0 ||
				      strcmp(d->scheduler, "sh") == 0))
		d->flags |= SERVICE_SCHED1;
	for (i = 0; w[i].text != NULL; i++) {
		if ((s->flag_words & 1u << i) == 0)
			continue;
		if (!conf_flag_fits(&w[i], d->scheduler))
			return service_fail(e, s, s->flags_line, "flags", "",
			    "%s is for another scheduler than %s", w[i].text,
			    d->scheduler);
		d->flags |= w[i].value;
	}
	if ((d->flags & SERVICE_ONEPACKET) != 0 && d->protocol == IPPROTO_TCP)
		return service_fail(e, s, s->flags_line, "flags", "",
		    "ops (each packet on its own) works with udp only");
	return 0;
}

static int
close_def(struct in_service *s, struct conf_err *e)
{
	struct service_def *d = &s->out.def;

	if (d->fwmark != 0)
		d->addr.family = s->family;
	s->family = d->addr.family;
	if (s->mask_line == 0)
		d->persistence_bits = (uint8_t)addr_bits(&d->addr);
	if (d->persistence_bits > addr_bits(&d->addr))
		return service_fail(e, s, s->mask_line, "persistence_mask", "",
		    "%u is out of range: an IPv4 address has 32 bits",
		    d->persistence_bits);
	if (d->fwmark == 0 && d->port == 0 && d->persistence_s == 0)
		return service_fail(e, s, s->port_line, "port", "",
		    "0, every port, needs persistence: add persistence = 300s, "
		    "or say one port");
	return close_flags(s, e);
}

static int
server_check(
    const struct in_service *s, const struct in_server *v, struct conf_err *e)
{
	const struct service_def *d = &s->out.def;

	if (v->out.method != METHOD_TUN && v->out.addr.family != d->addr.family)
		return service_fail(e, s, v->address_line, "server",
		    v->out.name,
		    "is %s and the service is %s; that works "
		    "with method = tun only",
		    v->out.addr.family == AF_INET ? "IPv4" : "IPv6",
		    d->addr.family == AF_INET ? "IPv4" : "IPv6");
	if (v->out.method != METHOD_NAT && d->fwmark == 0 &&
	    v->out.port != d->port)
		return service_fail(e, s, v->port_line, "server", v->out.name,
		    "port %u differs from the service's %u, but method %s "
		    "cannot change ports; leave port out, or use method = nat",
		    v->out.port, d->port, method_name(v->out.method));
	if (v->out.lower > v->out.upper)
		return service_fail(e, s, v->lower_line, "server", v->out.name,
		    "lower %u is above upper %u", v->out.lower, v->out.upper);
	return 0;
}

static int
close_servers(struct in_service *s, struct conf_err *e)
{
	struct in_server *v;
	size_t i;
	int rc;

	/* A server with weight 0 keeps its persistent clients. */
	if (s->down == CONF_DOWN_AUTO)
		s->down = s->out.def.persistence_s > 0 ? DOWN_REMOVE
						       : DOWN_QUIESCE;
	for (i = 0; i < s->out.n_servers; i++) {
		v = &s->servers[i];
		if (!v->has_port)
			v->out.port = s->out.def.port;
		if (!v->has_method)
			v->out.method = s->method;
		if (!v->has_down)
			v->out.down = s->down;
		rc = server_check(s, v, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
server_by_name(const void *a, const void *b)
{
	return strcmp(((const struct in_server *)a)->out.name,
	    ((const struct in_server *)b)->out.name);
}

static int
server_by_addr(const void *a, const void *b)
{
	const struct server_def *x = &((const struct in_server *)a)->out;
	const struct server_def *y = &((const struct in_server *)b)->out;
	int d = addr_cmp(&x->addr, &y->addr);

	return d != 0 ? d : (int)x->port - (int)y->port;
}

static int
check_by_name(const void *a, const void *b)
{
	return strcmp(((const struct in_check *)a)->out.name,
	    ((const struct in_check *)b)->out.name);
}

static int
servers_twice(const struct in_service *s, struct conf_err *e)
{
	size_t n = s->out.n_servers, one, two;
	char where[ADDR_TEXT_MAX];
	int rc;

	rc = conf_twice(
	    s->servers, n, sizeof(*s->servers), server_by_name, &one, &two);
	if (rc < 0)
		return conf_no_memory(e);
	if (rc > 0)
		return service_fail(e, s, s->servers[two].line, "server",
		    s->servers[two].out.name,
		    "another server of this service "
		    "has this name, on line %u; rename one",
		    s->servers[one].line);
	rc = conf_twice(
	    s->servers, n, sizeof(*s->servers), server_by_addr, &one, &two);
	if (rc < 0)
		return conf_no_memory(e);
	if (rc > 0)
		return service_fail(e, s, s->servers[two].line, "server",
		    s->servers[two].out.name,
		    "server %s on line %u has %s "
		    "too; take one out",
		    s->servers[one].out.name, s->servers[one].line,
		    addr_format_port(&s->servers[two].out.addr,
			s->servers[two].out.port, where, sizeof(where)));
	return 0;
}

/* What a policy and the checks say of each other. */
static int
policy_check(const struct in_service *s, struct conf_err *e)
{
	const struct policy *p = &s->out.policy;
	bool found = p->check[0] == '\0';
	size_t i;

	for (i = 0; i < s->out.n_checks; i++) {
		const struct in_check *c = &s->checks[i];

		found = found || strcmp(c->out.name, p->check) == 0;
		if ((c->out.certificate[0] != '\0') !=
		    (c->out.private_key[0] != '\0'))
			return service_fail(e, s, c->line, "check",
			    c->out.name, "certificate and private_key go "
			    "together");
		if (c->out.effect > 0 && !p->given)
			return service_fail(e, s, c->line, "check",
			    c->out.name, "effect needs a policy in the "
			    "service: add policy { }, or take effect out");
	}
	for (i = 0; i < s->out.n_servers && p->sorry[0] != '\0'; i++)
		if (strcmp(s->servers[i].out.name, p->sorry) == 0)
			break;
	if (p->sorry[0] != '\0' && i == s->out.n_servers)
		return service_fail(e, s, s->policy_line, "policy", "sorry",
		    "the service has no server \"%s\"", p->sorry);
	if (p->given && !found)
		return service_fail(e, s, s->policy_line, "policy", "check",
		    "the service has no check \"%s\"", p->check);
	return 0;
}

static int
checks_check(const struct in_service *s, struct conf_err *e)
{
	const struct in_server *portless = NULL;
	size_t one, two, i;
	int rc;

	for (i = 0; i < s->out.n_servers; i++)
		if (s->servers[i].out.port == 0)
			portless = &s->servers[i];
	rc = conf_twice(s->checks, s->out.n_checks, sizeof(*s->checks),
	    check_by_name, &one, &two);
	if (rc < 0)
		return conf_no_memory(e);
	if (rc > 0)
		return service_fail(e, s, s->checks[two].line, "check",
		    s->checks[two].out.name,
		    "another check of this service "
		    "has this name, on line %u; rename one",
		    s->checks[one].line);
	rc = policy_check(s, e);
	if (rc == 0)
		rc = conf_check_through(s, e);
	if (rc < 0)
		return rc;
	for (i = 0; i < s->out.n_checks; i++)
		if (s->checks[i].out.port == 0 && portless != NULL &&
		    !conf_check_is_snmp(s->checks[i].out.type))
			return service_fail(e, s, s->checks[i].line, "check",
			    s->checks[i].out.name,
			    "needs a port, since server "
			    "%s has none of its own",
			    portless->out.name);
	return 0;
}

/* From what was read to what is kept. */
static int
move_out(struct in_service *s, struct conf_err *e)
{
	struct conf_service *o = &s->out;
	size_t i;

	o->servers = calloc(o->n_servers + 1, sizeof(*o->servers));
	o->checks = calloc(o->n_checks + 1, sizeof(*o->checks));
	if (o->servers == NULL || o->checks == NULL)
		return conf_no_memory(e);
	for (i = 0; i < o->n_servers; i++)
		o->servers[i] = s->servers[i].out;
	for (i = 0; i < o->n_checks; i++)
		o->checks[i] = s->checks[i].out;
	return 0;
}

int
conf_close_service(struct in_service *s, struct conf_err *e)
{
	int rc = close_def(s, e);

	if (rc == 0)
		rc = close_servers(s, e);
	if (rc == 0)
		rc = servers_twice(s, e);
	if (rc == 0)
		rc = checks_check(s, e);
	return rc < 0 ? rc : move_out(s, e);
}
