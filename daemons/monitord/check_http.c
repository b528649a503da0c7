/*
 * check_http: HTTP and HTTPS over libcurl's multi interface, driven by our loop;
 * also what asks yoke-agentd, whose answer is kept and read.
 *
 * Addresses are numeric, so libcurl starts no resolver thread. Every run is a
 * connection of its own, as a client's would be. What a server can make us
 * keep is bounded: headers and body are counted and cut, and the body is
 * searched as it passes by. A run ends as soon as its verdict is certain.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/agent_reply.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/http_match.h"
#include "daemons/monitord/vip_path.h"

#define HEAD_MAX (64U << 10)
#define BODY_MAX (64U << 10)
#define RECV_BYTES 4096L
#define SPARE_HANDLES 64
#define CURL_PATIENCE_MS (86400L * 1000)

struct http {
	CURLM *multi;
	CURL *spare[SPARE_HANDLES]; /* making one costs a tenth of a run */
	unsigned n_spare;
	struct poller *poller;
	struct timer timer;
};

struct http_run {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	const struct check_target *target;
	struct http_match match;
	char *text; /* an agent's answer; NULL: no agent */
	size_t head, body; /* bytes so far */
	usec_t began, acted; /* acted: on a socket's event */
	bool cut;          /* ended by us, the verdict is certain */
	int socket_errno;
	check_done_fn done;
	void *arg;
};

static bool
status_ok(const struct conf_check *c, long status)
{
	return c->status != 0 ? status == (long)c->status
	                      : status >= 200 && status < 400;
}

static long
run_status(const struct http_run *r)
{
	long status = 0;

	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The verdict on a reply whose status line has come. */
static enum verdict
judge_reply(const struct http_run *r, long status, char *detail)
{
	const struct conf_check *c = r->target->check;

	if (!status_ok(c, status)) {
		if (c->status != 0)
			(void)snprintf(detail, DETAIL_LEN,
			    "%ld, expected %u", status, c->status);
		else
			(void)snprintf(detail, DETAIL_LEN,
			    "%ld, expected 2xx or 3xx", status);
		return VERDICT_BAD;
	}
	if (!http_match_found(&r->match)) {
		(void)snprintf(detail, DETAIL_LEN, "body lacks \"%.40s\"%s",
		    c->body, r->body > BODY_MAX ? " (64 KiB)" : "");
		return VERDICT_BAD;
	}
	(void)snprintf(detail, DETAIL_LEN, "ok");
	if (r->text != NULL && agent_reply_json(r->text, r->body,
		r->target->load, detail, DETAIL_LEN) < 0)
		return VERDICT_BAD;
	return VERDICT_OK;
}

static enum verdict
judge_errno(int err, char *detail)
{
	(void)check_errno_text(err, detail);
	return check_errno_is_ours(err) ? VERDICT_NONE : VERDICT_BAD;
}

/* A line longer than libcurl takes ends like this too: connected is the
 * server's fault, before that it is ours. */
static enum verdict
judge_no_memory(const struct http_run *r, char *detail)
{
	curl_off_t connected = 0;

	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_CONNECT_TIME_T, &connected);
	(void)snprintf(detail, DETAIL_LEN,
	    connected > 0 ? "header line too long" : "out of memory");
	return connected > 0 ? VERDICT_BAD : VERDICT_NONE;
}

static enum verdict
judge_failure(const struct http_run *r, CURLcode code, char *detail)
{
	long err = 0;

	if (r->socket_errno != 0)
		return judge_errno(r->socket_errno, detail);
	if (r->head > HEAD_MAX) {
		(void)snprintf(detail, DETAIL_LEN, "headers over 64 KiB");
		return VERDICT_BAD;
	}
	if (code == CURLE_OUT_OF_MEMORY)
		return judge_no_memory(r, detail);
	(void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &err);
	if ((code == CURLE_COULDNT_CONNECT || code == CURLE_RECV_ERROR ||
	        code == CURLE_SEND_ERROR) &&
	    err != 0)
		return judge_errno((int)err, detail);
	if (code == CURLE_UNSUPPORTED_PROTOCOL ||
	    code == CURLE_WEIRD_SERVER_REPLY)
		(void)snprintf(detail, DETAIL_LEN, "not an HTTP reply");
	else if (code == CURLE_GOT_NOTHING)
		(void)snprintf(detail, DETAIL_LEN, "closed without a reply");
	else
		(void)snprintf(
		    detail, DETAIL_LEN, "%s", curl_easy_strerror(code));
	detail[0] = (char)tolower((unsigned char)detail[0]);
	return VERDICT_BAD;
}

