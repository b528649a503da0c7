/*
 * checkpoint: what the files behind `yoke checkpoint` share: where files are
 * (checkpoint_where.c), and a table as JSON and back (checkpoint_doc.c).
 */
#ifndef YOKE_CHECKPOINT_H
#define YOKE_CHECKPOINT_H

#include <jansson.h>

#include "common/out.h"
#include "daemons/yoke/yoke.h"
#include "store/store_view.h"

#define LIVE_FOR (60 * USEC_S) /* a writer shows a sign of life each 10 s */
#define SUM_TEXT 65            /* SHA-256 in hex, with the NUL */

/* The directory and instance: --dir and -i, else the configuration's. Each
 * returns an exit code and tells on stderr. */
struct where {
	char dir[CONF_TEXT_LEN];
	char instance[NAME_LEN];
	uint32_t node; /* ours; 0: not configured here */
	struct store_file *files; /* newest first */
	size_t n;
};
int where_are(struct cli *c, struct where *ret); /* caller where_done()s */
void where_done(struct where *w);

/* The file that text means: a number is an epoch in that directory, NULL the
 * newest one there; a path needs neither directory nor configuration. */
int where_file(struct cli *c, const char *text, char *path, size_t len);

/* Opens it, and says what is wrong if that fails. */
int view_open(const char *path, struct store_view **ret);

#define WHEN_LEN 32
const char *when(usec_t at, char buf[WHEN_LEN]); /* local time; "-" for 0 */
void print_doc(struct out *o); /* to standard output; ends o */

/* Is somebody writing it? */
bool is_live(const struct store_info *i, usec_t now);

/* The table as members of the open object: epoch, seq, sum, services. The
 * history and the changes as arrays. */
void doc_table(struct out *o, const struct table *t);
void doc_journal(struct out *o, struct store_view *v);
void doc_roles(struct out *o, const struct history *h);

/* Hex of a table's bytes. 0 or -ENOMEM. */
int doc_sum(const struct table *t, char ret[SUM_TEXT]);

/* What a file says of itself may be anything; a terminal gets plain text. */
void doc_plain(char *text);

/* The table that doc_table() wrote. 0 (caller table_done()s); else why[]
 * says which part of it cannot be. */
int doc_read(const json_t *doc, struct table *ret, char *why, size_t len);

#endif
