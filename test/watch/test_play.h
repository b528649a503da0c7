/*
 * test_play: a played yoked for tests of those who look at it, and programs
 * under test that run beside it. Everything runs on one loop, which goes on
 * until what a test waits for is there; a test that waits too long ends.
 */
#ifndef TEST_PLAY_H
#define TEST_PLAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipcs.h"
#include "common/loop.h"
#include "test/scratch.h"

struct play {
	struct loop *loop;
	struct ipcs *ipcs; /* NULL: no yoked runs */
	struct ipcs_conn *watchers[8];
	char instance[32], dir[SCRATCH_LEN];
	char *status; /* what STATUS answers */
	size_t piece; /* bytes of it at a time */
	bool mute;    /* answers nothing, as if stopped */
	unsigned statuses, pieces; /* asked for */
};

struct play *play_new(const char *name); /* yoked runs; has a folder */
void play_free(struct play *p);		 /* and the folder is removed */

void play_yoked(struct play *p, bool runs);
void play_status(struct play *p, const char *text);
void play_status_file(struct play *p, const char *file);
void play_line(struct play *p, const char *line); /* to all who watch */
unsigned play_watchers(const struct play *p);

/* Turns the loop until done(arg), at most ms. False: in vain. */
bool play_until(
    struct play *p, unsigned ms, bool (*done)(void *arg), void *arg);
void play_turn(struct play *p, unsigned ms); /* for so long */

/* A configuration of this instance with more behind it; returns its name. */
const char *play_conf(struct play *p, const char *more);

/* Starts build/bin/NAME -f -c the configuration, its log in dir/NAME.log. */
pid_t play_start(struct play *p, const char *name);
int play_end(struct play *p, pid_t pid, int sig); /* its exit code, or -1 */

/* Runs a shell command while the loop turns: its exit code; what it prints goes
 * to out. play_spawn() leaves it running, its output in dir/NAME.log. */
int play_shell(struct play *p, const char *command, char *out, size_t len);
pid_t play_spawn(struct play *p, const char *name, const char *command);

/* A UDP port of loopback that is free just now. */
int play_port(void);

#endif
