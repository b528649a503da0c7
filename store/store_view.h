/*
 * store_view: one checkpoint file for people: what it is, what it holds, and
 * whether all of it is whole. Works on a private copy, so a live file is not
 * touched and its lock does not matter.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/store.h"

struct store_view;

/* Any file, whatever its name. temp as in store_load(). 0; -errno,
 * -ERR_CORRUPT: no checkpoint of yoke, -ERR_VERSION. Caller store_view_free()s. */
int store_view_new(const char *path, const char *temp, struct store_view **ret,
    struct store_err *reterr);
void store_view_free(struct store_view *v); /* NULL ok */

struct store_info {
	char instance[NAME_LEN];
	uint32_t node;
	uint64_t epoch;
	unsigned version;      /* of the file, before it was migrated */
	usec_t created, alive; /* wall clock; the writer's last sign of life */
	uint64_t snapshot_seq, seq; /* newest rows, whole or not */
	uint32_t snapshots, rows, roles; /* rows: after the newest snapshot */
	bool open;             /* its log is there: not closed in good order */
	bool torn;             /* it ends in a commit that was not finished, or
				  is damaged; no fault of a live file */
};
void store_view_info(struct store_view *v, struct store_info *ret);

/* The newest table, as a takeover would find it; see store_load(). */
int store_view_table(struct store_view *v, struct store_loaded *ret);

/* Each change that is whole, by number; one that is not with its number alone
 * (what is CHANGE_NONE). */
typedef void (*store_change_fn)(const struct change *c, void *arg);
void store_view_journal(struct store_view *v, store_change_fn fn, void *arg);

void store_view_roles(struct store_view *v, struct history *h);

/* store_check.c: every sum of everything, and whether one thing follows from
 * the other. Calls fn with a line for each fault; returns how many. */
typedef void (*store_fault_fn)(const char *text, void *arg);
unsigned store_view_check(struct store_view *v, store_fault_fn fn, void *arg);

#endif
