/*
 * agent: see agent.h. The library has its own idea of what to wait for
 * (snmp_select_info): before each turn of our loop that may be another, so its
 * descriptors are looked at again whenever it has run.
 */
#include <net-snmp/net-snmp-config.h>
/* the library's headers come in this order */
#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_callbacks.h>

#include "daemons/snmpd/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

#define FDS_MAX 8	   /* the session with snmpd, and to spare */
#define RECONNECT_S 2	   /* snmpd is looked for this often */
#define PATIENCE_US 1000000 /* with snmpd's answers */
#define BURST 600	   /* questions in one turn of the loop */
#define MOMENT_NS 300000
#define STRING_MAX 255	   /* SnmpAdminString */
#define EVENT_GROUP 20	   /* yokeEvent */
#define EVENT_TEXTS 6

/* A notification that waits. */
struct trap {
	struct trap *next;
	struct event e; /* its strings are in text */
	char text[10][256];
};

struct agent {
	struct loop *loop;
	struct agent_ops ops;
	void *arg;
	struct {
		int fd;
		struct watch *watch;
	} fds[FDS_MAX];
	size_t n_fds;
	struct timer timer;
	netsnmp_handler_registration *reg;
	bool connected;
	bool fresh; /* the session is another now */
	bool ending;
	struct trap *traps, **traps_end;
	unsigned n_traps;
	uint64_t lost;
};

static void agent_run(struct agent *a);
static void traps_send(struct agent *a);

/* ---- on the loop ---- */

/* Descriptors that can be read, within a moment; 0: none. */
static int
wait_moment(const struct agent *a, fd_set *ret)
{
	const struct timespec moment = { .tv_nsec = MOMENT_NS };
	struct pollfd p[FDS_MAX];
	size_t i;
	int n;

	for (i = 0; i < a->n_fds; i++)
		p[i] = (struct pollfd){ a->fds[i].fd, POLLIN, 0 };
	n = ppoll(p, a->n_fds, &moment, NULL);
	FD_ZERO(ret);
	for (i = 0; n > 0 && i < a->n_fds; i++)
		if (p[i].revents != 0)
			FD_SET(p[i].fd, ret);
	return n > 0 ? n : 0;
}

/* snmpd asks for one value at a time and waits for it, also when it is asked for
 * many itself; and within the library a question goes through two pipes. A turn
 * of the loop for each of these would take longer than the answer, so what
 * comes next is waited for here, for a moment. */
static void
on_fd(int fd, int revents, void *arg)
{
	struct agent *a = arg;
	fd_set ready;
	int i = 0;

	(void)revents;
	FD_ZERO(&ready);
	FD_SET(fd, &ready);
	do {
		snmp_read(&ready);
		netsnmp_check_outstanding_agent_requests();
	} while (++i < BURST && !a->fresh && wait_moment(a, &ready) > 0);
	agent_run(a);
}

static void
fds_drop(struct agent *a)
{
	size_t i;

	for (i = 0; i < a->n_fds; i++)
		watch_free(a->fds[i].watch);
	a->n_fds = 0;
}

static bool
same_fds(const struct agent *a, const fd_set *set, int n)
{
	size_t i;
	int fd, count = 0;

	for (fd = 0; fd < n; fd++)
		count += FD_ISSET(fd, set) != 0;
	for (i = 0; i < a->n_fds; i++)
		if (!FD_ISSET(a->fds[i].fd, set))
			return false;
	return (size_t)count == a->n_fds;
}

static void
fds_set(struct agent *a, const fd_set *set, int n)
{
	int fd;

	fds_drop(a);
	for (fd = 0; fd < n && a->n_fds < FDS_MAX; fd++) {
		if (!FD_ISSET(fd, set))
			continue;
		a->fds[a->n_fds].fd = fd;
		if (watch_new(a->loop, fd, POLLIN, on_fd, a,
			&a->fds[a->n_fds].watch) == 0)
			a->n_fds++;
	}
}

/* What the library waits for now. A descriptor that was closed may have come
 * back as another, so after a change of the session all are watched anew. */
static void
look(struct agent *a)
{
	struct timeval tv = { .tv_sec = 1 };
	fd_set set;
	int n = 0, block = 0;

	FD_ZERO(&set);
	(void)snmp_select_info(&n, &set, &tv, &block);
	if (a->fresh || !same_fds(a, &set, n))
		fds_set(a, &set, n);
	a->fresh = false;
	timer_in(&a->timer, (usec_t)tv.tv_sec * USEC_S + (usec_t)tv.tv_usec);
}

