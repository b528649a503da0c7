/*
 * yoked_fence: runs the operator's fence command, as the fence-agents packages
 * have them: options as name=value lines on standard input, exit status 0 means
 * that the node is off.
 *
 * fork() and not posix_spawn(): that would wait for the exec, which waits for
 * the disk that the program is on. The child is an ordinary process (no
 * real-time priority), the leader of its own group, which is killed as a whole
 * when it takes too long. Of its output the last line is kept for status.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "daemons/yoked/yoked.h"

#define READ_MAX 4096

static _Noreturn void
child(const char *command, int in, int out)
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
		execl(command, command, (char *)NULL);
		dprintf(2, "cannot run %s: %s\n", command, strerror(errno));
	}
	_exit(127);
}

static void
fence_close(struct yoked_fence *f)
{
	timer_stop(&f->timeout);
	watch_free(f->exit_watch);
	watch_free(f->out_watch);
	f->exit_watch = f->out_watch = NULL;
	if (f->out >= 0)
		close(f->out);
	if (f->pidfd >= 0)
		close(f->pidfd);
	f->out = f->pidfd = -1;
	f->pid = 0;
}

/* Keeps the last line that is not empty, without what a terminal would obey. */
static void
keep_line(struct yoked_fence *f, const char *mem, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (mem[i] == '\n') {
			f->line_ended = f->n_line > 0;
			continue;
		}
		if (f->line_ended)
			f->n_line = 0;
		f->line_ended = false;
		if (f->n_line < sizeof(f->line) - 1)
			f->line[f->n_line++] =
			    mem[i] >= ' ' && mem[i] <= '~' ? mem[i] : '?';
	}
	f->line[f->n_line] = '\0';
}

static void
on_output(int fd, int revents, void *arg)
{
	struct yoked_fence *f = arg;
	char mem[READ_MAX];
	ssize_t n = read(fd, mem, sizeof(mem));

	(void)revents;
	if (n > 0) {
		keep_line(f, mem, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		watch_free(f->out_watch);
		f->out_watch = NULL;
	}
}

static void
fence_end(struct yoked *y, int rc, const char *text)
{
	struct yoked_fence *f = &y->fence;

	(void)kill(-f->pid, SIGKILL); /* what it left behind */
	fence_close(f);
	director_on_fence(&y->director, rc, text);
}

static void
on_exit_of_it(int fd, int revents, void *arg)
{
	struct yoked *y = arg;
	struct yoked_fence *f = &y->fence;
	siginfo_t si = { 0 };
	char text[160];
	bool good;

	(void)fd;
	(void)revents;
	if (waitid(P_PID, (id_t)f->pid, &si, WEXITED | WNOHANG) < 0 ||
	    si.si_pid == 0)
		return;
	if (f->out_watch != NULL)
		on_output(f->out, POLLIN, f);
	good = si.si_code == CLD_EXITED && si.si_status == 0;
	(void)snprintf(text, sizeof(text), "%s %d%s%s",
	    si.si_code == CLD_EXITED ? "exit status" : "killed by signal",
	    si.si_status, f->n_line > 0 ? ": " : "", f->line);
	fence_end(y, good ? 0 : -EIO, text);
}

static void
on_timeout(void *arg)
{
	struct yoked *y = arg;
	struct yoked_fence *f = &y->fence;
	char text[160];

	(void)kill(-f->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)f->pid, &(siginfo_t){ 0 }, WEXITED | WNOHANG);
	(void)snprintf(text, sizeof(text), "no end within %llu ms%s%s",
	    (unsigned long long)(y->conf->peer->fence_timeout / USEC_MS),
	    f->n_line > 0 ? ": " : "", f->line);
	fence_end(y, -ETIMEDOUT, text);
}

/* All of it fits into a pipe, so nobody waits for the child to read. */
static int
write_options(int fd, const struct conf_node *peer)
{
	char action[NAME_LEN + 16];
	const char *parts[] = { action, peer->fence_options };
	size_t i, len;

	(void)snprintf(
	    action, sizeof(action), "action=%s\n", peer->fence_action);
	for (i = 0; i < 2; i++) {
		len = parts[i] != NULL ? strlen(parts[i]) : 0;
		if (len > 0 && write(fd, parts[i], len) != (ssize_t)len)
			return errno != 0 ? -errno : -EIO;
	}
	return 0;
}

static int
fence_fork(struct yoked *y, int in, int out)
{
	struct yoked_fence *f = &y->fence;
	int rc;

	f->pid = fork();
	if (f->pid < 0)
		return -errno;
	if (f->pid == 0)
		child(y->conf->peer->fence_command, in, out);
	(void)setpgid(f->pid, f->pid);
	f->pidfd = (int)syscall(SYS_pidfd_open, f->pid, 0);
	if (f->pidfd < 0)
		return -errno;
	rc = watch_new(y->loop, f->pidfd, POLLIN, on_exit_of_it, y,
	    &f->exit_watch);
	if (rc == 0)
		rc = watch_new(
		    y->loop, f->out, POLLIN, on_output, f, &f->out_watch);
	return rc;
}

static int
fence_start(void *ctx)
{
	struct yoked *y = ctx;
	struct yoked_fence *f = &y->fence;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc;

	yoked_fence_stop(y);
	f->n_line = 0;
	f->line[0] = '\0';
	rc = pipe2(in, O_CLOEXEC | O_NONBLOCK) < 0 ||
		pipe2(out, O_CLOEXEC) < 0 ? -errno : 0;
	if (rc == 0)
		rc = write_options(in[1], y->conf->peer);
	if (rc == 0) {
		/* The child reads a blocking end; ours of out must not block. */
		(void)fcntl(in[0], F_SETFL, 0);
		(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
		f->out = out[0];
		out[0] = -1;
		rc = fence_fork(y, in[0], out[1]);
	}
	for (int i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	if (rc < 0)
		yoked_fence_stop(y);
	else
		timer_in(&f->timeout, y->conf->peer->fence_timeout);
	return rc;
}

const struct fence_ops yoked_fence_ops = { .start = fence_start };

void
yoked_fence_init(struct yoked *y)
{
	y->fence = (struct yoked_fence){ .out = -1, .pidfd = -1 };
	timer_init(&y->fence.timeout, y->loop, on_timeout, y);
}

void
yoked_fence_stop(struct yoked *y)
{
	if (y->fence.pid > 0) {
		(void)kill(-y->fence.pid, SIGKILL);
		(void)waitid(P_PID, (id_t)y->fence.pid, &(siginfo_t){ 0 },
		    WEXITED | WNOHANG);
	}
	fence_close(&y->fence);
}
