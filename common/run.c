/*
 * run: see run.h.
 */
#include "common/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"

#define READ_MAX 4096
#define DYING_MS 1000 /* when we end */
#define READS 16 /* of what is left when it ended */

struct run {
	struct loop *loop;
	pid_t pid;
	int pidfd, out;
	struct watch *exit_watch, *out_watch;
	struct timer timeout;
	struct loop_end end; /* killed, not reaped yet */
	usec_t limit;
	void (*done)(int rc, const char *text, void *arg); /* NULL: killed */
	void *arg;
	char line[100]; /* the last of its output */
	size_t n_line;
	bool line_ended;
};

/* For good: without new privileges the program gets none of them back. */
static void
drop_rights(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	const struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, none) < 0) {
		dprintf(2, "cannot drop capabilities: %s\n", strerror(errno));
		_exit(127);
	}
}

static _Noreturn void
child(const struct run_what *what, int in, int out)
{
	struct sched_param normal = { 0 };
	sigset_t none;

	(void)setpgid(0, 0);
	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2) {
		(void)syscall(SYS_close_range, 3U, ~0U, 0U);
		if (what->no_rights)
			drop_rights();
		execve(what->argv[0], (char *const *)what->argv,
		    (char *const *)what->env);
		dprintf(2, "cannot run %s: %s\n", what->argv[0],
		    strerror(errno));
	}
	_exit(127);
}

/* Keeps the last line that is not empty, without what a terminal would obey. */
static void
keep_line(struct run *r, const char *mem, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (mem[i] == '\n') {
			r->line_ended = r->n_line > 0;
			continue;
		}
		if (r->line_ended)
			r->n_line = 0;
		r->line_ended = false;
		if (r->n_line < sizeof(r->line) - 1)
			r->line[r->n_line++] =
			    mem[i] >= ' ' && mem[i] <= '~' ? mem[i] : '?';
	}
	r->line[r->n_line] = '\0';
}

static void
on_output(int fd, int revents, void *arg)
{
	struct run *r = arg;
	char mem[READ_MAX];
	ssize_t n = read(fd, mem, sizeof(mem));

	(void)revents;
	if (n > 0) {
		keep_line(r, mem, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		watch_free(r->out_watch);
		r->out_watch = NULL;
	}
}

/* What it wrote last; others of its group may still hold the pipe. */
static void
drain(struct run *r)
{
	char mem[READ_MAX];
	ssize_t n;
	int i;

	for (i = 0; i < READS; i++) {
		n = read(r->out, mem, sizeof(mem));
		if (n <= 0)
			break;
		keep_line(r, mem, (size_t)n);
	}
}

static void
run_free(struct run *r)
{
	timer_stop(&r->timeout);
	loop_end_del(&r->end);
	watch_free(r->exit_watch);
	watch_free(r->out_watch);
	if (r->out >= 0)
		close(r->out);
	if (r->pidfd >= 0)
		close(r->pidfd);
	free(r);
}

/* 1: it has ended and is reaped now, with all that it left behind; 0: not yet.
 * Until it is reaped its number, and so its group's, is nobody else's. */
static int
reap(struct run *r, siginfo_t *ret)
{
	*ret = (siginfo_t){ 0 };
	if (waitid(P_PID, (id_t)r->pid, ret, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    ret->si_pid == 0)
		return 0;
	(void)kill(-r->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)r->pid, ret, WEXITED | WNOHANG);
	return 1;
}

void
run_stop(struct run *r)
{
	struct pollfd p = { .events = POLLIN };
	siginfo_t si;

	if (r == NULL)
		return;
	if (r->pid > 0) {
		(void)kill(-r->pid, SIGKILL);
		p.fd = r->pidfd;
		(void)poll(&p, 1, DYING_MS);
		(void)reap(r, &si);
	}
	run_free(r);
}

static void
on_exit_of_it(int fd, int revents, void *arg)
{
	struct run *r = arg;
	void (*fn)(int rc, const char *text, void *arg) = r->done;
	void *fn_arg = r->arg;
	char text[160];
	siginfo_t si;

	(void)fd;
	(void)revents;
	if (!reap(r, &si))
		return;
	drain(r);
	(void)snprintf(text, sizeof(text), "%s %d%s%s",
	    si.si_code == CLD_EXITED ? "exit status" : "killed by signal",
	    si.si_status, r->n_line > 0 ? ": " : "", r->line);
	run_free(r);
	if (fn != NULL)
		fn(si.si_code == CLD_EXITED && si.si_status == 0 ? 0 : -EIO,
		    text, fn_arg);
}

static void
on_end(void *arg)
{
	run_stop(arg);
}

/* What is killed may take its time to die (a disk that hangs): its owner is not
 * kept waiting, and r stays until it can be reaped, or the process ends. */
static void
on_timeout(void *arg)
{
	struct run *r = arg;
	void (*fn)(int rc, const char *text, void *arg) = r->done;
	char text[160];

	(void)kill(-r->pid, SIGKILL);
	drain(r);
	(void)snprintf(text, sizeof(text), "no end within %llu ms, killed%s%s",
	    (unsigned long long)(r->limit / USEC_MS),
	    r->n_line > 0 ? ": " : "", r->line);
	r->done = NULL;
	loop_end_add(r->loop, &r->end, on_end, r);
	fn(-ETIMEDOUT, text, r->arg);
}

static int
begin(struct run *r, const struct run_what *what, int in, int out)
{
	int rc;

	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		child(what, in, out);
	(void)setpgid(r->pid, r->pid); /* whoever of us comes first */
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0)
		return -errno;
	rc = watch_new(
	    r->loop, r->pidfd, POLLIN, on_exit_of_it, r, &r->exit_watch);
	if (rc == 0)
		rc = watch_new(
		    r->loop, r->out, POLLIN, on_output, r, &r->out_watch);
	return rc;
}

static void
close_both(const int fds[2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Its input is in the pipe before it lives, so nobody waits for it to read. */
static int
make_pipes(const struct run_what *what, int in[2], int out[2])
{
	if (what->input_len > RUN_INPUT_MAX)
		return -EMSGSIZE;
	if (pipe2(in, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (what->input_len > 0 &&
	    write(in[1], what->input, what->input_len) !=
		(ssize_t)what->input_len)
		return -EIO;
	/* The child reads a blocking end; ours must not block. */
	if (fcntl(in[0], F_SETFL, 0) < 0 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
run_start(struct loop *l, const struct run_what *what, struct run **ret)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc;
	struct run *r = mem_new(struct run);

	r->loop = l;
	r->pidfd = r->out = -1;
	r->limit = what->timeout;
	r->done = what->done;
	r->arg = what->arg;
	timer_init(&r->timeout, l, on_timeout, r);
	rc = make_pipes(what, in, out);
	if (rc == 0) {
		r->out = out[0];
		out[0] = -1;
		rc = begin(r, what, in[0], out[1]);
	}
	close_both(in);
	close_both(out);
	if (rc < 0) {
		run_stop(r);
		return rc;
	}
	timer_in(&r->timeout, what->timeout);
	*ret = r;
	return 0;
}
