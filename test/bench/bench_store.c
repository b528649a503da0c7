/*
 * bench_store: what the store costs, by itself: the machine's fsync, a change
 * by the size of the table, a snapshot, a rollback. Prints "name value" lines
 * for bench_checkpoint.py; times in microseconds.
 *
 * usage: bench_store DIRECTORY [RUNS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/usec.h"
#include "store/store.h"
#include "test/unit/test_store_help.h"

#define SERVERS 10 /* of a service */
#define CHANGES 500
#define REPLAYED 10000

static const char *dir;
static unsigned runs = 10;

static void
die(const char *what)
{
	fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
say(const char *name, double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	printf("%s_p50 %.1f\n%s_p99 %.1f\n%s_max %.1f\n", name, v[n / 2], name,
	    v[n * 99 / 100], name, v[n - 1]);
}

static double
cpu_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Bytes this process handed to write() and its kin. */
static uint64_t
written(void)
{
	unsigned long long n = 0;
	char line[128];
	FILE *f = fopen("/proc/self/io", "r");

	if (f == NULL)
		die("/proc/self/io cannot be read");
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "wchar: %llu", &n) == 1)
			break;
	fclose(f);
	return n;
}

/* A page at the end of a file and on the medium, as a commit is. */
static void
bench_fsync(void)
{
	static const uint8_t page[4096];
	double v[200];
	char path[600];
	size_t i;
	usec_t t;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fsync", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (i = 0; i < ARRAY_LEN(v); i++) {
		t = usec_mono();
		if (write(fd, page, sizeof(page)) < 0 || fdatasync(fd) < 0)
			die("fdatasync");
		v[i] = (double)(usec_mono() - t);
	}
	(void)close(fd);
	(void)unlink(path);
	say("fsync_us", v, i);
}

static void
make_table(unsigned n, struct table *t)
{
	char service[16] = "", server[16];
	struct change c;
	unsigned i;

	table_init(t);
	t->epoch = 1;
	for (i = 0; i < n; i++) {
		if (i % SERVERS == 0) {
			(void)snprintf(service, sizeof(service), "svc%u",
			    i / SERVERS);
			next_change(t, CHANGE_SERVICE_SET, service, "", 0, &c);
			if (table_apply(t, &c) < 0)
				die("service");
		}
		(void)snprintf(server, sizeof(server), "s%u", i % SERVERS);
		next_change(t, CHANGE_SERVER_SET, service, server, i, &c);
		if (table_apply(t, &c) < 0)
			die("server");
	}
}

static void
change(struct store *s, struct table *t, unsigned i)
{
	unsigned k = i * 7919 % (unsigned)t->n_servers;
	char service[16], server[16];
	struct store_err e;
	struct change c;

	(void)snprintf(service, sizeof(service), "svc%u", k / SERVERS);
	(void)snprintf(server, sizeof(server), "s%u", k % SERVERS);
	next_change(t, CHANGE_OVERRIDE, service, server, i % 100, &c);
	if (table_apply(t, &c) < 0 || store_add(s, &c, &e) < 0)
		die("change");
}

static struct store *
begin(struct store_id *id, const struct table *t)
{
	struct store_err e;
	struct store *s;

	if (store_open(id, t, false, &s, &e) < 0)
		die(e.text);
	return s;
}

/* Each change alone, then a hundred to a commit. */
static void
bench_change(unsigned n, struct store_id *id)
{
	double v[CHANGES];
	struct store_err e;
	struct table t;
	struct store *s;
	uint64_t before;
	char name[64];
	usec_t at;
	unsigned i;

	id->epoch++;
	make_table(n, &t);
	s = begin(id, &t);
	before = written();
	for (i = 0; i < CHANGES; i++) {
		at = usec_mono();
		change(s, &t, i);
		if (store_commit(s, &e) < 0)
			die(e.text);
		v[i] = (double)(usec_mono() - at);
	}
	printf("bytes_alone_%u %.1f\n", n,
	    (double)(written() - before) / CHANGES);
	(void)snprintf(name, sizeof(name), "commit_us_%u", n);
	say(name, v, CHANGES);
	before = written();
	for (i = 0; i < CHANGES * 10; i++) {
		change(s, &t, i);
		if (i % 100 == 99 && store_commit(s, &e) < 0)
			die(e.text);
	}
	printf("bytes_grouped_%u %.1f\n", n,
	    (double)(written() - before) / (CHANGES * 10));
	store_close(s);
	table_done(&t);
}

static void
bench_snapshot(struct store_id *id)
{
	double *wall = mem_zalloc(runs * sizeof(double));
	double *cpu = mem_zalloc(runs * sizeof(double));
	struct store_err e;
	struct table t;
	struct store *s;
	usec_t at;
	unsigned i;

	id->epoch++;
	make_table(10000, &t);
	s = begin(id, &t);
	for (i = 0; i < runs; i++) {
		change(s, &t, i);
		if (store_commit(s, &e) < 0)
			die(e.text);
		cpu[i] = cpu_us();
		at = usec_mono();
		if (store_snapshot(s, &t, &e) < 0)
			die(e.text);
		wall[i] = (double)(usec_mono() - at);
		cpu[i] = cpu_us() - cpu[i];
	}
	say("snapshot_us", wall, runs);
	say("snapshot_cpu_us", cpu, runs);
	store_close(s);
	table_done(&t);
	free(wall);
	free(cpu);
}

/* Of a writer that never closed its file: the log is still there. */
static void
bench_rollback(struct store_id *id)
{
	double *v = mem_zalloc(runs * sizeof(double));
	struct store_loaded l;
	struct store_err e;
	struct table t;
	struct store *s;
	usec_t at;
	unsigned i;

	id->epoch++;
	make_table(10000, &t);
	s = begin(id, &t);
	for (i = 0; i < REPLAYED; i++) {
		change(s, &t, i);
		if (i % 100 == 99 && store_commit(s, &e) < 0)
			die(e.text);
	}
	for (i = 0; i < runs; i++) {
		at = usec_mono();
		if (store_load(dir, id->instance, NULL, &l) < 0)
			die(l.text);
		v[i] = (double)(usec_mono() - at);
		if (l.changes != REPLAYED || l.text[0] != '\0' ||
		    !table_equal(&l.table, &t))
			die("what was loaded is not what was written");
		table_done(&l.table);
	}
	say("rollback_us", v, runs);
	store_close(s);
	table_done(&t);
	free(v);
}

int
main(int argc, char **argv)
{
	struct store_id id = { .instance = "bench", .node = 1 };

	if (argc < 2) {
		fprintf(stderr, "usage: bench_store DIRECTORY [RUNS]\n");
		return 2;
	}
	dir = argv[1];
	if (argc > 2)
		runs = (unsigned)atoi(argv[2]);
	(void)snprintf(id.dir, sizeof(id.dir), "%s", dir);
	bench_fsync();
	bench_change(10, &id);
	bench_change(1000, &id);
	bench_change(10000, &id);
	bench_snapshot(&id);
	bench_rollback(&id);
	return 0;
}
