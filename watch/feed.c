/*
 * feed: see feed.h. A status comes in pieces, each of which is asked for:
 *
 *   WATCHING --answer-->
 *   IDLE --ask--> FIRST --a piece--> REST --a piece--> REST ... --empty--> IDLE
 *
 * yoked begins to write it when it is asked for the first piece. So lines that
 * come in FIRST are older than it; those that come in REST may be newer than what
 * it says, and are kept until it was handed over.
 */
#include "watch/feed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/ipcc.h"
#include "common/mem.h"

#define PATIENCE (3 * USEC_S)	/* with yoked, for one piece */
#define HURRY (100 * USEC_MS)
#define LOOK (50 * USEC_MS)	/* whether connecting failed */
#define STATUS_MAX (256U << 20) /* more is not a status */
#define HELD_MAX (1U << 20)	/* bytes of lines kept back */

enum state { WATCHING, IDLE, FIRST, REST };

struct held {
	struct held *next;
	char line[];
};

struct feed {
	struct loop *loop;
	struct feed_ops ops;
	void *arg;
	struct ipcc_keep *keep;
	bool up;
	enum state state;
	bool wanted;	   /* another one, after the one under way */
	bool hurry;	   /* and at once */
	usec_t asked;	   /* since when */
	usec_t began;	   /* the last fetch */
	struct timer next; /* may ask again, or looks why it cannot */
	struct timer late; /* yoked does not answer */
	int error;
	char *text;
	size_t len, cap;
	struct held *held, **held_end;
	size_t held_bytes;
};

/* ---- lines ---- */

static void
lines_drop(struct feed *f)
{
	struct held *h;

	while ((h = f->held) != NULL) {
		f->held = h->next;
		free(h);
	}
	f->held_end = &f->held;
	f->held_bytes = 0;
}

static void
lines_lost(struct feed *f)
{
	if (f->ops.on_lost != NULL)
		f->ops.on_lost(f->arg);
	feed_ask(f);
}

static void
line_say(struct feed *f, const char *line)
{
	if (f->ops.on_line != NULL)
		f->ops.on_line(line, f->arg);
	if (strncmp(line, "configuration=", 14) == 0 &&
	    f->ops.on_reload != NULL)
		f->ops.on_reload(f->arg);
	if (strncmp(line, "lost=", 5) == 0)
		lines_lost(f);
}

static void
lines_say(struct feed *f)
{
	struct held *h;

	for (h = f->held; h != NULL; h = h->next)
		line_say(f, h->line);
	lines_drop(f);
}

static void
line_hold(struct feed *f, const char *text, size_t len)
{
	struct held *h = NULL;

	if (f->held_bytes + len < HELD_MAX)
		h = malloc(sizeof(*h) + len + 1);
	if (h == NULL) {
		lines_lost(f);
		return;
	}
	h->next = NULL;
	memcpy(h->line, text, len);
	h->line[len] = '\0';
	*f->held_end = h;
	f->held_end = &h->next;
	f->held_bytes += sizeof(*h) + len + 1;
}

static void
on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct feed *f = arg;

	if (id != MSG_WATCH_LINE || len > msg_max(id))
		return;
	line_hold(f, body, len);
	if (f->state != REST)
		lines_say(f);
}

/* ---- the status ---- */

static void
status_drop(struct feed *f)
{
	free(f->text);
	f->text = NULL;
	f->len = f->cap = 0;
}

/* Nothing comes of what is under way. A yoked that is connected and was stopped
 * may go on, so it is asked again. */
static void
fail(struct feed *f, int rc)
{
	timer_stop(&f->late);
	status_drop(f);
	f->state = IDLE;
	lines_say(f);
	f->error = rc;
	f->asked = loop_now(f->loop);
	f->wanted = f->up;
	if (f->up)
		timer_in(&f->next, FEED_EVERY);
	if (f->ops.on_gone != NULL)
		f->ops.on_gone(rc, f->arg);
}

static void
ask_piece(struct feed *f)
{
	uint8_t mem[4];
	struct buf b = buf_writer(mem, sizeof(mem));
	int rc;

	put_u32(&b, (uint32_t)f->len);
	rc = ipcc_keep_ask(f->keep, MSG_STATUS, mem, b.pos);
	if (rc < 0)
		fail(f, rc);
	else
		timer_in(&f->late, PATIENCE);
}

static void
begin(struct feed *f)
{
	f->wanted = false;
	f->began = loop_now(f->loop);
	f->state = FIRST;
	f->len = 0;
	ask_piece(f);
}

