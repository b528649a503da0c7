/*
 * import_ldirectord: an ldirectord.cf as the model. Lines are key=value; what
 * follows a virtual= belongs to it, what stands before the first one is for all.
 * Source: ldirectord(8) of resource-agents 4.12.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoke/import.h"

enum how { HOW_NEGOTIATE, HOW_CONNECT, HOW_NONE };

/* What a service says about its checks; it stands behind the servers too. */
struct ask {
	enum how how;
	unsigned line, port, status_count;
	usec_t timeout, interval;
	unsigned fall;
	bool http, https;
	char path[IMP_TEXT], body[IMP_TEXT];
};

struct reader {
	struct imp *m;
	unsigned line;
	char *key, *value;
	struct imp_service *s; /* NULL: before the first virtual= */
	struct imp_service now;
	struct ask all, ask; /* the file's, the service's */
	enum imp_down down;  /* the file's */
	int rc;
};

struct row {
	const char *key;
	void (*fn)(struct reader *r);
	enum imp_level level; /* without a function */
	const char *why;
};

static struct ask *
ask_of(struct reader *r)
{
	return r->s != NULL ? &r->ask : &r->all;
}

static void
lost(struct reader *r, const char *why)
{
	imp_note(r->m, r->line, IMP_LOST, "%s=%s: %s", r->key, r->value, why);
}

static void
take_seconds(struct reader *r, usec_t *ret)
{
	if (!imp_seconds(r->value, ret))
		lost(r, "not a number of seconds");
}

/* ---- addresses ---- */

/* "192.0.2.1:80", "[2001:db8::1]:80", with the port or not. */
static bool
parse_addr(char *text, struct addr *ret, unsigned *port)
{
	char *colon = strrchr(text, ':'), *from = text, *end;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		from = text + 1;
	}
	if (colon != NULL) {
		if (!imp_uint(colon + 1, 65535, port))
			return false;
		*colon = '\0';
	}
	return addr_parse(from, ret) == 0;
}

static void add_check(struct reader *r);

static void
end_service(struct reader *r)
{
	if (r->s == NULL)
		return;
	add_check(r);
	r->s = NULL;
	r->rc = imp_add_service(r->m, &r->now);
	if (r->rc < 0)
		free(r->now.servers);
}

static void
on_virtual(struct reader *r)
{
	char copy[IMP_TEXT];

	end_service(r);
	if (r->rc < 0)
		return;
	r->ask = r->all;
	r->now = (struct imp_service){ .line = r->line, .down = r->down };
	(void)snprintf(r->now.scheduler, sizeof(r->now.scheduler), "wrr");
	r->s = &r->now;
	(void)snprintf(copy, sizeof(copy), "%s", r->value);
	if (imp_uint(copy, 0xffffffff, &r->now.fwmark) && r->now.fwmark != 0)
		return;
	r->now.fwmark = 0;
	if (parse_addr(copy, &r->now.addr, &r->now.port))
		return;
	lost(r, "not a numeric address and port, nor a mark: the service is "
		"left out");
	r->now.addr = (struct addr){ 0 };
}

/* ---- servers ---- */

static const struct {
	const char *word, *method;
} methods[] = {
	{ "gate", "dr" },
	{ "masq", "nat" },
	{ "ipip", "tun" },
};

/* The words behind the address: method, weight, texts to ask for. */
static void
server_words(struct reader *r, struct imp_server *v, char *rest)
{
	char *save = NULL, *w;
	size_t i;

	for (w = strtok_r(rest, " \t", &save); w != NULL;
	    w = strtok_r(NULL, " \t", &save)) {
		for (i = 0; i < ARRAY_LEN(methods); i++)
			if (strcmp(methods[i].word, w) == 0)
				break;
		if (i < ARRAY_LEN(methods))
			(void)snprintf(v->method, sizeof(v->method), "%s",
			    methods[i].method);
		else if (!imp_uint(w, 65535, &v->weight)) {
			lost(r, "a server's own request and answer have no "
				"equivalent");
			return;
		}
	}
}

