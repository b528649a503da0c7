/*
 * test_linkd: the codec between yoke-linkd and yoked, and linkd's worker
 * process without a corosync. The rest is test/link/test_linkd.py.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/msg.h"
#include "daemons/linkd/worker.h"
#include "ha/link_msg.h"
#include "test/tap.h"

static struct link_members_msg
example(void)
{
	struct link_members_msg m = { .connected = true, .own = 2 };

	m.n_members = 2;
	m.members[0] = 1;
	m.members[1] = 0xfffffffe;
	m.n_left = 1;
	m.left[0].node = 3;
	m.left[0].reason = LINK_REASON_PROCDOWN;
	return m;
}

static void
test_codec(void)
{
	struct link_members_msg m = example(), got = { 0 }, same;
	uint8_t mem[512];
	struct buf b = buf_writer(mem, sizeof(mem)), r;
	size_t len, i;
	unsigned bad = 0;

	link_members_pack(&b, &m);
	len = b.pos;
	is_int(len, 1 + 4 + 2 + 2 * 4 + 2 + 5, "size as documented");
	r = buf_reader(mem, len);
	is_int(link_members_unpack(&r, &got), 0, "unpacks");
	ok(memcmp(&got, &m, sizeof(m)) == 0, "to the same");
	ok(link_members_have(&got, 1) && !link_members_have(&got, 3),
	    "members are found");
	same = got;
	for (i = 0; i < len; i++) {
		r = buf_reader(mem, i);
		bad += link_members_unpack(&r, &got) == -EBADMSG;
	}
	is_int(bad, len, "every cut is refused");
	r = buf_reader(mem, len + 1);
	is_int(link_members_unpack(&r, &got), -EBADMSG, "so is a long one");
	mem[6] = LINK_LIST_MAX + 1;
	r = buf_reader(mem, len);
	is_int(link_members_unpack(&r, &got), -EBADMSG, "so are too many");
	ok(memcmp(&got, &same, sizeof(got)) == 0, "the result is untouched");
	mem[6] = 2;
	mem[0] = 2;
	r = buf_reader(mem, len);
	is_int(link_members_unpack(&r, &got), -EBADMSG, "and no boolean");

	m.n_members = m.n_left = LINK_LIST_MAX;
	b = buf_writer(mem, msg_max(MSG_LINK_MEMBERS));
	link_members_pack(&b, &m);
	ok(!b.bad, "the longest fits its row");
	ok(LINK_DATA_MAX <= msg_max(MSG_LINK_SEND) &&
		LINK_DATA_MAX + 4 <= msg_max(MSG_LINK_RECV),
	    "data fits both ways");
	is_str(link_reason_name(LINK_REASON_NODEDOWN), "nodedown", "a name");
	is_str(link_reason_name(99), "unknown", "no name");
}

struct test {
	struct loop *loop;
	struct worker *worker;
	struct timer limit;
	unsigned fails, gone;
};

static void
on_frame(enum frame f, const uint8_t *body, size_t len, void *arg)
{
	struct test *t = arg;
	struct buf b = buf_reader(body, len);
	char stage[32];

	if (f != FRAME_FAIL)
		return;
	get_str(&b, stage, sizeof(stage));
	t->fails += strcmp(stage, "connect") == 0;
	loop_stop(t->loop);
}

static void
on_gone(void *arg)
{
	struct test *t = arg;

	t->gone++;
	worker_free(t->worker);
	t->worker = NULL;
	loop_stop(t->loop);
}

static void
on_limit(void *arg)
{
	struct test *t = arg;

	loop_stop(t->loop);
}

static void
run(struct test *t, usec_t limit)
{
	timer_in(&t->limit, limit);
	loop_run(t->loop);
	timer_stop(&t->limit);
}

/* A worker that reads on the other CPU would keep the queue empty. */
static bool
stop_child(void)
{
	char file[64];
	int pid = 0;
	FILE *f;

	(void)snprintf(file, sizeof(file), "/proc/self/task/%d/children",
	    (int)getpid());
	f = fopen(file, "re");
	if (f != NULL && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f != NULL)
		(void)fclose(f);
	return pid > 0 && kill(pid, SIGSTOP) == 0;
}

/* Where no corosync runs the worker says so once and goes when told to. */
static void
test_worker(void)
{
	static const struct worker_ops ops = { on_frame, on_gone };
	static uint8_t big[FRAME_MAX];
	struct test t = { .loop = NULL };
	size_t n;

	(void)loop_new(&t.loop);
	timer_init(&t.limit, t.loop, on_limit, &t);
	is_int(worker_start(t.loop, "yoke:test", &ops, &t, &t.worker), 0,
	    "worker starts");
	run(&t, 5 * USEC_S);
	if (t.fails == 0) {
		ok(1, "the rest # SKIP corosync runs here");
		worker_free(t.worker);
		goto out;
	}
	run(&t, 500 * USEC_MS);
	is_int(t.fails, 1, "it tells once that it cannot connect");
	is_int(worker_send(t.worker, FRAME_LEAVE, NULL, 0), 0, "told to leave");
	run(&t, 5 * USEC_S);
	is_int(t.gone, 1, "it goes");
	ok(t.worker == NULL, "and may be freed in the callback");

	(void)worker_start(t.loop, "yoke:test", &ops, &t, &t.worker);
	is_int(worker_send(t.worker, FRAME_SEND, big, sizeof(big)), -EMSGSIZE,
	    "too long a message");
	ok(stop_child(), "the worker does not read");
	for (n = 0; n < 10000; n++)
		if (worker_send(t.worker, FRAME_SEND, big, 40000) != 0)
			break;
	ok(n > 100 && n < 1000, "the queue is bounded: %zu", n);
	ok(worker_queued(t.worker) > 0, "and counted");
	worker_drop_queue(t.worker);
	is_int(worker_queued(t.worker), 0, "and dropped");
	worker_free(t.worker);
out:
	loop_free(t.loop);
}

int
main(void)
{
	alarm(30);
	test_codec();
	test_worker();
	return done();
}
