/*
 * yoke-metricsd: this director's status for Prometheus. A process of its own:
 * whatever its clients do, yoked is asked for its status at most once a second.
 *
 *   yoked --watch/feed.c--> the newest status --metrics.c--> text --http.c-->
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/metricsd/http.h"
#include "watch/feed.h"

struct metricsd {
	struct daemon *daemon;
	struct feed *feed;
	struct http *http;
	json_t *status; /* NULL: there is none */
	bool gone;      /* said so already */
	char why[256];
};

static char *
text(enum metrics_format f, size_t *ret_len, void *arg)
{
	struct metricsd *m = arg;

	return metrics_text(m->status, m->why, f, ret_len);
}

static void
want(void *arg)
{
	struct metricsd *m = arg;

	feed_ask(m->feed);
}

static void
set_status(struct metricsd *m, json_t *status)
{
	json_decref(m->status);
	m->status = status;
	http_ready(m->http, status != NULL);
}

static void
on_status(const char *doc, size_t len, void *arg)
{
	struct metricsd *m = arg;
	json_error_t e;
	json_t *j = json_loadb(doc, len, 0, &e);

	if (j == NULL)
		(void)snprintf(m->why, sizeof(m->why),
		    "yoked's status is not JSON: %s", e.text);
	else if (m->gone)
		log_notice("yoked=back");
	m->gone = j == NULL;
	set_status(m, j);
}

static void
on_gone(int rc, void *arg)
{
	struct metricsd *m = arg;

	(void)snprintf(m->why, sizeof(m->why), "yoked of instance %s: %s",
	    m->daemon->conf->instance, err_text(rc));
	if (!m->gone)
		log_warning("yoked=gone why=\"%s\" action=\"asked again\"",
		    err_text(rc));
	m->gone = true;
	set_status(m, NULL);
}

/* ---- parts ---- */

static const struct http_ops http_ops = { want, text };

static int
serve(struct metricsd *m, const struct conf *c, struct http **ret)
{
	struct daemon *d = m->daemon;
	int rc = http_new(d->loop, c->metrics_listen, &http_ops, m, ret);

	if (rc < 0)
		(void)snprintf(d->why, sizeof(d->why), "%s: %s",
		    c->metrics_listen, err_text(rc));
	return rc;
}

static void
reload(struct daemon *d)
{
	struct metricsd *m = d->user;
	struct conf *fresh;
	struct http *h = NULL;

	if (daemon_load(d, &fresh) < 0)
		return;
	if (strcmp(fresh->instance, d->conf->instance) != 0) {
		log_err("configuration=unused why=\"the instance differs: "
			"restart\"");
		conf_free(fresh);
		return;
	}
	if (strcmp(fresh->metrics_listen, d->conf->metrics_listen) != 0) {
		if (serve(m, fresh, &h) < 0) {
			log_err("configuration=unused why=\"%s\"", d->why);
			conf_free(fresh);
			return;
		}
		http_free(m->http);
		m->http = h;
		log_notice("listen=%s", fresh->metrics_listen);
	}
	conf_free(d->conf);
	d->conf = fresh;
}

static void
on_reload(void *arg)
{
	struct metricsd *m = arg;

	reload(m->daemon);
}

static const struct feed_ops feed_ops = {
	.on_status = on_status,
	.on_gone = on_gone,
	.on_reload = on_reload,
};

static int
feed_start(struct daemon *d)
{
	struct metricsd *m = d->user;

	m->daemon = d;
	return feed_new(d->loop, d->conf->instance, &feed_ops, m, &m->feed);
}

static void
feed_stop(struct daemon *d)
{
	struct metricsd *m = d->user;

	feed_free(m->feed);
	json_decref(m->status);
}

static int
http_start(struct daemon *d)
{
	struct metricsd *m = d->user;

	return serve(m, d->conf, &m->http);
}

static void
http_stop(struct daemon *d)
{
	struct metricsd *m = d->user;

	http_free(m->http);
	m->http = NULL;
}

static const struct part parts[] = {
	{ "feed", feed_start, feed_stop },
	{ "http", http_start, http_stop },
};

static const struct daemon_desc desc = {
	.name = "yoke-metricsd",
	.purpose = "Serves the status of yoked to Prometheus.",
	.parts = parts,
	.n_parts = ARRAY_LEN(parts),
	.conf_flags = CONF_NO_KEY,
	.reload = reload,
};

int
main(int argc, char **argv)
{
	struct metricsd m = { 0 };

	return daemon_main(&desc, argc, argv, &m);
}
