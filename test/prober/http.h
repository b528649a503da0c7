/*
 * http: reads one HTTP/1.x answer as its bytes arrive. Knows Content-Length and
 * "until the server closes"; chunked answers are bad, because no test server
 * sends them.
 */
#ifndef PROBER_HTTP_H
#define PROBER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX 4096
#define HTTP_WORD_MAX 32

struct http {
	char head[HTTP_HEAD_MAX];
	size_t head_len;
	bool in_body;
	bool until_eof;  /* no Content-Length: the body ends with the connection */
	bool closes;     /* the server said it will close after this answer */
	bool any;        /* a byte of the answer has arrived */
	size_t left;     /* body bytes still missing */
	int status;
	char word[HTTP_WORD_MAX]; /* the body's first word: who answered */
	size_t word_len;
	bool word_done;
};

void http_start(struct http *h);

/* 1: the answer is whole; 0: more is needed; -EBADMSG: this is not HTTP. */
int http_feed(struct http *h, const char *data, size_t len);

/* The server closed: 1 if that completes the answer, else -ECONNRESET. */
int http_eof(struct http *h);

#endif