/* What is due besides questions. */
static void
agent_run(struct agent *a)
{
	snmp_timeout();
	run_alarms();
	traps_send(a);
	look(a);
}

static void
on_timer(void *arg)
{
	agent_run(arg);
}

/* ---- requests ---- */

static void
set_value(netsnmp_variable_list *v, const struct mib_value *value)
{
	struct counter64 c64;
	size_t n;
	long l;

	switch (value->type) {
	case MIB_STRING:
		n = strnlen(value->text, STRING_MAX + 1);
		if (n > STRING_MAX) /* not in the middle of a character */
			for (n = STRING_MAX;
			     n > 0 && (value->text[n] & 0xc0) == 0x80; n--)
				;
		(void)snmp_set_var_typed_value(
		    v, ASN_OCTET_STR, value->text, n);
		break;
	case MIB_INTEGER:
		l = (int32_t)value->number;
		(void)snmp_set_var_typed_value(v, ASN_INTEGER, &l, sizeof(l));
		break;
	case MIB_GAUGE:
		l = (long)value->number;
		(void)snmp_set_var_typed_value(v, ASN_GAUGE, &l, sizeof(l));
		break;
	case MIB_COUNTER64:
		c64.high = value->number >> 32;
		c64.low = value->number & UINT32_MAX;
		(void)snmp_set_var_typed_value(
		    v, ASN_COUNTER64, &c64, sizeof(c64));
		break;
	}
}

/* What stands behind our root; numbers that do not fit are the largest. */
static size_t
suffix_of(const netsnmp_variable_list *v, uint32_t *ret, size_t room)
{
	size_t i, n = 0;

	for (i = MIB_ROOT_LEN; i < v->name_length && n < room; i++)
		ret[n++] = v->name[i] > UINT32_MAX ? UINT32_MAX
						   : (uint32_t)v->name[i];
	return n;
}

static void
answer_get(const struct mib *m, netsnmp_agent_request_info *info,
    netsnmp_request_info *r)
{
	uint32_t suffix[MIB_SUFFIX_MAX + 1];
	size_t n = suffix_of(r->requestvb, suffix, MIB_SUFFIX_MAX + 1);
	struct mib_value value;
	enum mib_found found = mib_get(m, suffix, n, &value);

	if (found == MIB_FOUND)
		set_value(r->requestvb, &value);
	else
		netsnmp_set_request_error(info, r, found == MIB_NO_INSTANCE
			? SNMP_NOSUCHINSTANCE : SNMP_NOSUCHOBJECT);
}

static void
answer_next(const struct mib *m, netsnmp_request_info *r)
{
	static const oid root[] = { MIB_ROOT };
	uint32_t suffix[MIB_SUFFIX_MAX + 1], behind[MIB_SUFFIX_MAX];
	size_t n = suffix_of(r->requestvb, suffix, MIB_SUFFIX_MAX + 1), i, len;
	oid name[MIB_ROOT_LEN + MIB_SUFFIX_MAX];
	struct mib_value value;

	if (mib_next(m, suffix, n, behind, &len, &value) != MIB_FOUND)
		return; /* the master goes on behind us */
	memcpy(name, root, sizeof(root));
	for (i = 0; i < len; i++)
		name[MIB_ROOT_LEN + i] = behind[i];
	(void)snmp_set_var_objid(r->requestvb, name, MIB_ROOT_LEN + len);
	set_value(r->requestvb, &value);
}

static int
on_request(netsnmp_mib_handler *handler, netsnmp_handler_registration *reg,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	struct agent *a = handler->myvoid;
	const struct mib *m = a->ops.values(a->arg);
	netsnmp_request_info *r;

	(void)reg;
	for (r = requests; r != NULL; r = r->next) {
		if (r->processed)
			continue;
		if (info->mode == MODE_GET && m == NULL)
			netsnmp_set_request_error(
			    info, r, SNMP_NOSUCHINSTANCE);
		else if (info->mode == MODE_GET)
			answer_get(m, info, r);
		else if (info->mode == MODE_GETNEXT && m != NULL)
			answer_next(m, r);
	}
	return SNMP_ERR_NOERROR;
}

