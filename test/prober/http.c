/*
 * http: incremental parser of one answer. Fed by conn.c.
 */
#include "test/prober/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
http_start(struct http *h)
{
	h->head_len = 0;
	h->in_body = h->until_eof = h->closes = h->any = false;
	h->left = 0;
	h->status = 0;
	h->word[0] = '\0';
	h->word_len = 0;
	h->word_done = false;
}

/* The value of a header in the complete, NUL-terminated head, or NULL. */
static const char *
header(const struct http *h, const char *name)
{
	const char *line = strstr(h->head, "\r\n");
	size_t len = strlen(name);

	for (; line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		return line + strspn(line, " \t");
	}
	return NULL;
}

static int
parse_head(struct http *h)
{
	const char *v;
	int minor;

	if (sscanf(h->head, "HTTP/1.%1d %3d", &minor, &h->status) != 2)
		return -EBADMSG;
	if (header(h, "Transfer-Encoding") != NULL)
		return -EBADMSG;
	v = header(h, "Connection");
	h->closes = v != NULL ? strncasecmp(v, "close", 5) == 0 : minor == 0;
	v = header(h, "Content-Length");
	h->until_eof = v == NULL;
	h->left = v != NULL ? strtoul(v, NULL, 10) : 0;
	h->in_body = true;
	return 0;
}

static void
take_word(struct http *h, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && !h->word_done; i++) {
		if (data[i] <= ' ' || data[i] == '"' || data[i] > '~') {
			h->word_done = h->word_len > 0;
			continue;
		}
		h->word[h->word_len++] = data[i];
		h->word[h->word_len] = '\0';
		h->word_done = h->word_len == HTTP_WORD_MAX - 1;
	}
}

static int
feed_body(struct http *h, const char *data, size_t len)
{
	if (h->until_eof) {
		take_word(h, data, len);
		return 0;
	}
	if (len > h->left)
		return -EBADMSG; /* more than was announced */
	take_word(h, data, len);
	h->left -= len;
	return h->left == 0;
}

int
http_feed(struct http *h, const char *data, size_t len)
{
	size_t i;
	int rc;

	h->any = h->any || len > 0;
	if (h->in_body)
		return feed_body(h, data, len);
	for (i = 0; i < len; i++) {
		if (h->head_len == HTTP_HEAD_MAX - 1)
			return -EBADMSG;
		h->head[h->head_len++] = data[i];
		if (h->head_len < 4 ||
		    memcmp(h->head + h->head_len - 4, "\r\n\r\n", 4) != 0)
			continue;
		h->head[h->head_len] = '\0';
		rc = parse_head(h);
		if (rc < 0)
			return rc;
		return feed_body(h, data + i + 1, len - i - 1);
	}
	return 0;
}

int
http_eof(struct http *h)
{
	return h->in_body && h->until_eof ? 1 : -ECONNRESET;
}
