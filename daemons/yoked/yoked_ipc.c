/*
 * yoked_ipc: who is connected, what they may say, and what waits for them.
 *
 * A helper (monitord, checkpointd, linkd, syncd) that does not read fills its own
 * outbox only; when that overflows its messages are dropped and it is told the
 * whole state again once it reads. Nothing here waits for anybody.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"

#define OUTBOX_MAX (16U << 20) /* bytes that may wait for one helper */
#define FLUSH_EVERY (2 * USEC_MS)
#define STATUS_PIECE 60000
#define WORDS_MAX 8

struct out_msg {
	struct out_msg *next;
	enum msg_id id;
	size_t len;
	uint8_t body[];
};

void
outbox_done(struct outbox *o)
{
	struct out_msg *m;

	while ((m = o->first) != NULL) {
		o->first = m->next;
		free(m);
	}
	*o = (struct outbox){ 0 };
}

static int
outbox_add(struct outbox *o, enum msg_id id, const void *body, size_t len)
{
	struct out_msg *m;

	if (o->bytes + len > OUTBOX_MAX)
		return -ENOBUFS;
	m = malloc(sizeof(*m) + len);
	if (m == NULL)
		return -ENOBUFS;
	m->next = NULL;
	m->id = id;
	m->len = len;
	memcpy(m->body, body, len);
	if (o->last == NULL)
		o->last = &o->first;
	*o->last = m;
	o->last = &m->next;
	o->bytes += sizeof(*m) + len;
	return 0;
}

int
helper_send(struct yoked *y, struct helper *h, enum msg_id id,
    const void *body, size_t len)
{
	int rc;

	if (h->conn == NULL)
		return -ENOTCONN;
	if (h->outbox.overflowed)
		return -ENOBUFS;
	rc = h->outbox.first != NULL ? -EAGAIN :
		ipcs_event(h->conn, id, body, len);
	if (rc != -EAGAIN)
		return rc;
	rc = outbox_add(&h->outbox, id, body, len);
	if (rc < 0)
		h->outbox.overflowed = true;
	if (!timer_armed(&y->flush))
		timer_in(&y->flush, FLUSH_EVERY);
	return rc;
}

/* What it needs to know first. The peer behind linkd sees a gap by itself and
 * asks. */
static void
helper_begin(struct yoked *y, struct helper *h)
{
	if (h == &y->store)
		yoked_store_up(y);
	else if (h == &y->monitor)
		yoked_monitor_sync(y);
	else if (h == &y->sync)
		yoked_sync_tell(y);
}

/* The helper lost messages and reads again: begin anew with it. */
static void
helper_resync(struct yoked *y, struct helper *h)
{
	h->outbox.overflowed = false;
	helper_begin(y, h);
}

/* True while something is left. */
static bool
helper_flush(struct yoked *y, struct helper *h)
{
	struct outbox *o = &h->outbox;
	struct out_msg *m;

	while ((m = o->first) != NULL) {
		if (h->conn != NULL &&
		    ipcs_event(h->conn, m->id, m->body, m->len) == -EAGAIN)
			return true;
		o->first = m->next;
		o->bytes -= sizeof(*m) + m->len;
		free(m);
	}
	o->last = &o->first;
	if (o->overflowed)
		helper_resync(y, h);
	return o->first != NULL;
}

static void
on_flush(void *arg)
{
	struct yoked *y = arg;
	bool left = helper_flush(y, &y->link);

	left |= helper_flush(y, &y->store);
	left |= helper_flush(y, &y->monitor);
	left |= helper_flush(y, &y->sync);
	if (left)
		timer_in(&y->flush, FLUSH_EVERY);
}

void
yoked_flush_init(struct yoked *y)
{
	timer_init(&y->flush, y->loop, on_flush, y);
}

static struct helper *
helper_of(struct yoked *y, enum msg_who who)
{
	struct helper *all[] = { &y->monitor, &y->store, &y->link,
		&y->sync };
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->who == who)
			return all[i];
	return NULL;
}

static void
helper_up(struct yoked *y, struct helper *h, struct ipcs_conn *c)
{
	outbox_done(&h->outbox);
	h->conn = c; /* a newer one replaces an older */
	h->since = h->heard = loop_now(y->loop);
	helper_begin(y, h);
}

static void
on_hello(struct yoked *y, struct ipcs_conn *c)
{
	struct helper *h = helper_of(y, ipcs_who(c));
	struct client *cl;

	if (h != NULL) {
		helper_up(y, h, c);
		return;
	}
	cl = mem_new(struct client);
	cl->conn = c;
	cl->next = y->clients;
	y->clients = cl;
	ipcs_set_user(c, cl);
}

/* A piece of the status, which is written as far as it is asked for. Pieces are
 * fetched in order; 0 begins anew. An empty one is the end. */
