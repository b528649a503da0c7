/*
 * conf_parse: libconfuse splits the text into sections, keys and values; it
 * gets its tables from the rows and keeps no value: each goes straight into
 * the frame of its section, while the line is still known.
 *
 * libconfuse says when a value was read (on_value) and when a section ends
 * (on_section), but not when one begins. So frames follow it: on each call,
 * they are opened for the sections that contain the caller. A section that has
 * ended is removed from libconfuse's tree; thus at most one of a kind is ever
 * there, and its search for a title (linear, for each section) costs nothing
 * with 10 000 servers.
 *
 * Its callbacks have no argument of ours; def.number of the options, of no use
 * to options without a default, carries the pointer. Its scanner has globals:
 * one conf_load() at a time in a process. When one of its own allocations
 * fails, that may end the process; when one of ours does, the load fails.
 */
#include "common/conf_frame.h"

#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Every section's options: keys in their order, then inner sections. */
struct tables {
	cfg_opt_t opts[SEC__LAST][CONF_KEYS_MAX + SEC__LAST + 1];
};

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
	enum conf_section id;
	struct frame *f;
	cfg_t *outer, *inner;
	int rc;

	while (f = frame_top(l), outer = f->owner, outer != cfg) {
		inner = inner_section(outer, f->sec.id, &id);
		if (inner == NULL)
			return frame_fail(l, 0, NULL, "cannot be followed");
		rc = frame_open(
		    l, id, inner, inner->title, (unsigned)outer->line);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* libconfuse: cfg's option was given a value (of a list: one of them). */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct load *l = (struct load *)opt->def.number;
	size_t i = ((uintptr_t)opt - (uintptr_t)cfg->opts) / sizeof(*opt);
	bool more = (opt->flags & CFGF_LIST) != 0 && opt->nvalues > 1;

	*(const char **)result = ""; /* what libconfuse keeps */
	if (frames_follow(l, cfg) < 0)
		return -1;
	if (i >= frame_top(l)->sec.n_keys) /* of another section */
		return frame_fail(l, (unsigned)cfg->line, opt->name,
		    "cannot be set from here");
	return frame_value(l, i, value, (unsigned)cfg->line, more);
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
		n += (size_t)snprintf(
		    buf + n, len - n, "%s%s", n > 0 ? ", " : "", o->name);
}

/* libconfuse: the text itself is wrong. Our words for the usual ones. */
__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = {
		{ "premature end of file",
		    "the file ends here, and a value or a section is missing" },
		{ "missing equal sign", "a key needs = and a value" },
		{ "missing opening brace", "a section needs a {" },
		{ "missing title", "a section of this kind needs a name before "
				   "its {" },
		{ "no sub-section", "a key has no | or = in it" },
		{ "attempt to append", "this key takes one value; say = only" },
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
		(void)frame_fail(l, line, text + 16,
		    "there is no such key; here may stand: %s", known);
		return;
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(text, words[i].theirs, strlen(words[i].theirs)) ==
		    0)
			(void)frame_fail(l, line, NULL, "%s", words[i].ours);
	(void)frame_fail(
	    l, line, NULL, "%s; is something missing before it?", text);
}

/* Rows to libconfuse's tables: keys in their order, then inner sections. */
static void
build_tables(struct tables *t, struct load *l)
{
	struct conf_section_view v;
	cfg_opt_t *o;
	unsigned s, in;
	size_t i;

	for (s = 0; s < SEC__LAST; s++) {
		o = t->opts[s];
		v = conf_section(s);
		for (i = 0; i < v.n_keys; i++, o++) {
			o->name = v.keys[i].key;
			o->type = CFGT_STR;
			o->flags = CFGF_NODEFAULT;
			if (conf_is_list(v.keys[i].type))
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
			o->subopts = t->opts[in];
			o->validcb = on_section;
			o->def.number = (long)l;
			o++;
		}
	}
}

/* Like cfg_parse_buf(), but under the file's own name. */
static int
run(cfg_t *root, const char *file, char *text, size_t len)
{
	FILE *f = fmemopen(text, len, "r");
	int rc = -1;

	root->filename = strdup(file);
	if (f != NULL && root->filename != NULL)
		rc = cfg_parse_fp(root, f);
	if (f != NULL)
		(void)fclose(f);
	return rc;
}

int
conf_parse(struct load *l, const char *file, char *text, size_t len)
{
	struct tables *t = calloc(1, sizeof(*t));
	cfg_t *root = NULL;
	int rc = -1;

	if (t != NULL) {
		build_tables(t, l);
		root = cfg_init(t->opts[SEC_top], CFGF_NONE);
	}
	if (root != NULL) {
		(void)cfg_set_error_function(root, on_error);
		l->frames[0].owner = root;
		l->frames[0].sec = conf_section(SEC_top);
		l->depth = 1;
		rc = run(root, file, text, len);
	}
	if (rc != CFG_SUCCESS) /* what has no other reason yet */
		rc = conf_no_memory(l->err);
	frames_drop(l);
	if (root != NULL)
		(void)cfg_free(root);
	free(t);
	return rc;
}
