/*
 * import_keepalived: a keepalived.conf as the model. Each keyword that means
 * something here is a row with a function; each other one a row with what
 * became of it. Source: keepalived.conf(5) of version 2.2.7.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "daemons/yoke/import.h"

struct reader {
	struct imp *m;
	const struct stmt *top; /* all, to find groups in */
	struct imp_service *s;	/* the one that is being read */
	struct imp_server *v;
	struct imp_check *c, base; /* the check; what its urls have in common */
	const char *device;	   /* of the vrrp_instance */
	unsigned n_instances;
	int rc; /* of what cannot go on */
};

struct row {
	const char *word;
	void (*fn)(struct reader *r, const struct stmt *s);
	enum imp_level level; /* without a function */
	const char *why;
};

/* A statement by its first word. */
static void
walk(struct reader *r, const struct stmt *s, const struct row *rows,
    const char *where)
{
	const struct row *row;

	for (; s != NULL && r->rc == 0; s = s->next) {
		if (s->w[0][0] == '@' || s->w[0][0] == '$') {
			imp_note(r->m, s->line, IMP_LOST, "%s: conditions and "
			    "variables are not followed: left out", s->w[0]);
			continue;
		}
		for (row = rows; row->word != NULL; row++)
			if (strcmp(row->word, s->w[0]) == 0)
				break;
		if (row->word == NULL)
			imp_note(r->m, s->line, IMP_LOST,
			    "%s, in %s: not known: left out", s->w[0], where);
		else if (row->fn != NULL)
			row->fn(r, s);
		else
			imp_note(r->m, s->line, row->level, "%s%s%s: %s",
			    s->w[0], s->n > 1 ? " " : "",
			    s->n > 1 ? s->w[1] : "", row->why);
	}
}

/* The value of a statement that has one. */
static const char *
value(struct reader *r, const struct stmt *s)
{
	if (s->n >= 2)
		return s->w[1];
	imp_note(r->m, s->line, IMP_LOST, "%s: has no value", s->w[0]);
	return NULL;
}

static void
take_text(struct reader *r, const struct stmt *s, char *dst, size_t len)
{
	const char *text = value(r, s);

	if (text == NULL)
		return;
	if (strlen(text) >= len)
		imp_note(r->m, s->line, IMP_LOST, "%s: longer than %zu bytes",
		    s->w[0], len - 1);
	else
		memcpy(dst, text, strlen(text) + 1);
}

static void
take_uint(
    struct reader *r, const struct stmt *s, unsigned max, unsigned *ret)
{
	const char *text = value(r, s);

	if (text != NULL && !imp_uint(text, max, ret))
		imp_note(r->m, s->line, IMP_LOST, "%s %s: not a number from 0 "
		    "to %u", s->w[0], text, max);
}

static void
take_seconds(struct reader *r, const struct stmt *s, usec_t *ret)
{
	const char *text = value(r, s);

	if (text != NULL && !imp_seconds(text, ret))
		imp_note(r->m, s->line, IMP_LOST, "%s %s: not a number of "
		    "seconds", s->w[0], text);
}

/* ---- checks ---- */

static void
check_timeout(struct reader *r, const struct stmt *s)
{
	take_seconds(r, s, &r->c->timeout);
}

static void
check_port(struct reader *r, const struct stmt *s)
{
	take_uint(r, s, 65535, &r->c->port);
}

/* keepalived tries once and then that often again. */
static void
check_retry(struct reader *r, const struct stmt *s)
{
	unsigned n = 0;

	take_uint(r, s, 99, &n);
	if (n > 0)
		r->c->fall = n + 1;
}

static void
check_interval(struct reader *r, const struct stmt *s)
{
	take_seconds(r, s, &r->c->interval);
}

static void
check_host(struct reader *r, const struct stmt *s)
{
	take_text(r, s, r->c->host, sizeof(r->c->host));
}

static void
url_path(struct reader *r, const struct stmt *s)
{
	take_text(r, s, r->c->path, sizeof(r->c->path));
	if (r->c->path[0] == '/' || r->c->path[0] == '\0')
		return;
	imp_note(r->m, s->line, IMP_LOST, "path %s does not begin with /",
	    r->c->path);
	r->c->path[0] = '\0';
}