static enum verdict
judge(const struct http_run *r, CURLcode code, char *detail)
{
	long status = run_status(r);

	if (r->target->check->type == CHECK_URL && code == CURLE_OK) {
		(void)snprintf(detail, DETAIL_LEN, "ok");
		return VERDICT_OK;
	}
	if (status >= 200 && (code == CURLE_OK || r->cut))
		return judge_reply(r, status, detail);
	return judge_failure(r, code, detail);
}

/* A handle forgets all that a run told it. */
static void
keep_handle(struct http *h, CURL *easy)
{
	if (h->n_spare == SPARE_HANDLES) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	h->spare[h->n_spare++] = easy;
}

static CURL *
take_handle(struct http *h)
{
	return h->n_spare > 0 ? h->spare[--h->n_spare] : curl_easy_init();
}

static void
run_free(struct http_run *r)
{
	if (r->easy != NULL) {
		(void)curl_multi_remove_handle(r->http->multi, r->easy);
		keep_handle(r->http, r->easy);
	}
	curl_slist_free_all(r->headers);
	curl_slist_free_all(r->connect_to);
	free(r->text);
	free(r);
}

/* Runs that ended. An answer may start and cancel others. */
static void
drain(struct http *h)
{
	char detail[DETAIL_LEN];
	enum verdict verdict;
	check_done_fn done;
	struct http_run *r;
	CURLMsg *msg;
	void *arg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
		    msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		verdict = judge(r, msg->data.result, detail);
		done = r->done;
		arg = r->arg;
		run_free(r);
		done(verdict, detail, arg);
	}
}

static void
on_socket(int fd, unsigned events, void *arg)
{
	struct http_run *r = arg;
	struct http *h = r->http;
	int mask = 0, running;

	r->acted = loop_now(h->timer.loop);
	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(h->multi, fd, mask, &running);
	drain(h);
}

static void
on_timer(void *arg)
{
	struct http *h = arg;
	int running;

	(void)curl_multi_socket_action(
	    h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(h);
}

/* libcurl says what it waits for. */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct http *h = arg;
	struct http_run *r = NULL;
	unsigned events = 0;

	(void)socketp;
	if (what == CURL_POLL_REMOVE) {
		poller_del(h->poller, fd);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&r);
	return poller_set(h->poller, fd, events, on_socket, r) < 0 ? -1 : 0;
}

static int
want_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(&h->timer);
	else
		timer_in(&h->timer, (usec_t)ms * USEC_MS);
	return 0;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_run *r = arg;
	int fd = socket(a->family, a->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    a->protocol);

	int rc;

	(void)purpose;
	r->socket_errno = fd < 0 ? errno : 0;
	r->acted = loop_now(r->http->timer.loop);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	rc = vip_path_take(fd, r->target);
	if (rc < 0) {
		r->socket_errno = -rc;
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static size_t
on_head(char *piece, size_t size, size_t n, void *arg)
{
	struct http_run *r = arg;

	(void)piece;
	r->head += size * n;
	return r->head > HEAD_MAX ? 0 : size * n;
}

static size_t
on_body(char *piece, size_t size, size_t n, void *arg)
{
	struct http_run *r = arg;
	const struct conf_check *c = r->target->check;
	bool found;

	if (r->text != NULL) {
		if (r->body + size * n > AGENT_REPLY_MAX)
			return 0;
		memcpy(r->text + r->body, piece, size * n);
	}
	r->body += size * n;
	found = http_match_add(&r->match, piece, size * n);
	r->cut = !status_ok(c, run_status(r)) ||
	    (found && c->body[0] != '\0') || r->body > BODY_MAX;
	return r->cut ? 0 : size * n;
}

static int
http_open(struct loop *l, struct poller *p, void **ret)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	h = mem_new(struct http);
	h->poller = p;
	timer_init(&h->timer, l, on_timer, h);
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		free(h);
		curl_global_cleanup();
		return -ENOMEM;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*ret = h;
	return 0;
}

