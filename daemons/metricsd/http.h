/*
 * http: the web server: GET /metrics and nothing else, by libmicrohttpd on our
 * loop. Where an answer needs a status it waits for one, without holding up
 * others; what it says then comes from whoever called http_new().
 *
 * Bounded: HTTP_CLIENTS connections, each of which has HTTP_PATIENCE_S for its
 * next byte; answers of one second are one text in memory, however many read it.
 */
#ifndef METRICSD_HTTP_H
#define METRICSD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/loop.h"
#include "daemons/metricsd/metrics.h"

#define HTTP_CLIENTS 16
#define HTTP_PATIENCE_S 10

struct http;

struct http_ops {
	/* Somebody waits: http_ready() is to follow. */
	void (*want)(void *arg);
	/* The text in this format, malloc()ed; NULL: no memory. */
	char *(*text)(enum metrics_format f, size_t *ret_len, void *arg);
};

/* Serves at "address:port" or the file of a UNIX socket, which is replaced (mode
 * 0660). 0 or -errno (-EADDRINUSE ...). Caller http_free()s. */
int http_new(struct loop *l, const char *listen, const struct http_ops *ops,
    void *arg, struct http **ret);
void http_free(struct http *h); /* NULL ok */

/* There is something new to say: answers those who wait. fresh: it is good for
 * those who come in the next second too. */
void http_ready(struct http *h, bool fresh);

#endif
