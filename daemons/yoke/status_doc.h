/*
 * status_doc: a status document as yoked sent it. Of ten thousand servers it is
 * megabytes of text, and as a tree ten times as much; so only what is not about
 * services is parsed at once, and of the services one at a time.
 */
#ifndef YOKE_STATUS_DOC_H
#define YOKE_STATUS_DOC_H

#include <jansson.h>
#include <stddef.h>

struct status_doc {
	json_t *head; /* all members but "services" */
	const char *services; /* the array's text, "[" and what follows */
	size_t len;           /* up to its "]"; 0: there is none */
};

/* 0, or -EBADMSG and reterr filled: not a document. Borrows text as long as
 * *ret is used; caller status_doc_done()s. */
int status_doc_parse(const char *text, size_t len, struct status_doc *ret,
    json_error_t *reterr);
void status_doc_done(struct status_doc *d);

/* The next service; *at is 0 at first. NULL: there is none, or what follows is
 * not JSON. Caller json_decref()s. */
json_t *status_doc_next(const struct status_doc *d, size_t *at);

#endif
