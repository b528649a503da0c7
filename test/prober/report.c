/*
 * report: called by prober.c once, when everything has ended. Field names are
 * what drills and benchmarks read; times are milliseconds with three decimals.
 */
#include "test/prober/report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static json_t *
ms(int64_t usec)
{
	return usec < 0 ? json_null() : json_real((double)usec / 1000.0);
}

static void
put(json_t *o, const char *key, size_t v)
{
	(void)json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void
put_ms(json_t *o, const char *key, usec_t v)
{
	(void)json_object_set_new(o, key, ms((int64_t)v));
}

static json_t *
failures(const struct outage *out)
{
	json_t *o = json_object();
	int i;

	put(o, "total", out->failed);
	for (i = 0; i < OUTCOME__LAST; i++)
		if (outcome_fails((enum outcome)i))
			put(o, outcome_name((enum outcome)i),
			    out->by_outcome[i]);
	return o;
}

static json_t *
spans(const struct run *run, const struct outage *out)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < out->spans && i < OUTAGE_SPANS_MAX; i++) {
		o = json_object();
		put_ms(o, "at_ms", out->span[i].first - run->start);
		put_ms(o, "outage_ms",
		    out->span[i].last - out->span[i].first +
			USEC_S / run->opt.rate);
		put(o, "failed", out->span[i].failed);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
servers(const struct attempts *a)
{
	size_t count[SERVERS_MAX] = { 0 }, i;
	json_t *o = json_object();

	for (i = 0; i < a->n; i++)
		if (a->list[i].outcome == OUTCOME_OK ||
		    a->list[i].outcome == OUTCOME_LATE)
			count[a->list[i].server]++;
	for (i = 1; i < a->servers; i++)
		put(o, a->server[i], count[i]);
	return o;
}

static json_t *
reset_histogram(const struct tally *s)
{
	static const struct {
		const char *name;
		usec_t below;
	} bins[] = { { "<0.1", 100 * USEC_MS }, { "<0.5", 500 * USEC_MS },
		{ "<1", USEC_S }, { "<5", 5 * USEC_S },
		{ "more", USEC_NEVER } };
	size_t count[ARRAY_LEN(bins)] = { 0 }, i, b;
	json_t *o = json_object();

	for (i = 0; i < s->reset; i++) {
		for (b = 0; s->reset_ages[i] >= bins[b].below; b++)
			;
		count[b]++;
	}
	for (b = 0; b < ARRAY_LEN(bins); b++)
		put(o, bins[b].name, count[b]);
	return o;
}

static json_t *
established(const struct tally *s)
{
	json_t *o = json_object(), *ages = json_array();
	size_t i;

	put(o, "total", s->total);
	put(o, "kept", s->kept);
	put(o, "reset", s->reset);
	put(o, "hung", s->hung);
	put(o, "bad", s->bad);
	put(o, "unfinished", s->total - s->kept - s->reset - s->hung - s->bad);
	put_ms(o, "max_stall_ms", s->max_stall);
	put_ms(o, "stall_before_ms", s->stall[STALL_BEFORE]);
	put_ms(o, "old_stall_ms", s->stall[STALL_OLD]);
	put_ms(o, "young_stall_ms", s->stall[STALL_YOUNG]);
	put(o, "young_total", s->young_total);
	put(o, "young_reset", s->young_reset);
	put(o, "young_hung", s->young_hung);
	put(o, "young_not_opened", s->not_opened);
	put(o, "recycled", s->recycled);
	for (i = 0; i < s->reset; i++)
		(void)json_array_append_new(
		    ages, ms((int64_t)s->reset_ages[i]));
	(void)json_object_set_new(o, "reset_ages_ms", ages);
	(void)json_object_set_new(o, "reset_ages", reset_histogram(s));
	return o;
}

static json_t *
late_ticks(const struct pace *p, const struct pace *young)
{
	json_t *o = json_object();

	put_ms(o, "max_ms", p->max_late);
	put(o, "over_5ms", p->noisy);
	put(o, "skipped", p->skipped);
	put(o, "young_skipped", young->skipped);
	return o;
}

static json_t *
build(const struct run *run, const struct outage *out)
{
	json_t *o = json_object();
	int64_t marked = run->mark > 0 ? (int64_t)(run->mark - run->start) : -1;

	put(o, "attempts", run->attempts.n);
	put(o, "ok", out->by_outcome[OUTCOME_OK]);
	(void)json_object_set_new(o, "failed", failures(out));
	put(o, "local_errors", out->by_outcome[OUTCOME_LOCAL]);
	put(o, "unfinished", out->by_outcome[OUTCOME_NONE]);
	put_ms(o, "outage_ms", out->outage);
	put_ms(o, "outage_min_ms", out->min);
	put_ms(o, "outage_max_ms", out->max);
	(void)json_object_set_new(o, "spans", spans(run, out));
	(void)json_object_set_new(o, "mark_ms", ms(marked));
	(void)json_object_set_new(
	    o, "outage_from_mark_ms", ms(marked < 0 ? -1 : out->from_mark));
	(void)json_object_set_new(
	    o, "first_ok_after_ms", ms(marked < 0 ? -1 : out->first_ok));
	put_ms(o, "longest_gap_ms", out->gap);
	(void)json_object_set_new(o, "servers", servers(&run->attempts));
	(void)json_object_set_new(
	    o, "established", established(&run->standing.tally));
	(void)json_object_set_new(
	    o, "late_ticks",
	    late_ticks(&run->attempts.pace, &run->standing.pace));
	return o;
}

int
report_json(const struct run *run)
{
	const struct attempts *a = &run->attempts;
	const char *path = run->opt.json_path;
	struct outage out;
	FILE *f = stdout;
	json_t *o;
	int rc;

	rc = outage_compute(a->list, a->n,
	    run->opt.rate > 0 ? USEC_S / run->opt.rate : 0, run->mark, &out);
	if (rc < 0)
		return rc;
	if (path != NULL && (f = fopen(path, "we")) == NULL)
		return -errno;
	o = build(run, &out);
	rc = json_dumpf(o, f,
	    JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
	json_decref(o);
	if (fputc('\n', f) == EOF || fflush(f) == EOF || rc < 0)
		rc = -EIO;
	if (f != stdout)
		(void)fclose(f);
	return rc;
}

int
report_timeseries(const struct run *run)
{
	const struct attempts *a = &run->attempts;
	const struct attempt *t;
	FILE *f;
	size_t i;

	if (run->opt.timeseries_path == NULL)
		return 0;
	f = fopen(run->opt.timeseries_path, "we");
	if (f == NULL)
		return -errno;
	fputs("t_ms,outcome,server,latency_us\n", f);
	for (i = 0; i < a->n; i++) {
		t = &a->list[i];
		fprintf(f, "%.3f,%s,%s,%" PRIu64 "\n",
		    (double)(t->started - run->start) / 1000.0,
		    outcome_name(t->outcome), a->server[t->server],
		    t->ended > 0 ? t->ended - t->started : 0);
	}
	return fclose(f) == 0 ? 0 : -errno;
}
