/*
 * yoke-metricsd: this director's status for Prometheus. A process of its own:
 * whatever its clients do, yoked is asked for its status at most once a second.
 *
 *   yoked --watch/news.c--> the newest status --metrics.c--> text --http.c-->
 */
#include <stdio.h>
#include <string.h>

#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/metricsd/http.h"
#include "watch/news.h"

struct metricsd {
	struct daemon *daemon;
	struct news *news;
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

	news_ask(m->news);
}

static void
set_status(struct metricsd *m, json_t *status)
{
	json_decref(m->status);
	m->status = json_incref(status);
	http_ready(m->http, status != NULL);
}

static void
on_status(json_t *status, void *arg)
{
	struct metricsd *m = arg;

	if (m->gone)
		log_notice("yoked=back");
	m->gone = false;
	set_status(m, status);
}

static void
on_gone(int rc, const char *why, void *arg)
{
	struct metricsd *m = arg;

	(void)rc;
	(void)snprintf(m->why, sizeof(m->why), "yoked of instance %s: %s",
	    m->daemon->conf->instance, why);
	if (!m->gone)
		log_warning("yoked=gone why=\"%s\" action=\"asked again\"",
		    why);
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

static const struct news_ops news_ops = {
	.on_status = on_status,
	.on_gone = on_gone,
	.on_reload = on_reload,
};

static int
news_start(struct daemon *d)
{
	struct metricsd *m = d->user;

	m->daemon = d;
	return news_new(d, &news_ops, m, &m->news);
}

static void
news_stop(struct daemon *d)
{
	struct metricsd *m = d->user;

	news_free(m->news);
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
	{ "news", news_start, news_stop },
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
