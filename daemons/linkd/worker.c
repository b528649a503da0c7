/*
 * worker: a child process at the other end of a socket.
 *
 * The child is a fork without exec: it closes what it inherits, so that a
 * connection of linkd's ends when linkd ends, and dies when linkd dies.
 */
#include "daemons/linkd/worker.h"

#include <errno.h>
#include <poll.h>
#include <qb/qblist.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"

#define QUEUE_BYTES (16 * 1024 * 1024)
#define BATCH 64

struct waiting {
	struct qb_list_head list;
	size_t len;
	uint8_t bytes[];
};

struct worker {
	struct worker_ops ops;
	void *arg;
	pid_t pid; /* 0: reaped */
	int fd;
	struct watch *watch;
	struct qb_list_head queue;
	size_t queued;
	bool busy, doomed; /* in a callback; freed there */
	uint8_t frame[FRAME_MAX];
};

_Noreturn static void
child(int fd, pid_t parent, const char *group)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGSEGV, SIGBUS,
		SIGABRT, SIGFPE, SIGILL };
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_LEN(sigs); i++)
		(void)signal(sigs[i], SIG_DFL);
	/* Only linkd says when to go, also when a terminal says ^C to all. */
	(void)signal(SIGINT, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fd, STDERR_FILENO + 1) < 0)
		_exit(1);
	closefrom(STDERR_FILENO + 2);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	cpg_run(STDERR_FILENO + 1, group);
}

/* fork() with signals held, so that none runs linkd's handlers in the child. */
static pid_t
fork_child(int fd, const char *group)
{
	pid_t parent = getpid(), pid;
	sigset_t all, old;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child(fd, parent, group);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static void
gone(struct worker *w)
{
	watch_free(w->watch);
	w->watch = NULL;
	w->ops.on_gone(w->arg);
}

void
worker_drop_queue(struct worker *w)
{
	struct waiting *m, *next;

	qb_list_for_each_entry_safe(m, next, &w->queue, list)
	{
		qb_list_del(&m->list);
		free(m);
	}
	w->queued = 0;
}

/* 0, -EAGAIN or -EPIPE. */
static int
put_frame(struct worker *w, const void *frame, size_t len)
{
	if (send(w->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? -EAGAIN
								     : -EPIPE;
}

static void
flush_queue(struct worker *w)
{
	struct waiting *m, *next;

	qb_list_for_each_entry_safe(m, next, &w->queue, list)
	{
		if (put_frame(w, m->bytes, m->len) < 0)
			return;
		w->queued -= m->len;
		qb_list_del(&m->list);
		free(m);
	}
	watch_set(w->watch, POLLIN);
}

/* False when the other end is gone. */
static bool
drain(struct worker *w)
{
	ssize_t n;
	int i;

	for (i = 0; i < BATCH && !w->doomed; i++) {
		n = recv(w->fd, w->frame, sizeof(w->frame), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		w->ops.on_frame(
		    w->frame[0], w->frame + 1, (size_t)n - 1, w->arg);
	}
	return true;
}

static void
on_socket(int fd, int revents, void *arg)
{
	struct worker *w = arg;
	bool alive;

	(void)fd;
	w->busy = true;
	if (revents & POLLOUT)
		flush_queue(w);
	alive = drain(w);
	if (!alive && !w->doomed)
		gone(w);
	w->busy = false;
	if (w->doomed)
		worker_free(w);
}

int
worker_start(struct loop *l, const char *group, const struct worker_ops *ops,
    void *arg, struct worker **ret)
{
	struct worker *w = mem_new(struct worker);
	int pair[2], rc;

	w->ops = *ops;
	w->arg = arg;
	w->fd = -1;
	qb_list_init(&w->queue);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		rc = -errno;
		goto out;
	}
	w->fd = pair[0];
	w->pid = fork_child(pair[1], group);
	rc = w->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (rc == 0)
		rc = watch_new(l, w->fd, POLLIN, on_socket, w, &w->watch);
	if (rc < 0)
		goto out;
	*ret = w;
	return 0;
out:
	worker_free(w);
	return rc;
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, NULL, 0);
		w->pid = 0;
	}
	watch_free(w->watch);
	w->watch = NULL;
	if (w->busy) {
		w->doomed = true;
		return;
	}
	worker_drop_queue(w);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int
worker_send(struct worker *w, enum frame f, const void *body, size_t len)
{
	struct waiting *m;
	int rc = -EAGAIN;

	if (1 + len > FRAME_MAX)
		return -EMSGSIZE;
	if (w->queued + 1 + len > QUEUE_BYTES)
		return -ENOBUFS;
	m = malloc(sizeof(*m) + 1 + len);
	if (m == NULL)
		return -ENOBUFS;
	m->len = 1 + len;
	m->bytes[0] = (uint8_t)f;
	if (len > 0)
		memcpy(m->bytes + 1, body, len);
	if (qb_list_empty(&w->queue))
		rc = put_frame(w, m->bytes, m->len);
	if (rc != -EAGAIN) {
		free(m);
		return rc;
	}
	qb_list_init(&m->list);
	qb_list_add_tail(&m->list, &w->queue);
	w->queued += m->len;
	watch_set(w->watch, POLLIN | POLLOUT);
	return 0;
}

size_t
worker_queued(const struct worker *w)
{
	return w->queued;
}

int
worker_wait(struct worker *w, usec_t limit)
{
	usec_t deadline = usec_mono() + limit;

	while (waitpid(w->pid, NULL, WNOHANG) == 0) {
		if (usec_mono() >= deadline)
			return false;
		(void)poll(NULL, 0, 2);
	}
	w->pid = 0;
	return true;
}
