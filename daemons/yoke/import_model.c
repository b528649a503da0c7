/*
 * import_model: what readers fill, and what is done to it whatever the reader:
 * a yoke.conf has checks for a whole service and a vip for every address.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/service.h"
#include "daemons/yoke/import.h"

#define SECONDS_MAX (31 * 86400)

void
imp_init(struct imp *m, const char *file)
{
	*m = (struct imp){ .file = file };
}

void
imp_done(struct imp *m)
{
	size_t i;

	for (i = 0; i < m->n_services; i++)
		free(m->services[i].servers);
	free(m->services);
	free(m->vips);
	free(m->notes);
	imp_init(m, m->file);
}

/* Texts from the file are shown: only what a terminal prints. */
static void
plain(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

int
imp_fail(struct imp *m, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(m->err, sizeof(m->err), fmt, ap);
	va_end(ap);
	plain(m->err);
	m->err_line = line;
	return -EINVAL;
}

/* Room for one more in the array at *items, which doubles. */
static int
grow(void **items, size_t n, size_t size)
{
	void *p;

	if ((n & (n - 1)) != 0)
		return 0;
	p = reallocarray(*items, n == 0 ? 1 : 2 * n, size);
	if (p == NULL)
		return -ENOMEM;
	*items = p;
	return 0;
}

void
imp_note(struct imp *m, unsigned line, enum imp_level level, const char *fmt,
    ...)
{
	struct imp_note *n;
	va_list ap;

	m->n_level[level]++;
	if (m->n_notes >= IMP_NOTES_MAX ||
	    grow((void **)&m->notes, m->n_notes, sizeof(*m->notes)) < 0)
		return; /* the count says so */
	n = &m->notes[m->n_notes++];
	n->line = line;
	n->level = level;
	va_start(ap, fmt);
	(void)vsnprintf(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
	plain(n->text);
}

int
imp_add_service(struct imp *m, const struct imp_service *s)
{
	if (m->n_services >= IMP_SERVICES_MAX)
		return imp_fail(m, s->line, "more than %d services",
		    IMP_SERVICES_MAX);
	if (grow((void **)&m->services, m->n_services,
		sizeof(*m->services)) < 0)
		return imp_fail(m, s->line, "out of memory");
	m->services[m->n_services++] = *s;
	return 0;
}

int
imp_add_server(
    struct imp *m, struct imp_service *s, const struct imp_server *v)
{
	if (m->n_servers >= IMP_SERVERS_MAX)
		return imp_fail(m, v->line, "more than %d servers",
		    IMP_SERVERS_MAX);
	if (grow((void **)&s->servers, s->n_servers, sizeof(*s->servers)) < 0)
		return imp_fail(m, v->line, "out of memory");
	s->servers[s->n_servers++] = *v;
	m->n_servers++;
	return 0;
}

static const struct imp_vip *
find_vip(const struct imp *m, const struct addr *a)
{
	size_t i;

	for (i = 0; i < m->n_vips; i++)
		if (addr_cmp(&m->vips[i].addr, a) == 0)
			return &m->vips[i];
	return NULL;
}

int
imp_add_vip(struct imp *m, const struct imp_vip *v)
{
	const struct imp_vip *old = find_vip(m, &v->addr);
	char text[ADDR_TEXT_MAX];

	if (old != NULL) {
		imp_note(m, v->line, IMP_MOOT, "%s: line %u has it already",
		    addr_format(&v->addr, text, sizeof(text)), old->line);
		return 0;
	}
	if (m->n_vips >= IMP_SERVICES_MAX)
		return imp_fail(m, v->line, "more than %d addresses",
		    IMP_SERVICES_MAX);
	if (grow((void **)&m->vips, m->n_vips, sizeof(*m->vips)) < 0)
		return imp_fail(m, v->line, "out of memory");
	m->vips[m->n_vips++] = *v;
	return 0;
}

bool
imp_uint(const char *text, unsigned max, unsigned *ret)
{
	unsigned long v = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		v = v * 10 + (unsigned long)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || v > max)
		return false;
	*ret = (unsigned)v;
	return true;
}

bool
imp_seconds(const char *text, usec_t *ret)
{
	usec_t v = 0, unit = USEC_S;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 9; i++)
		v = v * 10 + (usec_t)(text[i] - '0');
	if (i == 0 || v > SECONDS_MAX)
		return false;
	v *= USEC_S;
	if (text[i] == '.')
		for (i++; text[i] >= '0' && text[i] <= '9'; i++)
			v += (usec_t)(text[i] - '0') * (unit /= 10);
	if (text[i] != '\0')
		return false;
	*ret = v;
	return true;
}

