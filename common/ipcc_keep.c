/*
 * ipcc_keep: a daemon's lasting connection to yoked.
 *
 *   DOWN --retry timer--> CONNECTING --socket readable--> GREETING
 *    ^                        |                        HELLO answered
 *    +------ any failure -----+---- UP <--------------------+
 *
 * No step waits: a stopped yoked leaves us in CONNECTING until it goes on or
 * dies. Answers in libqb's response ring wake nobody, so HELLO asks for its
 * answer as an event. Messages that do not fit into the ring wait in a queue;
 * it is dropped with the connection, as its reader is gone.
 */
#include <errno.h>
#include <qb/qblist.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ipc_wire.h"
#include "common/ipcc.h"
#include "common/mem.h"

#define RETRY (150 * USEC_MS)
#define FLUSH (5 * USEC_MS)
#define PULSE (500 * USEC_MS)
#define BATCH 64		       /* events per turn of the loop */
#define QUEUE_BYTES (16 * 1024 * 1024) /* messages waiting for room */

enum keep_state { KEEP_DOWN, KEEP_CONNECTING, KEEP_GREETING, KEEP_UP };

struct waiting {
	struct qb_list_head list;
	enum msg_id id;
	size_t len;
	uint8_t body[];
};

struct ipcc_keep {
	struct loop *loop;
	char instance[IPC_NAME_LEN];
	enum msg_who who;
	struct ipcc_ops ops;
	void *arg;
	enum keep_state state;
	qb_ipcc_connection_t *qb;
	int fd;
	int error; /* why the last attempt failed */
	uint32_t asked; /* number of the newest question */
	struct watch *watch;
	struct timer retry, flush, pulse;
	struct qb_list_head queue;
	size_t queued; /* bytes */
	bool busy;     /* inside a callback of ours */
	bool doomed;   /* freed in there */
	uint8_t frame[IPC_FRAME_MAX] __attribute__((aligned(8)));
};

static void on_socket(int fd, int revents, void *arg);

static void
queue_drop(struct ipcc_keep *k)
{
	struct waiting *w, *next;

	qb_list_for_each_entry_safe(w, next, &k->queue, list)
	{
		qb_list_del(&w->list);
		free(w);
	}
	k->queued = 0;
	timer_stop(&k->flush);
	timer_stop(&k->pulse);
}

/* Lets go of the socket and everything that hangs on it. libqb waits up to
 * 40 ms for a dying server here, so whoever must know has been told before. */
static void
drop(struct ipcc_keep *k, enum keep_state was)
{
	k->state = KEEP_DOWN;
	watch_free(k->watch);
	k->watch = NULL;
	queue_drop(k);
	if (k->qb == NULL)
		return;
	if (was == KEEP_CONNECTING)
		ipc_connect_abort(k->qb, k->fd);
	else
		qb_ipcc_disconnect(k->qb);
	k->qb = NULL;
}

static void
fail(struct ipcc_keep *k, int rc)
{
	enum keep_state was = k->state;

	k->state = KEEP_DOWN;
	k->error = rc;
	if (was == KEEP_UP && k->ops.on_down != NULL)
		k->ops.on_down(k->arg);
	drop(k, was);
	timer_in(&k->retry, RETRY);
}

static int
watch_socket(struct ipcc_keep *k)
{
	return watch_new(k->loop, k->fd, POLLIN, on_socket, k, &k->watch);
}

static int
greet(struct ipcc_keep *k)
{
	const uint8_t hello[IPC_HELLO_LEN] = {
		[IPC_HELLO_VERSION] = IPC_VERSION,
		[IPC_HELLO_WHO] = (uint8_t)k->who,
		[IPC_HELLO_BY_EVENT] = 1,
	};
	int rc;

	watch_free(k->watch); /* finishing may close the socket */
	k->watch = NULL;
	rc = ipc_connect_finish(k->qb);
	if (rc < 0) {
		k->qb = NULL;
		return rc;
	}
	k->state = KEEP_GREETING;
	rc = watch_socket(k);
	if (rc == 0)
		rc = ipc_send(k->qb, k->fd, MSG_HELLO, 0, hello, sizeof(hello));
	return rc;
}

static void
on_retry(void *arg)
{
	struct ipcc_keep *k = arg;
	int rc;

	rc = ipc_connect_start(k->instance, &k->qb, &k->fd);
	if (rc < 0) {
		k->qb = NULL;
		fail(k, rc);
		return;
	}
	k->state = KEEP_CONNECTING;
	rc = watch_socket(k);
	if (rc < 0)
		fail(k, rc);
}

/* Says that our loop runs; what waits in the queue will say it too. */
static void
on_pulse(void *arg)
{
	struct ipcc_keep *k = arg;

	if (qb_list_empty(&k->queue))
		(void)ipc_send(k->qb, k->fd, MSG_ALIVE, 0, NULL, 0);
	timer_in(&k->pulse, PULSE);
}