static void
add_range(struct reader *r, struct imp_server *v, const struct addr *last)
{
	uint8_t *tail = &v->addr.bytes[addr_len(&v->addr) - 1];
	unsigned end = last->bytes[addr_len(last) - 1], i;
	struct addr same = *last;

	same.bytes[addr_len(last) - 1] = *tail;
	if (addr_cmp(&same, &v->addr) != 0 || end < *tail) {
		lost(r, "not a range within the last part of the address: "
			"left out");
		return;
	}
	for (i = *tail; i <= end && r->rc == 0; i++) {
		*tail = (uint8_t)i;
		r->rc = imp_add_server(r->m, r->s, v);
	}
}

static void
on_real(struct reader *r)
{
	struct imp_server v = { .line = r->line, .weight = 1 };
	char copy[1024], *arrow, *rest;
	struct addr last;
	unsigned port = 0;

	if (r->s == NULL) {
		lost(r, "stands before any virtual=");
		return;
	}
	(void)snprintf(copy, sizeof(copy), "%s", r->value);
	rest = copy + strcspn(copy, " \t");
	if (*rest != '\0')
		*rest++ = '\0';
	server_words(r, &v, rest);
	arrow = strstr(copy, "->");
	if (arrow != NULL)
		*arrow = '\0';
	if (!parse_addr(copy, &v.addr, &v.port) ||
	    (arrow != NULL && !parse_addr(arrow + 2, &last, &port))) {
		lost(r, "not a numeric address and port: left out");
		return;
	}
	if (arrow == NULL) {
		r->rc = imp_add_server(r->m, r->s, &v);
		return;
	}
	v.port = port;
	add_range(r, &v, &last);
}

/* ---- the service's own ---- */

static bool
in_service(struct reader *r)
{
	if (r->s == NULL)
		lost(r, "stands before any virtual=");
	return r->s != NULL;
}

static void
on_scheduler(struct reader *r)
{
	const char *c;

	if (!in_service(r))
		return;
	for (c = r->value; islower((unsigned char)*c); c++)
		;
	if (*c != '\0' || c == r->value || c - r->value > 15)
		lost(r, "not a scheduler's name; wrr is used");
	else
		(void)snprintf(r->s->scheduler, sizeof(r->s->scheduler), "%s",
		    r->value);
}

static void
on_protocol(struct reader *r)
{
	if (!in_service(r))
		return;
	r->s->udp = strcmp(r->value, "udp") == 0;
	if (!r->s->udp && strcmp(r->value, "tcp") != 0 &&
	    strcmp(r->value, "fwm") != 0)
		lost(r, "not tcp, udp or fwm");
}

static void
on_persistent(struct reader *r)
{
	if (in_service(r))
		take_seconds(r, &r->s->persistence);
}

static void
on_netmask(struct reader *r)
{
	unsigned bits = 0;
	struct addr a;

	if (!in_service(r))
		return;
	if (addr_parse(r->value, &a) == 0 && a.family == AF_INET)
		while (bits < 32 && (a.bytes[bits / 8] >> (7 - bits % 8) & 1))
			bits++;
	else
		(void)imp_uint(r->value, 128, &bits);
	if (bits == 0 || (bits > 32 && r->s->addr.family == AF_INET))
		lost(r, "not a netmask");
	else
		r->s->mask = bits;
}

static void
on_virtualhost(struct reader *r)
{
	if (!in_service(r))
		return;
	if (strlen(r->value) >= sizeof(r->s->host))
		lost(r, "too long");
	else
		memcpy(r->s->host, r->value, strlen(r->value) + 1);
}

static void
on_quiescent(struct reader *r)
{
	static const struct {
		const char *word;
		enum imp_down down;
	} words[] = {
		{ "yes", IMP_DOWN_QUIESCE },
		{ "true", IMP_DOWN_QUIESCE },
		{ "no", IMP_DOWN_REMOVE },
		{ "false", IMP_DOWN_REMOVE },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, r->value) == 0) {
			*(r->s != NULL ? &r->s->down : &r->down) =
			    words[i].down;
			return;
		}
	lost(r, "not yes or no");
}

/* ---- checks ---- */

static void
on_checktimeout(struct reader *r)
{
	take_seconds(r, &ask_of(r)->timeout);
}

static void
on_checkinterval(struct reader *r)
{
	take_seconds(r, &ask_of(r)->interval);
}

static void
on_fall(struct reader *r)
{
	if (!imp_uint(r->value, 100, &ask_of(r)->fall))
		lost(r, "not a number from 0 to 100");
}

static void
on_checkport(struct reader *r)
{
	if (!imp_uint(r->value, 65535, &ask_of(r)->port))
		lost(r, "not a port");
}