static int
serve(struct agent *a)
{
	static const oid root[] = { MIB_ROOT };
	netsnmp_handler_registration *reg;

	reg = netsnmp_create_handler_registration("yoke", on_request, root,
	    MIB_ROOT_LEN, HANDLER_CAN_RONLY);
	if (reg == NULL)
		return -ENOMEM;
	reg->handler->myvoid = a;
	a->reg = reg;
	return netsnmp_register_handler(reg) == MIB_REGISTERED_OK ? 0 : -EIO;
}

/* ---- notifications ---- */

static void
add_value(netsnmp_variable_list **list, const uint32_t *suffix, size_t len,
    const struct mib_value *value)
{
	static const oid root[] = { MIB_ROOT };
	netsnmp_variable_list *v;
	oid name[MIB_ROOT_LEN + MIB_SUFFIX_MAX];
	size_t i;

	memcpy(name, root, sizeof(root));
	for (i = 0; i < len; i++)
		name[MIB_ROOT_LEN + i] = suffix[i];
	v = snmp_varlist_add_variable(
	    list, name, MIB_ROOT_LEN + len, ASN_NULL, NULL, 0);
	if (v != NULL)
		set_value(v, value);
}

static void
add_text(netsnmp_variable_list **list, uint32_t group, uint32_t number,
    const char *text)
{
	const uint32_t suffix[] = { MIB_OBJECTS, group, number, 0 };
	const struct mib_value v = { MIB_STRING, 0, text };

	add_value(list, suffix, 4, &v);
}

/* As the MIB has them: instance, node, role, epoch, then yokeEvent*. */
static void
add_event(netsnmp_variable_list **list, const struct event *e)
{
	const uint32_t role[] = { MIB_OBJECTS, 1, 5, 0 };
	const uint32_t epoch[] = { MIB_OBJECTS, 1, 7, 0 };
	const struct mib_value role_value = { MIB_INTEGER,
		mib_word("ROLE", e->role), "" };
	const struct mib_value epoch_value = { MIB_COUNTER64, e->epoch, "" };
	const char *one = e->service[0] != '\0' ? e->service :
	    e->path[0] != '\0'			? e->path :
						  e->name;
	char subject[256];
	const char *texts[EVENT_TEXTS] = { event_name(e->id),
		event_level_name(event_level(e->id)), subject, e->from, e->why,
		e->text };
	uint32_t i;

	(void)snprintf(subject, sizeof(subject), "%s%s%s", one,
	    e->server[0] != '\0' ? "/" : "", e->server);
	add_text(list, 1, 2, e->instance);
	add_text(list, 1, 3, e->node);
	add_value(list, role, 4, &role_value);
	add_value(list, epoch, 4, &epoch_value);
	for (i = 0; i < EVENT_TEXTS; i++)
		add_text(list, EVENT_GROUP, i + 1, texts[i]);
}

static void
send_now(const struct event *e)
{
	static const oid trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
	const oid what[] = { MIB_ROOT, 0, (oid)e->id + 1 };
	netsnmp_variable_list *list = NULL;

	if (snmp_varlist_add_variable(&list, trap_oid, OID_LENGTH(trap_oid),
		ASN_OBJECT_ID, what, sizeof(what)) == NULL)
		return;
	add_event(&list, e);
	send_v2trap(list);
	snmp_free_varbind(list);
}

static void
trap_drop(struct agent *a)
{
	struct trap *t = a->traps;

	a->traps = t->next;
	if (a->traps == NULL)
		a->traps_end = &a->traps;
	a->n_traps--;
	free(t);
}

static void
traps_send(struct agent *a)
{
	while (a->connected && a->traps != NULL) {
		send_now(&a->traps->e);
		trap_drop(a);
	}
	if (a->connected && a->lost > 0)
		log_warning("notifications=lost count=%llu why=\"snmpd was "
			    "away\"", (unsigned long long)a->lost);
	if (a->connected)
		a->lost = 0;
}

static void
trap_keep(struct agent *a, const struct event *e)
{
	struct trap *t = mem_new(struct trap);
	const char **texts[] = { &t->e.instance, &t->e.node, &t->e.role,
		&t->e.service, &t->e.server, &t->e.path, &t->e.name,
		&t->e.from, &t->e.why, &t->e.text };
	size_t i;

	t->e = *e;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		(void)snprintf(
		    t->text[i], sizeof(t->text[i]), "%s", *texts[i]);
		*texts[i] = t->text[i];
	}
	if (a->n_traps == AGENT_TRAPS_MAX) {
		a->lost++;
		trap_drop(a);
	}
	*a->traps_end = t;
	a->traps_end = &t->next;
	a->n_traps++;
}

