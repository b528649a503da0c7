/*
 * conf_frame: sections on their way from values to struct conf. A frame holds
 * the section's struct while its keys come in; when it ends, missing and
 * pointless keys are found, and the struct is handed to the parent's frame or
 * to struct conf.
 */
#include "common/conf_frame.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

static void *
frame_base(struct load *l, struct frame *f)
{
	return f->sec.many ? (void *)&f->in : (void *)l->conf;
}

struct frame *
frame_top(struct load *l)
{
	return &l->frames[l->depth - 1];
}

/* "service web / server web1 / port" */
static const char *
key_path(const struct load *l, const char *key, char *buf, size_t len)
{
	size_t n = 0;
	int i;

	buf[0] = '\0';
	for (i = 1; i < l->depth && n < len; i++) {
		const struct frame *f = &l->frames[i];

		n += (size_t)snprintf(buf + n, len - n, "%s%s%s%s",
		    i > 1 ? " / " : "", f->sec.name,
		    f->sec.title != NULL ? " " : "",
		    f->sec.title != NULL ? f->title : "");
	}
	if (n < len && key != NULL)
		(void)snprintf(
		    buf + n, len - n, "%s%s", n > 0 ? " / " : "", key);
	return buf;
}

int
frame_fail(struct load *l, unsigned line, const char *key, const char *fmt, ...)
{
	char path[sizeof(l->err->key)], text[sizeof(l->err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return conf_fail(
	    l->err, line, key_path(l, key, path, sizeof(path)), "%s", text);
}

unsigned
frame_key_line(const struct frame *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->sec.n_keys; i++)
		if (strcmp(f->sec.keys[i].key, key) == 0)
			return f->key_line[i];
	return 0;
}

void
frame_defaults(const struct conf_section_view *sec, void *base)
{
	char why[128];
	size_t i;

	for (i = 0; i < sec->n_keys; i++) {
		const struct conf_row *r = &sec->keys[i];

		if (r->dflt != NULL && r->dflt != conf_inherit)
			(void)conf_value_parse(
			    r, r->dflt, base, why, sizeof(why));
	}
}

int
frame_open(struct load *l, enum conf_section id, void *owner, const char *title,
    unsigned line)
{
	struct frame *f;
	char why[256];

	if (l->depth == FRAMES_MAX)
		return frame_fail(l, line, NULL, "has sections too deep in it");
	f = &l->frames[l->depth++];
	memset(f, 0, sizeof(*f));
	f->owner = owner;
	f->title = title;
	f->sec = conf_section(id);
	f->line = line;
	if (!f->sec.many && l->once[id] != 0)
		return frame_fail(l, line, NULL,
		    "is there twice, first on line %u; put all of it there",
		    l->once[id]);
	l->once[id] = line;
	if (f->sec.many)
		frame_defaults(&f->sec, &f->in);
	if (f->sec.title == NULL)
		return 0;
	if (conf_value_parse(f->sec.title, title, &f->in, why, sizeof(why)) < 0)
		return frame_fail(l, line, NULL, "%s", why);
	return 0;
}

int
frame_value(
    struct load *l, size_t i, const char *text, unsigned line, bool again)
{
	struct frame *f = frame_top(l);
	const struct conf_row *r = &f->sec.keys[i];
	char why[320];

	if (f->key_line[i] != 0 && !again)
		return frame_fail(l, line, r->key,
		    "is set twice, first on line %u; keep one of them",
		    f->key_line[i]);
	f->key_line[i] = line;
	if (conf_value_parse(r, text, frame_base(l, f), why, sizeof(why)) < 0)
		return frame_fail(l, line, r->key, "%s", why);
	return 0;
}

static int
attach_node(struct load *l, struct frame *f)
{
	if (l->n_nodes == CONF_NODES)
		return frame_fail(l, f->line, NULL,
		    "is a third node; yoke joins exactly two");
	l->at.nodes[l->n_nodes] = f->line;
	l->conf->nodes[l->n_nodes++] = f->in.node;
	memset(&f->in, 0, sizeof(f->in));
	return 0;
}

static int
grow(struct load *l, void **items, size_t n, size_t size)
{
	int rc = conf_grow(items, n, size);

	return rc < 0 ? frame_fail(l, 0, NULL, "out of memory") : 0;
}

static int
attach_path(struct load *l, struct frame *f)
{
	struct conf_node *node = &l->frames[l->depth - 2].in.node;
	int rc;

	if (node->n_paths == CONF_PATHS_MAX)
		return frame_fail(l, f->line, NULL,
		    "is one too many: a node has at "
		    "most %d paths",
		    CONF_PATHS_MAX);
	rc = grow(l, (void **)&node->paths, node->n_paths, sizeof(f->in.path));
	if (rc < 0)
		return rc;
	if (l->n_nodes < CONF_NODES)
		l->at.paths[l->n_nodes][node->n_paths] = f->line;
	node->paths[node->n_paths++] = f->in.path;
	return 0;
}

static int
attach_vip(struct load *l, struct frame *f)
{
	struct conf *c = l->conf;

	if (grow(l, (void **)&c->vips, c->n_vips, sizeof(*c->vips)) < 0 ||
	    grow(l, (void **)&l->at.vips, c->n_vips, sizeof(*l->at.vips)) < 0)
		return -ERR_CONFIG;
	l->at.vips[c->n_vips] = f->line;
	c->vips[c->n_vips++] = f->in.vip;
	return 0;
}

static int
attach_notify(struct load *l, struct frame *f)
{
	struct conf *c = l->conf;
	const struct conf_notify *n = &f->in.notify;
	size_t i;

	if ((n->command[0] == '\0') == (n->fifo[0] == '\0'))
		return frame_fail(l, f->line, NULL,
		    "needs either a command or a fifo");
	if (c->n_notifies == CONF_NOTIFIES_MAX)
		return frame_fail(l, f->line, NULL,
		    "is one too many: there are at most %d",
		    CONF_NOTIFIES_MAX);
	for (i = 0; i < c->n_notifies; i++)
		if (strcmp(c->notifies[i].name, n->name) == 0)
			return frame_fail(l, f->line, NULL,
			    "is there twice; give each a name of its own");
	if (grow(l, (void **)&c->notifies, c->n_notifies,
		sizeof(*c->notifies)) < 0)
		return -ERR_CONFIG;
	c->notifies[c->n_notifies++] = *n;
	return 0;
}

static int
attach_check(struct load *l, struct frame *f)
{
	struct in_service *s = &l->frames[l->depth - 2].in.service;
	int rc;

	f->in.check.line = f->line;
	rc = grow(l, (void **)&s->checks, s->out.n_checks, sizeof(*s->checks));
	if (rc == 0)
		s->checks[s->out.n_checks++] = f->in.check;
	return rc;
}

static int
attach_server(struct load *l, struct frame *f)
{
	struct in_service *s = &l->frames[l->depth - 2].in.service;
	struct in_server *v = &f->in.server;
	int rc;

	v->line = f->line;
	v->address_line = frame_key_line(f, "address");
	v->port_line = frame_key_line(f, "port");
	v->lower_line = frame_key_line(f, "lower");
	v->has_port = v->port_line != 0;
	v->has_method = frame_key_line(f, "method") != 0;
	v->has_down = frame_key_line(f, "down") != 0;
	rc = grow(
	    l, (void **)&s->servers, s->out.n_servers, sizeof(*s->servers));
	if (rc == 0)
		s->servers[s->out.n_servers++] = *v;
	return rc;
}

static int
attach_policy(struct load *l, struct frame *f)
{
	struct in_service *s = &l->frames[l->depth - 2].in.service;

	if (s->policy_line != 0)
		return frame_fail(l, f->line, NULL,
		    "is there twice, first on line %u; put all of it there",
		    s->policy_line);
	s->policy_line = f->line;
	s->out.policy = f->in.policy;
	s->out.policy.given = true;
	return 0;
}

static int
attach_service(struct load *l, struct frame *f)
{
	struct conf *c = l->conf;
	struct in_service *s = &f->in.service;
	int rc;

	s->out.line = f->line;
	s->port_line = frame_key_line(f, "port");
	s->flags_line = frame_key_line(f, "flags");
	s->mask_line = frame_key_line(f, "persistence_mask");
	rc = conf_close_service(s, l->err);
	if (rc == 0)
		rc = grow(l, (void **)&c->services, c->n_services,
		    sizeof(*c->services));
	if (rc < 0)
		return rc;
	c->services[c->n_services++] = s->out;
	s->out.servers = NULL;
	s->out.checks = NULL;
	return 0;
}

/* Read in place; but where it stands is worth knowing. */
static int
attach_uplink(struct load *l, struct frame *f)
{
	l->at.uplink = f->line;
	l->at.witness = frame_key_line(f, "witness");
	l->at.need = frame_key_line(f, "need");
	return 0;
}

/* Hands a finished section to its parent; NULL: it is read in place. */
static int (*const attach[SEC__LAST])(struct load *l, struct frame *f) = {
	[SEC_node] = attach_node,
	[SEC_path] = attach_path,
	[SEC_vip] = attach_vip,
	[SEC_uplink] = attach_uplink,
	[SEC_notify] = attach_notify,
	[SEC_service] = attach_service,
	[SEC_check] = attach_check,
	[SEC_server] = attach_server,
	[SEC_policy] = attach_policy,
};

static void
frame_done(struct frame *f)
{
	if (f->sec.id == SEC_node)
		free(f->in.node.paths);
	if (f->sec.id != SEC_service)
		return;
	free(f->in.service.servers);
	free(f->in.service.checks);
	free(f->in.service.out.servers);
	free(f->in.service.out.checks);
}

/* Keys that are missing, and keys that mean nothing here. */
static int
frame_check(struct load *l, struct frame *f)
{
	void *base = frame_base(l, f);
	size_t i;

	for (i = 0; i < f->sec.n_keys; i++) {
		const struct conf_row *r = &f->sec.keys[i];

		if (conf_applies(r, base)) {
			if (r->dflt == NULL && f->key_line[i] == 0)
				return frame_fail(l, f->line, r->key,
				    "is missing; say %s = ... (%s)", r->key,
				    r->help);
			continue;
		}
		if (f->key_line[i] != 0)
			return frame_fail(l, f->key_line[i], r->key,
			    "is only for %s; take it out",
			    conf_when_text(r->when));
		memset((char *)base + r->offset, 0, r->size);
	}
	return 0;
}

int
frame_close(struct load *l)
{
	struct frame *f = frame_top(l);
	int rc = frame_check(l, f);

	if (rc == 0 && attach[f->sec.id] != NULL)
		rc = attach[f->sec.id](l, f);
	if (rc < 0)
		return rc;
	frame_done(f);
	l->depth--;
	return 0;
}

void
frames_drop(struct load *l)
{
	while (l->depth > 0)
		frame_done(&l->frames[--l->depth]);
}
