/*
 * cmd_check: check and print, with the daemon's own loader. They need no yoked
 * and change nothing. Who may not read the pair's key can still check the rest.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "daemons/yoke/yoke.h"

/* The configuration named in words[1], or by -c. */
static int
load(struct cli *c, unsigned n, char **words, unsigned flags, struct conf **ret)
{
	const char *file = n > 1 ? words[1] : c->conf_file;
	struct conf_err e = { 0 };
	char text[1024];

	if (conf_load(file, c->node, flags, ret, &e) == 0)
		return YOKE_OK;
	fprintf(stderr, "yoke: %s\n", conf_err_format(&e, text, sizeof(text)));
	return YOKE_USAGE;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* The file may be for another machine: worth a word, no error. */
static void
note_device(const char *device, const char *what)
{
	if (device[0] != '\0' && if_nametoindex(device) == 0)
		printf("note: this machine has no interface %s (%s)\n", device,
		    what);
}

static void
note_devices(const struct conf *c)
{
	size_t i, k;

	for (i = 0; i < c->n_vips; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(c->vips[k].device, c->vips[i].device) == 0)
				break;
		if (k == i)
			note_device(c->vips[i].device, "vip");
	}
	note_device(c->uplink_device, "uplink");
}

int
cmd_check(struct cli *c, unsigned n, char **words)
{
	bool root = geteuid() == 0;
	size_t servers = 0, i;
	struct conf *conf;
	int rc;

	rc = load(c, n, words, root ? 0 : CONF_NO_KEY, &conf);
	if (rc != YOKE_OK)
		return rc;
	for (i = 0; i < conf->n_services; i++)
		servers += conf->services[i].n_servers;
	printf("ok: %d nodes, %zu service%s, %zu server%s\n", CONF_NODES,
	    conf->n_services, plural(conf->n_services), servers,
	    plural(servers));
	note_devices(conf);
	if (!root)
		printf("the key file was not looked at (you are not root)\n");
	conf_free(conf);
	return YOKE_OK;
}

int
cmd_print(struct cli *c, unsigned n, char **words)
{
	struct conf *conf;
	char *text;
	int rc;

	rc = load(c, n, words, CONF_NO_KEY, &conf);
	if (rc != YOKE_OK)
		return rc;
	text = conf_print(conf);
	if (text == NULL) {
		fprintf(stderr, "yoke: out of memory\n");
		rc = YOKE_REFUSED;
	} else {
		fputs(text, stdout);
	}
	free(text);
	conf_free(conf);
	return rc;
}
