/*
 * metrics: a status document as Prometheus reads it, in either of its two text
 * formats. Every row of schema/status.def is a metric, or is said here not to
 * be one; names and units follow from the row:
 *
 *   services[].servers[].in_bytes -> yoke_server_in_bytes_total{service,server}
 *   peer.heard_ms                 -> yoke_peer_heard_seconds
 */
#ifndef METRICSD_METRICS_H
#define METRICSD_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum metrics_format {
	METRICS_PLAIN, /* text format 0.0.4 */
	METRICS_OPEN,  /* OpenMetrics 1.0.0 */
	METRICS__FORMATS
};

const char *metrics_content_type(enum metrics_format f);

/* Which of the two an Accept header (NULL: none) asks for. */
enum metrics_format metrics_wanted(const char *accept);

/* The whole text; caller free()s. NULL: no memory. status NULL: there is none,
 * which is itself a metric, and why says the reason. */
char *metrics_text(const json_t *status, const char *why,
    enum metrics_format f, size_t *ret_len);

/* For tests: whether the row of this path is shown at all. */
bool metrics_shows(const char *path);

#endif
