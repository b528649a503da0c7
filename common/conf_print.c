/*
 * conf_print: a configuration in canonical form, from the same rows that read
 * it: every key that means something in its place, defaults included.
 */
#include "common/conf_impl.h"
#include "common/conf_service.h"

#include <stdlib.h>
#include <string.h>

void
conf_service_in(const struct conf_service *s, struct in_service *ret)
{
	const struct conf_word *w = conf_flag_words();
	uint32_t left = s->def.flags;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->out = *s;
	ret->family = s->def.fwmark != 0 ? s->def.addr.family : 0;
	for (i = 0; w[i].text != NULL; i++) {
		if ((left & w[i].value) == 0 ||
		    !conf_flag_fits(&w[i], s->def.scheduler))
			continue;
		ret->flag_words |= 1u << i;
		left &= ~w[i].value;
	}
}

static void
indent(FILE *f, int depth)
{
	while (depth-- > 0)
		fputc('\t', f);
}

/* Opens a section and prints its keys; the caller prints what is in it. */
static void
print_open(FILE *f, int depth, enum conf_section id, const void *base)
{
	struct conf_section_view v = conf_section(id);
	size_t i;

	if (id != SEC_top) {
		if (depth == 1)
			fputc('\n', f);
		indent(f, depth - 1);
		fputs(v.name, f);
		if (v.title != NULL) {
			fputc(' ', f);
			conf_value_print(v.title, base, f);
		}
		fputs(" {\n", f);
	}
	for (i = 0; i < v.n_keys; i++) {
		if (!conf_applies(&v.keys[i], base) ||
		    v.keys[i].when == WHEN_LOADING)
			continue;
		indent(f, depth);
		fprintf(f, "%s = ", v.keys[i].key);
		conf_value_print(&v.keys[i], base, f);
		fputc('\n', f);
	}
}

static void
print_close(FILE *f, int depth)
{
	indent(f, depth - 1);
	fputs("}\n", f);
}

static void
print_whole(FILE *f, int depth, enum conf_section id, const void *base)
{
	print_open(f, depth, id, base);
	print_close(f, depth);
}

static void
print_node(FILE *f, const struct conf_node *n)
{
	size_t i;

	print_open(f, 1, SEC_node, n);
	for (i = 0; i < n->n_paths; i++)
		print_whole(f, 2, SEC_path, &n->paths[i]);
	print_close(f, 1);
}

static void
print_service(FILE *f, const struct conf_service *s)
{
	struct in_service in;
	size_t i;

	conf_service_in(s, &in);
	print_open(f, 1, SEC_service, &in);
	if (s->policy.given)
		print_whole(f, 2, SEC_policy, &s->policy);
	for (i = 0; i < s->n_checks; i++)
		print_whole(f, 2, SEC_check, &s->checks[i]);
	for (i = 0; i < s->n_servers; i++)
		print_whole(f, 2, SEC_server, &s->servers[i]);
	print_close(f, 1);
}

char *
conf_print(const struct conf *c)
{
	char *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	print_open(f, 0, SEC_top, c);
	print_whole(f, 1, SEC_beat, c);
	for (i = 0; i < CONF_NODES; i++)
		print_node(f, &c->nodes[i]);
	for (i = 0; i < c->n_vips; i++)
		print_whole(f, 1, SEC_vip, &c->vips[i]);
	print_whole(f, 1, SEC_uplink, c);
	for (i = 0; i < c->n_services; i++)
		print_service(f, &c->services[i]);
	print_whole(f, 1, SEC_checkpoint, c);
	print_whole(f, 1, SEC_sync, c);
	for (i = 0; i < c->n_notifies; i++)
		print_whole(f, 1, SEC_notify, &c->notifies[i]);
	print_whole(f, 1, SEC_snmp, c);
	print_whole(f, 1, SEC_metrics, c);
	print_whole(f, 1, SEC_test, c);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
