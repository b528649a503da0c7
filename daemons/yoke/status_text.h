/*
 * status_text: a status document as operators like to read it, and what it
 * amounts to. Both read JSON that yoked wrote and survive whatever else they
 * are given: what is not there is shown as empty or 0.
 */
#ifndef YOKE_STATUS_TEXT_H
#define YOKE_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemons/yoke/lines.h"
#include "daemons/yoke/status_doc.h"

enum verdict { VERDICT_WELL, VERDICT_DEGRADED, VERDICT_FAILED };

/* Degraded: an alarm, or out of service by hand. Failed: it cannot serve, or
 * should hold the virtual addresses and does not. */
enum verdict status_verdict(const json_t *head);

/* Never wider than 80 columns. Local time. */
void status_text(const struct status_doc *d, FILE *f, bool colour);

/* "web/rs1 ..." from a status. 0, -ERR_NO_SERVICE, -ERR_NO_SERVER. */
int status_why(const struct status_doc *d, const char *service,
    const char *server, FILE *f, bool colour);

/* status_service.c: the part of the text that is about services */
void show_services(const struct status_doc *d, struct lines *l);

#endif
