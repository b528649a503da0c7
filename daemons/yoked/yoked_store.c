/*
 * yoked_store: stable storage, as yoke-checkpointd keeps it. All of it is
 * messages; a checkpointd that hangs on its disk holds nobody up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemons/yoked/yoked.h"

static void
store_open(void *ctx, const struct table *t)
{
	struct yoked *y = ctx;
	struct store_open m = { .epoch = t->epoch, .node = y->conf->self->id };
	uint8_t mem[CHUNK_HEAD + CHUNK_DATA], *bytes;
	struct buf b = buf_writer(mem, sizeof(mem));
	struct chunk k;
	size_t total, off;

	store_open_pack(&b, &m);
	if (helper_send(y, &y->store, MSG_STORE_OPEN, mem, b.pos) < 0 ||
	    table_pack(t, &bytes, &total) < 0)
		return;
	for (off = 0; off < total; off += k.len) {
		(void)chunk_cut(&k, bytes, total, off, t->epoch, t->seq);
		b = buf_writer(mem, sizeof(mem));
		chunk_pack(&b, &k);
		if (helper_send(y, &y->store, MSG_SNAPSHOT, mem, b.pos) < 0)
			break;
	}
	free(bytes);
}

static void
store_change(void *ctx, const struct change *c)
{
	struct yoked *y = ctx;
	uint8_t mem[CHANGE_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));

	change_pack(&b, c);
	(void)helper_send(y, &y->store, MSG_CHANGE, mem, b.pos);
}

static void
store_close(void *ctx)
{
	struct yoked *y = ctx;

	(void)helper_send(y, &y->store, MSG_STORE_CLOSE, "", 0);
}

static int
store_load(void *ctx, uint64_t token)
{
	struct yoked *y = ctx;
	struct store_load m = { token, y->director.holding };
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	store_load_pack(&b, &m);
	return helper_send(y, &y->store, MSG_STORE_LOAD, mem, b.pos);
}

const struct store_ops yoked_store_ops = {
	.open = store_open,
	.change = store_change,
	.close = store_close,
	.load = store_load,
};

void
yoked_store_role(struct yoked *y, const struct transition *t)
{
	uint8_t mem[HISTORY_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct history_record r;

	history_record_of(t, y->conf->self->id, &r);
	history_record_pack(&b, &r);
	(void)helper_send(y, &y->store, MSG_STORE_ROLE, mem, b.pos);
}

/* checkpointd came (back): it gets the term and the table again, and what we
 * remember of our roles; it knows a record that it has. */
void
yoked_store_up(struct yoked *y)
{
	const struct transition *t;
	unsigned i;

	for (i = TRANSITIONS_KEPT; i > 0; i--) {
		t = transitions_get(&y->director.log, i - 1);
		if (t != NULL)
			yoked_store_role(y, t);
	}
	if (y->started)
		director_on_store(&y->director);
}

void
yoked_store_gone(struct yoked *y)
{
	y->store_state.ok = 0;
	chunks_done(&y->found_chunks);
}

static void
on_state(struct yoked *y, struct buf *b)
{
	struct store_state was = y->store_state;

	if (store_state_unpack(b, &y->store_state) < 0)
		return;
	if (was.ok != y->store_state.ok && y->store_state.ok == 0)
		log_warning("checkpoint=failing error=\"%s\"",
		    y->store_state.error);
	else if (was.ok != y->store_state.ok)
		log_notice("checkpoint=ok file=%s seq=%" PRIu64,
		    y->store_state.file, y->store_state.seq);
}

static void
on_found(struct yoked *y, struct buf *b)
{
	if (store_found_unpack(b, &y->found) < 0)
		return;
	chunks_done(&y->found_chunks);
	if (y->found.rc != 0)
		director_on_found(&y->director, &y->found, NULL, 0);
}

static void
on_chunk(struct yoked *y, struct buf *b)
{
	struct chunk k;

	if (chunk_unpack(b, &k) < 0 ||
	    chunks_add(&y->found_chunks, &k) != 1)
		return;
	director_on_found(&y->director, &y->found, y->found_chunks.bytes,
	    y->found_chunks.total);
	chunks_done(&y->found_chunks);
}

void
yoked_store_message(
    struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);

	if (id == MSG_STORE_STATE)
		on_state(y, &b);
	else if (id == MSG_STORE_FOUND && y->started)
		on_found(y, &b);
	else if (id == MSG_STORE_CHUNK && y->started)
		on_chunk(y, &b);
}
