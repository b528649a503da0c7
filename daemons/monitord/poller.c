/*
 * poller: an epoll instance inside the loop's.
 *
 * A slot per descriptor number. Events carry the slot's generation, so one that
 * was fetched in the same batch in which its descriptor was closed and the
 * number used again is dropped.
 */
#include "daemons/monitord/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

#define BATCH 64
#define DRAIN_BATCHES 128

struct slot {
	poller_fn fn; /* NULL: free */
	void *arg;
	uint32_t generation;
};

struct poller {
	int fd;
	struct watch *watch;
	struct slot *slots; /* by descriptor */
	size_t n_slots;
};

static void
dispatch(struct poller *p, const struct epoll_event *e)
{
	size_t fd = (uint32_t)e->data.u64;
	const struct slot *s = &p->slots[fd];

	if (s->fn != NULL && s->generation == (uint32_t)(e->data.u64 >> 32))
		s->fn((int)fd, e->events, s->arg);
}

/* How many there were. */
static int
handle_batch(struct poller *p)
{
	struct epoll_event events[BATCH];
	int i, n = epoll_wait(p->fd, events, BATCH, 0);

	for (i = 0; i < n; i++)
		dispatch(p, &events[i]);
	return n;
}

static void
on_ready(int fd, int revents, void *arg)
{
	(void)fd;
	(void)revents;
	(void)handle_batch(arg);
}

void
poller_drain(struct poller *p)
{
	unsigned bound = DRAIN_BATCHES;

	while (bound-- > 0 && handle_batch(p) == BATCH)
		;
}

int
poller_new(struct loop *l, struct poller **ret)
{
	struct poller *p = mem_new(struct poller);
	int rc;

	p->fd = epoll_create1(EPOLL_CLOEXEC);
	rc = p->fd < 0 ? -errno
	               : watch_new(l, p->fd, POLLIN, on_ready, p, &p->watch);
	if (rc < 0) {
		poller_free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void
poller_free(struct poller *p)
{
	if (p == NULL)
		return;
	watch_free(p->watch);
	if (p->fd >= 0)
		close(p->fd);
	free(p->slots);
	free(p);
}

static int
make_room(struct poller *p, size_t fd)
{
	size_t n = p->n_slots > 0 ? p->n_slots : 64;
	struct slot *slots;

	if (fd < p->n_slots)
		return 0;
	while (n <= fd)
		n *= 2;
	slots = realloc(p->slots, n * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	memset(slots + p->n_slots, 0, (n - p->n_slots) * sizeof(*slots));
	p->slots = slots;
	p->n_slots = n;
	return 0;
}

int
poller_set(struct poller *p, int fd, unsigned events, poller_fn fn, void *arg)
{
	struct epoll_event e = { .events = events };
	int rc = make_room(p, (size_t)fd), op;
	struct slot *s;

	if (rc < 0)
		return rc;
	s = &p->slots[fd];
	if (s->fn == NULL)
		s->generation++;
	op = s->fn != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	e.data.u64 = (uint64_t)s->generation << 32 | (uint32_t)fd;
	if (epoll_ctl(p->fd, op, fd, &e) < 0) {
		/* closed behind our back, or the number is used again */
		op = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		if (epoll_ctl(p->fd, op, fd, &e) < 0)
			return -errno;
	}
	s->fn = fn;
	s->arg = arg;
	return 0;
}

void
poller_close(struct poller *p, int fd)
{
	if ((size_t)fd < p->n_slots)
		p->slots[fd].fn = NULL;
	(void)close(fd);
}

void
poller_del(struct poller *p, int fd)
{
	if ((size_t)fd >= p->n_slots || p->slots[fd].fn == NULL)
		return;
	p->slots[fd].fn = NULL;
	(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}
