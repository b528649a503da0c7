/*
 * check_tcp: up if the port accepts a connection.
 * The connection is reset at once rather than closed: thousands of probes a
 * second would otherwise leave as many sockets in TIME_WAIT on the director.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/vip_path.h"

struct tcp_run {
	struct poller *poller;
	int fd;
	check_done_fn done;
	void *arg;
};

static int
tcp_open(struct loop *l, struct poller *p, void **ret)
{
	(void)l;
	*ret = p;
	return 0;
}

static void
tcp_close(void *shared)
{
	(void)shared;
}

static void
run_free(struct tcp_run *r)
{
	const struct linger reset = { .l_onoff = 1 };

	(void)setsockopt(
	    r->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	poller_close(r->poller, r->fd);
	free(r);
}

static void
on_connected(int fd, unsigned events, void *arg)
{
	struct tcp_run *r = arg;
	check_done_fn done = r->done;
	void *done_arg = r->arg;
	char text[DETAIL_LEN];
	int err = 0;
	socklen_t len = sizeof(err);

	/* Nothing but "writable" is an established connection. */
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	run_free(r);
	if (err == 0)
		done(VERDICT_OK, "ok", done_arg);
	else
		done(VERDICT_BAD, check_errno_text(err, text), done_arg);
}

static int
begin(struct tcp_run *r, const struct check_target *t)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sock(&t->addr, t->port, &ss);
	int rc;

	r->fd = socket(ss.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (r->fd < 0)
		return -errno;
	rc = vip_path_take(r->fd, t);
	if (rc < 0)
		return rc;
	if (connect(r->fd, (struct sockaddr *)&ss, len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return poller_set(r->poller, r->fd, EPOLLOUT, on_connected, r);
}

static int
tcp_start(void *shared, const struct check_target *t, check_done_fn done,
    void *arg, void **ret_run)
{
	struct tcp_run *r = mem_new(struct tcp_run);
	int rc;

	*r = (struct tcp_run){ shared, -1, done, arg };
	rc = begin(r, t);
	if (rc < 0) {
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return rc;
	}
	*ret_run = r;
	return 0;
}

static void
tcp_cancel(void *run)
{
	run_free(run);
}

/* All of it is done at the start; what comes after is the answer. */
static usec_t
tcp_acted(const void *run)
{
	(void)run;
	return 0;
}

const struct check_ops check_tcp = {
	.name = "tcp",
	.open = tcp_open,
	.close = tcp_close,
	.start = tcp_start,
	.cancel = tcp_cancel,
	.acted = tcp_acted,
};