static void
on_checktype(struct reader *r)
{
	struct ask *a = ask_of(r);

	if (strcmp(r->value, "negotiate") == 0)
		a->how = HOW_NEGOTIATE;
	else if (strcmp(r->value, "connect") == 0)
		a->how = HOW_CONNECT;
	else if (strcmp(r->value, "on") == 0)
		a->how = HOW_NONE;
	else {
		a->how = HOW_NONE;
		lost(r, "no equivalent: servers are not checked");
	}
}

static void
on_service(struct reader *r)
{
	if (!in_service(r))
		return;
	r->ask.http = strcmp(r->value, "http") == 0;
	r->ask.https = strcmp(r->value, "https") == 0;
	if (strcmp(r->value, "none") == 0)
		r->ask.how = HOW_NONE;
	else if (!r->ask.http && !r->ask.https)
		lost(r, "no equivalent; made a check of type tcp: that the "
			"port accepts");
}

static void
on_request(struct reader *r)
{
	if (in_service(r) &&
	    (size_t)snprintf(r->ask.path, sizeof(r->ask.path), "%s%s",
		r->value[0] == '/' ? "" : "/", r->value) >=
		sizeof(r->ask.path))
		lost(r, "too long");
}

static void
on_receive(struct reader *r)
{
	if (!in_service(r))
		return;
	if (strpbrk(r->value, "\\^$.|?*+()[]{}") != NULL)
		lost(r, "no equivalent for a pattern: body looks for a text");
	else if (strlen(r->value) < sizeof(r->ask.body))
		memcpy(r->ask.body, r->value, strlen(r->value) + 1);
	else
		lost(r, "too long");
}

/* What the service says is now known: one check, kept with the first server. */
static void
add_check(struct reader *r)
{
	struct imp_check c = { .line = r->line };
	const struct ask *a = &r->ask;
	enum imp_type type = a->https ? IMP_HTTPS
	    : a->http || r->now.port == 80 ? IMP_HTTP
					   : IMP_TCP;
	size_t i;

	if (a->how == HOW_NONE || r->now.udp)
		return;
	c.type = a->how == HOW_NEGOTIATE ? type : IMP_TCP;
	c.timeout = a->timeout;
	c.interval = a->interval;
	c.fall = a->fall;
	c.port = a->port;
	if (c.type != IMP_TCP) {
		memcpy(c.path, a->path, sizeof(c.path));
		memcpy(c.body, a->body, sizeof(c.body));
	}
	for (i = 0; i < r->now.n_servers; i++) {
		r->now.servers[i].checks[0] = c;
		r->now.servers[i].n_checks = 1;
	}
}

static const struct row rows[] = {
	{ .key = "virtual", .fn = on_virtual },
	{ .key = "virtual6", .fn = on_virtual },
	{ .key = "real", .fn = on_real },
	{ .key = "real6", .fn = on_real },
	{ .key = "scheduler", .fn = on_scheduler },
	{ .key = "protocol", .fn = on_protocol },
	{ .key = "persistent", .fn = on_persistent },
	{ .key = "netmask", .fn = on_netmask },
	{ .key = "virtualhost", .fn = on_virtualhost },
	{ .key = "checktimeout", .fn = on_checktimeout },
	{ .key = "negotiatetimeout", .fn = on_checktimeout },
	{ .key = "checkinterval", .fn = on_checkinterval },
	{ .key = "checkcount", .fn = on_fall },
	{ .key = "failurecount", .fn = on_fall },
	{ .key = "checkport", .fn = on_checkport },
	{ .key = "checktype", .fn = on_checktype },
	{ .key = "service", .fn = on_service },
	{ .key = "request", .fn = on_request },
	{ .key = "receive", .fn = on_receive },
	{ .key = "servicename", .level = IMP_MOOT, .why = "a comment" },
	{ .key = "comment", .level = IMP_MOOT, .why = "a comment" },
	{ .key = "autoreload", .level = IMP_MOOT, .why = "yoke reload" },
	{ .key = "quiescent", .fn = on_quiescent },
	{ .key = "logfile", .level = IMP_MOOT, .why = "syslog" },
	{ .key = "supervised", .level = IMP_MOOT, .why = "systemd" },
	{ .key = "fork", .level = IMP_MOOT, .why = "checks never wait for "
	    "each other" },
	{ .key = "cleanstop", .level = IMP_MOOT,
	    .why = "the table stays at a stop" },
	{ .key = "httpmethod", .why = "no equivalent: GET" },
	{ .key = "fallback", .why = "no equivalent" },
	{ .key = "fallback6", .why = "no equivalent" },
	{ .key = "fallbackcommand", .why = "no equivalent" },
	{ .key = "emailalert", .why = "no equivalent: no mail is sent" },
	{ .key = "emailalertfreq", .why = "no equivalent: no mail is sent" },
	{ .key = "emailalertfrom", .why = "no equivalent: no mail is sent" },
	{ .key = "emailalertstatus", .why = "no equivalent: no mail is sent" },
	{ .key = "smtp", .why = "no equivalent: no mail is sent" },
	{ .key = "callback", .why = "no equivalent" },
	{ .key = "execute", .why = "no equivalent" },
	{ .key = "checkcommand", .why = "no equivalent" },
	{ .key = "maintenancedir", .why = "yoke server drain" },
	{ .key = "monitorfile", .why = "no equivalent" },
	{ .key = "ops", .why = "no equivalent here: flags = { ops }" },
	{ .key = "login", .why = "no equivalent" },
	{ .key = "passwd", .why = "no equivalent" },
	{ .key = "database", .why = "no equivalent" },
	{ .key = "secret", .why = "no equivalent" },
	{ .key = "load", .why = "no equivalent" },
};

