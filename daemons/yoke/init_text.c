/*
 * init_text: the plan as yoke.conf and corosync.conf. Both files are the same on
 * both nodes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemons/yoke/init.h"

static void
print_node(const struct init_plan *p, size_t i, FILE *f)
{
	const struct init_node *n = &p->nodes[i];
	char addr[ADDR_TEXT_MAX];
	size_t k;

	fprintf(f, "node %s {\n\tid = %zu\n", n->name, i + 1);
	for (k = 0; k < n->n_paths; k++)
		fprintf(f, "\tpath net%zu { device = %s  address = %s }\n",
		    k + 1, n->paths[k].device,
		    addr_format(&n->paths[k].addr, addr, sizeof(addr)));
	if (p->serial[0] != '\0')
		fprintf(f, "\tpath line { type = serial  device = \"%s\" }\n",
		    p->serial);
	fputs("}\n", f);
}

static void
print_check(const struct init_plan *p, FILE *f)
{
	if (p->protocol[0] == 'u')
		return; /* nothing can be asked over udp */
	if (p->http[0] != '\0')
		fprintf(f, "\tcheck alive { type = http  path = \"%s\" }\n",
		    p->http);
	else
		fputs("\tcheck alive { type = tcp }\n", f);
}

static void
print_service(const struct init_plan *p, size_t i, FILE *f)
{
	const struct init_server *s;
	char addr[ADDR_TEXT_MAX];
	size_t k, n = 0;

	fprintf(f, "\nservice service%zu {\n\taddress = %s\n\tport = %u\n",
	    i + 1, addr_format(&p->vips[i].addr, addr, sizeof(addr)), p->port);
	fprintf(f, "\tprotocol = %s\n\tscheduler = %s\n\tmethod = %s\n",
	    p->protocol, p->scheduler, p->method);
	print_check(p, f);
	for (k = 0; k < p->n_servers; k++) {
		s = &p->servers[k];
		if (s->addr.family != p->vips[i].addr.family)
			continue;
		fprintf(f, "\tserver rs%zu { address = %s", ++n,
		    addr_format(&s->addr, addr, sizeof(addr)));
		if (s->port != 0 && s->port != p->port)
			fprintf(f, "  port = %u", s->port);
		fputs(" }\n", f);
	}
	fputs("}\n", f);
}

char *
init_yoke_conf(const struct init_plan *p)
{
	char addr[ADDR_TEXT_MAX], *text = NULL;
	size_t i, len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	fprintf(f, "# %s, the same on both directors; made by yoke init.\n"
		   "# yoke.conf(5) has every key.\n\n"
		   "instance = %s\nkey_file = /etc/yoke/key\n\n",
	    "/etc/yoke/yoke.conf", p->instance);
	for (i = 0; i < CONF_NODES; i++)
		print_node(p, i, f);
	if (p->witness[0] != '\0')
		fprintf(f, "\nuplink { witness = { %s } }\n", p->witness);
	else
		fputs("\n# Who must answer for a director to be fit to serve; "
		      "without it: carrier.\n"
		      "# uplink { witness = { gateway } }\n", f);
	if (p->storage[0] != '\0')
		fprintf(f, "checkpoint { directory = \"%s\" }\n", p->storage);
	else
		fputs("\n# Better on storage that both directors reach.\n"
		      "checkpoint { directory = /var/lib/yoke }\n", f);
	if (p->n_vips > 0)
		fputc('\n', f);
	for (i = 0; i < p->n_vips; i++)
		fprintf(f, "vip %s/%u { device = %s }\n",
		    addr_format(&p->vips[i].addr, addr, sizeof(addr)),
		    p->vips[i].bits, p->vips[i].device);
	for (i = 0; i < p->n_vips && p->n_servers > 0; i++)
		print_service(p, i, f);
	if (p->imported != NULL)
		fprintf(f, "\n%s", p->imported);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *
init_corosync_conf(const struct init_plan *p)
{
	char addr[ADDR_TEXT_MAX], *text = NULL;
	const struct init_node *n;
	size_t i, k, len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	fprintf(f, "# %s, the same on both directors; made by yoke init.\n"
		   "totem {\n\tversion: 2\n\tcluster_name: yoke-%s\n"
		   "\ttransport: knet\n\tcrypto_cipher: aes256\n"
		   "\tcrypto_hash: sha256\n\tlink_mode: active\n"
		   "\ttoken: 1000\n}\n"
		   "# node ids are those of yoke.conf\nnodelist {\n",
	    COROSYNC_CONF, p->instance);
	for (i = 0; i < CONF_NODES; i++) {
		n = &p->nodes[i];
		fprintf(f, "\tnode {\n\t\tname: %s\n\t\tnodeid: %zu\n", n->name,
		    i + 1);
		for (k = 0; k < n->n_paths; k++)
			fprintf(f, "\t\tring%zu_addr: %s\n", k,
			    addr_format(&n->paths[k].addr, addr,
				sizeof(addr)));
		fputs("\t}\n", f);
	}
	fputs("}\n# yoke decides by its own beats; no quorum to wait for\n"
	      "quorum {\n}\n"
	      "# below yoked's priority, not above it\n"
	      "system {\n\tsched_rr: no\n}\n"
	      "logging {\n\tto_syslog: yes\n\tto_stderr: no\n}\n", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
