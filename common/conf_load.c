/*
 * conf_load: from the text of yoke.conf to struct conf.
 * libconfuse splits the file into sections, keys and values; it gets its
 * tables from the rows of schema/config.def and keeps no value: each goes
 * straight into the struct of its section, while the line is still known.
 *
 * libconfuse says when a value was read (on_value) and when a section ends
 * (on_section), but not when one begins. So a stack of frames follows it: on
 * each call, frames are opened for the sections that contain the caller. A
 * section that has ended is handed to its parent's frame and removed from
 * libconfuse's tree; thus at most one of a kind is ever there, and its search
 * for a title (linear, for each section) costs nothing with 10 000 servers.
 *
 * Its callbacks have no argument of ours; def.number of the options, of no use
 * to options without a default, carries the pointer. Its scanner has globals:
 * one conf_load() at a time in a process. Out of memory inside the scanner
 * ends the process; our own allocations fail cleanly.
 */
#include "common/conf_impl.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"

#define DEPTH_MAX 3

struct frame {
	cfg_t *cfg;
	struct conf_section_view sec;
	unsigned line;
	unsigned key_line[CONF_KEYS_MAX]; /* 0: not given */
	union {
		struct conf_node node;
		struct conf_path path;
		struct conf_vip vip;
		struct in_service service;
		struct in_check check;
		struct in_server server;
	} in;
};

struct load {
	struct conf *conf;
	struct conf_err *err;
	cfg_t *root;
	size_t n_nodes;
	struct conf_lines at;
	unsigned once[SEC__LAST]; /* line of a section there is one of */
	struct frame frames[DEPTH_MAX]; /* [0] is the file */
	int depth;
	cfg_opt_t opts[SEC__LAST][CONF_KEYS_MAX + SEC__LAST + 1];
};

static void *
frame_base(struct load *l, struct frame *f)
{
	return f->sec.many ? (void *)&f->in : (void *)l->conf;
}

static struct frame *
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
		    f->sec.title != NULL ? f->cfg->title : "");
	}
	if (n < len && key != NULL)
		(void)snprintf(
		    buf + n, len - n, "%s%s", n > 0 ? " / " : "", key);
	return buf;
}

