/*
 * import_print: the model as text for a yoke.conf: notes as comments first, then
 * the vips and the services. The nodes are the operator's, or `yoke init`'s.
 */
#include <inttypes.h>
#include <string.h>

#include "daemons/yoke/import.h"

static const struct {
	const char *head;
} levels[IMP__LEVELS] = {
	[IMP_LOST] = { "Has no equivalent here, look at each" },
	[IMP_MOOT] = { "Not needed any more" },
};

static void
print_notes(const struct imp *m, FILE *f)
{
	enum imp_level l;
	size_t i, n;

	for (l = 0; l < IMP__LEVELS; l++) {
		if (m->n_level[l] == 0)
			continue;
		fprintf(f, "#\n# %s:\n", levels[l].head);
		for (i = n = 0; i < m->n_notes; i++) {
			if (m->notes[i].level != l)
				continue;
			fprintf(f, "#  line %u: %s\n", m->notes[i].line,
			    m->notes[i].text);
			n++;
		}
		if (n < m->n_level[l])
			fprintf(f, "#  and %zu more\n", m->n_level[l] - n);
	}
}

static void
print_time(FILE *f, const char *key, usec_t v)
{
	if (v == 0)
		return;
	if (v % USEC_S == 0)
		fprintf(f, "\t\t%s = %" PRIu64 "s\n", key, v / USEC_S);
	else
		fprintf(f, "\t\t%s = %" PRIu64 "ms\n", key, v / USEC_MS);
}

/* In quotes, so that loading it gives the same text again. */
static void
print_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "\t\t%s = \"", key);
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			fputc('\\', f);
		fputc(*text, f);
	}
	fputs("\"\n", f);
}

static usec_t
within(usec_t v, usec_t min, usec_t max)
{
	return v == 0 ? 0 : v < min ? min : v > max ? max : v;
}

static const char *const types[IMP__TYPES] = {
	[IMP_TCP] = "tcp",
	[IMP_HTTP] = "http",
	[IMP_HTTPS] = "https",
};

static const char *const downs[] = {
	[IMP_DOWN_QUIESCE] = "quiesce",
	[IMP_DOWN_REMOVE] = "remove",
};

static void
print_check(const struct imp_service *s, const struct imp_check *c, size_t i,
    FILE *f)
{
	const char *host = c->host[0] != '\0' ? c->host : s->host;
	usec_t interval = c->interval != 0 ? c->interval : s->interval;

	fprintf(f, "\tcheck %s%zu {\n\t\ttype = %s\n",
	    types[c->type], i + 1, types[c->type]);
	if (c->type == IMP_HTTPS) /* as it was there */
		fputs("\t\tverify = false\n", f);
	print_time(f, "interval", within(interval, 100 * USEC_MS,
	    3600 * USEC_S));
	print_time(f, "timeout", within(c->timeout, 10 * USEC_MS,
	    600 * USEC_S));
	if (c->rise != 0)
		fprintf(f, "\t\trise = %u\n", c->rise > 100 ? 100 : c->rise);
	if (c->fall != 0)
		fprintf(f, "\t\tfall = %u\n", c->fall > 100 ? 100 : c->fall);
	if (c->port != 0)
		fprintf(f, "\t\tport = %u\n", c->port);
	if (c->type != IMP_TCP) {
		print_text(f, "path", c->path[0] != '\0' ? c->path : "/");
		if (host[0] != '\0')
			print_text(f, "host", host);
		if (c->status != 0)
			fprintf(f, "\t\tstatus = %u\n", c->status);
		if (c->body[0] != '\0')
			print_text(f, "body", c->body);
	}
	fputs("\t}\n", f);
}

/* Servers are called by their addresses; one that is there on several ports by
 * those as well. */
