/*
 * checkpoint_doc: a table, its changes and the history of roles as JSON; and
 * the table from it again, member by member checked, through the same function
 * that changes tables everywhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "daemons/yoke/checkpoint.h"

static void
doc_server(struct out *o, const struct server *v)
{
	char text[ADDR_TEXT_MAX];

	out_object(o, NULL);
	out_str(o, "name", v->def.name);
	out_str(o, "address", addr_format(&v->def.addr, text, sizeof(text)));
	out_num(o, "port", v->def.port);
	out_str(o, "method", method_name(v->def.method));
	out_num(o, "weight", v->def.weight);
	out_num(o, "upper", v->def.upper);
	out_num(o, "lower", v->def.lower);
	out_str(o, "down", down_name(v->def.down));
	out_str(o, "health", health_name(v->health));
	out_bool(o, "drain", v->drain);
	if (v->override != WEIGHT_NONE)
		out_num(o, "override", (uint64_t)v->override);
	if (v->policy != WEIGHT_NONE)
		out_num(o, "policy", (uint64_t)v->policy);
	out_usec(o, "changed_us", v->changed);
	out_str(o, "cause", v->cause);
	if (v->policy_cause[0] != '\0')
		out_str(o, "policy_cause", v->policy_cause);
	out_close(o);
}

static void
doc_service(struct out *o, const struct service *s)
{
	char text[ADDR_TEXT_MAX];
	size_t i;

	out_object(o, NULL);
	out_str(o, "name", s->def.name);
	out_num(o, "protocol", s->def.protocol);
	out_str(o, "address", addr_format(&s->def.addr, text, sizeof(text)));
	out_num(o, "port", s->def.port);
	out_num(o, "fwmark", s->def.fwmark);
	out_str(o, "scheduler", s->def.scheduler);
	out_num(o, "flags", s->def.flags);
	out_num(o, "persistence_s", s->def.persistence_s);
	out_num(o, "persistence_bits", s->def.persistence_bits);
	out_array(o, "servers");
	for (i = 0; i < s->n_servers; i++)
		doc_server(o, s->servers[i]);
	out_close(o);
	out_close(o);
}

int
doc_sum(const struct table *t, char ret[SUM_TEXT])
{
	uint8_t sum[EVP_MAX_MD_SIZE], *bytes;
	unsigned i, n = 0;
	size_t len;
	int rc = table_pack(t, &bytes, &len);

	if (rc < 0)
		return rc;
	rc = EVP_Digest(bytes, len, sum, &n, EVP_sha256(), NULL) == 1 && n == 32
	    ? 0
	    : -ENOMEM;
	free(bytes);
	for (i = 0; rc == 0 && i < n; i++)
		(void)snprintf(ret + i * 2, 3, "%02x", sum[i]);
	return rc;
}

void
doc_table(struct out *o, const struct table *t)
{
	char sum[SUM_TEXT] = "";
	size_t i;

	out_num(o, "epoch", t->epoch);
	out_num(o, "seq", t->seq);
	(void)doc_sum(t, sum);
	out_str(o, "sum", sum);
	out_array(o, "services");
	for (i = 0; i < t->n_services; i++)
		doc_service(o, t->services[i]);
	out_close(o);
}

static void
doc_change(const struct change *c, void *arg)
{
	struct out *o = arg;

	out_object(o, NULL);
	out_num(o, "seq", c->seq);
	if (c->what != CHANGE_NONE) {
		out_num(o, "epoch", c->epoch);
		out_time(o, "at", c->when);
		out_usec(o, "at_us", c->when);
		out_str(o, "what", change_name(c->what));
		out_str(o, "service", c->service);
		out_str(o, "server", c->server);
		if (c->value >= 0)
			out_num(o, "value", (uint64_t)c->value);
		else
			out_null(o, "value");
		out_str(o, "cause", c->cause);
	}
	out_bool(o, "damaged", c->what == CHANGE_NONE);
	out_close(o);
}

void
doc_journal(struct out *o, struct store_view *v)
{
	out_array(o, "journal");
	store_view_journal(v, doc_change, o);
	out_close(o);
}

static void
doc_role(struct out *o, const struct history_record *r)
{
	unsigned i;

	out_object(o, NULL);
	out_num(o, "epoch", r->epoch);
	out_time(o, "at", r->at);
	out_usec(o, "at_us", r->at);
	out_num(o, "node", r->node);
	out_str(o, "from", r->from);
	out_str(o, "to", r->to);
	out_str(o, "event", r->event);
	out_str(o, "why", r->why);
	if (r->silence > 0)
		out_usec(o, "silence_us", r->silence);
	else
		out_null(o, "silence_us");
	out_array(o, "steps");
	for (i = 0; i < r->n_steps; i++) {
		out_object(o, NULL);
		out_str(o, "name", r->steps[i].name);
		out_usec(o, "us", r->steps[i].took);
		out_close(o);
	}
	out_close(o);
	out_close(o);
}

void
doc_roles(struct out *o, const struct history *h)
{
	size_t i;

	out_array(o, "roles");
	for (i = 0; i < h->n; i++)
		doc_role(o, &h->v[i]);
	out_close(o);
}

/* ---- and back ---- */

