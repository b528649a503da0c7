/*
 * guard: see guard.h. The parent's side first, then the child.
 */
#include "daemons/yoked/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/urgent.h"
#include "ha/neigh.h"
#include "ha/vip.h"

#define VIPS_MSG 256 /* in one message of the socket */
#define SLACK (10 * USEC_MS)
#define LINGER (40 * USEC_MS) /* for packets that are on their way to us */
#define OUTLIVE ((VIP_LEASE_S * USEC_S) + 200 * USEC_MS)

/* Both write whole words: no lock, no torn value. */
struct shared {
	_Atomic uint64_t alive;    /* when yoked last ran, monotonic */
	_Atomic uint64_t patience; /* not running for longer is hanging */
	_Atomic bool holding;
};

struct guard {
	pid_t pid;
	int sock;
	struct shared *shared;
};

struct vips_msg {
	bool first; /* of a new list */
	unsigned n;
	struct conf_vip vips[VIPS_MSG];
};

struct child {
	struct shared *shared;
	int sock;
	bool dead; /* yoked is */
	struct conf_vip *vips;
	size_t n_vips;
	struct loop *loop;
	struct neigh *neigh;
	struct vip_nl *nl;
	struct watch *watch;
	struct timer release, end;
	struct neigh_claim claim;
};

/* ---- the child ---- */

static bool
yoked_is_gone(const struct child *c)
{
	struct shared *s = c->shared;
	usec_t alive = atomic_load(&s->alive); /* it may go on meanwhile */
	usec_t age = loop_now(c->loop) - alive;

	return atomic_load(&s->holding) &&
	    (c->dead || age > atomic_load(&s->patience));
}

static void
on_release(void *arg)
{
	struct child *c = arg;
	const struct neigh_claim *claim = &c->claim;
	char text[ADDR_TEXT_MAX];

	if (!yoked_is_gone(c))
		return;
	atomic_store(&c->shared->holding, false);
	(void)vip_nl.drop(c->nl, c->vips, c->n_vips);
	log_warning("guard=released yoked=%s claimed=%s by="
	    "%02x:%02x:%02x:%02x:%02x:%02x", c->dead ? "dead" : "hung",
	    addr_format(&claim->addr, text, sizeof(text)), claim->mac[0],
	    claim->mac[1], claim->mac[2], claim->mac[3], claim->mac[4],
	    claim->mac[5]);
}

static void
on_claim(int index, const struct neigh_claim *claim, void *arg)
{
	struct child *c = arg;

	(void)index;
	if (!yoked_is_gone(c) || timer_armed(&c->release))
		return;
	c->claim = *claim;
	timer_in(&c->release, LINGER);
}

static void
on_end(void *arg)
{
	struct child *c = arg;

	loop_stop(c->loop);
}

static void
listen_for(struct child *c)
{
	struct addr *a = calloc(c->n_vips + 1, sizeof(*a));
	size_t i;
	int rc;

	if (a == NULL)
		return;
	for (i = 0; i < c->n_vips; i++)
		a[i] = c->vips[i].addr;
	rc = neigh_listen(c->neigh, a, c->n_vips);
	if (rc < 0)
		log_warning("guard=deaf rc=%d", rc);
	free(a);
}

static void
take_vips(struct child *c, const struct vips_msg *m)
{
	struct conf_vip *more;

	if (m->first)
		c->n_vips = 0;
	more = realloc(c->vips, (c->n_vips + m->n + 1) * sizeof(*more));
	if (more == NULL)
		return;
	c->vips = more;
	memcpy(c->vips + c->n_vips, m->vips, m->n * sizeof(*more));
	c->n_vips += m->n;
	listen_for(c);
}

