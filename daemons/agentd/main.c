/*
 * yoke-agentd: tells the directors how busy this real server is. It needs no
 * privileges and little memory, so it has neither libqb's loop nor its log:
 * one poll(2), and lines on standard error.
 *
 *   /proc, the server's log --sensors.c, hits.c--> judge.c --> serve.c, text.c
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/agentd/agent.h"

#define CONF_FILE "/etc/yoke/agentd.conf"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG = 6 };

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
sample(struct agent *a)
{
	struct counters now = { 0 };
	struct load l = { 0 };
	unsigned errors;

	now.has_hits = hits_read(&a->hits, &a->conf, &now.hits);
	sensor_read(&a->sensors, &now, &l);
	sensor_rates(&a->sensors, &a->counters, &now, &l);
	if (a->conf.hits_log[0] != '\0' &&
	    hits_errors(&a->hits, now.at - a->counters.at, &errors)) {
		l.has[LOAD_ERRORS] = true;
		l.metric[LOAD_ERRORS] = (uint16_t)errors;
	}
	a->counters = now;
	a->load = l;
	a->samples++;
	if (judge_sample(&a->judge, &a->conf.judge, &l))
		fprintf(stderr, "overloaded=%s%s%s%s\n",
		    a->judge.overloaded ? "yes" : "no",
		    a->judge.overloaded ? " why=\"" : "", a->judge.why,
		    a->judge.overloaded ? "\"" : "");
}

/* Milliseconds until the first of both is due. */
static int
patience(struct MHD_Daemon *d, usec_t due, usec_t now)
{
	int serve = serve_timeout(d);
	int ours = due > now ? (int)((due - now + 999) / 1000) : 0;

	return serve >= 0 && serve < ours ? serve : ours;
}

static void
run(struct agent *a, struct MHD_Daemon *d, int text)
{
	struct pollfd p[2] = { { .fd = serve_fd(d), .events = POLLIN },
		{ .fd = text, .events = POLLIN } };
	usec_t due = usec_mono(), now;

	while (!stopped) {
		now = usec_mono();
		if (now >= due) {
			sample(a);
			due += a->conf.interval;
			if (due < now)
				due = now + a->conf.interval;
		}
		if (poll(p, 2, patience(d, due, now)) < 0 && errno != EINTR)
			break;
		serve_run(d);
		if (p[1].revents != 0)
			text_answer(text, a);
	}
}

static int
usage(int code)
{
	fprintf(code == EXIT_OK ? stdout : stderr,
	    "usage: yoke-agentd [-c FILE] [-t] [-V] [-h]\n"
	    "tells the directors of yoke how busy this real server is\n"
	    "  -c FILE  configuration, default " CONF_FILE "\n"
	    "  -t       is the configuration right?\n"
	    "  -V       print the version\n"
	    "  -h       print this help\n");
	return code;
}

static int
serve(struct agent *a)
{
	struct MHD_Daemon *d = NULL;
	int text = -1, rc;

	rc = serve_start(a, &d);
	if (rc < 0)
		fprintf(stderr, "yoke-agentd: listen %s: %s\n",
		    a->conf.listen, strerror(-rc));
	if (rc == 0 && a->conf.text_listen[0] != '\0') {
		rc = text_listen(a->conf.text_listen, &text);
		if (rc < 0)
			fprintf(stderr, "yoke-agentd: text_listen %s: %s\n",
			    a->conf.text_listen, strerror(-rc));
	}
	if (rc == 0)
		run(a, d, text);
	if (text >= 0)
		close(text);
	serve_stop(d);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static void
begin(struct agent *a)
{
	const struct sigaction stop = { .sa_handler = on_stop };

	a->sensors = (struct sensor_conf){ .root = "",
		.interface = a->conf.interface,
		.network_mbit = a->conf.network_speed,
		.cgroup = a->conf.cgroup,
		.hits_max = a->conf.hits_max };
	hits_init(&a->hits);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
	static struct agent a;
	const char *file = CONF_FILE;
	bool test = false;
	char err[1024];
	int c, code;

	while ((c = getopt(argc, argv, "c:tVh")) != -1) {
		if (c == 'c')
			file = optarg;
		else if (c == 't')
			test = true;
		else if (c == 'V')
			return printf("yoke-agentd %s\n", YOKE_VERSION) < 0;
		else
			return usage(c == 'h' ? EXIT_OK : EXIT_USAGE);
	}
	if (optind < argc)
		return usage(EXIT_USAGE);
	if (agent_conf_load(file, &a.conf, err, sizeof(err)) < 0) {
		fprintf(stderr, "yoke-agentd: %s\n", err);
		agent_conf_done(&a.conf);
		return EXIT_CONFIG;
	}
	begin(&a);
	code = test ? printf("ok\n") < 0 : serve(&a);
	hits_done(&a.hits);
	agent_conf_done(&a.conf);
	return code;
}