/* A member that must be there, within bounds; else *bad names it. */
static uint64_t
num(const json_t *j, const char *key, uint64_t max, const char **bad)
{
	const json_t *v = json_object_get(j, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max) {
		*bad = *bad != NULL ? *bad : key;
		return 0;
	}
	return (uint64_t)n;
}

static void
str(const json_t *j, const char *key, char *dst, size_t len, const char **bad)
{
	const char *v = json_string_value(json_object_get(j, key));

	if (v == NULL || strlen(v) >= len)
		*bad = *bad != NULL ? *bad : key;
	else
		strcpy(dst, v);
}

static void
address(const json_t *j, struct addr *ret, const char **bad)
{
	char text[ADDR_TEXT_MAX] = "";

	str(j, "address", text, sizeof(text), bad);
	if (*bad == NULL && addr_parse(text, ret) < 0)
		*bad = "address";
}

/* Onto the table as its next change, after the codec's own checks. */
static const char *
apply(struct table *t, struct change *c)
{
	uint8_t mem[CHANGE_BYTES_MAX];
	struct buf b = buf_writer(mem, sizeof(mem));
	struct change back;
	int rc;

	c->epoch = t->epoch;
	c->seq = t->seq + 1;
	change_pack(&b, c);
	if (b.bad)
		return "too long";
	b = buf_reader(mem, b.pos);
	rc = change_unpack(&b, &back);
	if (rc == 0)
		rc = table_apply(t, &back);
	return rc == 0 ? NULL : rc == -EBADMSG ? "out of range" : err_text(rc);
}

static const char *
read_state(const json_t *j, struct table *t, const struct change *server)
{
	struct {
		enum change_what what;
		int64_t value;
	} rows[4] = { { CHANGE_HEALTH, 0 }, { CHANGE_DRAIN, 0 },
		{ CHANGE_OVERRIDE, WEIGHT_NONE },
		{ CHANGE_POLICY, WEIGHT_NONE } };
	const json_t *v;
	struct change c = *server;
	const char *bad = NULL;
	char health[16] = "";
	unsigned i;

	c.when = num(j, "changed_us", INT64_MAX, &bad);
	str(j, "cause", c.cause, sizeof(c.cause), &bad);
	str(j, "health", health, sizeof(health), &bad);
	while (bad == NULL && strcmp(health_name((unsigned)rows[0].value),
				  health) != 0)
		if (++rows[0].value == HEALTH__LAST)
			bad = "health";
	v = json_object_get(j, "drain");
	rows[1].value = json_is_true(v);
	if (json_object_get(j, "override") != NULL)
		rows[2].value = (int64_t)num(j, "override", WEIGHT_MAX, &bad);
	if (json_object_get(j, "policy") != NULL)
		rows[3].value = (int64_t)num(j, "policy", WEIGHT_MAX, &bad);
	if (bad == NULL && !json_is_boolean(v))
		bad = "drain";
	for (i = 0; bad == NULL && i < 4; i++) {
		if (rows[i].what == CHANGE_POLICY &&
		    rows[i].value != WEIGHT_NONE) {
			c.cause[0] = '\0';
			if (json_object_get(j, "policy_cause") != NULL)
				str(j, "policy_cause", c.cause,
				    sizeof(c.cause), &bad);
		}
		c.what = rows[i].what;
		c.value = rows[i].value;
		bad = apply(t, &c);
	}
	return bad;
}

