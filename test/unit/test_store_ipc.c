/*
 * test_store_ipc: all of yoke-checkpointd but its main(), against a yoked that
 * is played here, over real IPC on one loop: open, changes, load, a lost
 * change, storage that goes away and comes back.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipcs.h"
#include "common/mem.h"
#include "daemons/checkpointd/ipc.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_store_help.h"

#define DEADLINE (20 * USEC_S)

struct yoked {
	struct loop *loop;
	struct ipcs *ipcs;
	struct ipcs_conn *conn;
	struct table table;
	struct rng rng;
	uint8_t *bytes; /* the snapshot being sent */
	size_t total, sent;
	struct timer more, stream, deadline;
	unsigned streamed;
	struct store_state state;
	struct store_found found;
	struct chunks chunks;
	bool whole; /* chunks is what was found */
	unsigned hellos, states, reloads;
	/* the script: what is awaited, and whether it is there */
	bool (*until)(struct yoked *y);
	bool late;
};

static struct conf conf;
static struct keeper *keeper;
static struct ipc *ipc;

static int
event(struct yoked *y, enum msg_id id, const void *body, size_t len)
{
	return y->conn != NULL ? ipcs_event(y->conn, id, body, len) : -ENOTCONN;
}

static void
send_more(void *arg)
{
	struct yoked *y = arg;
	uint8_t mem[CHUNK_HEAD + CHUNK_DATA];
	struct chunk k;
	struct buf b;

	while (y->sent < y->total) {
		(void)chunk_cut(&k, y->bytes, y->total, y->sent,
		    y->table.epoch, y->table.seq);
		b = buf_writer(mem, sizeof(mem));
		chunk_pack(&b, &k);
		if (event(y, MSG_SNAPSHOT, mem, b.pos) < 0) {
			timer_in(&y->more, USEC_MS);
			return;
		}
		y->sent += k.len;
	}
}

static void
send_open(struct yoked *y)
{
	struct store_open m = { y->table.epoch, 1 };
	uint8_t mem[64];
	struct buf b = buf_writer(mem, sizeof(mem));

	store_open_pack(&b, &m);
	(void)event(y, MSG_STORE_OPEN, mem, b.pos);
	free(y->bytes);
	if (table_pack(&y->table, &y->bytes, &y->total) < 0)
		abort();
	y->sent = 0;
	send_more(y);
}