static void
url_status(struct reader *r, const struct stmt *s)
{
	unsigned status = 0;

	if (s->n == 2 && imp_uint(s->w[1], 599, &status) && status >= 100)
		r->c->status = status;
	else
		imp_note(r->m, s->line, IMP_LOST, "status_code: ranges and "
		    "lists have no equivalent; any 2xx or 3xx is good");
}

static const struct row url_rows[] = {
	{ .word = "path", .fn = url_path },
	{ .word = "status_code", .fn = url_status },
	{ .word = "virtualhost", .fn = check_host },
	{ .word = "digest", .why = "no equivalent: give status or body" },
	{ .word = "regex", .why = "no equivalent: body looks for a text" },
	{ .word = "regex_no_match", .why = "no equivalent" },
	{ .word = "regex_options", .why = "no equivalent" },
	{ .word = "regex_stack", .why = "no equivalent" },
	{ .word = "regex_min_offset", .why = "no equivalent" },
	{ .word = "regex_max_offset", .why = "no equivalent" },
	{ .word = "tls_compliant", .why = "no equivalent" },
	{ 0 },
};

/* Each url is a check: what the block says stands before or after it, so the
 * two are put together when the block ends. */
static void
check_url(struct reader *r, const struct stmt *s)
{
	struct imp_check *block = r->c;

	if (r->v->n_checks == IMP_CHECKS_MAX) {
		imp_note(r->m, s->line, IMP_LOST, "more than %d checks of a "
		    "server: left out", IMP_CHECKS_MAX);
		return;
	}
	r->c = &r->v->checks[r->v->n_checks++];
	*r->c = (struct imp_check){ .type = IMP_HTTP, .line = s->line };
	walk(r, s->sub, url_rows, "url");
	r->c = block;
}

#define MOOT_RETRY "the next probe comes after the interval"
#define ON_CONNECT                                                       \
	{ .word = "connect_timeout", .fn = check_timeout },              \
	{ .word = "connect_port", .fn = check_port },                    \
	{ .word = "retry", .fn = check_retry },                          \
	{ .word = "nb_get_retry", .fn = check_retry },                   \
	{ .word = "delay_loop", .fn = check_interval },                  \
	{ .word = "delay_before_retry", .level = IMP_MOOT,               \
	  .why = MOOT_RETRY },                                           \
	{ .word = "warmup", .level = IMP_MOOT,                           \
	  .why = "probes are spread by themselves" },                    \
	{ .word = "alpha", .why = "no equivalent" },                     \
	{ .word = "log_all_failures", .level = IMP_MOOT,                 \
	  .why = "yoke watch tells" },                                   \
	{ .word = "connect_ip",                                          \
	  .why = "no equivalent: a check asks the server's address" },   \
	{ .word = "bindto", .why = "no equivalent" },                    \
	{ .word = "bind_to", .why = "no equivalent" },                   \
	{ .word = "bind_port", .why = "no equivalent" },                 \
	{ .word = "bind_if", .why = "no equivalent" },                   \
	{ .word = "fwmark", .why = "no equivalent" }

static const struct row tcp_rows[] = {
	ON_CONNECT,
	{ .word = "host", .why = "no equivalent: the server itself is asked" },
	{ .word = "helo_name", .why = "no equivalent: no dialogue is held" },
	{ 0 },
};

static const struct row http_rows[] = {
	ON_CONNECT,
	{ .word = "url", .fn = check_url },
	{ .word = "virtualhost", .fn = check_host },
	{ .word = "http_protocol", .why = "no equivalent" },
	{ .word = "enable_sni", .why = "see server_name in yoke.conf(5)" },
	{ .word = "fast_recovery", .why = "no equivalent" },
	{ 0 },
};

static void
server_tcp(struct reader *r, const struct stmt *s)
{
	if (r->v->n_checks == IMP_CHECKS_MAX) {
		imp_note(r->m, s->line, IMP_LOST, "more than %d checks of a "
		    "server: left out", IMP_CHECKS_MAX);
		return;
	}
	r->c = &r->v->checks[r->v->n_checks++];
	*r->c = (struct imp_check){ .type = IMP_TCP, .line = s->line };
	walk(r, s->sub, tcp_rows, s->w[0]);
}

