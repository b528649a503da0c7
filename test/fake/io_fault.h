/*
 * io_fault: storage that fails a call. Linked into a test, its open, write,
 * fsync and so on take the place of the C library's, also for SQLite and all
 * other libraries of the process; they concern what is below the directories
 * that are watched, and pass everything else on untouched.
 *
 * Watch, arm the Nth call, do the work, ask what was hit; for every N until
 * nothing is hit any more. One per process, one thread.
 */
#ifndef TEST_FAKE_IO_FAULT_H
#define TEST_FAKE_IO_FAULT_H

#include <stdbool.h>

/* How a call fails: with err; a write after half of its bytes were written, if
 * torn. ENOSPC and EDQUOT concern only calls that need room. */
struct io_fault {
	long nth;   /* the first call that fails, from 1; 0: none */
	long times; /* so many in a row, of those that can fail so */
	int err;
	bool torn;
};

void io_fault_watch(const char *dir, const char *other); /* NULL: none */
void io_fault_arm(const struct io_fault *f); /* calls count from here; borrows */
void io_fault_off(void); /* nothing fails, nothing is counted */
void io_fault_pause(bool paused); /* the same for a while */
long io_fault_calls(void);       /* since it was armed */
const char *io_fault_hit(void);  /* "pwrite checkpoint-a.db", the first; "" */

#endif
