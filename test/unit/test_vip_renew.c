/*
 * test_vip_renew: renewals beside a kernel that is busy (a semaphore here): the
 * caller never waits for one, what it does next comes after it, and whoever
 * stops meanwhile leaves nothing behind.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/thread.h"
#include "common/usec.h"
#include "ha/vip_renew.h"
#include "test/tap.h"

static struct kernel {
	sem_t gate;
	atomic_int begun, held, ended;
	int rc;
	size_t n;
	char device[16];
} k;

static int
hold(void *ctx, const struct conf_vip *vips, size_t n)
{
	(void)ctx;
	atomic_fetch_add(&k.begun, 1);
	(void)sem_wait(&k.gate);
	k.n = n;
	strcpy(k.device, vips[0].device);
	atomic_fetch_add(&k.held, 1);
	return k.rc;
}

static void
ended(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&k.ended, 1);
}

/* Until n is there; the test ends by its own time limit if it never is. */
static void
await(atomic_int *at, int n)
{
	while (atomic_load(at) < n)
		(void)usleep(200);
}

static void *
open_gate(void *arg)
{
	(void)usleep(20000);
	(void)sem_post(arg);
	return NULL;
}

static void
test_order(struct vip_renew *r)
{
	struct conf_vip vips[3] = { { .device = "eth0" } };

	is_int(vip_renew(r, vips, 3), 0, "asked for, and not waited for");
	strcpy(vips[0].device, "gone");
	await(&k.begun, 1);
	is_int(vip_renew(r, vips, 3), -ETIMEDOUT,
	    "the kernel is busy: the next one is left out, and says so");
	is_int(atomic_load(&k.held), 0, "nothing was renewed yet");
	(void)sem_post(&k.gate);
	vip_renew_settle(r);
	is_int(atomic_load(&k.held), 1, "settled: it is done");
	is_int((long)k.n, 3, "with all addresses");
	is_str(k.device, "eth0", "as they were when it was asked for");
	k.rc = -EPERM;
	(void)sem_post(&k.gate);
	is_int(vip_renew(r, vips, 1), 0, "the last one was well");
	vip_renew_settle(r);
	k.rc = 0;
	(void)sem_post(&k.gate);
	is_int(vip_renew(r, vips, 1), -EPERM, "this one's error comes next");
	vip_renew_settle(r);
	is_int(atomic_load(&k.held), 3, "and it was tried again");
}

static void
test_settle(struct vip_renew *r)
{
	const struct conf_vip vip = { .device = "eth0" };
	int held = atomic_load(&k.held);

	(void)vip_renew(r, &vip, 1);
	if (thread_start(open_gate, &k.gate, NULL) < 0)
		abort();
	vip_renew_settle(r);
	is_int(atomic_load(&k.held), held + 1,
	    "what must come after it waits for it");
	vip_renew_settle(r);
	ok(true, "and does not wait for nothing");
}

static void
test_stop(struct vip_renew *r)
{
	const struct conf_vip vip = { .device = "eth0" };
	int begun = atomic_load(&k.begun);

	(void)vip_renew(r, &vip, 1);
	await(&k.begun, begun + 1);
	vip_renew_stop(r);
	is_int(atomic_load(&k.ended), 0, "stopped while the kernel is busy");
	(void)sem_post(&k.gate);
	await(&k.ended, 1);
	is_int(atomic_load(&k.ended), 1, "it ends when the kernel answers");
	vip_renew_stop(NULL);
}

int
main(void)
{
	struct vip_renew *r;

	(void)alarm(60);
	(void)sem_init(&k.gate, 0, 0);
	is_int(vip_renew_start(hold, ended, NULL, &r), 0, "started");
	test_order(r);
	test_settle(r);
	test_stop(r);
	return done();
}