static void
on_status(struct yoked *y, struct ipcs_conn *c, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	struct client *cl = ipcs_user(c);
	size_t off = get_u32(&b), n;

	if (b.bad || cl == NULL) {
		(void)ipcs_reply(c, -EBADMSG, NULL, 0);
		return;
	}
	if (off == 0) {
		status_walk_done(&cl->status);
		status_walk_begin(&cl->status);
		cl->status_at = cl->status_given = 0;
	}
	if (off != cl->status_at + cl->status_given) {
		(void)ipcs_reply(c, -EINVAL, NULL, 0);
		return;
	}
	out_drop(&cl->status.out, cl->status_given);
	cl->status_at = off;
	(void)status_walk(y, &cl->status, STATUS_PIECE);
	n = cl->status.out.len;
	if (n > STATUS_PIECE)
		n = STATUS_PIECE;
	cl->status_given = n;
	(void)ipcs_reply(c, cl->status.out.bad ? -ENOMEM : 0,
	    cl->status.out.mem, cl->status.out.bad ? 0 : n);
}

static void
on_command(struct yoked *y, struct ipcs_conn *c, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	char words[WORDS_MAX][NAME_LEN], text[2048] = "";
	unsigned i, n = get_u8(&b);
	int rc;

	for (i = 0; i < n && i < WORDS_MAX; i++)
		get_str(&b, words[i], sizeof(words[i]));
	if (b.bad || n == 0 || n > WORDS_MAX || buf_left(&b) != 0) {
		(void)ipcs_reply(c, -EBADMSG, NULL, 0);
		return;
	}
	rc = yoked_command(y, ipcs_user(c), n, words, text, sizeof(text));
	if (rc == -EINPROGRESS)
		return; /* answered when it is done */
	if (rc < 0 && text[0] == '\0')
		(void)snprintf(text, sizeof(text), "%s", err_text(rc));
	(void)ipcs_reply(c, rc, text, strlen(text));
}

static void
note_heard(struct yoked *y, const struct ipcs_conn *c)
{
	struct helper *h = helper_of(y, ipcs_who(c));

	if (h != NULL && h->conn == c)
		h->heard = loop_now(y->loop);
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	struct yoked *y = arg;

	note_heard(y, c);
	if (id == MSG_HELLO)
		on_hello(y, c);
	else if (id == MSG_STATUS)
		on_status(y, c, body, len);
	else if (id == MSG_COMMAND)
		on_command(y, c, body, len);
	else if (ipcs_who(c) == WHO_MONITOR && c == y->monitor.conn)
		yoked_monitor_message(y, id, body, len);
	else if (ipcs_who(c) == WHO_CHECKPOINT && c == y->store.conn)
		yoked_store_message(y, id, body, len);
	else if (ipcs_who(c) == WHO_LINK && c == y->link.conn)
		yoked_link_message(y, id, body, len);
	else if (ipcs_who(c) == WHO_SYNC && c == y->sync.conn)
		yoked_sync_message(y, id, body, len);
}

static void
helper_down(struct yoked *y, struct helper *h)
{
	h->conn = NULL;
	h->since = loop_now(y->loop);
	outbox_done(&h->outbox);
	if (h == &y->link)
		yoked_link_gone(y);
	if (h == &y->store)
		yoked_store_gone(y);
	if (h == &y->sync)
		yoked_sync_gone(y);
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	struct yoked *y = arg;
	struct helper *h = helper_of(y, ipcs_who(c));
	struct client **at, *cl = ipcs_user(c);

	if (h != NULL) {
		if (h->conn == c)
			helper_down(y, h);
		return;
	}
	for (at = &y->clients; *at != NULL; at = &(*at)->next)
		if (*at == cl) {
			*at = cl->next;
			status_walk_done(&cl->status);
			free(cl);
			break;
		}
}

const struct ipcs_ops yoked_ipcs_ops = {
	.on_msg = on_msg,
	.on_closed = on_closed,
};

/* One that does not read misses lines, and is told how many. */
static void
watch_line(struct client *cl, const char *line)
{
	char text[48];

	if (cl->lost > 0) {
		(void)snprintf(text, sizeof(text), "lost=%llu",
		    (unsigned long long)cl->lost);
		if (ipcs_event(cl->conn, MSG_WATCH_LINE, text,
			strlen(text)) == 0)
			cl->lost = 0;
	}
	if (cl->lost > 0 ||
	    ipcs_event(cl->conn, MSG_WATCH_LINE, line, strlen(line)) < 0)
		cl->lost++;
}

void
yoked_watch(struct yoked *y, const char *line)
{
	struct client *cl;

	for (cl = y->clients; cl != NULL; cl = cl->next)
		if (cl->watching)
			watch_line(cl, line);
}
