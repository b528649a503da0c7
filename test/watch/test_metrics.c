/*
 * test_metrics: a status as metrics: every row of schema/status.def is one or is
 * said not to be, the text obeys OpenMetrics strictly, and is as it was
 * (GOLDEN=1 writes test/golden/metrics-*.txt).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/metricsd/metrics.h"
#include "test/tap.h"
#include "test/watch/test_metrics_grammar.h"

static const char *const paths[] = {
#define FIELD(path, type, unit, null, help) path,
#include "schema/status.def"
#undef FIELD
};

/* Not metrics, and why: a row that is neither here nor shown fails. A path that
 * ends in "[]" stands for all below it. */
static const struct {
	const char *path, *why;
} not_shown[] = {
	{ "time", "time_us is" },
	{ "text", "prose" },
	{ "alarms[]", "counted by name in yoke_alarms" },
	{ "vips[].touched_text", "prose" },
	{ "vips[].duplicate.mac", "an address; duplicate.claims counts" },
	{ "vip_error", "prose; an alarm" },
	{ "paths[].name", "a label" },
	{ "vips[].address", "a label" },
	{ "uplink.devices[].name", "a label" },
	{ "uplink.witnesses[].name", "a label" },
	{ "services[].name", "a label" },
	{ "services[].servers[].name", "a label" },
	{ "paths[].problem", "prose; an alarm" },
	{ "fence.text", "prose" },
	{ "uplink.why", "prose" },
	{ "uplink.witnesses[].address", "changes with the gateway" },
	{ "uplink.witnesses[].how", "uninteresting" },
	{ "uplink.witnesses[].problem", "prose" },
	{ "services[].servers[].cause", "prose" },
	{ "services[].servers[].policy_cause", "prose" },
	{ "services[].servers[].state_cause", "prose" },
	{ "ipvs.error", "prose; an alarm" },
	{ "checkpoint.auto.replay_from", "a word about another row" },
	{ "checkpoint.auto.mtbf_from", "a word about another row" },
	{ "checkpoint.auto.bound", "a word about another row" },
	{ "checkpoint.error", "prose; an alarm" },
	{ "restored.file", "prose" },
	{ "restored.text", "prose" },
	{ "transitions[]", "the newest is yoke_transition_*" },
};

static bool
is_excused(const char *path)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(not_shown); i++) {
		n = strlen(not_shown[i].path);
		if (strncmp(path, not_shown[i].path, n) == 0 &&
		    (path[n] == '\0' || not_shown[i].path[n - 1] == ']'))
			return true;
	}
	return false;
}

static void
test_rows(void)
{
	unsigned missing = 0, both = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		if (!metrics_shows(paths[i]) && !is_excused(paths[i])) {
			printf("# %s is not shown\n", paths[i]);
			missing++;
		}
		both += metrics_shows(paths[i]) && is_excused(paths[i]);
	}
	is_int(missing, 0, "every row is a metric, or is said not to be");
	is_int(both, 0, "and none is both");
}

/* Text of a file; caller free()s. "": none. */
static char *
slurp(const char *file)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(file, "r");

	if (f != NULL) {
		(void)!fread(text, 1, (1 << 20) - 1, f);
		fclose(f);
	}
	return text;
}

static void
compare(const char *file, const char *text)
{
	char *want;
	FILE *f;

	if (getenv("GOLDEN") != NULL && (f = fopen(file, "w")) != NULL) {
		fputs(text, f);
		fclose(f);
	}
	want = slurp(file);
	ok(strcmp(text, want) == 0, "as %s says", file);
	free(want);
}

static void
check_open(const char *name, const char *text)
{
	unsigned line;
	const char *wrong = openmetrics_check(text, &line);

	ok(wrong == NULL, "%s: OpenMetrics", name);
	if (wrong != NULL)
		printf("# line %u: %s\n", line, wrong);
}

static void
test_golden(const char *name, bool keep)
{
	char file[128];
	json_t *j;
	char *text;
	size_t len;

	(void)snprintf(file, sizeof(file), "test/golden/status-%s.json", name);
	j = json_load_file(file, 0, NULL);
	ok(j != NULL, "%s is there", file);
	text = metrics_text(j, "", METRICS_OPEN, &len);
	is_int(strlen(text), len, "%s: of this length", name);
	check_open(name, text);
	(void)snprintf(
	    file, sizeof(file), "test/golden/metrics-%s.txt", name);
	if (keep)
		compare(file, text);
	free(text);
	text = metrics_text(j, "", METRICS_PLAIN, &len);
	(void)snprintf(
	    file, sizeof(file), "test/golden/metrics-%s-plain.txt", name);
	if (keep)
		compare(file, text);
	ok(strstr(text, "# UNIT") == NULL && strstr(text, "stateset") == NULL &&
		strstr(text, " info\n") == NULL &&
		strstr(text, "# EOF") == NULL,
	    "%s: the older format has nothing of the newer", name);
	free(text);
	json_decref(j);
}

