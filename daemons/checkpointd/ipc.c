/*
 * ipc: decodes what yoked sends, one row per message, and sends what the keeper
 * says. A table that was found goes out in chunks, as fast as yoked takes them.
 *
 * When our copy of the table is not yoked's any more (a change got lost while
 * its ring was full), we connect anew: yoked answers a new connection with
 * STORE_OPEN and the whole table, so resynchronising needs no message of its
 * own. At most once a second.
 */
#include "daemons/checkpointd/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/ipcc.h"
#include "common/mem.h"

#define PACE (5 * USEC_MS)
#define RECONNECT USEC_S
#define STATE_BYTES 1024

struct ipc {
	struct loop *loop;
	char instance[NAME_LEN];
	struct keeper *keeper;
	struct ipc_ops ops;
	void *arg;
	struct ipcc_keep *conn;
	struct timer pace, reconnect, resend;
	/* the table being sent */
	uint8_t *bytes;
	size_t total, sent;
	uint64_t epoch, seq;
	/* a load that waits for the device, or was answered without it */
	struct store_load asked;
	bool waits, without;
	/* the state to send when there is room */
	struct store_state state;
};

static int
on_open(struct ipc *i, struct buf *b)
{
	struct store_open m;
	int rc = store_open_unpack(b, &m);

	if (rc == 0)
		keeper_open(i->keeper, &m);
	return rc;
}

static int
on_snapshot(struct ipc *i, struct buf *b)
{
	struct chunk c;
	int rc = chunk_unpack(b, &c);

	return rc == 0 ? keeper_chunk(i->keeper, &c) : rc;
}

static int
on_change(struct ipc *i, struct buf *b)
{
	struct change c;
	int rc = change_unpack(b, &c);

	return rc == 0 ? keeper_change(i->keeper, &c) : rc;
}

static int
on_role(struct ipc *i, struct buf *b)
{
	struct history_record r;
	int rc = history_record_unpack(b, &r);

	if (rc == 0)
		keeper_role(i->keeper, &r);
	return rc;
}

static int
on_close(struct ipc *i, struct buf *b)
{
	(void)b;
	keeper_close(i->keeper);
	return 0;
}

static int
on_reload_msg(struct ipc *i, struct buf *b)
{
	(void)b;
	i->ops.on_reload(i->arg);
	return 0;
}

static void
table_forget(struct ipc *i)
{
	timer_stop(&i->pace);
	free(i->bytes);
	i->bytes = NULL;
}

/* Sends chunks until yoked's end is full, then waits a little. */
static void
on_pace(void *arg)
{
	struct ipc *i = arg;
	uint8_t mem[CHUNK_HEAD + CHUNK_DATA];
	struct buf b;
	struct chunk c;
	int rc = 0;

	while (i->sent < i->total && rc == 0) {
		(void)chunk_cut(
		    &c, i->bytes, i->total, i->sent, i->epoch, i->seq);
		b = buf_writer(mem, sizeof(mem));
		chunk_pack(&b, &c);
		rc = ipcc_keep_send(i->conn, MSG_STORE_CHUNK, mem, b.pos);
		if (rc == 0)
			i->sent += c.len;
	}
	if (rc == -ENOBUFS)
		timer_in(&i->pace, PACE);
	else
		table_forget(i);
}

static void
send_found(struct ipc *i, const struct store_found *m)
{
	uint8_t mem[1024];
	struct buf b = buf_writer(mem, sizeof(mem));

	store_found_pack(&b, m);
	if (ipcc_keep_send(i->conn, MSG_STORE_FOUND, mem, b.pos) < 0)
		table_forget(i); /* yoked waits in vain, then goes on without */
	else if (i->bytes != NULL)
		on_pace(i);
}

/* What was found, as a message; the table's bytes stay with us. */
static void
found(struct ipc *i, struct store_loaded *l, struct store_found *m)
{
	if (m->rc == 0)
		m->rc = table_pack(&l->table, &i->bytes, &i->total);
	if (m->rc == 0) {
		i->sent = 0;
		i->epoch = m->epoch = l->table.epoch;
		i->seq = m->seq = l->table.seq;
		m->snapshot_seq = l->snapshot_seq;
		m->changes = l->changes;
		m->bytes = (uint32_t)i->total;
	}
	m->highest_epoch = l->highest_epoch;
	(void)snprintf(m->file, sizeof(m->file), "%.255s", l->file);
	(void)snprintf(m->text, sizeof(m->text), "%.255s", l->text);
}

