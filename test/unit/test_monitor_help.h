/*
 * test_monitor_help: a monitor under test, what it reported, waiting for
 * conditions, and configurations made in memory.
 */
#ifndef TEST_MONITOR_HELP_H
#define TEST_MONITOR_HELP_H

#include "daemons/monitord/monitor.h"
#include "test/unit/test_monitor_server.h"

#define REPORTS_MAX 4096
#define SERVICES_MAX 64
#define WEIGHTS_MAX 1024

struct test {
	struct farm *farm;
	struct loop *loop;
	struct monitor *monitor;
	struct health_msg reports[REPORTS_MAX];
	size_t n_reports;
	struct weight_msg weights[WEIGHTS_MAX];
	size_t n_weights;
	int refuse; /* so many reports are turned away */
	struct timer poll;
	bool (*cond)(struct test *t);
	usec_t until;
	bool met;
	bool serve; /* answer on port_shut ourselves, see serve_here() */
	int conns[16];
	/* arguments of conditions */
	size_t want_reports;
	int want_count;
	uint64_t want_started;
};

struct builder {
	struct conf conf;
	struct conf_service services[SERVICES_MAX];
	struct server_def servers[SERVICES_MAX][4];
	struct conf_check checks[SERVICES_MAX][2];
};

/* Runs the loop until cond holds (10 s at most; was it met?), or for a time. */
bool wait_for(struct test *t, bool (*cond)(struct test *t));
void run_for(struct test *t, usec_t time);
bool wait_probes(struct test *t, uint64_t n);  /* n more probes begin */
bool wait_reports(struct test *t, size_t n);   /* n in all */
void serve_here(struct test *t); /* answers on port_shut what has come */

/* A monitor of c, off; nothing is reported yet. */
void begin(struct test *t, unsigned max_running, const struct conf *c);
void end(struct test *t);
const struct health_msg *last_report(
    const struct test *t, const char *service, const char *server);
void believe(struct test *t, const char *service, enum health h);

/* A service of one server r1 on loopback with one check named as its type. */
struct conf_check *add(
    struct builder *b, const char *name, enum check_type type, uint16_t port);
void add_server(struct builder *b, size_t service, const char *name);

struct test *test_start(void); /* with a farm and a loop */
void test_stop(struct test *t);

#endif
