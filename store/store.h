/*
 * store: the table on stable storage, in SQLite files of one epoch and one
 * writer each (schema/checkpoint.sql). Writing: store_open, then changes and
 * snapshots. Reading: store_load, from private copies, so that neither a lock
 * of a dead node nor its unfinished journal matters. No IPC, no loop, no log;
 * every call may block as long as the storage does.
 *
 * After an error the writer is of no more use: store_close() it, and open again
 * later. A file is never half made: it gets its name when it is whole.
 */
#ifndef CHECKPOINTD_STORE_H
#define CHECKPOINTD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "ha/history.h"
#include "ha/table.h"

#define STORE_TEXT_LEN 256
#define STORE_PATH_LEN 512

struct store_id {
	char dir[CONF_TEXT_LEN];
	char instance[NAME_LEN];
	uint64_t epoch;
	uint32_t node;
	enum storage storage; /* STORAGE_AUTO: as storage_look() says */
};

/* store_kind.c: what dir is on; STORAGE_AUTO: cannot be told. */
enum storage storage_look(const char *dir);
enum storage storage_of_magic(uint32_t magic); /* of statfs(2) */

struct store_err {
	int rc;                    /* negative */
	char text[STORE_TEXT_LEN]; /* "<path>: what happened; what to do" */
};

struct store;

/* Opens the file of this epoch, making it if it is not there, and writes t as
 * its snapshot, durably; rows that t does not know are removed. -ERR_FOREIGN:
 * another writer's file, not touched. -ERR_CORRUPT, -ERR_VERSION, -errno.
 * renew: we had this file open and it failed with -EIO or -ERR_CORRUPT; what
 * the system then still holds in memory may never have reached the medium, so
 * a new file takes its place. Caller store_close()s. */
int store_open(const struct store_id *id, const struct table *t, bool renew,
    struct store **ret, struct store_err *reterr);

/* Makes a file with t as its snapshot, for a writer to come. 0; -EEXIST: there
 * is one already, not touched; else as store_open(). */
int store_create(const struct store_id *id, const struct table *t,
    struct store_err *reterr);

/* Adds a change; durable after store_commit(). */
int store_add(
    struct store *s, const struct change *c, struct store_err *reterr);
int store_commit(struct store *s, struct store_err *reterr);

/* Commits, then writes t whole and removes what the last two snapshots do not
 * need. Durable when it returns. */
int store_snapshot(
    struct store *s, const struct table *t, struct store_err *reterr);

/* Adds a change of role; durable after store_commit(), or never, if it is older
 * than the last HISTORY_KEPT. */
int store_role(struct store *s, const struct history_record *r,
    struct store_err *reterr);

/* Adds what this file has of the history to h. */
void store_roles(struct store *s, struct history *h);

/* Proves with a small write that the storage still works and that the file is
 * still the one behind its name; for when there is nothing else to write. */
int store_probe(struct store *s, struct store_err *reterr);

void store_close(struct store *s); /* an open transaction is lost; NULL ok */

const char *store_path(const struct store *s);
enum storage store_storage(const struct store *s); /* what it is on */
uint64_t store_seq(const struct store *s);      /* last durable change */
uint32_t store_rows(const struct store *s);     /* since the last snapshot */
bool store_dirty(const struct store *s);        /* store_commit has work */

/* Files of one instance in dir, highest epoch first. 0 or -errno; caller
 * free()s *ret. */
struct store_file {
	uint64_t epoch;
	uint64_t bytes; /* with its log; 0: cannot be told */
	usec_t written; /* wall clock, by the file's times; 0: cannot be told */
	char path[STORE_PATH_LEN];
};
int store_list(const char *dir, const char *instance, struct store_file **ret,
    size_t *ret_n);

/* Removes files of the instance with epochs below `below`: those beyond the
 * newest keep, and those not written to for age (usec; 0: any age may stay),
 * but of the latter never the newest below that can be loaded; and where there
 * is no file of `below` or above, it stays in any case. Leaves alone what is
 * not a checkpoint of yoke. Returns how many it removed. */
unsigned store_prune(const char *dir, const char *instance, uint64_t below,
    unsigned keep, usec_t age);

/* Adds the history that files of epochs below `below` have to h. What cannot be
 * read is passed over. 0; -errno: no directory. temp as in store_load(). */
int store_history(const char *dir, const char *instance, const char *temp,
    uint64_t below, struct history *h);

struct store_loaded {
	struct table table;      /* caller table_done()s */
	uint64_t snapshot_seq;
	uint32_t changes;        /* replayed from the journal */
	usec_t replay;           /* the time that took */
	uint64_t highest_epoch;  /* that any file is named after; 0: none */
	char file[STORE_PATH_LEN];
	char text[STORE_TEXT_LEN]; /* what was skipped and why; "" */
};

/* The newest table that can be trusted: highest epoch first, newest snapshot
 * first, then its journal as far as it is whole. temp is a directory for the
 * copies, NULL: the usual ones. 0; -ENOENT: no directory or no file,
 * -ERR_CORRUPT: files, but none of use; text and highest_epoch are set either
 * way, the rest on success only. */
int store_load(const char *dir, const char *instance, const char *temp,
    struct store_loaded *ret);

#endif
