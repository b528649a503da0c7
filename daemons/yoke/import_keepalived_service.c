/*
 * import_keepalived_service: virtual_servers as the model's services, and their
 * real_servers.
 */
#include "daemons/yoke/import_keepalived.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

/* ---- real servers ---- */

static void
server_weight(struct ka_reader *r, const struct stmt *s)
{
	ka_take_uint(r, s, 65535, &r->v->weight);
}

static void
server_upper(struct ka_reader *r, const struct stmt *s)
{
	ka_take_uint(r, s, 0x7fffffff, &r->v->upper);
}

static void
server_lower(struct ka_reader *r, const struct stmt *s)
{
	ka_take_uint(r, s, 0x7fffffff, &r->v->lower);
}

static const struct {
	const char *word, *method;
} kinds[] = {
	{ "NAT", "nat" },
	{ "DR", "dr" },
	{ "TUN", "tun" },
};

static void
take_kind(struct ka_reader *r, const struct stmt *s, char dst[8])
{
	const char *text = ka_value(r, s);
	size_t i;

	if (text == NULL)
		return;
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcasecmp(kinds[i].word, text) == 0) {
			(void)snprintf(dst, 8, "%s", kinds[i].method);
			return;
		}
	imp_note(r->m, s->line, IMP_LOST, "%s %s: not NAT, DR or TUN", s->w[0],
	    text);
}

static void
server_kind(struct ka_reader *r, const struct stmt *s)
{
	take_kind(r, s, r->v->method);
}

static void
server_inhibit(struct ka_reader *r, const struct stmt *s)
{
	(void)s;
	r->v->down = IMP_DOWN_QUIESCE;
}

static const struct ka_row server_rows[] = {
	{ .word = "weight", .fn = server_weight },
	{ .word = "lb_kind", .fn = server_kind },
	{ .word = "lvs_method", .fn = server_kind },
	{ .word = "uthreshold", .fn = server_upper },
	{ .word = "lthreshold", .fn = server_lower },
	{ .word = "TCP_CHECK", .fn = ka_server_tcp },
	{ .word = "HTTP_GET", .fn = ka_server_http },
	{ .word = "SSL_GET", .fn = ka_server_ssl },
	{ .word = "SMTP_CHECK", .fn = ka_server_smtp },
	{ .word = "DNS_CHECK", .why = "not checked by it: see checks of type "
	    "dns in yoke.conf(5)" },
	{ .word = "MISC_CHECK", .why = "not checked by it: a check of type "
	    "command calls a program with other arguments" },
	{ .word = "PING_CHECK", .why = "no equivalent: not checked by it" },
	{ .word = "UDP_CHECK", .why = "not checked by it: see checks of type "
	    "udp in yoke.conf(5)" },
	{ .word = "BFD_CHECK", .why = "no equivalent: not checked by it" },
	{ .word = "FILE_CHECK", .why = "no equivalent: not checked by it" },
	{ .word = "inhibit_on_failure", .fn = server_inhibit },
	{ .word = "notify_up", .why = "no equivalent for one server" },
	{ .word = "notify_down", .why = "no equivalent for one server" },
	{ .word = "virtualhost", .why = "give it to the virtual_server" },
	{ .word = "smtp_alert", .why = "no equivalent" },
	{ .word = "alpha", .why = "no equivalent" },
	{ .word = "retry", .why = "give it to the check" },
	{ .word = "delay_before_retry", .level = IMP_MOOT,
	    .why = KA_MOOT_RETRY },
	{ .word = "warmup", .level = IMP_MOOT,
	    .why = "probes are spread by themselves" },
	{ .word = "delay_loop", .why = "give it to the check" },
	{ 0 },
};

static void
service_server(struct ka_reader *r, const struct stmt *s)
{
	struct imp_server v = { .line = s->line, .weight = 1 };

	if (s->n < 2 || addr_parse(s->w[1], &v.addr) < 0) {
		imp_note(r->m, s->line, IMP_LOST, "real_server %s: not a "
		    "numeric address: left out", s->n > 1 ? s->w[1] : "");
		return;
	}
	if (s->n > 2 && !imp_uint(s->w[2], 65535, &v.port)) {
		imp_note(r->m, s->line, IMP_LOST, "real_server %s %s: not a "
		    "port: left out", s->w[1], s->w[2]);
		return;
	}
	r->v = &v;
	ka_walk(r, s->sub, server_rows, "real_server");
	if (r->rc == 0)
		r->rc = imp_add_server(r->m, r->s, &v);
	r->v = NULL;
}

/* ---- virtual servers ---- */

static void
service_interval(struct ka_reader *r, const struct stmt *s)
{
	ka_take_seconds(r, s, &r->s->interval);
}