/* Not connected: that is no answer before connecting has failed, or taken too
 * long (a yoked that is stopped lets callers wait). */
static void
look(struct feed *f)
{
	int rc = ipcc_keep_error(f->keep);

	if (rc == 0 && loop_now(f->loop) < f->asked + PATIENCE)
		timer_in(&f->next, LOOK);
	else
		fail(f, rc != 0 ? rc : -ETIMEDOUT);
}

static void
on_next(void *arg)
{
	struct feed *f = arg;

	if (!f->wanted || f->state != IDLE)
		return;
	if (f->up)
		begin(f);
	else
		look(f);
}

void
feed_ask(struct feed *f)
{
	usec_t now = loop_now(f->loop), at = f->began + FEED_EVERY;

	if (!f->wanted)
		f->asked = now;
	f->wanted = true;
	if (f->state == IDLE && !timer_armed(&f->next))
		timer_in(&f->next,
		    f->up && f->began != 0 && at > now ? at - now : 0);
}

void
feed_hurry(struct feed *f)
{
	feed_ask(f);
	if (f->up && f->state == IDLE)
		timer_in(&f->next, HURRY);
	else
		f->hurry = true;
}

static void
finish(struct feed *f)
{
	timer_stop(&f->late);
	f->state = IDLE;
	f->error = 0;
	if (f->ops.on_status != NULL)
		f->ops.on_status(f->text, f->len, f->arg);
	lines_say(f);
	if (f->cap > MSG_BODY_MAX * 4)
		status_drop(f); /* a large table need not stay */
	if (f->hurry)
		feed_hurry(f);
	else if (f->wanted)
		feed_ask(f);
	f->hurry = false;
}

static int
add_piece(struct feed *f, const void *body, size_t len)
{
	size_t cap = f->cap != 0 ? f->cap : MSG_BODY_MAX;
	char *p;

	if (f->len + len >= STATUS_MAX)
		return -EMSGSIZE;
	while (cap <= f->len + len)
		cap *= 2;
	if (cap != f->cap) {
		p = realloc(f->text, cap);
		if (p == NULL)
			return -ENOMEM;
		f->text = p;
		f->cap = cap;
	}
	memcpy(f->text + f->len, body, len);
	f->len += len;
	f->text[f->len] = '\0';
	return 0;
}

static void
on_reply(int rc, const void *body, size_t len, void *arg)
{
	struct feed *f = arg;

	if (f->state == WATCHING) {
		f->state = IDLE;
		timer_stop(&f->late);
		begin(f);
		return;
	}
	if (f->state == IDLE)
		return;
	if (rc == 0 && len == 0 && f->len > 0) {
		finish(f);
		return;
	}
	if (rc == 0)
		rc = len > 0 ? add_piece(f, body, len) : -EBADMSG;
	if (rc < 0) {
		fail(f, rc);
		return;
	}
	f->state = REST;
	ask_piece(f);
}

static void
on_late(void *arg)
{
	fail(arg, -ETIMEDOUT);
}

/* ---- the connection ---- */

static void
on_up(void *arg)
{
	struct feed *f = arg;
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	f->up = true;
	f->state = WATCHING;
	timer_stop(&f->next);
	put_u8(&b, 1);
	put_str(&b, "watch");
	(void)ipcc_keep_ask(f->keep, MSG_COMMAND, mem, b.pos);
	timer_in(&f->late, PATIENCE);
}

static void
on_down(void *arg)
{
	struct feed *f = arg;

	f->up = false;
	timer_stop(&f->next);
	fail(f, -ENOTCONN);
}

static const struct ipcc_ops keep_ops = {
	.on_up = on_up,
	.on_down = on_down,
	.on_event = on_event,
	.on_reply = on_reply,
};

int
feed_new(struct loop *l, const char *instance, const struct feed_ops *ops,
    void *arg, struct feed **ret)
{
	struct feed *f = mem_new(struct feed);
	int rc;

	f->loop = l;
	f->ops = *ops;
	f->arg = arg;
	f->state = IDLE;
	f->held_end = &f->held;
	timer_init(&f->next, l, on_next, f);
	timer_init(&f->late, l, on_late, f);
	rc = ipcc_keep_new(l, instance, WHO_CLI, &keep_ops, f, &f->keep);
	if (rc < 0) {
		free(f);
		return rc;
	}
	feed_ask(f);
	*ret = f;
	return 0;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	ipcc_keep_free(f->keep);
	timer_stop(&f->next);
	timer_stop(&f->late);
	status_drop(f);
	lines_drop(f);
	free(f);
}

int
feed_error(const struct feed *f)
{
	return f->error;
}
