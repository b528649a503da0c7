/*
 * bench_ipvs: how long this kernel takes for N services with 10 servers each
 * into an empty table, to read them back, and to find nothing to do. Run it in
 * a network namespace or machine whose IPVS table is nobody else's: it wants it
 * empty, and leaves it so.
 *
 * usage: bench_ipvs [SERVICES [RUNS]]
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/usec.h"
#include "ha/lvs_diff.h"

#define SERVERS 10
#define GOAL_MS 500

static void
must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, err_text(rc));
	exit(1);
}

static struct addr
address(unsigned net, unsigned n)
{
	struct addr a = { .family = AF_INET, .bytes = { 10 } };

	a.bytes[1] = (uint8_t)net;
	a.bytes[2] = (uint8_t)(n / 250);
	a.bytes[3] = (uint8_t)(n % 250 + 1);
	return a;
}

static void
wish(struct lvs_table *t, unsigned services)
{
	struct lvs_service s = { .key.protocol = IPPROTO_TCP }, *added;
	struct lvs_dest d = { .method = LVS_DR, .weight = 10 };
	unsigned i, k;

	strcpy(s.scheduler, "wlc");
	for (i = 0; i < services; i++) {
		s.key.addr = address(80, i % 10);
		s.key.port = (uint16_t)(1000 + i / 10);
		added = lvs_table_add(t, &s);
		must(added == NULL ? -ENOMEM : 0, "service");
		for (k = 0; k < SERVERS; k++) {
			d.addr = address(90, i * SERVERS + k);
			d.port = s.key.port;
			must(lvs_service_add_dest(added, &d), "server");
		}
	}
	must(lvs_table_sort(t), "table");
}

/* What it takes to make the kernel's table be want; ms, operations. */
static double
make_so(struct lvs *l, const struct lvs_table *want, size_t *ret_n)
{
	struct lvs_owned owned = { 0 };
	struct lvs_table have = { 0 };
	struct lvs_plan plan = { 0 };
	usec_t start = usec_mono();
	double ms;

	must(lvs_owned_add_table(&owned, want), "table");
	must(lvs_read(l, &have), "read");
	must(lvs_plan_make(want, &have, &owned, &plan), "plan");
	must(lvs_apply(l, plan.ops, plan.n, NULL, NULL), "apply");
	ms = (double)(usec_mono() - start) / USEC_MS;
	*ret_n = plan.n;
	lvs_plan_done(&plan);
	lvs_table_done(&have);
	lvs_owned_done(&owned);
	return ms;
}

static void
empty(struct lvs *l)
{
	struct lvs_table have = { 0 };
	size_t i;

	must(lvs_read(l, &have), "read");
	for (i = 0; i < have.n; i++) {
		struct lvs_op op = { .verb = LVS_DEL_SERVICE,
			.service = &have.services[i] };

		must(lvs_apply(l, &op, 1, NULL, NULL), "delete");
	}
	lvs_table_done(&have);
}

int
main(int argc, char **argv)
{
	unsigned services = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	unsigned runs = argc > 2 ? (unsigned)atoi(argv[2]) : 5, i;
	struct lvs_table want = { 0 }, have = { 0 };
	double made, same, least = 1e9;
	struct lvs *l;
	size_t n, none;

	must(lvs_open(&l), "IPVS");
	must(lvs_read(l, &have), "read");
	if (have.n > 0) {
		fprintf(stderr, "the table is not empty\n");
		return 1;
	}
	wish(&want, services);
	for (i = 0; i < runs; i++) {
		made = make_so(l, &want, &n);
		same = make_so(l, &want, &none);
		printf("%zu operations %.1f ms; again, %zu operations "
		       "%.1f ms\n",
		    n, made, none, same);
		least = made < least ? made : least;
		empty(l);
	}
	printf("%s %u servers into an empty IPVS: %.1f ms at best (goal %d)\n",
	    least < GOAL_MS ? "held  " : "MISSED", services * SERVERS, least,
	    GOAL_MS);
	lvs_table_done(&want);
	lvs_close(l);
	return 0;
}
