/*
 * yoked_status_services: the services in the status, as far as a piece of it
 * goes. Between two pieces the table may change: where the walk stopped is kept
 * as names, and it goes on with the next that is there then.
 */
#include <string.h>

#include "common/out.h"
#include "daemons/yoked/yoked.h"
#include "daemons/yoked/yoked_status.h"
#include "daemons/yoked/yoked_status_impl.h"

/* What is behind the weight in force. */
static void
show_causes(const struct server *v, struct out *o)
{
	if (v->override != WEIGHT_NONE)
		out_num(o, "override", (uint64_t)v->override);
	else
		out_null(o, "override");
	if (v->policy != WEIGHT_NONE)
		out_num(o, "policy", (uint64_t)v->policy);
	else
		out_null(o, "policy");
	if (v->policy != WEIGHT_NONE) {
		out_str(o, "policy_cause", v->policy_cause);
		out_str(o, "state_cause", v->cause);
	} else {
		out_null(o, "policy_cause");
		out_null(o, "state_cause");
	}
}

static void
show_server(const struct server *v, const struct lvs_service *have, usec_t real,
    struct out *o)
{
	static const struct lvs_dest none;
	const struct lvs_dest *k = NULL;
	char text[ADDR_TEXT_MAX];

	if (have != NULL)
		k = lvs_service_find(have, &v->def.addr, v->def.port);
	if (k == NULL)
		k = &none;
	out_object(o, NULL);
	out_str(o, "name", v->def.name);
	out_str(o, "address",
	    addr_format_port(&v->def.addr, v->def.port, text, sizeof(text)));
	out_str(o, "method", method_name(v->def.method));
	out_num(o, "weight", server_weight(v));
	out_num(o, "configured", v->def.weight);
	out_str(o, "source", server_weight_source(v));
	out_str(o, "health", health_name(v->health));
	out_bool(o, "drain", v->drain);
	out_str(o, "cause", server_cause(v));
	show_causes(v, o);
	if (v->changed != 0)
		out_ms(o, "changed_ms", status_ago(real, v->changed));
	else
		out_null(o, "changed_ms");
	out_num(o, "active", k->active);
	out_num(o, "inactive", k->inactive);
	out_num(o, "conns", k->stats.conns);
	out_num(o, "in_bytes", k->stats.in_bytes);
	out_close(o);
}

static const char *
key_text(const struct service_def *d, char *buf, size_t len)
{
	struct lvs_key k = { .addr = d->addr,
		.fwmark = d->fwmark,
		.port = d->port,
		.protocol = d->protocol };

	return lvs_key_format(&k, buf, len);
}

/* Up to its servers, which follow one by one. */
static void
open_service(
    const struct service *s, const struct lvs_service *have, struct out *o)
{
	uint64_t active = 0, inactive = 0;
	char text[LVS_KEY_TEXT_MAX];
	size_t i;

	for (i = 0; have != NULL && i < have->n_dests; i++) {
		active += have->dests[i].active;
		inactive += have->dests[i].inactive;
	}
	out_object(o, NULL);
	out_str(o, "name", s->def.name);
	out_str(o, "key", key_text(&s->def, text, sizeof(text)));
	out_str(o, "scheduler", s->def.scheduler);
	out_num(o, "active", active);
	out_num(o, "inactive", inactive);
	out_array(o, "servers");
}

/* The first that comes after name, or n. */
static size_t
service_after(const struct table *t, const char *name)
{
	size_t low = 0, high = t->n_services, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(t->services[mid]->def.name, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
server_after(const struct service *s, const char *name)
{
	size_t low = 0, high = s->n_servers, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(s->servers[mid]->def.name, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Servers of the open service, until there is enough or it is at its end. s is
 * NULL if it is gone meanwhile. */
static void
servers(const struct yoked *y, struct status_walk *w, const struct service *s,
    const struct lvs_service *have, size_t enough)
{
	usec_t real = loop_real(y->loop);
	size_t i = s != NULL ? server_after(s, w->server) : 0;

	for (; s != NULL && i < s->n_servers; i++) {
		if (w->out.len >= enough)
			return;
		show_server(s->servers[i], have, real, &w->out);
		memcpy(w->server, s->servers[i]->def.name, NAME_LEN);
	}
	out_close(&w->out);
	out_close(&w->out);
	w->open = false;
}

bool
status_services(const struct yoked *y, struct status_walk *w, size_t enough)
{
	const struct table *t = &y->director.table;
	size_t i = service_after(t, w->service);
	const struct lvs_service *have;
	const struct service *s;

	if (w->open) {
		s = table_service(t, w->service);
		have = s != NULL ? ipvs_have(&y->director.ipvs, &s->def) : NULL;
		servers(y, w, s, have, enough);
	}
	for (; !w->open && i < t->n_services; i++) {
		if (w->out.len >= enough)
			return false;
		s = t->services[i];
		have = ipvs_have(&y->director.ipvs, &s->def);
		memcpy(w->service, s->def.name, NAME_LEN);
		w->server[0] = '\0';
		w->open = true;
		open_service(s, have, &w->out);
		servers(y, w, s, have, enough);
	}
	return !w->open && i == t->n_services;
}