/* One random change, sent or kept back. */
static void
change(struct yoked *y, bool sent)
{
	uint8_t mem[CHANGE_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct change c;

	random_change(&y->rng, &y->table, &c);
	if (table_apply(&y->table, &c) < 0)
		abort();
	change_pack(&b, &c);
	if (sent && event(y, MSG_CHANGE, mem, b.pos) < 0)
		abort();
}

static void
send_load(struct yoked *y)
{
	struct store_load m = { 4711, 0 };
	uint8_t mem[16];
	struct buf b = buf_writer(mem, sizeof(mem));

	chunks_done(&y->chunks);
	y->found = (struct store_found){ 0 };
	y->whole = false;
	store_load_pack(&b, &m);
	(void)event(y, MSG_STORE_LOAD, mem, b.pos);
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	struct yoked *y = arg;
	struct buf b = buf_reader(body, len);
	struct chunk k;

	if (id == MSG_HELLO) {
		y->conn = c;
		y->hellos++;
		if (y->table.epoch > 0)
			send_open(y);
	} else if (id == MSG_STORE_STATE) {
		y->states += store_state_unpack(&b, &y->state) == 0;
	} else if (id == MSG_STORE_FOUND) {
		(void)store_found_unpack(&b, &y->found);
	} else if (id == MSG_STORE_CHUNK && chunk_unpack(&b, &k) == 0) {
		y->whole = chunks_add(&y->chunks, &k) == 1;
	}
	if (y->until(y))
		loop_stop(y->loop);
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	struct yoked *y = arg;

	if (y->conn == c)
		y->conn = NULL;
	timer_stop(&y->more);
}

static void
on_deadline(void *arg)
{
	struct yoked *y = arg;

	y->late = true;
	loop_stop(y->loop);
}

static void
wait_until(struct yoked *y, bool (*until)(struct yoked *y), const char *what)
{
	y->until = until;
	y->late = false;
	timer_in(&y->deadline, DEADLINE);
	loop_run(y->loop);
	timer_stop(&y->deadline);
	ok(!y->late, "%s", what);
	if (y->late)
		printf("# ok=%d seq=%llu error=%s\n", y->state.ok,
		    (unsigned long long)y->state.seq, y->state.error);
}

static bool
is_here(struct yoked *y)
{
	return y->hellos > 0;
}

static bool
is_stored(struct yoked *y)
{
	return y->state.ok && y->state.seq == y->table.seq &&
	    y->state.epoch == y->table.epoch;
}

static bool
is_failing(struct yoked *y)
{
	return y->states > 0 && !y->state.ok;
}

static bool
is_found(struct yoked *y)
{
	return y->found.token == 4711 && (y->found.rc < 0 || y->whole);
}

static bool
is_reloaded(struct yoked *y)
{
	return y->reloads > 0 && is_stored(y);
}

/* Old files go a second after a new one was begun. */
static bool
is_pruned(struct yoked *y)
{
	struct store_file *files;
	size_t n = 0;
	bool there = store_list(conf.checkpoint_dir, conf.instance, &files,
	    &n) == 0;

	there = there && n == 2 && files[0].epoch == y->table.epoch;
	free(files);
	return there;
}

static void
found_is(struct yoked *y, const char *what)
{
	struct table t;

	send_load(y);
	wait_until(y, is_found, what);
	if (!ok(y->found.rc == 0 && y->found.seq == y->table.seq &&
		    y->found.bytes == y->chunks.total && y->whole,
		"%s: found, %u changes replayed", what, y->found.changes))
		return;
	ok(table_unpack(y->chunks.bytes, y->chunks.total, &t) == 0 &&
	       table_equal(&t, &y->table) && t.seq == y->table.seq,
	    "%s: the same table", what);
	printf("# took %llu us, %u bytes\n",
	    (unsigned long long)y->found.took_us, y->found.bytes);
	table_done(&t);
}

static void
on_reload(void *arg)
{
	struct yoked *y = arg;

	y->reloads++;
	keeper_conf(keeper, &conf);
}

static void
on_loaded(int rc, const struct store_loaded *l, usec_t took)
{
	(void)rc;
	(void)l;
	(void)took;
}

static void
on_stream(void *arg)
{
	struct yoked *y = arg;

	change(y, true);
	if (++y->streamed < 200)
		timer_in(&y->stream, USEC_MS);
}

static void
start(struct yoked *y)
{
	static const struct ipcs_ops server_ops = { on_msg, on_closed };
	static const struct ipc_ops ops = { on_reload, on_loaded };
	int rc = loop_new(&y->loop);

	timer_init(&y->more, y->loop, send_more, y);
	timer_init(&y->stream, y->loop, on_stream, y);
	timer_init(&y->deadline, y->loop, on_deadline, y);
	conf.checkpoint_keep_age = conf.checkpoint_mtbf =
	    30 * 86400 * USEC_S;
	conf.checkpoint_commit = 5 * USEC_MS;
	(void)snprintf(conf.instance, sizeof(conf.instance), "test-store-%d",
	    (int)getpid());
	scratch_dir(conf.checkpoint_dir, sizeof(conf.checkpoint_dir));
	conf.checkpoint_keep = 2;
	conf.checkpoint_interval = 100 * USEC_MS;
	if (rc == 0)
		rc = ipcs_new(y->loop, conf.instance, (gid_t)-1, &server_ops,
		    y, &y->ipcs);
	keeper_new(y->loop, ipc_send_state, &ipc, &keeper);
	keeper_conf(keeper, &conf);
	if (rc == 0)
		rc = ipc_new(y->loop, conf.instance, keeper, &ops, y, &ipc);
	is_int(rc, 0, "started");
}

static void
stop(struct yoked *y)
{
	ipc_free(ipc);
	ipc = NULL;
	keeper_free(keeper);
	ipcs_free(y->ipcs);
	loop_free(y->loop);
	chunks_done(&y->chunks);
	table_done(&y->table);
	free(y->bytes);
}

static void
test_storage_lost(struct yoked *y)
{
	char moved[300];

	(void)snprintf(moved, sizeof(moved), "%s.moved", conf.checkpoint_dir);
	ok(rename(conf.checkpoint_dir, moved) == 0, "the storage goes away");
	wait_until(y, is_failing, "noticed while nothing changes");
	ok(strstr(y->state.error, "make or mount it") != NULL &&
	       strstr(y->state.error, "goes on without checkpoints") != NULL,
	    "%s", y->state.error);
	change(y, true);
	change(y, true);
	ok(rename(moved, conf.checkpoint_dir) == 0, "it comes back");
	wait_until(y, is_stored, "by itself all is stored again");
	found_is(y, "after that");
}

static void
send_role(struct yoked *y, usec_t at, const char *what, const char *why)
{
	struct history_record r = { .epoch = y->table.epoch,
		.at = at,
		.node = 1,
		.from = "standby",
		.to = "taking-over" };
	uint8_t mem[HISTORY_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));

	strcpy(r.event, what);
	strcpy(r.why, why);
	history_record_pack(&b, &r);
	if (event(y, MSG_STORE_ROLE, mem, b.pos) < 0)
		abort();
}

/* How many records the files of earlier epochs have. */
static size_t
roles(uint64_t below)
{
	static struct history h;

	h.n = 0;
	(void)store_history(
	    conf.checkpoint_dir, conf.instance, NULL, below, &h);
	return h.n;
}

static bool
has_mtbf(struct yoked *y)
{
	return is_stored(y) && y->state.tc.failures == 1 && is_pruned(y);
}

