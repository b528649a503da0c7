/*
 * init_http: GET from an agent on a real server, over HTTP (RFC 9110) or HTTPS,
 * as its check in yoke.conf says: port, token, certificates. Not by libcurl,
 * which yoke-monitord uses: its forty libraries would be loaded by each `yoke
 * status`. Everything ends at a deadline, and what is kept is bounded.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/init.h"

#define REPLY_MAX (256U << 10)
#define ASK_MAX 1024

/* A connection, with TLS or without. */
struct wire {
	int fd;
	SSL_CTX *ctx; /* NULL: plain */
	SSL *ssl;
	usec_t end;
};

static int
wait_for(const struct wire *w, short events)
{
	struct pollfd p = { .fd = w->fd, .events = events };
	usec_t now;
	int rc;

	do {
		now = usec_mono();
		if (now >= w->end)
			return -ETIMEDOUT;
		rc = poll(&p, 1, (int)((w->end - now) / USEC_MS) + 1);
	} while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : rc == 0 ? -ETIMEDOUT : -errno;
}

static int
wire_connect(struct wire *w, const struct addr *to, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sock(to, port, &ss), n = sizeof(int);
	int rc, err = 0;

	w->fd = socket(
	    to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	if (connect(w->fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	rc = wait_for(w, POLLOUT);
	if (rc == 0 && getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
		rc = -errno;
	return rc < 0 ? rc : -err;
}

/* What TLS waits for after its answer n, until it is there. */
static int
tls_wait(const struct wire *w, int n)
{
	switch (SSL_get_error(w->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(w, POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(w, POLLOUT);
	default:
		return -EPROTO;
	}
}

static bool
tls_files(const struct wire *w, const struct conf_check *c)
{
	if (c->verify && c->ca_file[0] == '\0' &&
	    SSL_CTX_set_default_verify_paths(w->ctx) != 1)
		return false;
	if (c->verify && c->ca_file[0] != '\0' &&
	    SSL_CTX_load_verify_locations(w->ctx, c->ca_file, NULL) != 1)
		return false;
	return c->certificate[0] == '\0' ||
	    (SSL_CTX_use_certificate_chain_file(w->ctx, c->certificate) == 1 &&
		SSL_CTX_use_PrivateKey_file(w->ctx, c->private_key,
		    SSL_FILETYPE_PEM) == 1);
}

/* Whom the certificate must name: server_name, the host's, or the address. */
static bool
tls_name(const struct wire *w, const struct conf_check *c,
    const struct addr *to)
{
	char name[CONF_TEXT_LEN], ip[ADDR_TEXT_MAX];

	(void)snprintf(name, sizeof(name), "%s", c->server_name);
	if (name[0] == '\0' && c->host[0] != '[')
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(c->host, ":"), c->host);
	if (name[0] == '\0')
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(w->ssl),
			   addr_format(to, ip, sizeof(ip))) == 1;
	return SSL_set_tlsext_host_name(w->ssl, name) == 1 &&
	    SSL_set1_host(w->ssl, name) == 1;
}

static int
tls_start(struct wire *w, const struct conf_check *c, const struct addr *to)
{
	int n, rc = 0;

	w->ctx = SSL_CTX_new(TLS_client_method());
	if (w->ctx == NULL || !tls_files(w, c))
		return -EINVAL;
	SSL_CTX_set_verify(
	    w->ctx, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	w->ssl = SSL_new(w->ctx);
	if (w->ssl == NULL || !tls_name(w, c, to) ||
	    SSL_set_fd(w->ssl, w->fd) != 1)
		return -ENOMEM;
	while (rc == 0 && (n = SSL_connect(w->ssl)) != 1)
		rc = tls_wait(w, n);
	return rc;
}

static void
wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	SSL_CTX_free(w->ctx);
	if (w->fd >= 0)
		(void)close(w->fd);
}

/* Bytes moved, 0 at the other side's end; -errno. */
static ssize_t
wire_read(const struct wire *w, char *buf, size_t len)
{
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		n = w->ssl != NULL ? SSL_read(w->ssl, buf, (int)len)
				   : recv(w->fd, buf, len, 0);
		if (n > 0)
			return n;
		if (w->ssl != NULL && SSL_get_error(w->ssl, (int)n) ==
					  SSL_ERROR_ZERO_RETURN)
			return 0;
		if (w->ssl != NULL)
			rc = tls_wait(w, (int)n);
		else if (n == 0)
			return 0;
		else
			rc = errno == EAGAIN ? wait_for(w, POLLIN) : -errno;
	}
	return rc;
}

static int
wire_write(const struct wire *w, const char *text, size_t len)
{
	ssize_t n;
	int rc = 0;

	while (rc == 0 && len > 0) {
		n = w->ssl != NULL
		    ? SSL_write(w->ssl, text, (int)len)
		    : send(w->fd, text, len, MSG_NOSIGNAL);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (w->ssl != NULL) {
			rc = tls_wait(w, (int)n);
		} else {
			rc = errno == EAGAIN ? wait_for(w, POLLOUT) : -errno;
		}
	}
	return rc;
}

/* The token as it is now; a file that everybody can read is none. */
static int
read_token(const char *file, char *buf, size_t len)
{
	FILE *f = fopen(file, "re");
	struct stat st;
	int rc = f == NULL ? -errno : 0;

	if (rc == 0 && (fstat(fileno(f), &st) < 0 || (st.st_mode & 07) != 0 ||
			   fgets(buf, (int)len, f) == NULL))
		rc = -EACCES;
	if (f != NULL)
		(void)fclose(f);
	if (rc == 0)
		buf[strcspn(buf, "\r\n")] = '\0';
	return rc;
}

static int
ask(const struct wire *w, const struct conf_check *c, const char *path)
{
	char token[256] = "", text[ASK_MAX];
	int n, rc = 0;

	if (c != NULL && c->token_file[0] != '\0')
		rc = read_token(c->token_file, token, sizeof(token));
	if (rc < 0)
		return rc;
	n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n%s%s%s\r\n", path,
	    token[0] != '\0' ? "Authorization: Bearer " : "", token,
	    token[0] != '\0' ? "\r\n" : "");
	rc = n > 0 && (size_t)n < sizeof(text)
	    ? wire_write(w, text, (size_t)n) : -EMSGSIZE;
	explicit_bzero(token, sizeof(token));
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* All of the answer, with a NUL behind it. */
static int
read_all(const struct wire *w, char *buf)
{
	size_t got = 0;
	ssize_t n = 1;

	while (n > 0 && got < REPLY_MAX - 1) {
		n = wire_read(w, buf + got, REPLY_MAX - 1 - got);
		got += n > 0 ? (size_t)n : 0;
	}
	buf[got] = '\0';
	return n < 0 ? (int)n : n > 0 ? -EMSGSIZE : 0;
}

/* The body moves to the front. Its status as an errno. */
static int
take_body(char *text)
{
	const char *body = strstr(text, "\r\n\r\n");
	int status = 0;

	if (sscanf(text, "HTTP/1.%*1[01] %d", &status) != 1 || body == NULL)
		return -EPROTO;
	memmove(text, body + 4, strlen(body + 4) + 1);
	return status == 200 ? 0 : status == 401 ? -EACCES
	    : status == 404			 ? -ENOENT
						 : -EPROTO;
}

int
init_get(const struct addr *to, uint16_t port, const struct conf_check *c,
    const char *path, usec_t end, char **ret)
{
	struct wire w = { .fd = -1, .end = end };
	char *text = malloc(REPLY_MAX);
	int rc = text == NULL ? -ENOMEM : wire_connect(&w, to, port);

	if (rc == 0 && c != NULL && conf_check_is_tls(c->type))
		rc = tls_start(&w, c, to);
	if (rc == 0)
		rc = ask(&w, c, path);
	if (rc == 0)
		rc = read_all(&w, text);
	if (rc == 0)
		rc = take_body(text);
	wire_close(&w);
	if (rc == 0)
		*ret = text;
	else
		free(text);
	return rc;
}