static void
service_scheduler(struct ka_reader *r, const struct stmt *s)
{
	char name[sizeof(r->s->scheduler)] = "";
	const char *c;

	ka_take_text(r, s, name, sizeof(name));
	for (c = name; *c != '\0'; c++)
		if (!islower((unsigned char)*c)) {
			imp_note(r->m, s->line, IMP_LOST, "%s %s: not a "
			    "scheduler's name; wlc is used", s->w[0], name);
			return;
		}
	memcpy(r->s->scheduler, name, sizeof(name));
}

static void
service_kind(struct ka_reader *r, const struct stmt *s)
{
	take_kind(r, s, r->s->method);
}

/* persistence_timeout without a number is 6 minutes. */
static void
service_persistence(struct ka_reader *r, const struct stmt *s)
{
	if (s->n < 2)
		r->s->persistence = 360 * USEC_S;
	else
		ka_take_seconds(r, s, &r->s->persistence);
}

/* A netmask, or with IPv6 a number of bits. */
static void
service_mask(struct ka_reader *r, const struct stmt *s)
{
	const char *text = ka_value(r, s);
	struct addr a;
	unsigned bits = 0;

	if (text == NULL)
		return;
	if (addr_parse(text, &a) == 0 && a.family == AF_INET) {
		while (bits < 32 && (a.bytes[bits / 8] >> (7 - bits % 8) & 1))
			bits++;
	} else if (!imp_uint(text, 128, &bits)) {
		bits = 0;
	}
	if (bits == 0 || (bits > 32 && r->s->addr.family == AF_INET))
		imp_note(r->m, s->line, IMP_LOST, "%s %s: not a netmask",
		    s->w[0], text);
	else
		r->s->mask = bits;
}

static void
service_protocol(struct ka_reader *r, const struct stmt *s)
{
	const char *text = ka_value(r, s);

	if (text == NULL || strcasecmp(text, "TCP") == 0)
		return;
	r->s->udp = strcasecmp(text, "UDP") == 0;
	if (!r->s->udp)
		imp_note(r->m, s->line, IMP_LOST, "protocol %s: no "
		    "equivalent; tcp is used", text);
}

static void
service_host(struct ka_reader *r, const struct stmt *s)
{
	ka_take_text(r, s, r->s->host, sizeof(r->s->host));
}

/* A flag is a word of its own, here and there under the same name. */
static void
service_flag(struct ka_reader *r, const struct stmt *s)
{
	size_t n = strlen(r->s->flags);

	(void)snprintf(r->s->flags + n, sizeof(r->s->flags) - n, "%s%s",
	    n > 0 ? ", " : "", s->w[0]);
}

static void
service_inhibit(struct ka_reader *r, const struct stmt *s)
{
	(void)s;
	r->s->down = IMP_DOWN_QUIESCE;
}

static const struct ka_row service_rows[] = {
	{ .word = "delay_loop", .fn = service_interval },
	{ .word = "lb_algo", .fn = service_scheduler },
	{ .word = "lvs_sched", .fn = service_scheduler },
	{ .word = "lb_kind", .fn = service_kind },
	{ .word = "lvs_method", .fn = service_kind },
	{ .word = "persistence_timeout", .fn = service_persistence },
	{ .word = "persistence_granularity", .fn = service_mask },
	{ .word = "protocol", .fn = service_protocol },
	{ .word = "virtualhost", .fn = service_host },
	{ .word = "real_server", .fn = service_server },
	{ .word = "ops", .fn = service_flag },
	{ .word = "sh-port", .fn = service_flag },
	{ .word = "sh-fallback", .fn = service_flag },
	{ .word = "mh-port", .fn = service_flag },
	{ .word = "mh-fallback", .fn = service_flag },
	{ .word = "flag-1", .fn = service_flag },
	{ .word = "flag-2", .fn = service_flag },
	{ .word = "flag-3", .fn = service_flag },
	{ .word = "persistence_engine", .why = "no equivalent" },
	{ .word = "sorry_server", .why = "no equivalent" },
	{ .word = "sorry_server_inhibit", .why = "no equivalent" },
	{ .word = "sorry_server_lvs_method", .why = "no equivalent" },
	{ .word = "quorum", .why = "no equivalent" },
	{ .word = "hysteresis", .why = "no equivalent" },
	{ .word = "quorum_up", .why = "no equivalent" },
	{ .word = "quorum_down", .why = "no equivalent" },
	{ .word = "alpha", .why = "no equivalent: servers are in service until "
	    "checks say otherwise" },
	{ .word = "omega", .why = "no equivalent" },
	{ .word = "ha_suspend", .level = IMP_MOOT,
	    .why = "the standby checks too, so that it knows" },
	{ .word = "hashed", .why = "no equivalent" },
	{ .word = "ip_family", .level = IMP_MOOT,
	    .why = "the servers' addresses say it" },
	{ .word = "retry", .why = "give it to the checks" },
	{ .word = "delay_before_retry", .level = IMP_MOOT,
	    .why = KA_MOOT_RETRY },
	{ .word = "warmup", .level = IMP_MOOT,
	    .why = "probes are spread by themselves" },
	{ .word = "inhibit_on_failure", .fn = service_inhibit },
	{ .word = "connect_timeout", .why = "give it to the checks" },
	{ .word = "weight", .why = "give it to the servers" },
	{ .word = "smtp_alert", .why = "no equivalent" },
	{ 0 },
};