static void
server_smtp(struct reader *r, const struct stmt *s)
{
	imp_note(r->m, s->line, IMP_LOST, "%s: no equivalent; made a check of "
	    "type tcp: that the port accepts", s->w[0]);
	server_tcp(r, s);
}

static void
server_http(struct reader *r, const struct stmt *s)
{
	size_t first = r->v->n_checks, i;
	struct imp_check *c;

	r->base = (struct imp_check){ .line = s->line };
	r->c = &r->base;
	walk(r, s->sub, http_rows, s->w[0]);
	if (r->v->n_checks == first && first < IMP_CHECKS_MAX)
		r->v->checks[r->v->n_checks++] = (struct imp_check){
			.type = IMP_HTTP, .line = s->line };
	for (i = first; i < r->v->n_checks; i++) {
		c = &r->v->checks[i];
		c->port = r->base.port;
		c->timeout = r->base.timeout;
		c->interval = r->base.interval;
		c->fall = r->base.fall;
		if (c->host[0] == '\0')
			memcpy(c->host, r->base.host, sizeof(c->host));
	}
}

static void
server_ssl(struct reader *r, const struct stmt *s)
{
	size_t i = r->v->n_checks;

	server_http(r, s);
	for (; i < r->v->n_checks; i++)
		r->v->checks[i].type = IMP_HTTPS;
}

/* ---- real servers ---- */

static void
server_weight(struct reader *r, const struct stmt *s)
{
	take_uint(r, s, 65535, &r->v->weight);
}

static void
server_upper(struct reader *r, const struct stmt *s)
{
	take_uint(r, s, 0x7fffffff, &r->v->upper);
}

static void
server_lower(struct reader *r, const struct stmt *s)
{
	take_uint(r, s, 0x7fffffff, &r->v->lower);
}

static const struct {
	const char *word, *method;
} kinds[] = {
	{ "NAT", "nat" },
	{ "DR", "dr" },
	{ "TUN", "tun" },
};

static void
take_kind(struct reader *r, const struct stmt *s, char dst[8])
{
	const char *text = value(r, s);
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
server_kind(struct reader *r, const struct stmt *s)
{
	take_kind(r, s, r->v->method);
}

static void
server_inhibit(struct reader *r, const struct stmt *s)
{
	(void)s;
	r->v->down = IMP_DOWN_QUIESCE;
}

static const struct row server_rows[] = {
	{ .word = "weight", .fn = server_weight },
	{ .word = "lb_kind", .fn = server_kind },
	{ .word = "lvs_method", .fn = server_kind },
	{ .word = "uthreshold", .fn = server_upper },
	{ .word = "lthreshold", .fn = server_lower },
	{ .word = "TCP_CHECK", .fn = server_tcp },
	{ .word = "HTTP_GET", .fn = server_http },
	{ .word = "SSL_GET", .fn = server_ssl },
	{ .word = "SMTP_CHECK", .fn = server_smtp },
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
	{ .word = "delay_before_retry", .level = IMP_MOOT, .why = MOOT_RETRY },
	{ .word = "warmup", .level = IMP_MOOT,
	    .why = "probes are spread by themselves" },
	{ .word = "delay_loop", .why = "give it to the check" },
	{ 0 },
};

static void
service_server(struct reader *r, const struct stmt *s)
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
	walk(r, s->sub, server_rows, "real_server");
	if (r->rc == 0)
		r->rc = imp_add_server(r->m, r->s, &v);
	r->v = NULL;
}

/* ---- virtual servers ---- */

static void
service_interval(struct reader *r, const struct stmt *s)
{
	take_seconds(r, s, &r->s->interval);
}

static void
service_scheduler(struct reader *r, const struct stmt *s)
{
	char name[sizeof(r->s->scheduler)] = "";
	const char *c;

	take_text(r, s, name, sizeof(name));
	for (c = name; *c != '\0'; c++)
		if (!islower((unsigned char)*c)) {
			imp_note(r->m, s->line, IMP_LOST, "%s %s: not a "
			    "scheduler's name; wlc is used", s->w[0], name);
			return;
		}
	memcpy(r->s->scheduler, name, sizeof(name));
}

