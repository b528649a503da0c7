/*
 * sink_command: a command for each event, one after the other, in the order of
 * the events. It gets
 *	arguments      EVENT INSTANCE SUBJECT (service, service/server, path)
 *	standard input the event as a line of JSON
 *	environment    YOKE_EVENT, YOKE_INSTANCE, YOKE_SUBJECT, YOKE_NODE,
 *	               YOKE_ROLE, YOKE_JSON, and a PATH; nothing else
 * One that fails is said, and its event is not tried again.
 */
#include <stdio.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/run.h"
#include "daemons/notifyd/sink.h"

struct command {
	struct run *run;     /* NULL: none runs */
	struct waiting *now; /* what it was told */
};

static void command_poke(struct sink *s);

static void
on_done(int rc, const char *text, void *arg)
{
	struct sink *s = arg;
	struct command *c = s->own;

	c->run = NULL;
	if (rc < 0) {
		s->failed++;
		log_warning("notify=%s event=%s command=failed why=\"%s\"",
		    s->conf.name, c->now->event, text);
	} else {
		s->delivered++;
	}
	free(c->now);
	c->now = NULL;
	command_poke(s);
}

static int
start(struct sink *s, const struct waiting *w)
{
	struct command *c = s->own;
	char vars[6][LINE_BYTES + 32];
	const char *env[ARRAY_LEN(vars) + 2];
	const char *argv[] = { s->conf.command, w->event, w->instance,
		w->subject, NULL };
	const struct {
		const char *name, *value;
	} rows[ARRAY_LEN(vars)] = {
		{ "EVENT", w->event },
		{ "INSTANCE", w->instance },
		{ "SUBJECT", w->subject },
		{ "NODE", w->node },
		{ "ROLE", w->role },
		{ "JSON", w->line },
	};
	const struct run_what what = { .argv = argv, .env = env,
		.input = w->line, .input_len = w->len,
		.timeout = s->conf.timeout, .done = on_done, .arg = s };
	size_t i;

	for (i = 0; i < ARRAY_LEN(vars); i++) {
		(void)snprintf(vars[i], sizeof(vars[i]), "YOKE_%s=%s",
		    rows[i].name, rows[i].value);
		env[i] = vars[i];
	}
	env[i++] = "PATH=/usr/local/sbin:/usr/local/bin:"
		   "/usr/sbin:/usr/bin:/sbin:/bin";
	env[i] = NULL;
	return run_start(s->loop, &what, &c->run);
}

static void
command_poke(struct sink *s)
{
	struct command *c = s->own;
	int rc;

	while (c->run == NULL && (c->now = sink_take(s)) != NULL) {
		rc = start(s, c->now);
		if (rc == 0)
			break;
		s->failed++;
		log_err("notify=%s event=%s command=failed why=\"%s\"",
		    s->conf.name, c->now->event, err_text(rc));
		free(c->now);
	}
}

static int
command_open(struct sink *s)
{
	s->own = mem_new(struct command);
	return 0;
}

static void
command_close(struct sink *s)
{
	struct command *c = s->own;

	if (c->run != NULL)
		log_warning("notify=%s event=%s command=killed why=\"we "
			    "stop\"",
		    s->conf.name, c->now->event);
	run_stop(c->run);
	free(c->now);
	free(c);
}

const struct sink_ops sink_command_ops = { command_open, command_poke,
	command_close };
