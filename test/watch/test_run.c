/*
 * test_run: commands as children of a loop: what they get, what becomes of
 * them and of their children, and that nothing waits for them.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/run.h"
#include "test/scratch.h"
#include "test/tap.h"

struct seen {
	struct loop *loop;
	struct timer late;
	unsigned calls;
	int rc;
	char text[200];
};

static void
on_done(int rc, const char *text, void *arg)
{
	struct seen *s = arg;

	s->calls++;
	s->rc = rc;
	(void)snprintf(s->text, sizeof(s->text), "%s", text);
	loop_stop(s->loop);
}

static void
on_late(void *arg)
{
	struct seen *s = arg;

	loop_stop(s->loop);
}

/* Runs a shell with this script until it is done with, 20 s at most. */
static void
run(struct seen *s, const char *script, const char *input, usec_t timeout)
{
	const char *argv[] = { "/bin/sh", "-c", script, "name", "a b", NULL };
	const char *env[] = { "GREETING=hello", NULL };
	struct run_what what = { .argv = argv, .env = env, .input = input,
		.input_len = strlen(input), .timeout = timeout,
		.done = on_done, .arg = s };
	struct run *r;
	int rc;

	s->calls = 0;
	rc = run_start(s->loop, &what, &r);
	if (rc < 0) {
		s->rc = rc;
		return;
	}
	timer_init(&s->late, s->loop, on_late, s);
	timer_in(&s->late, 20 * USEC_S);
	loop_run(s->loop);
	timer_stop(&s->late);
}

static void
test_ends(struct seen *s)
{
	char big[RUN_INPUT_MAX + 2];

	run(s, "exit 0", "", USEC_S * 10);
	is_int(s->rc, 0, "exit 0");
	is_str(s->text, "exit status 0", "says so");
	run(s, "echo one; echo; echo two >&2; exit 3", "", USEC_S * 10);
	is_int(s->rc, -EIO, "exit 3");
	is_str(s->text, "exit status 3: two", "with its last words");
	run(s, "kill -9 $$", "", USEC_S * 10);
	is_str(s->text, "killed by signal 9", "killed by another");
	run(s, "read x; echo \"$x|$GREETING|$1|$PATH_THAT_IS_NOT\"; exit 1",
	    "to you\n", USEC_S * 10);
	is_str(s->text, "exit status 1: to you|hello|a b|",
	    "gets its input, environment and arguments, and nothing else");
	run(s, "printf 'a\\033[2Jb\\n'; exit 1", "", USEC_S * 10);
	is_str(s->text, "exit status 1: a?[2Jb", "nothing steers a terminal");
	run(s, "head -c 1000000 /dev/zero | tr '\\0' x; exit 1", "",
	    USEC_S * 10);
	ok(s->rc == -EIO && strlen(s->text) < 160, "much output is cut");
	run(s, "ls /proc/self/fd | wc -l", "", USEC_S * 10);
	is_str(s->text, "exit status 0: 4", "no descriptor of ours is open");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	run(s, "exit 0", big, USEC_S);
	is_int(s->rc, -EMSGSIZE, "too long an input is refused");
	big[RUN_INPUT_MAX] = '\0';
	run(s, "exit 0", big, USEC_S * 10);
	is_int(s->rc, 0, "the longest is written though nobody reads it");
}

/* Orphans are reaped by init, sooner or later: a zombie is dead too. */
static bool
dies(const char *file)
{
	char path[64], line[256], *p;
	FILE *f = fopen(file, "r");
	int pid = 0, i;

	if (f == NULL || fscanf(f, "%d", &pid) != 1 || pid <= 0)
		return false;
	fclose(f);
	(void)unlink(file);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (i = 0; i < 5000; i++) {
		f = fopen(path, "r");
		if (f == NULL)
			return true;
		p = fgets(line, sizeof(line), f);
		fclose(f);
		if (p != NULL && (p = strrchr(line, ')')) != NULL &&
		    p[2] == 'Z')
			return true;
		(void)usleep(1000);
	}
	return false;
}

static void
test_killed(struct seen *s)
{
	char file[SCRATCH_LEN], script[512];

	scratch_file(file, sizeof(file));
	(void)snprintf(script, sizeof(script),
	    "trap '' TERM; echo slow; sleep 1000 & echo $! > %s; wait", file);
	run(s, script, "", 500 * USEC_MS);
	is_int(s->rc, -ETIMEDOUT, "one that takes too long is ended");
	is_str(s->text, "no end within 500 ms, killed: slow", "says so");
	is_int(s->calls, 1, "once");
	ok(dies(file), "and its child is dead");
	(void)snprintf(script, sizeof(script),
	    "sleep 1000 & echo $! > %s; exit 0", file);
	run(s, script, "", USEC_S * 10);
	is_int(s->rc, 0, "one that leaves a child behind");
	ok(dies(file), "does not keep it");
}

static void
test_stop(struct seen *s)
{
	const char *argv[] = { "/bin/sleep", "1000", NULL };
	const char *env[] = { NULL };
	struct run_what what = { .argv = argv, .env = env, .input = "",
		.timeout = USEC_S * 100, .done = on_done, .arg = s };
	struct run *r;

	s->calls = 0;
	is_int(run_start(s->loop, &what, &r), 0, "starts");
	run_stop(r);
	run_stop(NULL);
	is_int(s->calls, 0, "stopped: nobody is called");
	argv[0] = "/nowhere/at/all";
	is_int(run_start(s->loop, &what, &r), 0, "a program that is not there");
	loop_run(s->loop);
	ok(s->rc == -EIO && strstr(s->text, "cannot run /nowhere/at/all") != NULL,
	    "fails with its name");
}

/* The process ends while a killed command is not reaped yet. */
static void
test_left(void)
{
	struct seen s = { 0 };
	int pid = 0;

	if (loop_new(&s.loop) < 0)
		abort();
	run(&s, "echo $$; sleep 1000", "", 500 * USEC_MS);
	ok(sscanf(s.text, "no end within 500 ms, killed: %d", &pid) == 1,
	    "killed, its owner told");
	loop_free(s.loop);
	ok(pid > 0 && kill(pid, 0) < 0 && errno == ESRCH, "and reaped");
}

int
main(void)
{
	struct seen s = { 0 };

	if (loop_new(&s.loop) < 0)
		abort();
	test_ends(&s);
	test_killed(&s);
	test_stop(&s);
	loop_free(s.loop);
	test_left();
	return done();
}
