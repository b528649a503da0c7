/*
 * serve: GET /load and /arp over HTTP or HTTPS by libmicrohttpd, on the caller's
 * loop.
 *
 * Who may ask: with a token, those who send "Authorization: Bearer TOKEN"; with
 * client_ca, those with a certificate of it. Bounded: connections, those of one
 * address, what each may keep, and how long it may take.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <string.h>

#include "common/addr.h"
#include "common/mem.h"
#include "common/out.h"
#include "daemons/agentd/agent.h"
#include "daemons/agentd/arp.h"

#define CLIENTS 32
#define CLIENTS_OF_ONE 8 /* so that no address keeps the others out */
#define CLIENT_BYTES 8192
#define PATIENCE_S 5

static void
show_load(struct out *o, const struct load *l)
{
	unsigned i;

	out_object(o, "load");
	for (i = 0; i < LOAD__METRICS; i++)
		if (l->has[i])
			out_num(o, load_metric_name(i), l->metric[i]);
	out_close(o);
}

char *
agent_json(const struct agent *a, size_t *ret_len)
{
	struct out o;

	out_init(&o);
	out_object(&o, NULL);
	out_str(&o, "agent", "yoke-agentd");
	out_str(&o, "version", YOKE_VERSION);
	out_num(&o, "samples", a->samples);
	out_bool(&o, "overloaded", a->judge.overloaded);
	out_str(&o, "why", a->judge.why);
	out_num(&o, "scale", 100);
	show_load(&o, &a->load);
	out_object(&o, "raw");
	out_num(&o, "cpus", a->load.cpus);
	out_num(&o, "memory_total", a->load.memory_total);
	out_num(&o, "memory_available", a->load.memory_available);
	out_num(&o, "load_average_milli", (uint64_t)(a->load.load_average * 1000));
	out_num(&o, "hits_rate_milli", (uint64_t)(a->load.hits_rate * 1000));
	out_close(&o);
	out_close(&o);
	return out_take(&o, ret_len);
}

/* Takes as long whatever differs. */
static bool
same_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i;
	unsigned char d = n != m;

	for (i = 0; i < m; i++)
		d |= (unsigned char)(a[n > 0 ? i % n : 0] ^ b[i]);
	return d == 0;
}

static bool
certified(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned status = 1;

	return info != NULL && info->tls_session != NULL &&
	    gnutls_certificate_verify_peers2(info->tls_session, &status) == 0 &&
	    status == 0;
}

static bool
allowed(const struct agent *a, struct MHD_Connection *c)
{
	static const char scheme[] = "Bearer ";
	const char *h = MHD_lookup_connection_value(
	    c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);

	if (a->conf.client_ca_pem != NULL && !certified(c))
		return false;
	if (a->conf.token[0] == '\0')
		return true;
	return h != NULL && strncmp(h, scheme, sizeof(scheme) - 1) == 0 &&
	    same_secret(h + sizeof(scheme) - 1, a->conf.token);
}

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, char *text, size_t len,
    const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    len, text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc = MHD_NO;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_UNAUTHORIZED)
		(void)MHD_add_response_header(
		    r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
	char copy[64];
	size_t n = strlen(text);

	memcpy(copy, text, n);
	return answer(c, status, copy, n, "text/plain");
}

static char *
own_arp_json(const struct agent *a, size_t *ret_len)
{
	return arp_json(a->sensors.root, ret_len);
}

static const struct page {
	const char *url;
	char *(*json)(const struct agent *a, size_t *ret_len);
} pages[] = {
	{ "/load", agent_json },
	{ "/arp", own_arp_json },
};

static const struct page *
find_page(const char *url)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(pages); i++)
		if (strcmp(pages[i].url, url) == 0)
			return &pages[i];
	return NULL;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **seen)
{
	static int mark;
	const struct agent *a = arg;
	const struct page *page;
	enum MHD_Result rc;
	size_t n;
	char *text;

	(void)version;
	(void)data;
	if (*seen == NULL) { /* the header only; what follows is not wanted */
		*seen = &mark;
		return MHD_YES;
	}
	*len = 0;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	if (!allowed(a, c))
		return refuse(c, MHD_HTTP_UNAUTHORIZED, "not for you\n");
	page = find_page(url);
	if (page == NULL)
		return refuse(c, MHD_HTTP_NOT_FOUND, "GET /load or /arp\n");
	text = page->json(a, &n);
	if (text == NULL)
		return MHD_NO;
	rc = answer(c, MHD_HTTP_OK, text, n, "application/json");
	free(text);
	return rc;
}

int
serve_start(struct agent *a, struct MHD_Daemon **ret)
{
	const struct agent_conf *c = &a->conf;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, c->certificate_pem },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, c->key_pem },
		{ c->client_ca_pem != NULL ? MHD_OPTION_HTTPS_MEM_TRUST
		                           : MHD_OPTION_END, 0,
		    c->client_ca_pem },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL;
	struct sockaddr_storage ss;
	struct addr at;
	uint16_t port;

	if (addr_parse_port(c->listen, &at, &port) < 0)
		return -EINVAL;
	(void)addr_to_sock(&at, port, &ss);
	if (c->certificate_pem != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	if (at.family == AF_INET6)
		flags |= MHD_USE_IPv6;
	*ret = MHD_start_daemon(flags, port, NULL, NULL, on_request, a,
	    MHD_OPTION_SOCK_ADDR, &ss, MHD_OPTION_CONNECTION_LIMIT, CLIENTS,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, CLIENTS_OF_ONE,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S, MHD_OPTION_ARRAY, tls,
	    MHD_OPTION_END);
	return *ret != NULL ? 0 : errno != 0 ? -errno : -EIO;
}

int
serve_fd(struct MHD_Daemon *d)
{
	return MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int
serve_timeout(struct MHD_Daemon *d)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(d, &ms) != MHD_YES)
		return -1;
	return ms < 1000 ? (int)ms : 1000;
}

void
serve_run(struct MHD_Daemon *d)
{
	(void)MHD_run(d);
}

void
serve_stop(struct MHD_Daemon *d)
{
	if (d != NULL)
		MHD_stop_daemon(d);
}
