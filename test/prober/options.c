/*
 * options: the prober's command line. Every option is one row of `rows`, from
 * which getopt_long(3) and the help text are made.
 */
#include "test/prober/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/mem.h"

typedef int (*set_fn)(void *field, const char *text);

static int
set_count(void *field, const char *text)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v > 1000000)
		return -EINVAL;
	*(unsigned long *)field = v;
	return 0;
}

static int
set_scaled(usec_t *field, const char *text, usec_t unit)
{
	char *end;
	double v = strtod(text, &end);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || !(v < 1e7))
		return -EINVAL;
	*field = (usec_t)(v * (double)unit + 0.5);
	return 0;
}

static int
set_ms(void *field, const char *text)
{
	return set_scaled(field, text, USEC_MS);
}

static int
set_sec(void *field, const char *text)
{
	return set_scaled(field, text, USEC_S);
}

/* "20-50", or "30" for both. */
static int
set_ms_range(void *field, const char *text)
{
	usec_t *range = field;
	char low[32];
	const char *dash = strchr(text, '-');

	if (dash == NULL) {
		if (set_ms(&range[0], text) < 0)
			return -EINVAL;
		range[1] = range[0];
		return 0;
	}
	if ((size_t)(dash - text) >= sizeof(low))
		return -EINVAL;
	memcpy(low, text, (size_t)(dash - text));
	low[dash - text] = '\0';
	if (set_ms(&range[0], low) < 0 || set_ms(&range[1], dash + 1) < 0)
		return -EINVAL;
	return range[0] <= range[1] ? 0 : -EINVAL;
}

static int
set_path(void *field, const char *text)
{
	*(const char **)field = text;
	return 0;
}

static int
set_true(void *field, const char *text)
{
	(void)text;
	*(bool *)field = true;
	return 0;
}

static int
set_target(void *field, const char *text)
{
	struct target *t = field;
	char host[ADDR_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	unsigned long port;
	struct addr a;
	size_t len;

	if (colon == NULL || set_count(&port, colon + 1) < 0 || port == 0 ||
	    port > 65535)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (addr_parse(host, &a) < 0)
		return -EINVAL;
	t->addr_len = addr_to_sock(&a, (uint16_t)port, &t->addr);
	(void)addr_format_port(&a, (uint16_t)port, t->host, sizeof(t->host));
	return 0;
}

#define FIELD(m) offsetof(struct options, m)
/* clang-format off */
static const struct row {
	const char *name, *arg;
	set_fn set;
	size_t field;
	const char *help;
} rows[] = {
	{ "target",        "ADDR:PORT", set_target,   FIELD(target),
	  "the virtual service; [v6]:port for IPv6" },
	{ "duration",      "SEC",       set_sec,      FIELD(duration),
	  "default: until SIGTERM or SIGINT" },
	{ "rate",          "N",         set_count,    FIELD(rate),
	  "new connections a second (500; 0: none)" },
	{ "timeout-ms",    "MS",        set_ms,       FIELD(timeout),
	  "a new connection's whole time (1000)" },
	{ "late-ms",       "MS",        set_ms,       FIELD(late),
	  "its SYN must be answered within (200)" },
	{ "established",   "N",         set_count,    FIELD(established),
	  "connections kept from start to end (0)" },
	{ "busy-ms",       "MIN-MAX",   set_ms_range, FIELD(busy),
	  "pause between requests on those (20-50)" },
	{ "young-rate",    "N",         set_count,    FIELD(young_rate),
	  "short-lived connections a second (50)" },
	{ "young-life-ms", "MS",        set_ms,       FIELD(young_life),
	  "how long each of them lives (1500)" },
	{ "hung-ms",       "MS",        set_ms,       FIELD(hung),
	  "no answer for so long is hung (5000)" },
	{ "json",          "FILE",      set_path,     FIELD(json_path),
	  "the report goes here (stdout)" },
	{ "timeseries",    "FILE",      set_path,     FIELD(timeseries_path),
	  "a CSV line per attempt goes here" },
	{ "ready",         "FILE",      set_path,     FIELD(ready_path),
	  "made when all --established have answered" },
	{ "progress",      NULL,        set_true,     FIELD(progress),
	  "a line a second on stderr" },
};
/* clang-format on */

static void
help(void)
{
	size_t i;

	puts("usage: prober --target ADDR:PORT [option ...]\n"
	     "SIGUSR1 marks an event (a power cut); SIGTERM ends and reports;\n"
	     "a second SIGTERM does not wait for answers that are out.");
	for (i = 0; i < ARRAY_LEN(rows); i++)
		printf("  --%-14s %-10s %s\n", rows[i].name,
		    rows[i].arg != NULL ? rows[i].arg : "", rows[i].help);
}

static int
check(const struct options *o)
{
	const char *wrong = NULL;

	if (o->target.addr_len == 0)
		wrong = "--target ADDR:PORT is missing";
	else if (o->rate > 20000 || o->young_rate > 20000)
		wrong = "--rate and --young-rate are at most 20000";
	else if (o->established > 20000)
		wrong = "--established is at most 20000";
	else if (o->timeout == 0 || o->late == 0 || o->hung == 0)
		wrong = "--timeout-ms, --late-ms and --hung-ms are above 0";
	else if (o->late > o->timeout)
		wrong = "--late-ms is above --timeout-ms";
	if (wrong == NULL)
		return 0;
	fprintf(stderr, "prober: %s\n", wrong);
	return -EINVAL;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	struct option longs[ARRAY_LEN(rows) + 2] = { { 0 } };
	size_t i;
	int c;

	*o = (struct options){ .duration = USEC_NEVER, .rate = 500,
		.timeout = 1000 * USEC_MS, .late = 200 * USEC_MS,
		.busy = { 20 * USEC_MS, 50 * USEC_MS },
		.young_rate = 50, .young_life = 1500 * USEC_MS,
		.hung = 5000 * USEC_MS };
	for (i = 0; i < ARRAY_LEN(rows); i++)
		longs[i] = (struct option){ rows[i].name,
			rows[i].arg != NULL, NULL, (int)i + 256 };
	longs[i] = (struct option){ "help", 0, NULL, 'h' };
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			help();
			return 1;
		}
		if (c < 256)
			return -EINVAL; /* getopt_long has told */
		i = (size_t)c - 256;
		if (rows[i].set((char *)o + rows[i].field, optarg) < 0) {
			fprintf(stderr, "prober: --%s %s: not a valid %s\n",
			    rows[i].name, optarg, rows[i].arg);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "prober: unknown argument %s\n", argv[optind]);
		return -EINVAL;
	}
	return check(o);
}