static int
on_frame(struct ipcc_keep *k, size_t n)
{
	const struct ipc_answer *a = (const struct ipc_answer *)k->frame;

	if (n < sizeof(*a))
		return -EBADMSG;
	if (k->state == KEEP_UP && a->qb.id == MSG_REPLY) {
		if (a->seq == k->asked && k->ops.on_reply != NULL)
			k->ops.on_reply(a->qb.error, k->frame + sizeof(*a),
			    n - sizeof(*a), k->arg);
		return 0;
	}
	if (k->state == KEEP_UP) {
		k->ops.on_event((enum msg_id)a->qb.id, k->frame + sizeof(*a),
		    n - sizeof(*a), k->arg);
		return 0;
	}
	if (a->qb.id != MSG_REPLY)
		return -EBADMSG;
	if (a->qb.error < 0)
		return a->qb.error;
	k->state = KEEP_UP;
	k->error = 0;
	if (k->who != WHO_CLI) /* nobody waits for what only looks */
		timer_in(&k->pulse, PULSE);
	if (k->ops.on_up != NULL)
		k->ops.on_up(k->arg);
	return 0;
}

static int
drain(struct ipcc_keep *k)
{
	ssize_t n;
	int i, rc = 0;

	for (i = 0; i < BATCH && rc == 0 && !k->doomed; i++) {
		n = qb_ipcc_event_recv(k->qb, k->frame, sizeof(k->frame), 0);
		if (n == -EAGAIN || n == -ETIMEDOUT)
			break;
		rc = n < 0 ? -ENOTCONN : on_frame(k, (size_t)n);
	}
	return rc;
}

static void
on_socket(int fd, int revents, void *arg)
{
	struct ipcc_keep *k = arg;
	int rc;

	(void)fd;
	(void)revents; /* a hang-up shows as -ENOTCONN below */
	k->busy = true;
	rc = k->state == KEEP_CONNECTING ? greet(k) : drain(k);
	if (rc < 0 && !k->doomed)
		fail(k, rc);
	k->busy = false;
	if (k->doomed)
		ipcc_keep_free(k);
}

static void
on_flush(void *arg)
{
	struct ipcc_keep *k = arg;
	struct waiting *w, *next;
	int rc;

	qb_list_for_each_entry_safe(w, next, &k->queue, list)
	{
		rc = ipc_send(k->qb, k->fd, w->id, 0, w->body, w->len);
		if (rc == -EAGAIN) {
			timer_in(&k->flush, FLUSH);
			return;
		}
		if (rc < 0)
			return; /* the watch sees the hang-up */
		k->queued -= sizeof(*w) + w->len;
		qb_list_del(&w->list);
		free(w);
	}
}

int
ipcc_keep_new(struct loop *l, const char *instance, enum msg_who who,
    const struct ipcc_ops *ops, void *arg, struct ipcc_keep **ret)
{
	struct ipcc_keep *k;

	if (strlen(instance) >= sizeof(k->instance))
		return -ENAMETOOLONG;
	k = mem_new(struct ipcc_keep);
	k->loop = l;
	strcpy(k->instance, instance);
	k->who = who;
	k->ops = *ops;
	k->arg = arg;
	qb_list_init(&k->queue);
	timer_init(&k->retry, l, on_retry, k);
	timer_init(&k->flush, l, on_flush, k);
	timer_init(&k->pulse, l, on_pulse, k);
	timer_in(&k->retry, 0);
	*ret = k;
	return 0;
}

void
ipcc_keep_free(struct ipcc_keep *k)
{
	if (k == NULL)
		return;
	if (k->busy) {
		k->doomed = true;
		return;
	}
	drop(k, k->state);
	timer_stop(&k->retry);
	free(k);
}

int
ipcc_keep_send(
    struct ipcc_keep *k, enum msg_id id, const void *body, size_t len)
{
	struct waiting *w;
	int rc = -EAGAIN;

	if (k->state != KEEP_UP)
		return -ENOTCONN;
	if (len > msg_max(id))
		return -EMSGSIZE;
	if (qb_list_empty(&k->queue))
		rc = ipc_send(k->qb, k->fd, id, 0, body, len);
	if (rc != -EAGAIN)
		return rc;
	if (k->queued + sizeof(*w) + len > QUEUE_BYTES)
		return -ENOBUFS;
	w = malloc(sizeof(*w) + len);
	if (w == NULL)
		return -ENOBUFS;
	w->id = id;
	w->len = len;
	if (len > 0)
		memcpy(w->body, body, len);
	qb_list_init(&w->list);
	qb_list_add_tail(&w->list, &k->queue);
	k->queued += sizeof(*w) + len;
	if (!timer_armed(&k->flush))
		timer_in(&k->flush, FLUSH);
	return 0;
}

int
ipcc_keep_ask(
    struct ipcc_keep *k, enum msg_id id, const void *body, size_t len)
{
	int rc;

	if (k->state != KEEP_UP)
		return -ENOTCONN;
	rc = ipc_send(k->qb, k->fd, id, k->asked + 1, body, len);
	if (rc == 0)
		k->asked++;
	return rc;
}

int
ipcc_keep_error(const struct ipcc_keep *k)
{
	return k->state == KEEP_UP ? 0 : k->error;
}