void
agent_event(struct agent *a, const struct event *e)
{
	if (a->connected)
		send_now(e);
	else
		trap_keep(a, e);
}

/* ---- the library ---- */

static int
on_session(int major, int minor, void *server, void *client)
{
	struct agent *a = client;
	bool yes = minor == SNMPD_CALLBACK_INDEX_START;

	(void)major;
	(void)server;
	if (a->ending || a->connected == yes)
		return 0;
	a->connected = yes;
	a->fresh = true;
	a->ops.on_connected(yes, a->arg);
	if (yes)
		timer_in(&a->timer, 0);
	return 0;
}

static int
on_log(int major, int minor, void *server, void *client)
{
	struct snmp_log_message *m = server;
	size_t n = strcspn(m->msg, "\n");

	(void)major;
	(void)minor;
	(void)client;
	if (n > 0)
		log_debug("net-snmp=\"%.*s\"", (int)n, m->msg);
	return 0;
}

static const struct {
	int major, minor;
	SNMPCallback *fn;
} callbacks[] = {
	{ SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log },
	{ SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, on_session },
	{ SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, on_session },
};

/* The library frees what callbacks and handlers were given, when it ends. */
static void
forget_us(struct agent *a)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(callbacks); i++)
		(void)snmp_unregister_callback(callbacks[i].major,
		    callbacks[i].minor, callbacks[i].fn, a, 1);
	a->reg->handler->myvoid = NULL;
}

/* No files, no signals: all that it needs is said here. */
static void
configure(const char *socket)
{
	static const struct {
		int store, which;
	} yes[] = {
		{ NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE },
		{ NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS },
		{ NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD },
		{ NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE },
		{ NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE },
		{ NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_ALARM_DONT_USE_SIG },
	};
	static const struct {
		int which, value;
	} ints[] = {
		{ NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, RECONNECT_S },
		{ NETSNMP_DS_AGENT_AGENTX_TIMEOUT, PATIENCE_US },
		{ NETSNMP_DS_AGENT_AGENTX_RETRIES, 1 },
	};
	char where[160];
	size_t i;

	for (i = 0; i < ARRAY_LEN(yes); i++)
		netsnmp_ds_set_boolean(yes[i].store, yes[i].which, 1);
	for (i = 0; i < ARRAY_LEN(ints); i++)
		netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, ints[i].which,
		    ints[i].value);
	(void)snprintf(where, sizeof(where), "unix:%s", socket);
	netsnmp_ds_set_string(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, where);
	(void)setenv("MIBS", "", 1); /* names are not needed */
}

static void
traps_free(struct agent *a)
{
	if (a->traps != NULL)
		log_warning("notifications=lost count=%u why=\"we stop\"",
		    a->n_traps);
	while (a->traps != NULL)
		trap_drop(a);
}

int
agent_new(struct loop *l, const char *socket, const struct agent_ops *ops,
    void *arg, struct agent **ret)
{
	struct agent *a = mem_new(struct agent);
	size_t i;
	int rc;

	a->loop = l;
	a->ops = *ops;
	a->arg = arg;
	a->traps_end = &a->traps;
	timer_init(&a->timer, l, on_timer, a);
	snmp_disable_log();
	snmp_enable_calllog();
	for (i = 0; i < ARRAY_LEN(callbacks); i++)
		(void)snmp_register_callback(callbacks[i].major,
		    callbacks[i].minor, callbacks[i].fn, a);
	configure(socket);
	rc = init_agent("yoke") == 0 ? serve(a) : -EIO;
	if (rc < 0) {
		for (i = 0; i < ARRAY_LEN(callbacks); i++)
			(void)snmp_unregister_callback(callbacks[i].major,
			    callbacks[i].minor, callbacks[i].fn, a, 1);
		free(a);
		return rc;
	}
	init_snmp("yoke");
	look(a);
	*ret = a;
	return 0;
}

void
agent_free(struct agent *a)
{
	if (a == NULL)
		return;
	a->ending = true;
	timer_stop(&a->timer);
	fds_drop(a);
	forget_us(a);
	snmp_shutdown("yoke");
	shutdown_agent();
	traps_free(a);
	free(a);
}