static void
load(struct ipc *i)
{
	struct store_found m = { .token = i->asked.token };
	struct store_loaded l;
	usec_t began = usec_mono();

	i->waits = false;
	i->without = i->asked.holds && !keeper_device_ready(i->keeper);
	table_forget(i);
	m.rc = keeper_load(i->keeper, &l);
	found(i, &l, &m);
	m.took_us = usec_mono() - began;
	i->ops.on_loaded(m.rc, &l, m.took_us);
	table_done(&l.table);
	send_found(i, &m);
}

static int
on_load(struct ipc *i, struct buf *b)
{
	int rc = store_load_unpack(b, &i->asked);

	if (rc < 0)
		return rc;
	if (i->asked.holds)
		keeper_hold(i->keeper);
	i->waits = i->asked.holds && keeper_device_waits(i->keeper);
	if (!i->waits)
		load(i);
	return 0;
}

/* The device is there, or cannot be had for now. What is on it may have terms
 * that yoked, which went on without, does not know: connected anew, it asks. */
static void
on_device(void *arg)
{
	struct ipc *i = arg;

	if (i->waits && !keeper_device_waits(i->keeper))
		load(i);
	else if (i->without && keeper_device_ready(i->keeper) &&
		 !timer_armed(&i->reconnect))
		timer_in(&i->reconnect, 0);
}

static const struct handler {
	enum msg_id id;
	int (*fn)(struct ipc *i, struct buf *b);
} handlers[] = {
	{ MSG_STORE_OPEN, on_open },
	{ MSG_SNAPSHOT, on_snapshot },
	{ MSG_CHANGE, on_change },
	{ MSG_STORE_CLOSE, on_close },
	{ MSG_STORE_ROLE, on_role },
	{ MSG_STORE_LOAD, on_load },
	{ MSG_RELOAD, on_reload_msg },
};

static void
on_event(enum msg_id id, const void *body, size_t len, void *arg)
{
	struct ipc *i = arg;
	struct buf b = buf_reader(body, len);
	size_t n;

	if (msg_check(id, WHO_YOKED, WHO_CHECKPOINT, PRIV_ADMIN, len) < 0)
		return;
	for (n = 0; n < ARRAY_LEN(handlers); n++)
		if (handlers[n].id == id && handlers[n].fn(i, &b) < 0 &&
		    !timer_armed(&i->reconnect))
			timer_in(&i->reconnect, RECONNECT);
}

static void
on_down(void *arg)
{
	struct ipc *i = arg;

	table_forget(i);
	timer_stop(&i->resend);
	i->waits = i->without = false;
	keeper_close(i->keeper);
}

static void
on_resend(void *arg)
{
	struct ipc *i = arg;
	uint8_t mem[STATE_BYTES];
	struct buf b = buf_writer(mem, sizeof(mem));

	if (i->conn == NULL)
		return;
	store_state_pack(&b, &i->state);
	if (ipcc_keep_send(i->conn, MSG_STORE_STATE, mem, b.pos) == -ENOBUFS)
		timer_in(&i->resend, PACE);
}

static void
on_reconnect(void *arg)
{
	static const struct ipcc_ops ops = { .on_up = on_resend,
		.on_down = on_down,
		.on_event = on_event };
	struct ipc *i = arg;

	if (i->conn != NULL) {
		ipcc_keep_free(i->conn);
		i->conn = NULL;
		on_down(i);
	}
	if (ipcc_keep_new(i->loop, i->instance, WHO_CHECKPOINT, &ops, i,
		&i->conn) < 0)
		timer_in(&i->reconnect, RECONNECT);
}

void
ipc_send_state(const struct store_state *st, void *arg)
{
	struct ipc *i = *(struct ipc **)arg;

	if (i == NULL)
		return;
	i->state = *st;
	on_resend(i);
}

int
ipc_new(struct loop *l, const char *instance, struct keeper *k,
    const struct ipc_ops *ops, void *arg, struct ipc **ret)
{
	struct ipc *i;

	if (strlen(instance) >= NAME_LEN)
		return -ENAMETOOLONG;
	i = mem_new(struct ipc);
	i->loop = l;
	strcpy(i->instance, instance);
	i->keeper = k;
	i->ops = *ops;
	i->arg = arg;
	timer_init(&i->pace, l, on_pace, i);
	timer_init(&i->reconnect, l, on_reconnect, i);
	timer_init(&i->resend, l, on_resend, i);
	keeper_on_device(k, on_device, i);
	on_reconnect(i);
	*ret = i;
	return 0;
}

void
ipc_free(struct ipc *i)
{
	if (i == NULL)
		return;
	keeper_on_device(i->keeper, NULL, NULL);
	timer_stop(&i->reconnect);
	timer_stop(&i->resend);
	table_forget(i);
	ipcc_keep_free(i->conn);
	free(i);
}
