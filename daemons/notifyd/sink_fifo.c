/*
 * sink_fifo: events as lines into a FIFO, as keepalived's notify_fifo has them.
 *
 * It is opened without waiting, so there may be no reader; then events wait in
 * the queue. Once open it stays open: what a reader that died left in the pipe
 * is there for the next one. A line is shorter than PIPE_BUF, so it is written
 * whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/notifyd/sink.h"

#define RETRY (200 * USEC_MS) /* no reader, or the pipe is full */

struct fifo {
	int fd;
	struct timer retry;
	bool waits; /* said that nobody reads */
	int error;  /* said so already */
};

static int
open_fifo(struct sink *s)
{
	struct fifo *f = s->own;
	struct stat st;
	int fd, rc;

	/* O_EXCL of mkfifo: what is there stays, and is looked at. */
	if (mkfifo(s->conf.fifo, 0600) < 0 && errno != EEXIST)
		return -errno;
	fd = open(s->conf.fifo,
	    O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) < 0 ? -errno : 0;
	if (rc == 0 && !S_ISFIFO(st.st_mode))
		rc = -ENOTSUP;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	f->fd = fd;
	return 0;
}

static int
write_line(struct sink *s, const struct waiting *w)
{
	struct fifo *f = s->own;
	int rc = f->fd >= 0 ? 0 : open_fifo(s);

	if (rc < 0)
		return rc;
	if (write(f->fd, w->line, w->len) == (ssize_t)w->len)
		return 0;
	return -errno;
}

/* Says once what is in the way, and once that it is over. */
static void
say(struct sink *s, int rc)
{
	struct fifo *f = s->own;
	bool waits = rc == -ENXIO || rc == -EPIPE || rc == -EAGAIN;

	if (rc == f->error)
		return;
	if (waits && !f->waits)
		log_warning("notify=%s fifo=%s state=waiting why=\"%s\" "
			    "action=\"up to %u events are kept\"",
		    s->conf.name, s->conf.fifo,
		    rc == -EAGAIN ? "its reader does not read"
				  : "nobody reads it",
		    s->conf.queue);
	else if (!waits && rc < 0)
		log_err("notify=%s fifo=%s state=failed why=\"%s\" "
			"action=\"tried again\"",
		    s->conf.name, s->conf.fifo,
		    rc == -ENOTSUP ? "it is no FIFO" : err_text(rc));
	else if (rc == 0)
		log_notice("notify=%s fifo=%s state=read", s->conf.name,
		    s->conf.fifo);
	f->waits = waits;
	f->error = rc;
}

static void
fifo_poke(struct sink *s)
{
	struct fifo *f = s->own;
	const struct waiting *w;
	int rc = 0;

	while ((w = sink_peek(s)) != NULL && (rc = write_line(s, w)) == 0) {
		s->delivered++;
		free(sink_take(s));
	}
	say(s, rc);
	if (rc < 0 && !timer_armed(&f->retry))
		timer_in(&f->retry, RETRY);
}

static void
on_retry(void *arg)
{
	fifo_poke(arg);
}

static int
fifo_open(struct sink *s)
{
	struct fifo *f = mem_new(struct fifo);
	int rc;

	f->fd = -1;
	s->own = f;
	timer_init(&f->retry, s->loop, on_retry, s);
	rc = open_fifo(s); /* so that a reader finds it */
	return rc == -ENXIO ? 0 : rc;
}

static void
fifo_close(struct sink *s)
{
	struct fifo *f = s->own;

	timer_stop(&f->retry);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

const struct sink_ops sink_fifo_ops = { fifo_open, fifo_poke, fifo_close };
