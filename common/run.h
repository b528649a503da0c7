/*
 * run: a command of the operator's while it runs: without a shell, as a child on
 * our loop, which is never waited for. It is the leader of a process group,
 * which is killed as a whole when the command ends or takes too long. (What
 * makes itself leader of a session of its own gets away.)
 *
 * fork() and not posix_spawn(): that would wait for the exec, which waits for
 * the disk that the program is on.
 */
#ifndef COMMON_RUN_H
#define COMMON_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/loop.h"

#define RUN_INPUT_MAX 8192 /* fits into a pipe whatever the child does */

struct run;

struct run_what {
	const char *const *argv; /* [0] is the file; ends with NULL */
	const char *const *env;	 /* all of its environment; ends with NULL */
	const char *input;	 /* on standard input, then its end */
	size_t input_len;	 /* RUN_INPUT_MAX at most */
	bool no_rights; /* without capabilities, even root */
	usec_t timeout;
	/* It ended: rc 0: with exit status 0; -EIO: otherwise; -ETIMEDOUT: it
	 * was killed. text says so, with the last line of its output. r is
	 * freed behind it. */
	void (*done)(int rc, const char *text, void *arg);
	void *arg;
};

/* 0, or -errno: it did not begin, and done is not called. what is not needed
 * any more then. */
int run_start(struct loop *l, const struct run_what *what, struct run **ret);
void run_stop(struct run *r); /* kills it; done is not called. NULL ok */

#endif
