/*
 * table_diff: the changes of definition that lead from one table to another:
 * services and servers added, edited, removed. States (health, drain, weights)
 * are not definitions and stay.
 */
#ifndef HA_TABLE_DIFF_H
#define HA_TABLE_DIFF_H

#include "common/conf.h"
#include "ha/table.h"

/* The table that a configuration describes; caller table_done()s. 0 or
 * -errno. */
int table_from_conf(const struct conf *c, struct table *ret);

/* Calls emit for each change, with what, service, server, definition and cause
 * set; epoch and seq are the caller's. The tables must not change meanwhile.
 * Both borrowed. Returns how many. */
typedef void (*change_fn)(const struct change *c, void *arg);
size_t table_diff(const struct table *have, const struct table *want,
    const char *cause, change_fn emit, void *arg);

#endif
