/*
 * http_match: looks for a text in a body that comes in pieces, remembering no
 * more than how much of the text has matched so far (Knuth, Morris, Pratt).
 */
#ifndef MONITORD_HTTP_MATCH_H
#define MONITORD_HTTP_MATCH_H

#include "common/conf.h"

struct http_match {
	char want[CONF_TEXT_LEN];
	size_t len, matched;
	uint8_t border[CONF_TEXT_LEN]; /* of the first i + 1 bytes of want */
};

void http_match_init(struct http_match *m, const char *want);
bool http_match_add(struct http_match *m, const char *piece, size_t len);
bool http_match_found(const struct http_match *m); /* "": always */

#endif