static void
print_server(const struct imp_service *s, size_t i, FILE *f)
{
	const struct imp_server *v = &s->servers[i];
	char addr[ADDR_TEXT_MAX];
	bool twin = false;
	size_t k;

	for (k = 0; k < s->n_servers && !twin; k++)
		twin = k != i && addr_cmp(&s->servers[k].addr, &v->addr) == 0;
	addr_format(&v->addr, addr, sizeof(addr));
	fprintf(f, "\tserver %s%s", addr[0] == ':' ? "v6-" : "", addr);
	if (twin)
		fprintf(f, "-%u", v->port != 0 ? v->port : s->port);
	fprintf(f, " { address = %s", addr);
	if (v->port != 0 && v->port != s->port)
		fprintf(f, "  port = %u", v->port);
	fprintf(f, "  weight = %u", v->weight);
	if (v->method[0] != '\0' && strcmp(v->method, s->method) != 0)
		fprintf(f, "  method = %s", v->method);
	if (v->upper != 0)
		fprintf(f, "  upper = %u", v->upper);
	if (v->lower != 0)
		fprintf(f, "  lower = %u", v->lower);
	if (v->down != IMP_DOWN_UNSAID && v->down != s->down)
		fprintf(f, "  down = %s", downs[v->down]);
	fputs(" }\n", f);
}

/* A check without a port of its own asks the server's: there must be one. */
static bool
can_check(const struct imp_service *s, const struct imp_check *c)
{
	size_t i;

	if (c->port != 0 || s->port != 0)
		return true;
	for (i = 0; i < s->n_servers; i++)
		if (s->servers[i].port == 0)
			return false;
	return true;
}

static void
print_service(const struct imp_service *s, FILE *f)
{
	const struct imp_server *lead = s->servers;
	char addr[ADDR_TEXT_MAX];
	size_t i;

	fprintf(f, "\nservice %s {\t# line %u\n", s->name, s->line);
	if (s->fwmark != 0) {
		fprintf(f, "\tfwmark = %u\n", s->fwmark);
		if (s->n_servers > 0 && lead->addr.family == AF_INET6)
			fputs("\tfamily = inet6\n", f);
	} else {
		fprintf(f, "\taddress = %s\n\tport = %u\n",
		    addr_format(&s->addr, addr, sizeof(addr)), s->port);
		if (s->udp)
			fputs("\tprotocol = udp\n", f);
	}
	if (s->scheduler[0] != '\0')
		fprintf(f, "\tscheduler = %s\n", s->scheduler);
	if (s->flags[0] != '\0')
		fprintf(f, "\tflags = { %s }\n", s->flags);
	if (s->persistence != 0)
		fprintf(f, "\tpersistence = %" PRIu64 "s\n",
		    (s->persistence + USEC_S - 1) / USEC_S);
	if (s->mask != 0)
		fprintf(f, "\tpersistence_mask = %u\n", s->mask);
	fprintf(f, "\tmethod = %s\n", s->method);
	if (s->down != IMP_DOWN_UNSAID)
		fprintf(f, "\tdown = %s\n", downs[s->down]);
	for (i = 0; s->n_servers > 0 && i < lead->n_checks; i++)
		if (can_check(s, &lead->checks[i]))
			print_check(s, &lead->checks[i], i, f);
	for (i = 0; i < s->n_servers; i++)
		print_server(s, i, f);
	fputs("}\n", f);
}

void
imp_print(const struct imp *m, FILE *f)
{
	char addr[ADDR_TEXT_MAX];
	size_t i;

	fprintf(f, "# From %s's configuration: %zu vips, %zu services.\n",
	    m->what, m->n_vips, m->n_services);
	print_notes(m, f);
	if (m->n_vips > 0)
		fputc('\n', f);
	for (i = 0; i < m->n_vips; i++)
		fprintf(f, "vip %s/%u { device = %s }\n",
		    addr_format(&m->vips[i].addr, addr, sizeof(addr)),
		    m->vips[i].bits, m->vips[i].device);
	for (i = 0; i < m->n_services; i++)
		print_service(&m->services[i], f);
}