static const char *
read_server(const json_t *j, const char *service, struct table *t)
{
	struct change c = { .what = CHANGE_SERVER_SET };
	struct server_def *d = &c.server_def;
	const char *bad = NULL;
	char method[16] = "", down[16] = "quiesce";

	(void)snprintf(c.service, sizeof(c.service), "%s", service);
	str(j, "name", d->name, sizeof(d->name), &bad);
	memcpy(c.server, d->name, sizeof(c.server));
	address(j, &d->addr, &bad);
	d->port = (uint16_t)num(j, "port", UINT16_MAX, &bad);
	str(j, "method", method, sizeof(method), &bad);
	if (bad == NULL && method_parse(method) < 0)
		bad = "method";
	d->method = bad == NULL ? (uint8_t)method_parse(method) : 0;
	d->weight = (uint32_t)num(j, "weight", WEIGHT_MAX, &bad);
	d->upper = (uint32_t)num(j, "upper", UINT32_MAX, &bad);
	d->lower = (uint32_t)num(j, "lower", UINT32_MAX, &bad);
	if (json_object_get(j, "down") != NULL) /* older files have none */
		str(j, "down", down, sizeof(down), &bad);
	if (bad == NULL && down_parse(down) < 0)
		bad = "down";
	d->down = bad == NULL ? (uint8_t)down_parse(down) : 0;
	if (bad == NULL)
		bad = apply(t, &c);
	return bad != NULL ? bad : read_state(j, t, &c);
}

static const char *
read_service(const json_t *j, struct table *t, const char **ret_server)
{
	struct change c = { .what = CHANGE_SERVICE_SET };
	struct service_def *d = &c.service_def;
	const char *bad = NULL;
	json_t *list = json_object_get(j, "servers");
	size_t i;

	*ret_server = NULL;
	str(j, "name", d->name, sizeof(d->name), &bad);
	memcpy(c.service, d->name, sizeof(c.service));
	d->protocol = (uint8_t)num(j, "protocol", UINT8_MAX, &bad);
	address(j, &d->addr, &bad);
	d->port = (uint16_t)num(j, "port", UINT16_MAX, &bad);
	d->fwmark = (uint32_t)num(j, "fwmark", UINT32_MAX, &bad);
	str(j, "scheduler", d->scheduler, sizeof(d->scheduler), &bad);
	d->flags = (uint32_t)num(j, "flags", UINT32_MAX, &bad);
	d->persistence_s =
	    (uint32_t)num(j, "persistence_s", UINT32_MAX, &bad);
	d->persistence_bits = (uint8_t)num(j, "persistence_bits", 128, &bad);
	if (bad == NULL && !json_is_array(list))
		bad = "servers";
	if (bad == NULL)
		bad = apply(t, &c);
	for (i = 0; bad == NULL && i < json_array_size(list); i++) {
		*ret_server = json_string_value(
		    json_object_get(json_array_get(list, i), "name"));
		bad = read_server(json_array_get(list, i), c.service, t);
	}
	return bad;
}

void
doc_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int
doc_read(const json_t *doc, struct table *ret, char *why, size_t len)
{
	json_t *list = json_object_get(doc, "services"), *item;
	const char *bad = NULL, *service = NULL, *server = NULL;
	uint64_t epoch, seq;
	struct table t;
	size_t i;

	table_init(&t);
	epoch = num(doc, "epoch", INT64_MAX, &bad);
	seq = num(doc, "seq", INT64_MAX, &bad);
	if (bad == NULL && !json_is_array(list))
		bad = "services";
	for (i = 0; bad == NULL && i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		service = json_string_value(json_object_get(item, "name"));
		bad = read_service(item, &t, &server);
	}
	if (bad != NULL) {
		(void)snprintf(why, len, "%s%.63s%s%.63s: %s",
		    service != NULL ? "service " : "the table",
		    service != NULL ? service : "",
		    server != NULL ? " / server " : "",
		    server != NULL ? server : "", bad);
		doc_plain(why);
		table_done(&t);
		return -EINVAL;
	}
	t.epoch = epoch;
	t.seq = seq;
	*ret = t;
	return 0;
}
