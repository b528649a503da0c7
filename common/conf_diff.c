/*
 * conf_diff: what a reload needs. Each row says what a change of its key
 * needs; a section that came, went or moved needs what all of its rows say.
 */
#include "common/conf_impl.h"
#include "common/conf_service.h"

#include <string.h>

/* All that sections of this kind can need. */
static unsigned
section_change(enum conf_section id)
{
	struct conf_section_view v = conf_section(id);
	unsigned change = v.title != NULL ? v.title->change : 0;
	size_t i;

	for (i = 0; i < v.n_keys; i++)
		change |= v.keys[i].change;
	return change;
}

static unsigned
diff_one(enum conf_section id, const void *a, const void *b)
{
	struct conf_section_view v = conf_section(id);
	unsigned change = 0;
	size_t i;

	if (v.title != NULL && !conf_value_same(v.title, a, b))
		change |= section_change(id);
	for (i = 0; i < v.n_keys; i++)
		if (v.keys[i].when != WHEN_LOADING &&
		    !conf_value_same(&v.keys[i], a, b))
			change |= v.keys[i].change;
	return change;
}

static unsigned
diff_many(enum conf_section id, const void *a, size_t n_a, const void *b,
    size_t n_b, size_t size)
{
	unsigned change = n_a != n_b ? section_change(id) : 0;
	size_t i;

	for (i = 0; i < n_a && i < n_b; i++)
		change |= diff_one(
		    id, (const char *)a + i * size, (const char *)b + i * size);
	return change;
}

static unsigned
diff_node(const struct conf_node *a, const struct conf_node *b)
{
	return diff_one(SEC_node, a, b) |
	       diff_many(SEC_path, a->paths, a->n_paths, b->paths, b->n_paths,
		   sizeof(*a->paths));
}

static unsigned
diff_service(const struct conf_service *a, const struct conf_service *b)
{
	struct in_service in_a, in_b;

	conf_service_in(a, &in_a);
	conf_service_in(b, &in_b);
	return diff_one(SEC_service, &in_a, &in_b) |
	       diff_many(SEC_policy, &a->policy, a->policy.given, &b->policy,
		   b->policy.given, sizeof(a->policy)) |
	       diff_many(SEC_check, a->checks, a->n_checks, b->checks,
		   b->n_checks, sizeof(*a->checks)) |
	       diff_many(SEC_server, a->servers, a->n_servers, b->servers,
		   b->n_servers, sizeof(*a->servers));
}

static unsigned
diff_services(const struct conf *a, const struct conf *b)
{
	unsigned change = 0;
	size_t i;

	if (a->n_services != b->n_services)
		change = section_change(SEC_service) |
			 section_change(SEC_check) | section_change(SEC_server);
	for (i = 0; i < a->n_services && i < b->n_services; i++)
		change |= diff_service(&a->services[i], &b->services[i]);
	return change;
}

unsigned
conf_diff(const struct conf *a, const struct conf *b)
{
	unsigned change = 0, s;
	int i;

	for (s = 0; s < SEC__LAST; s++)
		if (!conf_section(s).many)
			change |= diff_one(s, a, b);
	for (i = 0; i < CONF_NODES; i++)
		change |= diff_node(&a->nodes[i], &b->nodes[i]);
	change |= diff_many(
	    SEC_vip, a->vips, a->n_vips, b->vips, b->n_vips, sizeof(*a->vips));
	change |= diff_services(a, b);
	change |= diff_many(SEC_notify, a->notifies, a->n_notifies,
	    b->notifies, b->n_notifies, sizeof(*a->notifies));
	if (a->key_len != b->key_len ||
	    memcmp(a->key, b->key, sizeof(a->key)) != 0)
		change |= CONF_CHANGE_RESTART;
	if (strcmp(a->self->name, b->self->name) != 0)
		change |= CONF_CHANGE_RESTART;
	return change;
}