static void
on_parent(int fd, int revents, void *arg)
{
	static struct vips_msg m;
	struct child *c = arg;
	ssize_t n = recv(fd, &m, sizeof(m), MSG_DONTWAIT);

	(void)revents;
	if (n == (ssize_t)sizeof(m) && m.n <= VIPS_MSG) {
		take_vips(c, &m);
	} else if (n == 1) {
		loop_stop(c->loop); /* goodbye */
	} else if (n == 0) {
		c->dead = true;
		watch_free(c->watch);
		c->watch = NULL;
		timer_in(&c->end, OUTLIVE);
	}
}

/* Nothing of yoked's but the socket and standard error stays open. */
static int
child_alone(struct child *c, int rt_priority)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_NAME, "yoke-guard");
	if (dup2(c->sock, 3) < 0)
		return -errno;
	c->sock = 3;
	(void)syscall(SYS_close_range, 4U, ~0U, 0U);
	if (rt_priority > 0)
		(void)urgent_real_time(rt_priority);
	return 0;
}

static int
child_run(struct child *c)
{
	int rc = loop_new(&c->loop);

	if (rc == 0)
		rc = vip_nl_open(&c->nl);
	if (rc == 0)
		rc = neigh_open(c->loop, on_claim, c, &c->neigh);
	if (rc == 0)
		rc = watch_new(
		    c->loop, c->sock, POLLIN, on_parent, c, &c->watch);
	if (rc < 0) {
		log_warning("guard=none rc=%d", rc);
		return 1;
	}
	timer_init(&c->release, c->loop, on_release, c);
	timer_init(&c->end, c->loop, on_end, c);
	loop_run(c->loop);
	return 0;
}

/* ---- the parent ---- */

static void
send_vips(struct guard *g, const struct conf *conf)
{
	struct vips_msg *m = mem_new(struct vips_msg);
	size_t at = 0, i;

	m->first = true;
	do {
		m->n = 0;
		for (i = at; i < conf->n_vips && m->n < VIPS_MSG; i++)
			m->vips[m->n++] = conf->vips[i];
		at += m->n;
		if (send(g->sock, m, sizeof(*m), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			log_warning("guard=not-told errno=%d", errno);
		m->first = false;
	} while (at < conf->n_vips);
	free(m);
}

void
guard_reload(struct guard *g, const struct conf *conf)
{
	if (g == NULL)
		return;
	atomic_store(
	    &g->shared->patience, 2 * conf->beat_interval + SLACK);
	send_vips(g, conf);
}

void
guard_alive(struct guard *g, usec_t now, bool holding)
{
	if (g == NULL)
		return;
	atomic_store(&g->shared->alive, now);
	atomic_store(&g->shared->holding, holding);
}

static int
guard_fork(struct guard *g, int theirs, int rt_priority)
{
	g->pid = fork();
	if (g->pid < 0)
		return -errno;
	if (g->pid == 0) {
		struct child c = { .shared = g->shared, .sock = theirs };

		_exit(child_alone(&c, rt_priority) < 0 ? 1 : child_run(&c));
	}
	return 0;
}

int
guard_start(const struct conf *conf, int rt_priority, struct guard **ret)
{
	struct guard *g = mem_new(struct guard);
	int pair[2] = { -1, -1 }, rc = 0;

	g->sock = -1;
	g->shared = mmap(NULL, sizeof(*g->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		rc = -errno;
	if (rc == 0) {
		g->sock = pair[0];
		rc = guard_fork(g, pair[1], rt_priority);
		(void)close(pair[1]);
	}
	if (rc < 0) {
		guard_stop(g);
		return rc;
	}
	guard_reload(g, conf);
	*ret = g;
	return 0;
}

void
guard_stop(struct guard *g)
{
	if (g == NULL)
		return;
	if (g->sock >= 0) {
		(void)send(g->sock, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)close(g->sock);
	}
	if (g->pid > 0)
		(void)waitpid(g->pid, NULL, WNOHANG);
	if (g->shared != MAP_FAILED)
		(void)munmap(g->shared, sizeof(*g->shared));
	free(g);
}