/* One service of what a block says, which several addresses may share. */
static void
add_service(struct ka_reader *r, const struct imp_service *like,
    const struct imp_service *at)
{
	struct imp_service one = *like;
	size_t i;

	one.line = at->line;
	one.addr = at->addr;
	one.port = at->port;
	one.fwmark = at->fwmark;
	one.servers = NULL;
	one.n_servers = 0;
	for (i = 0; i < like->n_servers && r->rc == 0; i++)
		r->rc = imp_add_server(r->m, &one, &like->servers[i]);
	if (r->rc == 0)
		r->rc = imp_add_service(r->m, &one);
	if (r->rc < 0)
		free(one.servers);
}

/* "fwmark 1", or an address, perhaps a range of its last part, and a port. */
static void
add_by_words(struct ka_reader *r, const struct imp_service *like, unsigned line,
    char **w, unsigned n)
{
	struct imp_service at = { .line = line };
	unsigned last = 0, first;
	char *dash;
	uint8_t *tail;

	if (n > 1 && strcmp(w[0], "fwmark") == 0) {
		if (imp_uint(w[1], 0xffffffff, &at.fwmark) && at.fwmark != 0) {
			add_service(r, like, &at);
			return;
		}
		imp_note(r->m, line, IMP_LOST, "fwmark %s: not a mark", w[1]);
		return;
	}
	dash = strchr(w[0], '-');
	if (dash != NULL)
		*dash = '\0';
	if (addr_parse(w[0], &at.addr) < 0 ||
	    (n > 1 && !imp_uint(w[1], 65535, &at.port))) {
		imp_note(r->m, line, IMP_LOST, "%s%s%s: not an address and a "
		    "port: left out", w[0], n > 1 ? " " : "",
		    n > 1 ? w[1] : "");
		return;
	}
	tail = &at.addr.bytes[addr_len(&at.addr) - 1];
	first = *tail;
	if (dash == NULL)
		last = first;
	else if (at.addr.family == AF_INET6) /* hexadecimal, as the address */
		last = (unsigned)strtoul(dash + 1, NULL, 16) & 0xff;
	else
		(void)imp_uint(dash + 1, 255, &last);
	if (last < first)
		imp_note(r->m, line, IMP_LOST, "%s-%s: not a range: the first "
		    "address is used", w[0], dash + 1);
	do {
		*tail = (uint8_t)first;
		add_service(r, like, &at);
	} while (r->rc == 0 && first++ < last);
}

static void
add_group(struct ka_reader *r, const struct imp_service *like,
    const struct stmt *s)
{
	const struct stmt *g, *member;

	for (g = r->top; g != NULL; g = g->next)
		if (g->n > 1 && strcmp(g->w[0], "virtual_server_group") == 0 &&
		    strcmp(g->w[1], s->w[2]) == 0)
			break;
	if (g == NULL) {
		imp_note(r->m, s->line, IMP_LOST,
		    "virtual_server group %s: there is no such group: left "
		    "out", s->w[2]);
		return;
	}
	for (member = g->sub; member != NULL && r->rc == 0;
	    member = member->next)
		add_by_words(r, like, member->line, member->w, member->n);
}

void
ka_service(struct ka_reader *r, const struct stmt *s)
{
	struct imp_service like = { .line = s->line,
		.down = IMP_DOWN_REMOVE };
	struct addr a;

	if (s->n < 2) {
		imp_note(r->m, s->line, IMP_LOST, "virtual_server: of what?");
		return;
	}
	if (addr_parse(s->w[1], &a) == 0)
		like.addr = a; /* a netmask is held against it */
	r->s = &like;
	ka_walk(r, s->sub, service_rows, "virtual_server");
	r->s = NULL;
	if (r->rc == 0) {
		if (s->n > 2 && strcmp(s->w[1], "group") == 0)
			add_group(r, &like, s);
		else
			add_by_words(r, &like, s->line, s->w + 1, s->n - 1);
	}
	r->m->n_servers -= like.n_servers; /* the copies count */
	free(like.servers);
}
