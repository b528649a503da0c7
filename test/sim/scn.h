/*
 * scn: scenarios as text: what happens to the pair and what must be true, line
 * by line on a fake clock. The words are the rows of scn_do.c and scn_expect.c;
 * README.md lists them.
 */
#ifndef TEST_SIM_SCN_H
#define TEST_SIM_SCN_H

#include "test/sim/sim.h"

#define SCN_WORDS 24

struct scn_line {
	usec_t at;
	unsigned number;
	char *text;           /* the rest of the line */
	char *word[SCN_WORDS];
	unsigned n;
};

struct scn {
	const char *file;
	uint64_t seed;
	struct sim_options opt;
	struct scn_line *lines;
	size_t n_lines;
	struct sim *sim;
	int switch_rc, change_rc;
	char why_not[256];    /* the first term that does not hold */
};

/* 0, or -errno with a message printed as a diagnostic. One TAP line for each
 * `expect`. */
int scn_run(const char *file);
int scn_done(void); /* the plan; the exit status */

/* One command; false: no such command, or wrong arguments. */
bool scn_do(struct scn *c, const struct scn_line *l);
/* All terms; false: c->why_not says which does not hold. */
bool scn_expect(struct scn *c, const struct scn_line *l);

int scn_node(const char *word); /* 0, 1 or -1 */
/* "web/rs1" into two strings of NAME_LEN. */
bool scn_server(const char *word, char *service, char *server);

#endif
