/*
 * yoke: the command by which operators see and steer a director. Options, then
 * the command that schema/commands.def has for the words.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemons/yoke/yoke.h"

#define CONF_FILE "/etc/yoke/yoke.conf"

enum { WORD = 1, OPT_JSON = 256, OPT_DIR, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

int
cmd_help(struct cli *c, unsigned n, char **words)
{
	(void)c;
	(void)n;
	(void)words;
	grammar_help();
	return YOKE_OK;
}

int
cmd_version(struct cli *c, unsigned n, char **words)
{
	(void)c;
	(void)n;
	(void)words;
	printf("yoke %s\n", YOKE_VERSION);
	return YOKE_OK;
}

static int
set_instance(struct cli *c, const char *name)
{
	if (!name_valid(name)) {
		fprintf(
		    stderr, "yoke: -i %s: not a name of an instance\n", name);
		return YOKE_USAGE;
	}
	(void)snprintf(c->instance, sizeof(c->instance), "%s", name);
	return YOKE_OK;
}

/* Options from anywhere, the words to argv's beginning, which is read by then.
 * A command that takes the rest takes it as it is. YOKE_OK with *ret_done set:
 * an option was the whole command. */
static int
take_options(
    struct cli *c, int argc, char **argv, unsigned *ret_n, bool *ret_done)
{
	unsigned n = 0;
	int o;

	while ((o = getopt_long(argc, argv, "-c:i:n:h", options, NULL)) != -1) {
		switch (o) {
		case WORD:
			argv[n++] = optarg;
			break;
		case 'c':
			c->conf_file = optarg;
			break;
		case 'i':
			if (set_instance(c, optarg) != YOKE_OK)
				return YOKE_USAGE;
			break;
		case 'n':
			c->node = optarg;
			break;
		case OPT_JSON:
			c->json = true;
			break;
		case OPT_DIR:
			c->dir = optarg;
			break;
		case 'h':
		case OPT_HELP:
			*ret_done = true;
			return cmd_help(c, 0, NULL);
		case OPT_VERSION:
			*ret_done = true;
			return cmd_version(c, 0, NULL);
		default:
			grammar_usage(0, NULL);
			return YOKE_USAGE;
		}
		if (n == 1 && grammar_takes_rest(argv[0]))
			break;
	}
	while (optind < argc)
		argv[n++] = argv[optind++];
	*ret_n = n;
	return YOKE_OK;
}

static int
run(int argc, char **argv)
{
	struct cli c = { .conf_file = CONF_FILE };
	const struct command *cmd;
	bool done = false;
	unsigned n = 0;
	int rc;

	rc = take_options(&c, argc, argv, &n, &done);
	if (rc != YOKE_OK || done)
		return rc;
	cmd = grammar_find(n, argv);
	if (cmd == NULL) {
		grammar_usage(n, argv);
		return YOKE_USAGE;
	}
	if (c.json && strstr(cmd->usage, "--json") == NULL) {
		fprintf(stderr, "yoke: %s has no --json\n", argv[0]);
		return YOKE_USAGE;
	}
	if (c.dir != NULL && strstr(cmd->usage, "--dir") == NULL) {
		fprintf(stderr, "yoke: %s has no --dir\n", argv[0]);
		return YOKE_USAGE;
	}
	return cmd->run(&c, n, argv);
}

int
main(int argc, char **argv)
{
	int rc = run(argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "yoke: output: %s\n", strerror(errno));
		return rc != YOKE_OK ? rc : YOKE_USAGE;
	}
	return rc;
}
