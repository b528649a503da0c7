/*
 * http: see http.h. libmicrohttpd keeps its sockets in an epoll set of its own,
 * which is one descriptor on our loop; it runs when that is readable or when
 * the time comes that it named.
 *
 * A connection that waits for a status is suspended: it is out of that set, and
 * found again by its place in `waiting`.
 */
#include "daemons/metricsd/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/mem.h"

#define CLIENT_BYTES 16384 /* request line and headers of one */
#define FRESH USEC_S

/* One request. */
struct request {
	struct http *http;
	struct MHD_Connection *conn;
	bool waiting; /* suspended */
	bool ready;   /* was resumed: answer now */
};

struct http {
	struct loop *loop;
	struct http_ops ops;
	void *arg;
	int fd; /* listening */
	char file[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": TCP */
	struct MHD_Daemon *mhd;
	struct watch *watch;
	struct timer timer;
	struct MHD_Response *text[METRICS__FORMATS];
	usec_t made; /* 0: not fresh */
	struct request *waiting[HTTP_CLIENTS];
};

/* ---- the listening socket ---- */

static int
bind_file(struct http *h, const char *file)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t was;
	int rc;

	if (strlen(file) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, file);
	/* What a killed one left; never anything but a socket. */
	if (lstat(file, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(file);
	was = umask(0117);
	rc = bind(h->fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(was);
	if (rc < 0)
		return -errno;
	strcpy(h->file, file);
	return 0;
}

static int
listen_at(struct http *h, const char *where)
{
	struct sockaddr_storage ss;
	const int one = 1;
	struct addr a = { 0 };
	uint16_t port = 0;
	socklen_t len;
	int rc;

	if (where[0] != '/' && addr_parse_port(where, &a, &port) < 0)
		return -EINVAL;
	h->fd = socket(where[0] == '/' ? AF_UNIX : a.family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->fd < 0)
		return -errno;
	if (where[0] == '/') {
		rc = bind_file(h, where);
	} else {
		(void)setsockopt(
		    h->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		len = addr_to_sock(&a, port, &ss);
		rc = bind(h->fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
	}
	if (rc == 0 && listen(h->fd, HTTP_CLIENTS) < 0)
		rc = -errno;
	return rc;
}

/* ---- answers ---- */

static enum MHD_Result
answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r;
	enum MHD_Result rc;

	r = MHD_create_response_from_buffer(
	    strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(
	    r, "Content-Type", "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, "Allow", "GET, HEAD");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

/* The metrics as they are now; made at most once for each format. */
static struct MHD_Response *
metrics_response(struct http *h, enum metrics_format f)
{
	struct MHD_Response *r = h->text[f];
	char *text;
	size_t len;

	if (r != NULL)
		return r;
	text = h->ops.text(f, &len, h->arg);
	if (text == NULL)
		return NULL;
	r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(text);
		return NULL;
	}
	(void)MHD_add_response_header(
	    r, "Content-Type", metrics_content_type(f));
	h->text[f] = r;
	return r;
}

static enum MHD_Result
answer_metrics(struct http *h, struct MHD_Connection *c)
{
	const char *accept =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
	struct MHD_Response *r = metrics_response(h, metrics_wanted(accept));

	if (r == NULL)
		return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "yoke-metricsd: out of memory\n");
	return MHD_queue_response(c, MHD_HTTP_OK, r);
}

static enum MHD_Result
wait_for_status(struct http *h, struct request *q)
{
	size_t i;

	for (i = 0; i < HTTP_CLIENTS && h->waiting[i] != NULL; i++)
		;
	if (i == HTTP_CLIENTS)
		return answer_text(q->conn, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "yoke-metricsd: too many ask at once\n");
	h->waiting[i] = q;
	q->waiting = true;
	MHD_suspend_connection(q->conn);
	h->ops.want(h->arg);
	return MHD_YES;
}

/* Called more than once for a request: first without a body. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *body,
    size_t *body_len, void **ctx)
{
	struct http *h = arg;
	struct request *q = *ctx;

	(void)version;
	(void)body;
	if (q == NULL) {
		q = mem_new(struct request);
		q->http = h;
		q->conn = c;
		*ctx = q;
		/* Answered before a body is read: it ends the connection. */
		if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
			return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED,
			    "yoke-metricsd: only GET\n");
		return MHD_YES;
	}
	*body_len = 0;
	if (strcmp(url, "/") == 0)
		return answer_text(c, MHD_HTTP_OK,
		    "yoke-metricsd: see /metrics\n");
	if (strcmp(url, "/metrics") != 0)
		return answer_text(c, MHD_HTTP_NOT_FOUND,
		    "yoke-metricsd: there is only /metrics\n");
	if (q->ready ||
	    (h->made != 0 && loop_now(h->loop) < h->made + FRESH))
		return answer_metrics(h, c);
	return wait_for_status(h, q);
}

static void
forget(struct http *h, const struct request *q)
{
	size_t i;

	for (i = 0; i < HTTP_CLIENTS; i++)
		if (h->waiting[i] == q)
			h->waiting[i] = NULL;
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **ctx,
    enum MHD_RequestTerminationCode how)
{
	(void)c;
	(void)how;
	if (*ctx == NULL)
		return;
	forget(arg, *ctx);
	free(*ctx);
	*ctx = NULL;
}

/* ---- on the loop ---- */

static void
run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(h->mhd);
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		timer_in(&h->timer, (usec_t)ms * USEC_MS);
	else
		timer_stop(&h->timer);
}

static void
on_ready(int fd, int revents, void *arg)
{
	(void)fd;
	(void)revents;
	run(arg);
}

static void
on_timer(void *arg)
{
	run(arg);
}

static void
texts_drop(struct http *h)
{
	size_t i;

	for (i = 0; i < METRICS__FORMATS; i++) {
		if (h->text[i] != NULL)
			MHD_destroy_response(h->text[i]);
		h->text[i] = NULL;
	}
}

/* Runs on the next turn of the loop: this may be called from inside MHD. */
static void
resume_all(struct http *h)
{
	size_t i;

	for (i = 0; i < HTTP_CLIENTS; i++) {
		struct request *q = h->waiting[i];

		if (q == NULL)
			continue;
		h->waiting[i] = NULL;
		q->waiting = false;
		q->ready = true;
		MHD_resume_connection(q->conn);
	}
	timer_in(&h->timer, 0);
}

void
http_ready(struct http *h, bool fresh)
{
	if (h == NULL)
		return;
	texts_drop(h);
	h->made = fresh ? loop_now(h->loop) : 0;
	resume_all(h);
}

static int
start(struct http *h)
{
	const union MHD_DaemonInfo *info;

	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
	    NULL, NULL, on_request, h,
	    MHD_OPTION_LISTEN_SOCKET, h->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CLIENTS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_PATIENCE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_BYTES,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
	if (h->mhd == NULL)
		return -EIO;
	h->fd = -1; /* it closes it */
	info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return -EIO;
	return watch_new(
	    h->loop, info->epoll_fd, POLLIN, on_ready, h, &h->watch);
}

int
http_new(struct loop *l, const char *where, const struct http_ops *ops,
    void *arg, struct http **ret)
{
	struct http *h = mem_new(struct http);
	int rc;

	h->loop = l;
	h->ops = *ops;
	h->arg = arg;
	h->fd = -1;
	timer_init(&h->timer, l, on_timer, h);
	rc = listen_at(h, where);
	if (rc == 0)
		rc = start(h);
	if (rc < 0) {
		http_free(h);
		return rc;
	}
	run(h);
	*ret = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->mhd != NULL) {
		resume_all(h);
		watch_free(h->watch);
		MHD_stop_daemon(h->mhd);
	}
	timer_stop(&h->timer);
	texts_drop(h);
	if (h->fd >= 0)
		close(h->fd);
	if (h->file[0] != '\0')
		(void)unlink(h->file);
	free(h);
}