bool
imp_device(const char *text)
{
	size_t i, n = strlen(text);

	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    strchr("._-:@", text[i]) == NULL)
			return false;
	return n > 0 && n < sizeof(((struct imp *)0)->device);
}

/* ---- what readers leave open ---- */

static int
add_missing_vip(struct imp *m, const struct imp_service *s)
{
	struct imp_vip v = { .addr = s->addr, .bits = addr_bits(&s->addr),
		.line = s->line };
	const char *device = m->device[0] != '\0' ? m->device : "eth0";
	char text[ADDR_TEXT_MAX];

	if (addr_is_none(&s->addr) || find_vip(m, &s->addr) != NULL)
		return 0;
	(void)snprintf(v.device, sizeof(v.device), "%s", device);
	imp_note(m, s->line, IMP_LOST, "%s is not among the addresses that "
	    "move; added as a vip on %s: see that the interface is right",
	    addr_format(&s->addr, text, sizeof(text)), device);
	return imp_add_vip(m, &v);
}

static void
name_service(struct imp_service *s)
{
	char text[ADDR_TEXT_MAX];

	if (s->name[0] != '\0')
		return;
	if (s->fwmark != 0) {
		(void)snprintf(s->name, sizeof(s->name), "fwmark-%u",
		    s->fwmark);
		return;
	}
	addr_format(&s->addr, text, sizeof(text));
	(void)snprintf(s->name, sizeof(s->name), "%s%.45s-%u%s",
	    text[0] == ':' ? "v6-" : "", text, s->port,
	    s->udp ? "-udp" : "");
}

static bool
same_service(const struct imp_service *a, const struct imp_service *b)
{
	if (a->fwmark != b->fwmark)
		return false;
	if (a->fwmark != 0)
		return true;
	return a->port == b->port && a->udp == b->udp &&
	    addr_cmp(&a->addr, &b->addr) == 0;
}

/* A second one with the same address would make the whole file refused. */
static void
drop_twins(struct imp *m)
{
	size_t i, k, n = 0;

	for (i = 0; i < m->n_services; i++) {
		for (k = 0; k < n; k++)
			if (same_service(&m->services[k], &m->services[i]))
				break;
		if (k == n) {
			m->services[n++] = m->services[i];
			continue;
		}
		imp_note(m, m->services[i].line, IMP_LOST,
		    "the service of line %u again: left out",
		    m->services[k].line);
		free(m->services[i].servers);
	}
	m->n_services = n;
}

/* Two with one name, given by hand: the later one is called by its address. */
static void
tell_apart(struct imp *m)
{
	size_t i, k;

	for (i = 0; i < m->n_services; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(m->services[k].name, m->services[i].name) ==
			    0)
				break;
		if (k < i)
			m->services[i].name[0] = '\0';
		name_service(&m->services[i]);
	}
}

static bool
same_checks(const struct imp_server *a, const struct imp_server *b)
{
	const struct imp_check *p = a->checks, *q = b->checks;
	size_t i;

	if (a->n_checks != b->n_checks)
		return false;
	for (i = 0; i < a->n_checks; i++, p++, q++)
		if (p->type != q->type || p->interval != q->interval ||
		    p->timeout != q->timeout || p->rise != q->rise ||
		    p->fall != q->fall || p->port != q->port ||
		    p->status != q->status || strcmp(p->path, q->path) != 0 ||
		    strcmp(p->host, q->host) != 0 ||
		    strcmp(p->body, q->body) != 0)
			return false;
	return true;
}

/* The first server's checks stand for all, so they are moved to it. */
static void
join_checks(struct imp *m, struct imp_service *s)
{
	struct imp_server *lead = NULL;
	size_t i;

	for (i = 0; i < s->n_servers && lead == NULL; i++)
		if (s->servers[i].n_checks > 0)
			lead = &s->servers[i];
	if (lead == NULL)
		return;
	for (i = 0; i < s->n_servers; i++)
		if (!same_checks(&s->servers[i], lead))
			imp_note(m, s->servers[i].line, IMP_LOST,
			    "this server is checked in another way than the "
			    "one of line %u, whose checks are used: all "
			    "servers of a service have the same",
			    lead->line);
	if (lead != s->servers) {
		memcpy(s->servers->checks, lead->checks, sizeof(lead->checks));
		s->servers->n_checks = lead->n_checks;
	}
}