static void
http_close(void *shared)
{
	struct http *h = shared;

	while (h->n_spare > 0)
		curl_easy_cleanup(h->spare[--h->n_spare]);
	(void)curl_multi_cleanup(h->multi);
	timer_stop(&h->timer);
	free(h);
	curl_global_cleanup();
}

static int
add_header(struct http_run *r, const char *name, const char *value)
{
	char line[CONF_TEXT_LEN + 32];
	struct curl_slist *more;

	(void)snprintf(line, sizeof(line), "%s%s", name, value);
	more = curl_slist_append(r->headers, line);
	explicit_bzero(line, sizeof(line));
	if (more == NULL)
		return -ENOMEM;
	r->headers = more;
	return 0;
}

/* The agent's token, as it is now; a file that everybody can read is none. */
static int
add_token(struct http_run *r)
{
	const char *file = r->target->check->token_file;
	char text[256] = "";
	struct stat st;
	FILE *f;
	int rc = -ENOENT;

	if (file[0] == '\0')
		return 0;
	f = fopen(file, "re");
	if (f != NULL && fstat(fileno(f), &st) == 0 &&
	    (st.st_mode & 07) == 0 && fgets(text, sizeof(text), f) != NULL) {
		text[strcspn(text, "\r\n")] = '\0';
		rc = add_header(r, "Authorization: Bearer ", text);
	}
	if (f != NULL)
		(void)fclose(f);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int
set_headers(struct http_run *r)
{
	const struct conf_check *c = r->target->check;
	int rc = add_header(r, "Connection: close", "");

	if (rc == 0 && c->host[0] != '\0')
		rc = add_header(r, "Host: ", c->host);
	if (rc == 0 && c->header[0] != '\0')
		rc = add_header(r, c->header, "");
	if (rc == 0)
		rc = add_token(r);
	if (rc == 0)
		curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	return rc;
}

/* The name for SNI and the certificate: what is said, or the Host header's. */
static void
tls_name(const struct conf_check *c, char *buf, size_t len)
{
	size_t n;

	if (c->server_name[0] != '\0') {
		(void)snprintf(buf, len, "%s", c->server_name);
		return;
	}
	n = strcspn(c->host, ":");
	(void)snprintf(buf, len, "%.*s",
	    c->host[0] == '[' ? 0 : (int)n, c->host);
}

static const char *
scheme_of(const struct conf_check *c)
{
	if (c->type == CHECK_URL)
		return c->scheme;
	return conf_check_is_tls(c->type) ? "https" : "http";
}

/* With a name in the URL, connected to the address all the same. */
static int
set_url(struct http_run *r)
{
	const struct check_target *t = r->target;
	char url[2 * CONF_TEXT_LEN + ADDR_TEXT_MAX + 32];
	char at[ADDR_TEXT_MAX + 8], name[CONF_TEXT_LEN] = "", to[128];
	bool tls = conf_check_is_tls(t->check->type);
	const char *scheme = scheme_of(t->check);
	const char *path = conf_check_is_agent(t->check->type)
	    ? "/load" : t->check->path;

	(void)addr_format_port(&t->addr, t->port, at, sizeof(at));
	if (tls || t->check->type == CHECK_URL)
		tls_name(t->check, name, sizeof(name));
	if (name[0] == '\0') {
		(void)snprintf(
		    url, sizeof(url), "%s://%s%s", scheme, at, path);
	} else {
		(void)snprintf(url, sizeof(url), "%s://%s:%u%s", scheme, name,
		    t->port, path);
		(void)snprintf(to, sizeof(to), "::%s", at);
		r->connect_to = curl_slist_append(NULL, to);
		if (r->connect_to == NULL)
			return -ENOMEM;
		curl_easy_setopt(r->easy, CURLOPT_CONNECT_TO, r->connect_to);
	}
	return curl_easy_setopt(r->easy, CURLOPT_URL, url) == CURLE_OK
	    ? 0 : -ENOMEM;
}

static void
set_method(struct http_run *r)
{
	const struct conf_check *c = r->target->check;

	if (c->type == CHECK_URL) /* connected, with TLS, and greeted */
		curl_easy_setopt(r->easy, CURLOPT_CONNECT_ONLY, 1L);
	if (c->send[0] != '\0')
		curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, c->send);
	if (strcmp(c->method, "HEAD") == 0)
		curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
	else if (c->method[0] != '\0' && strcmp(c->method, "GET") != 0)
		curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, c->method);
}

