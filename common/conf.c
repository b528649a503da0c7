/*
 * conf: what is left of a configuration when it is loaded: freed, looked at,
 * and the errors of loading as text.
 */
#include "common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_impl.h"
#include "common/err.h"

void
conf_free(struct conf *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CONF_NODES; i++) {
		free(c->nodes[i].paths);
		if (c->nodes[i].fence_options != NULL)
			explicit_bzero(c->nodes[i].fence_options,
			    strlen(c->nodes[i].fence_options));
		free(c->nodes[i].fence_options);
	}
	for (i = 0; i < c->n_services; i++) {
		free(c->services[i].servers);
		free(c->services[i].checks);
	}
	free(c->services);
	probe_paths_done(&c->probe_paths);
	free(c->vips);
	free(c->notifies);
	explicit_bzero(c->key, sizeof(c->key));
	free(c);
}

const struct conf_path *
conf_peer_path(const struct conf *c, const struct conf_path *own)
{
	size_t i;

	for (i = 0; i < c->peer->n_paths; i++)
		if (strcmp(c->peer->paths[i].name, own->name) == 0)
			return &c->peer->paths[i];
	return NULL;
}

/* What came from the file may hold anything; an error is one line of text. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
}

int
conf_fail(
    struct conf_err *e, unsigned line, const char *key, const char *fmt, ...)
{
	va_list ap;

	if (e->text[0] != '\0')
		return -ERR_CONFIG;
	e->line = line;
	(void)snprintf(e->key, sizeof(e->key), "%s", key);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	clean(e->key);
	clean(e->text);
	return -ERR_CONFIG;
}

char *
conf_err_format(const struct conf_err *e, char *buf, size_t len)
{
	char line[16] = "";

	if (e->line != 0)
		(void)snprintf(line, sizeof(line), ":%u", e->line);
	(void)snprintf(buf, len, "%s%s: %s%s%s", e->file, line, e->key,
	    e->key[0] != '\0' ? ": " : "", e->text);
	return buf;
}

int
conf_grow(void **items, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)
		return 0; /* room up to the next power of two */
	p = realloc(*items, (n == 0 ? 1 : 2 * n) * size);
	if (p == NULL)
		return -ENOMEM;
	*items = p;
	return 0;
}

int
conf_no_memory(struct conf_err *e)
{
	return conf_fail(e, 0, "", "out of memory");
}

struct order {
	int (*cmp)(const void *a, const void *b);
};

static int
by_value_and_place(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const void *pa = *(const void *const *)a, *pb = *(const void *const *)b;
	int d = o->cmp(pa, pb);

	return d != 0 ? d : pa < pb ? -1 : pa > pb;
}

int
conf_twice(const void *items, size_t n, size_t size,
    int (*cmp)(const void *a, const void *b), size_t *ret_first,
    size_t *ret_again)
{
	struct order o = { cmp };
	const void **sorted;
	size_t i;
	int found = 0;

	if (n < 2)
		return 0;
	sorted = calloc(n, sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		sorted[i] = (const char *)items + i * size;
	qsort_r(sorted, n, sizeof(*sorted), by_value_and_place, &o);
	for (i = 1; i < n && !found; i++) {
		if (cmp(sorted[i - 1], sorted[i]) != 0)
			continue;
		found = 1;
		*ret_first = (size_t)((const char *)sorted[i - 1] -
				      (const char *)items) /
			     size;
		*ret_again =
		    (size_t)((const char *)sorted[i] - (const char *)items) /
		    size;
	}
	free(sorted);
	return found;
}

const char *
conf_storage_name(unsigned kind)
{
	static const char *const names[STORAGE__KINDS] = {
		[STORAGE_AUTO] = "auto",
		[STORAGE_LOCAL] = "local",
		[STORAGE_NFS] = "nfs",
		[STORAGE_CLUSTER] = "cluster",
	};

	return kind < STORAGE__KINDS ? names[kind] : "?";
}
