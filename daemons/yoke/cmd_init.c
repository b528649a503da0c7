/*
 * cmd_init: yoke init, and yoke init check and facts. What is to be done with the
 * files is printed exactly, and nothing is done to the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons/yoke/import.h"
#include "daemons/yoke/init.h"
#include "daemons/yoke/yoke.h"

#define COPY "cp -r --preserve=mode %s/%s/etc /\n"
#define COPY_THERE "scp -rp %s/%s/etc root@%s:/\n"
#define START "systemctl restart corosync yoked"

/* On each node in its turn: what to copy there, what to run there. */
static void
say_next(const struct init_plan *p)
{
	char addr[ADDR_TEXT_MAX];
	size_t i;

	printf("written: %s/%s and %s/%s; both pass yoke check\n", p->dir,
	    p->nodes[0].name, p->dir, p->nodes[1].name);
	if (p->guessed)
		printf("look at the interfaces in yoke.conf first: some are "
		       "guesses\n");
	printf("\nhere:\n");
	for (i = 0; i < CONF_NODES; i++)
		if (p->nodes[i].here)
			printf("  " COPY, p->dir, p->nodes[i].name);
		else
			printf("  " COPY_THERE, p->dir, p->nodes[i].name,
			    addr_format(&p->nodes[i].paths[0].addr, addr,
				sizeof(addr)));
	for (i = 0; i < CONF_NODES; i++)
		printf("on %s:\n  " START "\n", p->nodes[i].name);
	printf("then, on either:\n  yoke status\n  yoke init check\n"
	       "The folder %s has the pair's secrets: remove it when both "
	       "have them.\n", p->dir);
}

static int
import(struct init_plan *p)
{
	if (p->import_file[0] == '\0')
		return 0;
	return imp_file(p->import_file, &p->imported);
}

int
cmd_init(struct cli *c, unsigned n, char **words)
{
	struct init_plan p;
	int rc = YOKE_USAGE;

	(void)c;
	if (init_plan_read(&p, n - 1, words + 1) == 0 && import(&p) == 0) {
		rc = init_write(&p) == 0 ? YOKE_OK : YOKE_REFUSED;
		if (rc == YOKE_OK)
			say_next(&p);
	}
	init_plan_done(&p);
	return rc;
}

static int
load(struct cli *c, bool root, struct conf **ret)
{
	struct conf_err e = { 0 };
	char text[1024];

	if (conf_load(c->conf_file, c->node, root ? 0 : CONF_NO_KEY, ret, &e) ==
	    0)
		return YOKE_OK;
	fprintf(stderr, "yoke: %s\n", conf_err_format(&e, text, sizeof(text)));
	return YOKE_USAGE;
}

int
cmd_init_facts(struct cli *c, unsigned n, char **words)
{
	bool root = geteuid() == 0;
	struct conf *conf;
	int rc = load(c, root, &conf);

	(void)n;
	(void)words;
	if (rc != YOKE_OK)
		return rc;
	init_facts_print(conf, root);
	conf_free(conf);
	return YOKE_OK;
}

int
cmd_init_check(struct cli *c, unsigned n, char **words)
{
	struct init_report r = { 0 };
	bool root = geteuid() == 0;
	struct conf *conf;
	char *status = NULL;
	size_t len;
	int rc = load(c, root, &conf);

	if (rc != YOKE_OK)
		return rc;
	init_check_here(&r, conf, root);
	if (ask_status(c, &status, &len) == YOKE_OK)
		init_check_status(&r, status, len);
	else
		init_say(&r, INIT_NOT_CHECKED, "pair", "systemctl start yoked",
		    "beats, corosync, connections: no yoked runs here");
	free(status);
	if (n > 2)
		init_facts_compare(&r, conf, root, words[2]);
	else
		init_say(&r, INIT_NOT_CHECKED, "peer", "yoke init check "
		    "root@PEER asks it by ssh", "versions, clocks, files and "
		    "keys of the other director");
	init_check_servers(&r, conf);
	printf("%u right, %u wrong, %u not checked\n", r.n[INIT_OK],
	    r.n[INIT_WRONG], r.n[INIT_NOT_CHECKED]);
	conf_free(conf);
	return r.n[INIT_WRONG] > 0 ? YOKE_REFUSED : YOKE_OK;
}