static void
set_tls(struct http_run *r)
{
	const struct conf_check *c = r->target->check;

	if (!conf_check_is_tls(c->type) && c->type != CHECK_URL)
		return;
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, c->verify ? 1L : 0L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, c->verify ? 2L : 0L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (c->ca_file[0] != '\0')
		curl_easy_setopt(r->easy, CURLOPT_CAINFO, c->ca_file);
	if (c->certificate[0] == '\0')
		return;
	curl_easy_setopt(r->easy, CURLOPT_SSLCERT, c->certificate);
	curl_easy_setopt(r->easy, CURLOPT_SSLKEY, c->private_key);
}

/* Deadlines are the caller's, who knows when he was held up himself. */
static void
set_limits(struct http_run *r)
{
	curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, CURL_PATIENCE_MS);
	curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, RECV_BYTES);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
}

static void
set_manners(struct http_run *r)
{
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR,
	    scheme_of(r->target->check));
	curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(r->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(r->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(r->easy, CURLOPT_FORBID_REUSE, 1L);
	/* Addresses are numbers: nothing is gained by remembering them, and
	 * libcurl's cache has 71 lists to look through, however many. */
	curl_easy_setopt(r->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETDATA, r);
	curl_easy_setopt(
	    r->easy, CURLOPT_USERAGENT, "yoke-monitord/" YOKE_VERSION);
}

static int
begin(struct http_run *r)
{
	int rc;

	r->easy = take_handle(r->http);
	if (r->easy == NULL)
		return -ENOMEM;
	rc = set_headers(r);
	if (rc == 0)
		rc = set_url(r);
	if (rc < 0)
		return rc;
	set_method(r);
	set_tls(r);
	set_limits(r);
	set_manners(r);
	return curl_multi_add_handle(r->http->multi, r->easy) == CURLM_OK
	    ? 0 : -ENOMEM;
}

static int
http_start(void *shared, const struct check_target *t, check_done_fn done,
    void *arg, void **ret_run)
{
	struct http_run *r = mem_new(struct http_run);
	int rc;

	r->http = shared;
	r->target = t;
	r->began = loop_now(r->http->timer.loop);
	r->done = done;
	r->arg = arg;
	http_match_init(&r->match, t->check->body);
	if (conf_check_is_agent(t->check->type))
		r->text = mem_zalloc(AGENT_REPLY_MAX);
	rc = begin(r);
	if (rc < 0) {
		run_free(r);
		return rc;
	}
	*ret_run = r;
	return 0;
}

static void
http_cancel(void *run)
{
	run_free(run);
}

/* libcurl also goes on by its timer: the request may be sent without us
 * having seen an event. */
static usec_t
http_acted(const void *run)
{
	const struct http_run *r = run;
	curl_off_t sent = 0; /* after the beginning; 0: not yet */

	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
	return r->began + (usec_t)sent > r->acted ? r->began + (usec_t)sent
	                                          : r->acted;
}

#define OPS(word) { .name = word, .open = http_open, .close = http_close, \
	.start = http_start, .cancel = http_cancel, .acted = http_acted }
const struct check_ops check_http = OPS("http");
const struct check_ops check_https = OPS("https");
const struct check_ops check_agent = OPS("agent");
const struct check_ops check_agent_https = OPS("agent-https");
const struct check_ops check_url = OPS("url");
