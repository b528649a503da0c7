/*
 * bench_yoked: yoked itself, with clocks around three of its calls and with the
 * kernel's table in memory (test/fake/lvs_fake.h), so that it runs where there
 * is no IPVS. The linker puts the clocks in (--wrap); what is between them is
 * yoked as it is shipped.
 *
 * The file that YOKE_BENCH names is mapped: bench_checkpoint.py reads from it
 * while yoked runs (struct probes, native byte order).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "daemons/yoked/yoked.h"
#include "test/fake/lvs_fake.h"

#define SAMPLES 16384 /* a ring; few, since yoked's memory is measured too */

struct ring {
	uint64_t n; /* ever; the last SAMPLES are there */
	uint32_t v[SAMPLES];
};

struct probes {
	struct ring change; /* ns, a change from decision to all who hear of it */
	struct ring hand;   /* ns, its hand-over to checkpointd alone */
	struct ring gap;    /* us, between beats that went out */
	struct ring at;     /* when: us of the monotonic clock, modulo 2^32 */
};

static struct probes *probes; /* this program is one yoked, no library */
static uint64_t beat_before;

int __real_director_change(struct director *d, struct change *c);
int __wrap_director_change(struct director *d, struct change *c);
int __real_helper_send(struct yoked *y, struct helper *h, enum msg_id id,
    const void *body, size_t len);
int __wrap_helper_send(struct yoked *y, struct helper *h, enum msg_id id,
    const void *body, size_t len);
void __real_beats_send(struct beats *b);
void __wrap_beats_send(struct beats *b);

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

__attribute__((constructor)) static void
map_probes(void)
{
	const char *path = getenv("YOKE_BENCH");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0 || ftruncate(fd, sizeof(*probes)) < 0)
		return;
	probes = mmap(NULL, sizeof(*probes), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (probes == MAP_FAILED)
		probes = NULL;
	(void)close(fd);
}

static void
note(struct ring *r, uint64_t v)
{
	r->v[r->n % SAMPLES] = (uint32_t)v;
	__atomic_store_n(&r->n, r->n + 1, __ATOMIC_RELEASE);
}

int
__wrap_director_change(struct director *d, struct change *c)
{
	uint64_t began = now_ns();
	int rc = __real_director_change(d, c);

	if (probes != NULL && rc == 0)
		note(&probes->change, now_ns() - began);
	return rc;
}

int
__wrap_helper_send(struct yoked *y, struct helper *h, enum msg_id id,
    const void *body, size_t len)
{
	uint64_t began = now_ns();
	int rc = __real_helper_send(y, h, id, body, len);

	if (probes != NULL && id == MSG_CHANGE)
		note(&probes->hand, now_ns() - began);
	return rc;
}

void
__wrap_beats_send(struct beats *b)
{
	uint64_t now = now_ns();

	if (probes != NULL && beat_before != 0) {
		note(&probes->at, now / 1000);
		note(&probes->gap, (now - beat_before) / 1000);
	}
	beat_before = now;
	__real_beats_send(b);
}

/* ---- the kernel's table, in memory; lvs_nl.o stays in its archive ---- */

int
lvs_open(struct lvs **ret)
{
	struct lvs_fake *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	*ret = (struct lvs *)f;
	return 0;
}

void
lvs_close(struct lvs *l)
{
	if (l != NULL)
		lvs_fake_done((struct lvs_fake *)l);
	free(l);
}

static int
mem_read(void *ctx, struct lvs_table *ret)
{
	return lvs_fake_ops.read(ctx, ret);
}

static int
mem_read_more(void *ctx, struct lvs_table *t, size_t *at, size_t max)
{
	return lvs_fake_ops.read_more(ctx, t, at, max);
}

static int
mem_read_one(void *ctx, const struct lvs_key *k, struct lvs_table *ret)
{
	return lvs_fake_ops.read_one(ctx, k, ret);
}

static int
mem_apply(
    void *ctx, const struct lvs_op *ops, size_t n, lvs_fail_fn fail, void *arg)
{
	return lvs_fake_ops.apply(ctx, ops, n, fail, arg);
}

static int
mem_sync_start(void *ctx, const struct lvs_sync *s)
{
	return lvs_fake_ops.sync_start(ctx, s);
}

static int
mem_sync_stop(void *ctx, enum lvs_role role)
{
	return lvs_fake_ops.sync_stop(ctx, role);
}

static int
mem_sync_read(void *ctx, struct lvs_sync ret[2])
{
	return lvs_fake_ops.sync_read(ctx, ret);
}

const struct lvs_ops lvs_nl = {
	.read = mem_read,
	.read_more = mem_read_more,
	.read_one = mem_read_one,
	.apply = mem_apply,
	.sync_start = mem_sync_start,
	.sync_stop = mem_sync_stop,
	.sync_read = mem_sync_read,
};