__attribute__((format(printf, 4, 5))) static int
fail(struct load *l, unsigned line, const char *key, const char *fmt, ...)
{
	char path[sizeof(l->err->key)], text[sizeof(l->err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return conf_fail(l->err, line,
	    key_path(l, key, path, sizeof(path)), "%s", text);
}

static unsigned
key_line(const struct frame *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->sec.n_keys; i++)
		if (strcmp(f->sec.keys[i].key, key) == 0)
			return f->key_line[i];
	return 0;
}

static void
set_defaults(const struct conf_section_view *sec, void *base)
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

static int
frame_open(struct load *l, cfg_t *cfg, enum conf_section id, unsigned line)
{
	struct frame *f = &l->frames[l->depth++];
	char why[256];

	memset(f, 0, sizeof(*f));
	f->cfg = cfg;
	f->sec = conf_section(id);
	f->line = line;
	if (!f->sec.many && l->once[id] != 0)
		return fail(l, line, NULL,
		    "is there twice, first on line %u; put all of it there",
		    l->once[id]);
	l->once[id] = line;
	if (f->sec.many)
		set_defaults(&f->sec, &f->in);
	if (f->sec.title == NULL)
		return 0;
	if (conf_value_parse(
		f->sec.title, cfg->title, &f->in, why, sizeof(why)) < 0)
		return fail(l, line, NULL, "%s", why);
	return 0;
}

/* The section in cfg that is being read, and its id; NULL: none. */
static cfg_t *
inner_section(const cfg_t *cfg, enum conf_section within, enum conf_section *id)
{
	size_t i = conf_section(within).n_keys;
	unsigned s;

	for (s = within + 1; s < SEC__LAST; s++) {
		if (conf_section(s).parent != within)
			continue;
		if (cfg->opts[i].nvalues > 0) {
			*id = s;
			return cfg->opts[i].values[0]->section;
		}
		i++;
	}
	return NULL;
}

/* Opens what is not open yet of the sections around and including cfg. */
static int
frames_follow(struct load *l, const cfg_t *cfg)
{
	struct frame *f;
	enum conf_section id;
	cfg_t *inner;
	int rc;

	while (f = frame_top(l), f->cfg != cfg) {
		inner = inner_section(f->cfg, f->sec.id, &id);
		if (inner == NULL || l->depth == DEPTH_MAX)
			return fail(l, 0, NULL, "cannot follow the parser");
		rc = frame_open(l, inner, id, (unsigned)f->cfg->line);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
attach_node(struct load *l, struct frame *f)
{
	if (l->n_nodes == CONF_NODES)
		return fail(l, f->line, NULL,
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

	return rc < 0 ? fail(l, 0, NULL, "out of memory") : 0;
}

static int
attach_path(struct load *l, struct frame *f)
{
	struct conf_node *node = &l->frames[l->depth - 2].in.node;
	int rc;

	if (node->n_paths == CONF_PATHS_MAX)
		return fail(l, f->line, NULL, "is one too many: a node has at "
		    "most %d paths", CONF_PATHS_MAX);
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
	v->address_line = key_line(f, "address");
	v->port_line = key_line(f, "port");
	v->lower_line = key_line(f, "lower");
	v->has_port = v->port_line != 0;
	v->has_method = key_line(f, "method") != 0;
	rc = grow(
	    l, (void **)&s->servers, s->out.n_servers, sizeof(*s->servers));
	if (rc == 0)
		s->servers[s->out.n_servers++] = *v;
	return rc;
}

static int
attach_service(struct load *l, struct frame *f)
{
	struct conf *c = l->conf;
	struct in_service *s = &f->in.service;
	int rc;

	s->out.line = f->line;
	s->port_line = key_line(f, "port");
	s->flags_line = key_line(f, "flags");
	s->mask_line = key_line(f, "persistence_mask");
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

/* Hands a finished section to its parent; NULL: it is read in place. */
static int (*const attach[SEC__LAST])(struct load *l, struct frame *f) = {
	[SEC_node] = attach_node,
	[SEC_path] = attach_path,
	[SEC_vip] = attach_vip,
	[SEC_service] = attach_service,
	[SEC_check] = attach_check,
	[SEC_server] = attach_server,
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
				return fail(l, f->line, r->key,
				    "is missing: %s", r->help);
			continue;
		}
		if (f->key_line[i] != 0)
			return fail(l, f->key_line[i], r->key,
			    "is only for %s; take it out",
			    conf_when_text(r->when));
		memset((char *)base + r->offset, 0, r->size);
	}
	return 0;
}

static int
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

/* libconfuse: cfg's option was given a value (of a list: one of them). */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct load *l = (struct load *)opt->def.number;
	unsigned line = (unsigned)cfg->line;
	const struct conf_row *r;
	struct frame *f;
	char why[320];
	size_t i;

	*(const char **)result = ""; /* what libconfuse keeps */
	if (frames_follow(l, cfg) < 0)
		return -1;
	f = frame_top(l);
	i = ((uintptr_t)opt - (uintptr_t)cfg->opts) / sizeof(*opt);
	if (i >= f->sec.n_keys)
		return fail(l, line, opt->name, "is not a key of this section");
	r = &f->sec.keys[i];
	if (f->key_line[i] != 0 &&
	    (r->type != VALUE_WORDS || opt->nvalues == 1))
		return fail(l, line, r->key,
		    "is set twice, first on line %u; keep one of them",
		    f->key_line[i]);
	f->key_line[i] = line;
	if (conf_value_parse(r, value, frame_base(l, f), why, sizeof(why)) < 0)
		return fail(l, line, r->key, "%s", why);
	return 0;
}

/* libconfuse: the newest section of kind opt in cfg has ended. */
static int
on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	struct load *l = (struct load *)opt->def.number;

	(void)cfg;
	if (frames_follow(l, opt->values[opt->nvalues - 1]->section) < 0 ||
	    frame_close(l) < 0)
		return -1;
	return cfg_opt_rmnsec(opt, opt->nvalues - 1);
}

static void
list_keys(const cfg_t *cfg, char *buf, size_t len)
{
	const cfg_opt_t *o;
	size_t n = 0;

	for (o = cfg->opts; o->name != NULL && n < len; o++)
		n += (size_t)snprintf(buf + n, len - n, "%s%s",
		    n > 0 ? ", " : "", o->name);
}

/* libconfuse: the text itself is wrong. Our words for the usual ones. */
static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = {
		{ "premature end of file",
		    "the file ends here, but not the section or value; "
		    "is a } or a value missing?" },
		{ "unterminated string constant",
		    "the file ends inside a quoted text; close the quote" },
		{ "unexpected closing brace",
		    "this } closes nothing; take it out, or look for one too "
		    "many above" },
		{ "missing equal sign", "a key needs = and a value" },
		{ "missing opening brace", "a section needs a {" },
		{ "missing title", "this section needs a name before its {" },
	};
	struct load *l = (struct load *)cfg->opts[0].def.number;
	unsigned line = (unsigned)cfg->line;
	char text[256], known[256];
	size_t i;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)frames_follow(l, cfg);
	if (strncmp(text, "no such option '", 16) == 0) {
		text[strlen(text) - 1] = '\0';
		list_keys(cfg, known, sizeof(known));
		(void)fail(l, line, text + 16,
		    "there is no such key; here may stand: %s", known);
		return;
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(text, words[i].theirs, strlen(words[i].theirs)) ==
		    0)
			(void)fail(l, line, NULL, "%s", words[i].ours);
	(void)fail(l, line, NULL, "%s", text);
}