static void
service_kind(struct reader *r, const struct stmt *s)
{
	take_kind(r, s, r->s->method);
}

/* persistence_timeout without a number is 6 minutes. */
static void
service_persistence(struct reader *r, const struct stmt *s)
{
	if (s->n < 2)
		r->s->persistence = 360 * USEC_S;
	else
		take_seconds(r, s, &r->s->persistence);
}

/* A netmask, or with IPv6 a number of bits. */
static void
service_mask(struct reader *r, const struct stmt *s)
{
	const char *text = value(r, s);
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
service_protocol(struct reader *r, const struct stmt *s)
{
	const char *text = value(r, s);

	if (text == NULL || strcasecmp(text, "TCP") == 0)
		return;
	r->s->udp = strcasecmp(text, "UDP") == 0;
	if (!r->s->udp)
		imp_note(r->m, s->line, IMP_LOST, "protocol %s: no "
		    "equivalent; tcp is used", text);
}

static void
service_host(struct reader *r, const struct stmt *s)
{
	take_text(r, s, r->s->host, sizeof(r->s->host));
}

/* A flag is a word of its own, here and there under the same name. */
static void
service_flag(struct reader *r, const struct stmt *s)
{
	size_t n = strlen(r->s->flags);

	(void)snprintf(r->s->flags + n, sizeof(r->s->flags) - n, "%s%s",
	    n > 0 ? ", " : "", s->w[0]);
}

static void
service_inhibit(struct reader *r, const struct stmt *s)
{
	(void)s;
	r->s->down = IMP_DOWN_QUIESCE;
}

static const struct row service_rows[] = {
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
	{ .word = "delay_before_retry", .level = IMP_MOOT, .why = MOOT_RETRY },
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
add_service(struct reader *r, const struct imp_service *like,
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
add_by_words(struct reader *r, const struct imp_service *like, unsigned line,
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
add_group(struct reader *r, const struct imp_service *like,
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

static void
top_service(struct reader *r, const struct stmt *s)
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
	walk(r, s->sub, service_rows, "virtual_server");
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

/* ---- addresses ---- */

/* "192.0.2.1/24 dev eth1 label eth1:0 ..." */
static void
add_vip(struct reader *r, const struct stmt *s)
{
	struct imp_vip v = { .line = s->line };
	const char *device = r->device;
	unsigned i;

	if (s->w[0][0] == '@' || s->w[0][0] == '$' ||
	    addr_parse_prefix(s->w[0], &v.addr, &v.bits) < 0) {
		imp_note(r->m, s->line, IMP_LOST, "%s: not a numeric address: "
		    "left out", s->w[0]);
		return;
	}
	for (i = 1; i < s->n; i++) {
		if (strcmp(s->w[i], "dev") == 0 && i + 1 < s->n) {
			device = s->w[++i];
			continue;
		}
		imp_note(r->m, s->line, IMP_LOST, "%s: %s%s%s: no equivalent",
		    s->w[0], s->w[i], i + 1 < s->n ? " " : "",
		    i + 1 < s->n ? s->w[i + 1] : "");
		break;
	}
	if (!imp_device(device)) {
		imp_note(r->m, s->line, IMP_LOST, "%s: not an interface's "
		    "name: left out", device);
		return;
	}
	(void)snprintf(v.device, sizeof(v.device), "%s", device);
	r->rc = imp_add_vip(r->m, &v);
}

static void
vrrp_addresses(struct reader *r, const struct stmt *s)
{
	const struct stmt *a;

	for (a = s->sub; a != NULL && r->rc == 0; a = a->next)
		add_vip(r, a);
}

static void
vrrp_nothing(struct reader *r, const struct stmt *s)
{
	(void)r;
	(void)s;
}

#define MOOT_BEATS "yoke's own beats and paths"
#define MOOT_BACK "nothing fails back by itself"
static const struct row vrrp_rows[] = {
	{ .word = "interface", .fn = vrrp_nothing }, /* read before */
	{ .word = "virtual_ipaddress", .fn = vrrp_addresses },
	{ .word = "virtual_ipaddress_excluded", .fn = vrrp_addresses },
	{ .word = "state", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "priority", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "nopreempt", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "preempt_delay", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "preempt", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "virtual_router_id", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "advert_int", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "version", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "authentication", .level = IMP_MOOT,
	    .why = "beats are signed with the pair's key" },
	{ .word = "mcast_src_ip", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "unicast_src_ip", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "unicast_peer", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "garp_master_delay", .level = IMP_MOOT,
	    .why = "announced at once and again" },
	{ .word = "garp_master_refresh", .level = IMP_MOOT,
	    .why = "announced again every 30 s" },
	{ .word = "garp_master_repeat", .level = IMP_MOOT,
	    .why = "announced at once and again" },
	{ .word = "lvs_sync_daemon_interface", .level = IMP_MOOT,
	    .why = "connections are synchronised both ways, always" },
	{ .word = "dont_track_primary",
	    .why = "see the uplink section of yoke.conf(5)" },
	{ .word = "track_interface",
	    .why = "see the uplink section of yoke.conf(5)" },
	{ .word = "track_script", .why = "no equivalent" },
	{ .word = "track_process", .why = "no equivalent" },
	{ .word = "track_file", .why = "no equivalent" },
	{ .word = "track_bfd", .why = "no equivalent" },
	{ .word = "virtual_routes", .why = "no equivalent" },
	{ .word = "virtual_rules", .why = "no equivalent" },
	{ .word = "notify", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_master", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_backup", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_fault", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_stop", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "smtp_alert", .why = "no equivalent: no mail is sent" },
	{ .word = "use_vmac", .why = "no equivalent: the cards' own hardware "
	    "addresses are announced" },
	{ 0 },
};

/* The interface may stand behind the addresses. */
static void
top_vrrp(struct reader *r, const struct stmt *s)
{
	const struct stmt *i;

	r->device = "eth0";
	for (i = s->sub; i != NULL; i = i->next)
		if (i->n > 1 && strcmp(i->w[0], "interface") == 0)
			r->device = i->w[1];
	if (r->m->device[0] == '\0' && imp_device(r->device))
		(void)snprintf(r->m->device, sizeof(r->m->device), "%s",
		    r->device);
	if (++r->n_instances == 2)
		imp_note(r->m, s->line, IMP_LOST, "a second vrrp_instance: "
		    "here all addresses move together; for two that move by "
		    "themselves make two files with an instance name each");
	walk(r, s->sub, vrrp_rows, "vrrp_instance");
}

static const struct row top_rows[] = {
	{ .word = "virtual_server", .fn = top_service },
	{ .word = "virtual_server_group", .fn = vrrp_nothing }, /* by use */
	{ .word = "vrrp_instance", .fn = top_vrrp },
	{ .word = "vrrp_sync_group", .level = IMP_MOOT,
	    .why = "all addresses move together" },
	{ .word = "global_defs",
	    .why = "nothing of it is kept; mails are not sent" },
	{ .word = "vrrp_script", .why = "no equivalent" },
	{ .word = "vrrp_track_process", .why = "no equivalent" },
	{ .word = "vrrp_track_file", .why = "no equivalent" },
	{ .word = "track_file", .why = "no equivalent" },
	{ .word = "static_ipaddress", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "static_routes", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "static_rules", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "bfd_instance", .why = "no equivalent" },
	{ .word = "net_namespace", .why = "no equivalent" },
	{ .word = "linkbeat_use_polling", .level = IMP_MOOT,
	    .why = "the kernel tells" },
	{ .word = "include", .why = "not followed: put that file's text here" },
	{ .word = "includer", .why = "not followed: put that file's text here" },
	{ .word = "includem", .why = "not followed: put that file's text here" },
	{ 0 },
};

int
imp_keepalived(struct imp *m, char *text, size_t len)
{
	struct reader r = { .m = m };
	struct stmt *all = NULL;
	int rc;

	m->what = "keepalived";
	rc = stmts_parse(m, text, len, &all);
	if (rc < 0)
		return rc;
	r.top = all;
	walk(&r, all, top_rows, "the file");
	stmts_free(all);
	return r.rc < 0 ? r.rc : imp_finish(m);
}
