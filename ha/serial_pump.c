/*
 * serial_pump: see serial_pump.h. The thread is on its own: nobody waits for its
 * end, and what it needs is its own or freed by whoever is last.
 */
#include "ha/serial_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/thread.h"
#include "common/urgent.h"

#define CHUNK 1024

struct serial_pump {
	int tty, out; /* the thread's */
	int in;       /* the owner's */
	int stop;     /* an eventfd */
	atomic_int users;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
leave(struct serial_pump *p)
{
	if (atomic_fetch_sub(&p->users, 1) > 1)
		return;
	close_fd(&p->stop);
	free(p);
}

/* False: the line hung up. */
static bool
move(const struct serial_pump *p)
{
	char bytes[CHUNK];
	ssize_t n = read(p->tty, bytes, sizeof(bytes));

	if (n > 0)
		(void)!write(p->out, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void *
pump(void *arg)
{
	struct serial_pump *p = arg;
	struct pollfd fds[] = { { .fd = p->tty, .events = POLLIN },
		{ .fd = p->stop, .events = POLLIN } };
	int n;

	urgent_too();
	for (;;) {
		n = poll(fds, ARRAY_LEN(fds), -1);
		if ((n < 0 && errno != EINTR) || (n > 0 && fds[1].revents != 0))
			break;
		if (n > 0 && !move(p))
			break;
		if (n > 0 && (fds[0].revents & POLLIN) == 0)
			break; /* hung up, and all was read */
	}
	close_fd(&p->tty);
	close_fd(&p->out);
	leave(p);
	return NULL;
}

int
serial_pump_start(int tty, struct serial_pump **ret)
{
	struct serial_pump *p = mem_new(struct serial_pump);
	int fds[2] = { -1, -1 }, rc = 0;

	p->tty = fcntl(tty, F_DUPFD_CLOEXEC, 0);
	p->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->tty < 0 || p->stop < 0 ||
	    pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		rc = -errno;
	p->in = fds[0];
	p->out = fds[1];
	atomic_init(&p->users, 2);
	if (rc == 0)
		rc = thread_start(pump, p, NULL);
	if (rc == 0) {
		*ret = p;
		return 0;
	}
	close_fd(&p->tty);
	close_fd(&p->out);
	close_fd(&p->in);
	atomic_store(&p->users, 1);
	leave(p);
	return rc;
}

int
serial_pump_fd(const struct serial_pump *p)
{
	return p->in;
}

void
serial_pump_stop(struct serial_pump *p)
{
	const uint64_t one = 1;

	if (p == NULL)
		return;
	close_fd(&p->in);
	(void)!write(p->stop, &one, sizeof(one));
	leave(p);
}
