/*
 * test_monitor_policy: policies in monitord's engine: weights from the times
 * that real probes take, their record, and where a takeover goes on from.
 */
#include <stdlib.h>
#include <unistd.h>

#include "daemons/monitord/weigher.h"
#include "test/scratch.h"
#include "test/tap.h"
#include "test/unit/test_monitor_help.h"

static bool
any_weight(struct test *t)
{
	return t->n_weights > 0;
}

static void
policy(struct builder *b, const char *record)
{
	struct policy *p = &b->services[0].policy;

	policy_defaults(p);
	p->given = true;
	p->type = POLICY_RESPONSE;
	p->interval = 100 * USEC_MS;
	p->smoothing = 100 * USEC_MS;
	(void)snprintf(p->record, sizeof(p->record), "%s", record);
	b->servers[0][0].weight = b->servers[0][1].weight = 100;
}

static void
state(struct test *t, const char *server, int32_t weight, int32_t hand)
{
	struct probe_state m = { .service = "web", .health = HEALTH_UP,
		.override = hand, .policy = weight };

	(void)snprintf(m.server, sizeof(m.server), "%s", server);
	monitor_state(t->monitor, &m);
}

static const struct weight_msg *
last_weight(const struct test *t, const char *server)
{
	size_t i = t->n_weights;

	while (i-- > 0)
		if (strcmp(t->weights[i % WEIGHTS_MAX].server, server) == 0)
			return &t->weights[i % WEIGHTS_MAX];
	return NULL;
}

static bool
slow_one_fell(struct test *t)
{
	const struct weight_msg *m = last_weight(t, "r2");

	return m != NULL && m->weight < 30;
}

static bool
weight_gone(struct test *t)
{
	const struct weight_msg *m = last_weight(t, "r2");

	return m != NULL && m->weight == WEIGHT_NONE;
}

/* r1 answers at once, r2 (127.0.0.2) does not. */
static void
test_policy(struct test *t)
{
	char record[SCRATCH_LEN], cmd[512];
	const char *bin = getenv("YOKE_BIN");
	static struct builder b, without;

	scratch_file(record, sizeof(record));
	(void)add(&b, "web", CHECK_HTTP, t->farm->port);
	add_server(&b, 0, "r2");
	policy(&b, record);
	(void)addr_parse("127.0.0.2", &b.servers[0][1].addr);
	(void)snprintf(b.checks[0][0].path, CONF_TEXT_LEN, "/slow2");
	t->n_weights = 0;
	begin(t, 64, &b.conf);
	state(t, "r1", WEIGHT_NONE, WEIGHT_NONE);
	state(t, "r2", WEIGHT_NONE, WEIGHT_NONE);
	monitor_on(t->monitor, true);
	ok(wait_for(t, slow_one_fell), "the slow server's weight goes down");
	ok(last_weight(t, "r2") != NULL &&
	    strstr(last_weight(t, "r2")->cause, "response-time ") != NULL,
	    "with its cause");
	state(t, "r2", last_weight(t, "r2")->weight, 5);
	t->n_weights = 0;
	run_for(t, 300 * USEC_MS);
	ok(last_weight(t, "r2") == NULL, "not while a hand is on it");
	end(t);
	(void)snprintf(cmd, sizeof(cmd), "%s/yoke replay %s",
	    bin != NULL ? bin : "build/bin", record);
	is_int(system(cmd), 0, "the record gives the same decisions");

	(void)add(&without, "web", CHECK_HTTP, t->farm->port);
	add_server(&without, 0, "r2");
	t->n_weights = 0;
	begin(t, 64, &without.conf);
	state(t, "r2", 12, WEIGHT_NONE);
	ok(weight_gone(t), "a weight without a policy is taken back");
	end(t);
}

/* What a takeover begins with: the table, and nothing else. */
static void
test_policy_resumes(struct test *t)
{
	static struct builder b;

	(void)add(&b, "web", CHECK_HTTP, t->farm->port);
	add_server(&b, 0, "r2");
	policy(&b, "");
	(void)addr_parse("127.0.0.2", &b.servers[0][1].addr);
	(void)snprintf(b.checks[0][0].path, CONF_TEXT_LEN, "/slow2");
	b.services[0].policy.interval = 20 * USEC_MS;
	t->n_weights = 0;
	begin(t, 64, &b.conf);
	state(t, "r1", 180, WEIGHT_NONE);
	state(t, "r2", 20, WEIGHT_NONE);
	monitor_on(t->monitor, true);
	ok(wait_for(t, any_weight), "it goes on");
	ok(t->weights[0].weight < 70 || t->weights[0].weight > 130,
	    "from there: %d", (int)t->weights[0].weight);
	end(t);
}

static int
keep_weight(const struct weight_msg *m, void *arg)
{
	*(struct weight_msg *)arg = *m;
	return 0;
}

/* Its next decision would be an hour away. */
static void
test_overload_at_once(struct test *t)
{
	struct weigh_event e = { .what = WEIGH_LOAD, .server = "r1",
		.load = { .scale = 100 } };
	struct weight_msg m = { .weight = 12345 };
	static struct builder b;
	struct weigher *w;

	(void)add(&b, "web", CHECK_HTTP, t->farm->port);
	add_server(&b, 0, "r2");
	policy(&b, "");
	b.services[0].policy.type = POLICY_LOAD;
	b.services[0].policy.interval = 3600 * USEC_S;
	weigher_new(t->loop, keep_weight, &m, &w);
	is_int(weigher_set_conf(w, &b.conf), 0, "a policy");
	weigher_on(w, true);
	weigher_event(w, "web", &e);
	is_int(m.weight, 12345, "news decide nothing");
	e.load.overloaded = true;
	weigher_event(w, "web", &e);
	ok(strcmp(m.server, "r1") == 0 && m.weight == 0,
	    "an overloaded server is out at once: %d", (int)m.weight);
	m.weight = 12345;
	weigher_event(w, "web", &e);
	is_int(m.weight, 12345, "once");
	weigher_free(w);
}

int
main(void)
{
	struct test *t = test_start();

	test_policy(t);
	test_policy_resumes(t);
	test_overload_at_once(t);
	test_stop(t);
	return done();
}