/* Rows to libconfuse's tables: keys in their order, then inner sections. */
static void
build_opts(struct load *l)
{
	struct conf_section_view v;
	cfg_opt_t *o;
	unsigned s, in;
	size_t i;

	for (s = 0; s < SEC__LAST; s++) {
		o = l->opts[s];
		v = conf_section(s);
		for (i = 0; i < v.n_keys; i++, o++) {
			o->name = v.keys[i].key;
			o->type = CFGT_STR;
			o->flags = CFGF_NODEFAULT;
			if (v.keys[i].type == VALUE_WORDS)
				o->flags |= CFGF_LIST;
			o->parsecb = on_value;
			o->def.number = (long)l;
		}
		for (in = s + 1; in < SEC__LAST; in++) {
			v = conf_section(in);
			if (v.parent != s)
				continue;
			o->name = v.name;
			o->type = CFGT_SEC;
			o->flags = CFGF_MULTI;
			if (v.title != NULL)
				o->flags |= CFGF_TITLE;
			o->subopts = l->opts[in];
			o->validcb = on_section;
			o->def.number = (long)l;
			o++;
		}
	}
}

/* What libconfuse would swallow: NULs end its text, ${X} asks the environment,
 * which differs between a daemon and a shell. */
static int
check_bytes(struct load *l, const char *text, size_t len)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			line++;
		if (text[i] == '\0')
			return fail(l, line, NULL,
			    "has a NUL byte in it; this is not a text file");
		if (text[i] == '$' && text[i + 1] == '{' &&
		    (i == 0 || text[i - 1] != '\\'))
			return fail(l, line, NULL,
			    "${...} is not replaced here; write the value, or "
			    "\"\\${\" for the characters themselves");
	}
	return 0;
}

static int
parse(struct load *l, const char *file, char *text, size_t len)
{
	FILE *f;
	int rc = -1;

	build_opts(l);
	l->root = cfg_init(l->opts[SEC_top], CFGF_NONE);
	f = fmemopen(text, len, "r");
	if (l->root != NULL && f != NULL) {
		l->root->filename = strdup(file);
		(void)cfg_set_error_function(l->root, on_error);
		l->frames[0].cfg = l->root;
		l->frames[0].sec = conf_section(SEC_top);
		l->depth = 1;
		rc = cfg_parse_fp(l->root, f);
	}
	if (rc != CFG_SUCCESS)
		rc = conf_fail(l->err, 0, "", "out of memory");
	while (rc < 0 && l->depth > 0)
		frame_done(&l->frames[--l->depth]);
	if (f != NULL)
		(void)fclose(f);
	if (l->root != NULL)
		(void)cfg_free(l->root);
	return rc;
}

static int
load_text(struct load *l, const char *file, const char *node)
{
	char *text = NULL;
	size_t len = 0;
	unsigned s;
	int rc;

	for (s = 0; s < SEC__LAST; s++) {
		struct conf_section_view v = conf_section(s);

		if (!v.many)
			set_defaults(&v, l->conf);
	}
	rc = conf_read(file, &text, &len, l->err);
	if (rc == 0)
		rc = check_bytes(l, text, len);
	if (rc == 0 && len > 0)
		rc = parse(l, file, text, len);
	free(text);
	if (rc == 0 && l->n_nodes != CONF_NODES)
		rc = conf_fail(l->err, 0, "node",
		    "the file has %zu nodes; describe both directors, the same "
		    "on each: node NAME { ... }", l->n_nodes);
	return rc < 0 ? rc : conf_check_all(l->conf, &l->at, node, l->err);
}

int
conf_load(const char *file, const char *node, unsigned flags,
    struct conf **ret, struct conf_err *ret_err)
{
	struct conf_err e = { 0 };
	struct conf *c = calloc(1, sizeof(*c));
	struct load *l = calloc(1, sizeof(*l));
	int rc;

	(void)snprintf(e.file, sizeof(e.file), "%s", file);
	if (c == NULL || l == NULL) {
		rc = conf_fail(&e, 0, "", "out of memory");
		goto out;
	}
	l->conf = c;
	l->err = &e;
	memcpy(c->file, e.file, sizeof(c->file));
	rc = strlen(file) < sizeof(c->file) ?
		 load_text(l, file, node) :
		 conf_fail(&e, 0, "", "the file's name is too long");
	if (rc == 0 && !(flags & CONF_NO_KEY))
		rc = conf_key_load(c, &e);
	if (rc == 0) {
		*ret = c;
		c = NULL;
	}
out:
	if (l != NULL)
		free(l->at.vips);
	free(l);
	conf_free(c);
	if (rc < 0)
		*ret_err = e;
	return rc;
}
