/*
 * conf_load: from a file to a configuration that is right as a whole: read
 * (conf_file), looked over (conf_scan), parsed (conf_parse) into sections
 * (conf_frame), checked (conf_service, conf_unique, conf_check), given its key.
 */
#include "common/conf_frame.h"

#include <stdlib.h>
#include <string.h>

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
			frame_defaults(&v, l->conf);
	}
	rc = conf_read(file, &text, &len, l->err);
	if (rc == 0)
		rc = conf_scan(l, text, &len);
	if (rc == 0 && len > 0)
		rc = conf_parse(l, file, text, len);
	free(text);
	if (rc == 0 && l->n_nodes != CONF_NODES)
		rc = conf_fail(l->err, 0, "node",
		    "the file has %zu nodes; describe both directors, the same "
		    "on each: node NAME { ... }",
		    l->n_nodes);
	return rc < 0 ? rc : conf_check_all(l->conf, &l->at, node, l->err);
}

int
conf_load(const char *file, const char *node, unsigned flags, struct conf **ret,
    struct conf_err *ret_err)
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
	l->no_services = (flags & CONF_NO_SERVICES) != 0;
	memcpy(c->file, e.file, sizeof(c->file));
	rc = strlen(file) < sizeof(c->file)
		 ? load_text(l, file, node)
		 : conf_fail(&e, 0, "", "the file's name is too long");
	if (rc == 0 && !(flags & CONF_NO_KEY))
		rc = conf_key_load(
		    c, frame_key_line(&l->frames[0], "key_file"), &e);
	if (rc == 0 && !(flags & CONF_NO_KEY))
		rc = conf_fence_load(&c->nodes[c->peer - c->nodes], &e);
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