static void
on_line(struct reader *r)
{
	/* not shown: they are secrets */
	bool secret = strcmp(r->key, "passwd") == 0 ||
	    strcmp(r->key, "secret") == 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].key, r->key) == 0)
			break;
	if (i == ARRAY_LEN(rows))
		imp_note(r->m, r->line, IMP_LOST, "%s: not known: left out",
		    r->key);
	else if (rows[i].fn != NULL)
		rows[i].fn(r);
	else
		imp_note(r->m, r->line, rows[i].level, "%s=%s: %s", r->key,
		    secret ? "..." : r->value, rows[i].why);
}

/* "key = value", quotes around the value taken off; a comment behind it too. */
static int
split(struct reader *r, char *line)
{
	char *eq, *end;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	eq = strchr(line, '=');
	if (eq == NULL)
		return imp_fail(r->m, r->line, "not a line of the kind "
		    "key=value");
	r->key = line;
	for (end = eq; end > line && strchr(" \t", end[-1]) != NULL; end--)
		;
	*end = '\0';
	r->value = eq + 1 + strspn(eq + 1, " \t");
	end = r->value + strlen(r->value);
	if (r->value[0] == '"') {
		end = strchr(r->value + 1, '"');
		if (end == NULL)
			return imp_fail(r->m, r->line, "a quote is opened but "
			    "not closed on this line");
		r->value++;
	} else {
		end = strpbrk(r->value, "#") != NULL ? strchr(r->value, '#')
						     : end;
		while (end > r->value && strchr(" \t", end[-1]) != NULL)
			end--;
	}
	*end = '\0';
	return 1;
}

/* Those whose virtual= was not understood. */
static void
drop_nameless(struct imp *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->n_services; i++) {
		if (m->services[i].fwmark == 0 &&
		    addr_is_none(&m->services[i].addr))
			free(m->services[i].servers);
		else
			m->services[n++] = m->services[i];
	}
	m->n_services = n;
}

int
imp_ldirectord(struct imp *m, char *text, size_t len)
{
	struct reader r = { .m = m, .all = { .timeout = 5 * USEC_S,
		.interval = 10 * USEC_S, .fall = 1 } };
	char *save = NULL, *line;
	int rc;

	m->what = "ldirectord";
	if (memchr(text, '\0', len) != NULL)
		return imp_fail(m, 0, "has NUL bytes: not a text file");
	for (line = text; line != NULL && r.rc == 0; line = save) {
		save = strchr(line, '\n');
		if (save != NULL)
			*save++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		r.line++;
		rc = split(&r, line);
		if (rc > 0)
			on_line(&r);
		else if (rc < 0)
			r.rc = rc;
	}
	if (r.rc == 0)
		end_service(&r);
	else if (r.s != NULL)
		free(r.now.servers);
	drop_nameless(m);
	return r.rc < 0 ? r.rc : imp_finish(m);
}
