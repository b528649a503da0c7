/*
 * scratch: folders of a test's own. All of them are gone when its process has
 * ended, however it did: a shell beside it waits for that and removes them. The
 * shell holds the test's standard output, so who waits for the end of that
 * (prove) finds nothing left.
 */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <stddef.h>

#define SCRATCH_LEN 96 /* enough for names, unless $TMPDIR is long */

/* Makes an empty folder, in $TMPDIR or else in memory or /tmp, and writes its
 * name to buf; says why and aborts where it cannot. */
void scratch_dir(char *buf, size_t len);

/* Removes one and what is in it now, for tests that make many. */
void scratch_remove(const char *dir);

/* The name for a file in a folder of its own; nothing is there yet. */
void scratch_file(char *buf, size_t len);

#endif
