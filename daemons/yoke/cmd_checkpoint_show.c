/*
 * cmd_checkpoint_show: one stored table, and the changes kept with it.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

#include "daemons/yoke/checkpoint.h"

static void
print_change(const struct change *c, void *arg)
{
	char text[512], at[WHEN_LEN];

	(void)arg;
	if (c->what == CHANGE_NONE)
		printf("  seq=%" PRIu64 " damaged\n", c->seq);
	else
		printf("  %s %s\n", when(c->when, at),
		    change_format(c, text, sizeof(text)));
}

static void
print_services(const struct table *t)
{
	char text[ADDR_TEXT_MAX];
	const struct service *s;
	const struct server *v;
	size_t i, k;

	for (i = 0; i < t->n_services; i++) {
		s = t->services[i];
		if (s->def.fwmark != 0)
			printf("service %s  fwmark %" PRIu32 " %s\n",
			    s->def.name, s->def.fwmark, s->def.scheduler);
		else
			printf("service %s  %s %s %s\n", s->def.name,
			    s->def.protocol == IPPROTO_UDP ? "udp" : "tcp",
			    addr_format_port(&s->def.addr, s->def.port, text,
				sizeof(text)),
			    s->def.scheduler);
		for (k = 0; k < s->n_servers; k++) {
			v = s->servers[k];
			printf("  %-12s %-22s weight %-5" PRIu32
			       " %-8s %-8s %s\n",
			    v->def.name,
			    addr_format_port(&v->def.addr, v->def.port, text,
				sizeof(text)),
			    server_weight(v), server_weight_source(v),
			    health_name(v->health), server_cause(v));
		}
	}
}

static void
show_text(struct store_view *v, const struct store_info *i,
    const struct store_loaded *l)
{
	char made[WHEN_LEN];

	printf("epoch %" PRIu64 "  instance %s  node %" PRIu32
	       "  created %s\nchange %" PRIu64 ": snapshot %" PRIu64
	       " and %" PRIu32 " changes\n",
	    i->epoch, i->instance, i->node, when(i->created, made),
	    l->table.seq, l->snapshot_seq, l->changes);
	if (l->text[0] != '\0')
		printf("remark: %s\n", l->text);
	print_services(&l->table);
	printf("changes\n");
	store_view_journal(v, print_change, NULL);
}

/* As `yoke checkpoint export` writes it, but on one line. */
static void
show_json(struct store_view *v, const struct store_info *i,
    const struct store_loaded *l)
{
	struct out o;

	out_init(&o);
	out_object(&o, NULL);
	out_str(&o, "instance", i->instance);
	out_num(&o, "node", i->node);
	out_usec(&o, "created_us", i->created);
	out_num(&o, "snapshot_seq", l->snapshot_seq);
	out_str(&o, "remark", l->text);
	doc_table(&o, &l->table);
	doc_journal(&o, v);
	out_close(&o);
	print_doc(&o);
}

static int
show(struct cli *c, const char *path)
{
	struct store_loaded l;
	struct store_view *v;
	struct store_info i;
	int rc = view_open(path, &v);

	if (rc != YOKE_OK)
		return rc;
	store_view_info(v, &i);
	if (store_view_table(v, &l) < 0) {
		fprintf(stderr, "yoke: %s: %s\n", path,
		    l.text[0] != '\0' ? l.text : "no table in it");
		rc = YOKE_REFUSED;
	} else if (c->json) {
		show_json(v, &i, &l);
	} else {
		show_text(v, &i, &l);
	}
	table_done(&l.table);
	store_view_free(v);
	return rc;
}

int
cmd_checkpoint_show(struct cli *c, unsigned n, char **words)
{
	char path[STORE_PATH_LEN];
	int rc = where_file(c, n > 2 ? words[2] : NULL, path, sizeof(path));

	return rc == YOKE_OK ? show(c, path) : rc;
}