static const char *
method_of(const struct imp_service *s, const struct imp_server *v)
{
	return v->method[0] != '\0' ? v->method : s->method;
}

/* What `yoke check` would refuse. false: the server must go. */
static bool
mend_server(struct imp *m, struct imp_service *s, struct imp_server *v)
{
	if (!addr_is_none(&s->addr) && v->addr.family != s->addr.family &&
	    strcmp(method_of(s, v), "tun") != 0) {
		imp_note(m, v->line, IMP_LOST, "the server is of another "
		    "address family than the service: left out");
		return false;
	}
	if (strcmp(method_of(s, v), "nat") != 0 && v->port != 0 &&
	    v->port != s->port && s->fwmark == 0) {
		imp_note(m, v->line, IMP_LOST, "port %u: method %s cannot "
		    "change ports; the service's %u is used",
		    v->port, method_of(s, v), s->port);
		v->port = 0;
	}
	if (v->lower != 0 && v->upper != 0 && v->lower > v->upper) {
		imp_note(m, v->line, IMP_LOST, "the lower limit %u is above "
		    "the upper one: left out", v->lower);
		v->lower = 0;
	}
	return true;
}

static unsigned
port_of(const struct imp_service *s, const struct imp_server *v)
{
	return v->port != 0 ? v->port : s->port;
}

/* Each (address, port) once, as they are when mended. */
static void
mend_servers(struct imp *m, struct imp_service *s)
{
	struct imp_server *v;
	size_t i, k, n = 0;

	for (i = 0; i < s->n_servers; i++) {
		v = &s->servers[i];
		if (!mend_server(m, s, v))
			continue;
		for (k = 0; k < n; k++)
			if (addr_cmp(&s->servers[k].addr, &v->addr) == 0 &&
			    port_of(s, &s->servers[k]) == port_of(s, v))
				break;
		if (k < n) {
			imp_note(m, v->line, IMP_LOST, "the server of line %u "
			    "again: left out", s->servers[k].line);
			continue;
		}
		s->servers[n++] = *v;
	}
	s->n_servers = n;
}

/* A control character in a text would make the whole file refused. */
static void
check_text(struct imp *m, unsigned line, char *text)
{
	const char *c;

	for (c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c)) {
			imp_note(m, line, IMP_LOST, "%s: has a control "
			    "character: left out", text);
			text[0] = '\0';
			return;
		}
}

static void
check_texts(struct imp *m, struct imp_service *s)
{
	struct imp_check *c;
	size_t i, k;

	check_text(m, s->line, s->host);
	for (i = 0; i < s->n_servers; i++)
		for (k = 0; k < s->servers[i].n_checks; k++) {
			c = &s->servers[i].checks[k];
			check_text(m, c->line, c->path);
			check_text(m, c->line, c->host);
			check_text(m, c->line, c->body);
		}
}

static int
by_line(const void *a, const void *b)
{
	const struct imp_note *p = a, *q = b;

	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	return strcmp(p->text, q->text);
}

int
imp_finish(struct imp *m)
{
	struct imp_service *s;
	size_t i;
	int rc = 0;

	drop_twins(m);
	tell_apart(m);
	for (i = 0; i < m->n_services && rc == 0; i++) {
		s = &m->services[i];
		if (s->method[0] == '\0')
			(void)snprintf(s->method, sizeof(s->method), "dr");
		if (s->fwmark == 0 && s->port == 0 && s->persistence == 0) {
			s->persistence = 300 * USEC_S;
			imp_note(m, s->line, IMP_LOST, "port 0, every port, "
			    "needs persistence: 300 s were added");
		}
		mend_servers(m, s);
		join_checks(m, s);
		check_texts(m, s);
		rc = add_missing_vip(m, s);
	}
	if (m->n_notes > 0)
		qsort(m->notes, m->n_notes, sizeof(*m->notes), by_line);
	return rc;
}