static void
test_down(void)
{
	size_t len;
	char *text = metrics_text(NULL, "no \"yoked\"\n", METRICS_OPEN, &len);

	check_open("without yoked", text);
	ok(strstr(text, "\nyoke_up 0\n") != NULL, "yoke_up is 0");
	ok(strstr(text, "why=\"no \\\"yoked\\\"?\"") != NULL, "and why");
	free(text);
}

/* What a status may hold whatever yoked thinks of it. */
static void
test_strange(void)
{
	static const char *const docs[] = {
		"{}",
		"{\"paths\": 1, \"services\": [1, null, {\"servers\": {}}]}",
		"{\"paths\": [{\"name\": \"a\", \"up\": true},"
		" {\"name\": \"a\", \"up\": false}]}",
		"{\"seq\": -5, \"role\": \"new\", \"peer\": {\"role\": 7}}",
		"{\"services\": [{\"name\": \"a\\\"\\\\b\\nc\", \"servers\":"
		" [{\"name\": \"\\u00e4\", \"weight\": 3}]}]}",
		"{\"alarms\": [{\"name\": \"x\"}, {\"name\": \"x\"}]}",
		"{\"transitions\": [{\"at_us\": 12}]}",
	};
	char name[32];
	size_t i, len;
	json_t *j;
	char *text;

	for (i = 0; i < ARRAY_LEN(docs); i++) {
		j = json_loads(docs[i], 0, NULL);
		text = metrics_text(j, "", METRICS_OPEN, &len);
		(void)snprintf(name, sizeof(name), "strange %zu", i);
		check_open(name, text);
		if (i == 5)
			ok(strstr(text, "yoke_alarms{alarm=\"x\"} 2\n") != NULL,
			    "alarms are counted by name");
		free(text);
		json_decref(j);
	}
}

/* The checker itself lets nothing wrong pass. */
static void
test_checker(void)
{
#define HEAD "# HELP a b\n# TYPE a gauge\n"
	static const char *const bad[] = {
		"", "a 1\n# EOF\n", HEAD "a 1\n", HEAD "a 1\n# EOF\nx",
		HEAD "a 1\na 1\n# EOF\n", HEAD "a{b=\"c\"} 1\na{b=\"c\"} 2\n# EOF\n",
		HEAD "a 1\n" HEAD "# EOF\n", HEAD "b 1\n# EOF\n",
		HEAD "a{b=c} 1\n# EOF\n", HEAD "a{b=\"c} 1\n# EOF\n",
		HEAD "a{b=\"c\",b=\"d\"} 1\n# EOF\n", HEAD "a{b=\"\\x\"} 1\n# EOF\n",
		HEAD "a  1\n# EOF\n", HEAD "a one\n# EOF\n", HEAD "a 1 \n# EOF\n",
		"# TYPE a counter\na 1\n# EOF\n",
		"# TYPE a counter\na_total -1\n# EOF\n",
		"# TYPE a info\na_info 2\n# EOF\n",
		"# TYPE a stateset\na{b=\"c\"} 1\n# EOF\n",
		"# TYPE a stateset\na{a=\"c\"} 3\n# EOF\n",
		"# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
		"# TYPE a strange\na 1\n# EOF\n", "# a comment\n# EOF\n",
		"# HELP a b\n# EOF\n", "# TYPE a gauge\n\n# EOF\n",
		"# TYPE a gauge\na 1\n# TYPE b gauge\n# TYPE a gauge\n# EOF\n",
	};
	unsigned line, passed = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		if (openmetrics_check(bad[i], &line) == NULL) {
			printf("# passes: %s\n", bad[i]);
			passed++;
		}
	is_int(passed, 0, "%zu wrong texts are found wrong", ARRAY_LEN(bad));
	ok(openmetrics_check(HEAD "a 1\na{b=\"c\"} 2\n# EOF\n", &line) == NULL,
	    "and a right one right");
}

int
main(void)
{
	static const char *const names[] = { "standby", "degraded", "fault",
		"ipv6", "long", "starting", "uplink", "novips" };
	size_t i;

	test_checker();
	test_rows();
	test_golden("active", true);
	for (i = 0; i < ARRAY_LEN(names); i++)
		test_golden(names[i], false);
	test_down();
	test_strange();
	ok(metrics_wanted(NULL) == METRICS_PLAIN, "no Accept: the older one");
	ok(metrics_wanted("application/openmetrics-text;version=1.0.0,*/*") ==
		METRICS_OPEN, "Prometheus gets OpenMetrics");
	return done();
}
