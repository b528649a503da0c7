/*
 * import_keepalived_check: the checks of a real_server as the model's.
 */
#include "daemons/yoke/import_keepalived.h"

#include <string.h>

static void
check_timeout(struct ka_reader *r, const struct stmt *s)
{
	ka_take_seconds(r, s, &r->c->timeout);
}

static void
check_port(struct ka_reader *r, const struct stmt *s)
{
	ka_take_uint(r, s, 65535, &r->c->port);
}

/* keepalived tries once and then that often again. */
static void
check_retry(struct ka_reader *r, const struct stmt *s)
{
	unsigned n = 0;

	ka_take_uint(r, s, 99, &n);
	if (n > 0)
		r->c->fall = n + 1;
}

static void
check_interval(struct ka_reader *r, const struct stmt *s)
{
	ka_take_seconds(r, s, &r->c->interval);
}

static void
check_host(struct ka_reader *r, const struct stmt *s)
{
	ka_take_text(r, s, r->c->host, sizeof(r->c->host));
}

static void
url_path(struct ka_reader *r, const struct stmt *s)
{
	ka_take_text(r, s, r->c->path, sizeof(r->c->path));
	if (r->c->path[0] == '/' || r->c->path[0] == '\0')
		return;
	imp_note(r->m, s->line, IMP_LOST, "path %s does not begin with /",
	    r->c->path);
	r->c->path[0] = '\0';
}

static void
url_status(struct ka_reader *r, const struct stmt *s)
{
	unsigned status = 0;

	if (s->n == 2 && imp_uint(s->w[1], 599, &status) && status >= 100)
		r->c->status = status;
	else
		imp_note(r->m, s->line, IMP_LOST, "status_code: ranges and "
		    "lists have no equivalent; any 2xx or 3xx is good");
}

static const struct ka_row url_rows[] = {
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
check_url(struct ka_reader *r, const struct stmt *s)
{
	struct imp_check *block = r->c;

	if (r->v->n_checks == IMP_CHECKS_MAX) {
		imp_note(r->m, s->line, IMP_LOST, "more than %d checks of a "
		    "server: left out", IMP_CHECKS_MAX);
		return;
	}
	r->c = &r->v->checks[r->v->n_checks++];
	*r->c = (struct imp_check){ .type = IMP_HTTP, .line = s->line };
	ka_walk(r, s->sub, url_rows, "url");
	r->c = block;
}

#define ON_CONNECT                                                       \
	{ .word = "connect_timeout", .fn = check_timeout },              \
	{ .word = "connect_port", .fn = check_port },                    \
	{ .word = "retry", .fn = check_retry },                          \
	{ .word = "nb_get_retry", .fn = check_retry },                   \
	{ .word = "delay_loop", .fn = check_interval },                  \
	{ .word = "delay_before_retry", .level = IMP_MOOT,               \
	  .why = KA_MOOT_RETRY },                                           \
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

static const struct ka_row tcp_rows[] = {
	ON_CONNECT,
	{ .word = "host", .why = "no equivalent: the server itself is asked" },
	{ .word = "helo_name", .why = "no equivalent: no dialogue is held" },
	{ 0 },
};

static const struct ka_row http_rows[] = {
	ON_CONNECT,
	{ .word = "url", .fn = check_url },
	{ .word = "virtualhost", .fn = check_host },
	{ .word = "http_protocol", .why = "no equivalent" },
	{ .word = "enable_sni", .why = "see server_name in yoke.conf(5)" },
	{ .word = "fast_recovery", .why = "no equivalent" },
	{ 0 },
};

void
ka_server_tcp(struct ka_reader *r, const struct stmt *s)
{
	if (r->v->n_checks == IMP_CHECKS_MAX) {
		imp_note(r->m, s->line, IMP_LOST, "more than %d checks of a "
		    "server: left out", IMP_CHECKS_MAX);
		return;
	}
	r->c = &r->v->checks[r->v->n_checks++];
	*r->c = (struct imp_check){ .type = IMP_TCP, .line = s->line };
	ka_walk(r, s->sub, tcp_rows, s->w[0]);
}

void
ka_server_smtp(struct ka_reader *r, const struct stmt *s)
{
	imp_note(r->m, s->line, IMP_LOST, "%s: no equivalent; made a check of "
	    "type tcp: that the port accepts", s->w[0]);
	ka_server_tcp(r, s);
}

void
ka_server_http(struct ka_reader *r, const struct stmt *s)
{
	size_t first = r->v->n_checks, i;
	struct imp_check *c;

	r->base = (struct imp_check){ .line = s->line };
	r->c = &r->base;
	ka_walk(r, s->sub, http_rows, s->w[0]);
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

void
ka_server_ssl(struct ka_reader *r, const struct stmt *s)
{
	size_t i = r->v->n_checks;

	ka_server_http(r, s);
	for (; i < r->v->n_checks; i++)
		r->v->checks[i].type = IMP_HTTPS;
}