/* In the file, and in those after it when it is gone. */
static void
test_roles(struct yoked *y)
{
	usec_t day = 86400 * USEC_S, now = usec_real();
	int i;

	send_role(y, now - 10 * day, "take", "silence");
	send_role(y, now - 9 * day, "take", "switch");
	for (i = 0; i < 3; i++) {
		change(y, true);
		wait_until(y, is_stored, "a change of role and one of the table");
		y->table.epoch++;
		send_open(y);
		wait_until(y, is_stored, "another epoch");
		wait_until(y, has_mtbf, "with the history, one failure in it");
	}
	ok(y->state.tc.mtbf_s / 3600 == 20 * 24, "30 d and 10 d for 2 failures");
	is_int(roles(y->table.epoch), 2, "both records, carried over");
	ok(y->state.tc.cost_us > 0 && y->state.tc.replay_ns > 0 &&
	       y->state.tc.young_ms > 0 && y->state.tc.chosen_ms >= 1000,
	    "Tc: a snapshot %llu us, a change %llu ns, %llu changes/h: %llu ms",
	    (unsigned long long)y->state.tc.cost_us,
	    (unsigned long long)y->state.tc.replay_ns,
	    (unsigned long long)y->state.tc.rate_hour,
	    (unsigned long long)y->state.tc.chosen_ms);
}

static bool
is_streamed(struct yoked *y)
{
	return y->streamed == 200 && is_stored(y);
}

/* Commits are told one by one; the probe's are among them. */
static void
test_pace(struct yoked *y)
{
	usec_t began, took;
	unsigned before;

	conf.checkpoint_commit = USEC_S;
	conf.checkpoint_interval = 60 * USEC_S;
	(void)event(y, MSG_RELOAD, "", 0);
	change(y, true);
	wait_until(y, is_stored, "a commit");
	(void)usleep(1100000);
	began = usec_mono();
	change(y, true);
	wait_until(y, is_stored, "another, after a pause");
	ok(usec_mono() - began < 900 * USEC_MS, "is not delayed");
	conf.checkpoint_commit = 50 * USEC_MS;
	(void)event(y, MSG_RELOAD, "", 0);
	before = y->states;
	began = usec_mono();
	timer_in(&y->stream, 0);
	wait_until(y, is_streamed, "a stream of 200 changes");
	took = usec_mono() - began;
	ok(y->states - before <= took / (50 * USEC_MS) + 2,
	    "%u commits in %llu ms", y->states - before,
	    (unsigned long long)(took / USEC_MS));
	conf.checkpoint_interval = 100 * USEC_MS;
	(void)event(y, MSG_RELOAD, "", 0);
	y->reloads = 0;
}

int
main(void)
{
	static struct yoked y = { .rng = { 5 } };
	char second[300];
	int i;

	if (geteuid() != 0) {
		printf("1..0 # SKIP checkpointd's messages need root\n");
		return 0;
	}
	start(&y);
	wait_until(&y, is_here, "connected");
	send_load(&y);
	wait_until(&y, is_found, "asked for what is stored");
	ok(y.found.rc == -ENOENT && y.found.text[0] != '\0', "nothing: %s",
	    y.found.text);

	large_table(10000, &y.table);
	send_open(&y);
	wait_until(&y, is_stored, "10000 servers are stored");
	ok(y.state.snapshot_seq == y.table.seq && y.state.interval_us == 100000,
	    "as a snapshot");
	for (i = 0; i < 500; i++)
		change(&y, true);
	wait_until(&y, is_stored, "500 changes are stored");
	found_is(&y, "load while writing");
	change(&y, true);
	wait_until(&y, is_stored, "and writing goes on");

	y.table.epoch++;
	send_open(&y);
	wait_until(&y, is_stored, "a new epoch");
	y.table.epoch++;
	send_open(&y);
	wait_until(&y, is_stored, "and another");
	wait_until(&y, is_pruned, "two epochs are kept");
	test_roles(&y);
	test_pace(&y);

	change(&y, false);
	change(&y, true);
	wait_until(&y, is_failing, "a lost change is noticed");
	ok(strstr(y.state.error, "got lost") != NULL, "%s", y.state.error);
	wait_until(&y, is_stored, "and all is sent again");
	ok(y.hellos == 2, "over a new connection");
	found_is(&y, "after a lost change");

	test_storage_lost(&y);

	(void)snprintf(second, sizeof(second), "%s", conf.checkpoint_dir);
	scratch_dir(conf.checkpoint_dir, sizeof(conf.checkpoint_dir));
	(void)event(&y, MSG_RELOAD, "", 0);
	change(&y, true);
	wait_until(&y, is_reloaded, "another directory is configured");
	ok(strncmp(y.state.file, conf.checkpoint_dir,
	       strlen(conf.checkpoint_dir)) == 0,
	    "%s", y.state.file);
	found_is(&y, "there");
	(void)event(&y, MSG_STORE_CLOSE, "", 0);
	found_is(&y, "after closing");
	stop(&y);
	scratch_remove(second);
	scratch_remove(conf.checkpoint_dir);
	return done();
}
