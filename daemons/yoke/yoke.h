/*
 * yoke: the command. main.c (options), grammar.c (words to command), ask.c
 * (talking to yoked), cmd_*.c (the commands), status_text.c over lines.c (the
 * status for people).
 */
#ifndef YOKE_H
#define YOKE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipcc.h"
#include "common/service.h"

/* Exit codes, as LSB init scripts and design say. `status` has a meaning of its
 * own for 1 and 2: degraded, failed. */
enum yoke_exit {
	YOKE_OK,
	YOKE_REFUSED,	  /* by yoked, the text says why */
	YOKE_USAGE,	  /* or a bad configuration */
	YOKE_NOT_RUNNING, /* or went away */
	YOKE_NO_PERMISSION
};

struct cli {
	const char *conf_file;
	const char *node; /* NULL: uname -n */
	bool json;
	const char *dir; /* --dir: of checkpoints; NULL: as configured */
	char instance[NAME_LEN]; /* "": of the configuration */
};

/* A row of schema/commands.def. n words, options taken out. Returns an exit
 * code, after telling on stderr what is wrong. */
struct command {
	const char *usage, *help;
	int (*run)(struct cli *c, unsigned n, char **words);
};

/* grammar.c */
const struct command *grammar_find(unsigned n, char **words); /* or NULL */
bool grammar_match(const char *usage, unsigned n, char **words);
bool grammar_takes_rest(const char *word);    /* a command's first word */
void grammar_usage(unsigned n, char **words); /* what is near; to stderr */
void grammar_help(void);

/* cmd_*.c */
int cmd_batch(struct cli *c, unsigned n, char **words);
int cmd_check(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_export(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_history(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_import(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_list(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_show(struct cli *c, unsigned n, char **words);
int cmd_checkpoint_verify(struct cli *c, unsigned n, char **words);
int cmd_drill(struct cli *c, unsigned n, char **words);
int cmd_help(struct cli *c, unsigned n, char **words);
int cmd_import(struct cli *c, unsigned n, char **words);
int cmd_init(struct cli *c, unsigned n, char **words);
int cmd_init_check(struct cli *c, unsigned n, char **words);
int cmd_init_facts(struct cli *c, unsigned n, char **words);
int cmd_maintenance(struct cli *c, unsigned n, char **words);
int cmd_order(struct cli *c, unsigned n, char **words);
int cmd_print(struct cli *c, unsigned n, char **words);
int cmd_replay(struct cli *c, unsigned n, char **words);
int cmd_status(struct cli *c, unsigned n, char **words);
int cmd_top(struct cli *c, unsigned n, char **words);
int cmd_version(struct cli *c, unsigned n, char **words);
int cmd_watch(struct cli *c, unsigned n, char **words);
int cmd_weight(struct cli *c, unsigned n, char **words);
int cmd_why(struct cli *c, unsigned n, char **words);

/* ask.c: each returns an exit code and tells on stderr. */
const char *ask_instance(struct cli *c); /* but this: whose yoked */
int ask_open(struct cli *c, struct ipcc **ret); /* caller ipcc_free()s */
int ask_command(struct cli *c, struct ipcc *i, unsigned n, char **words,
    char *ret_text, size_t len);
int ask_status(struct cli *c, char **ret, size_t *ret_len); /* free()s */
int ask_failed(const struct cli *c, int rc); /* rc of an ipcc call */

#endif
