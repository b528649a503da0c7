/*
 * check_snmp: asks SNMP agents by net-snmp: one object that must be as expected,
 * or all that says how busy a server is (snmp_reply.c judges both).
 *
 * A session of the library's per run, that is, a socket, on our poller: nothing
 * waits in the library. Version 3 needs the agent's engine ID first; the library
 * would block for it when a session is opened, so that is told not to, and an
 * empty question is sent first, whose report says it (RFC 3414, 4). A user is
 * known to the library by engine ID, for as long as a run needs it.
 *
 * The library's callbacks only note what came; it goes on from on_event(), since
 * a session must not be closed under them.
 */
#include <net-snmp/net-snmp-config.h>
/* the library's headers come in this order */
#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/snmp_login.h"
#include "daemons/monitord/snmp_user.h"
#include "daemons/monitord/snmp_value.h"

#define REPEATS 64 /* processors asked for */
#define RETRIES 1  /* the library's: after "not in time window" */

struct snmp {
	struct loop *loop;
	struct poller *poller;
	struct snmp_users *users; /* NULL: the library is not begun */
	unsigned runs;
	netsnmp_large_fd_set ready;
};

struct snmp_run {
	struct snmp *snmp;
	const struct check_target *target;
	void *session;
	int fd;
	struct snmp_user *user; /* version 3, its engine is known */
	bool v3, heard, failed;
	long error; /* the answer's */
	struct snmp_value *values;
	size_t n;
	usec_t acted;
	check_done_fn done;
	void *arg;
};

/* ---- what comes ---- */

/* Reports are errors to the library, also the one that was asked for. */
static bool
is_refusal(const struct snmp_run *r, netsnmp_pdu *pdu)
{
	if (pdu == NULL || pdu->command != SNMP_MSG_REPORT)
		return true;
	return r->user != NULL &&
	    snmpv3_get_report_type(pdu) != SNMPERR_NOT_IN_TIME_WINDOW;
}

static int
on_message(int op, netsnmp_session *s, int id, netsnmp_pdu *pdu, void *arg)
{
	struct snmp_run *r = arg;
	const netsnmp_variable_list *v;

	(void)s;
	(void)id;
	if (op != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
		r->failed = r->failed || op == NETSNMP_CALLBACK_OP_SEND_FAILED ||
		    (op == NETSNMP_CALLBACK_OP_SEC_ERROR && is_refusal(r, pdu));
		return 1;
	}
	if (pdu->command == SNMP_MSG_REPORT)
		return 1; /* the session knows the engine then, or goes on */
	if (pdu->command != SNMP_MSG_RESPONSE)
		return 0;
	r->heard = true;
	r->error = pdu->errstat;
	for (v = pdu->variables; v != NULL && r->n < SNMP_VALUES_MAX;
	    v = v->next_variable)
		snmp_value_take(v, &r->values[r->n++]);
	return 1;
}

/* ---- what is asked ---- */

static bool
is_load(const struct snmp_run *r)
{
	return r->target->check->type == CHECK_SNMP_LOAD;
}

static void
add_name(netsnmp_pdu *pdu, const uint32_t *name, size_t len)
{
	oid wide[SNMP_OID_MAX];
	size_t i;

	for (i = 0; i < len; i++)
		wide[i] = name[i];
	(void)snmp_add_null_var(pdu, wide, len);
}

static netsnmp_pdu *
question(const struct snmp_run *r)
{
	netsnmp_pdu *pdu = snmp_pdu_create(
	    is_load(r) ? SNMP_MSG_GETBULK : SNMP_MSG_GET);
	uint32_t name[SNMP_OID_MAX];
	size_t i;

	if (pdu == NULL)
		return NULL;
	if (!is_load(r)) {
		add_name(pdu, name, snmp_oid_parse(r->target->check->oid, name));
		return pdu;
	}
	pdu->non_repeaters = (long)snmp_load_n_scalars;
	pdu->max_repetitions = REPEATS;
	for (i = 0; i < snmp_load_n_scalars; i++)
		add_name(pdu, snmp_load_scalars[i].oid,
		    snmp_load_scalars[i].oid_len);
	add_name(pdu, snmp_load_table.oid, snmp_load_table.oid_len);
	return pdu;
}

/* Nobody asks for nothing, without authentication: the report says who the
 * agent is. */
static netsnmp_pdu *
empty_question(void)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);

	if (pdu == NULL)
		return NULL;
	pdu->version = SNMP_VERSION_3;
	pdu->securityName = strdup("");
	pdu->securityNameLen = 0;
	pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	pdu->securityModel = SNMP_SEC_MODEL_USM;
	return pdu;
}

static int
ask(struct snmp_run *r)
{
	bool discover = r->v3 && r->user == NULL;
	netsnmp_pdu *pdu = discover ? empty_question() : question(r);

	if (pdu == NULL)
		return -ENOMEM;
	r->acted = loop_now(r->snmp->loop);
	errno = 0;
	if (snmp_sess_async_send(r->session, pdu, on_message, r) != 0)
		return 0;
	snmp_free_pdu(pdu);
	return errno != 0 ? -errno : -EIO;
}

/* ---- a run ---- */

static void
run_free(struct snmp_run *r)
{
	if (r->fd >= 0)
		poller_del(r->snmp->poller, r->fd);
	if (r->session != NULL)
		(void)snmp_sess_close(r->session);
	snmp_user_unref(r->user);
	free(r->values);
	free(r);
}

static enum verdict
judge(struct snmp_run *r, char *detail)
{
	const struct check_target *t = r->target;
	char why[DETAIL_LEN];

	if (r->failed || r->error != 0) {
		(void)snprintf(detail, DETAIL_LEN, "%.50s", r->failed
		    ? "not accepted by the agent" : snmp_errstring(
			(int)r->error));
		return VERDICT_BAD;
	}
	if (is_load(r)) {
		(void)snprintf(detail, DETAIL_LEN, "ok");
		return snmp_load(r->values, r->n, &t->memory->snmp, t->load,
		           detail, DETAIL_LEN) == 0 ? VERDICT_OK : VERDICT_BAD;
	}
	if (r->n == 0) {
		(void)snprintf(detail, DETAIL_LEN, "an empty answer");
		return VERDICT_BAD;
	}
	if (!snmp_expect(&r->values[0], t->check->expect, why, sizeof(why))) {
		(void)snprintf(detail, DETAIL_LEN, "%s", why);
		return VERDICT_BAD;
	}
	(void)snprintf(detail, DETAIL_LEN, "ok");
	return VERDICT_OK;
}

static void
end(struct snmp_run *r, enum verdict v, const char *detail)
{
	check_done_fn done = r->done;
	void *arg = r->arg;

	run_free(r);
	done(v, detail, arg);
}

/* The engine became known: now as the user. */
static int
introduce(struct snmp_run *r)
{
	int rc = snmp_user_of(r->snmp->users, r->target->check->credentials,
	    snmp_sess_session(r->session), &r->user);

	return rc == 0 ? ask(r) : rc;
}

static void
on_event(int fd, unsigned events, void *arg)
{
	struct snmp_run *r = arg;
	netsnmp_large_fd_set *ready = &r->snmp->ready;
	char detail[DETAIL_LEN];
	enum verdict v;
	int err = 0, rc = 0;
	socklen_t len = sizeof(err);

	if ((events & EPOLLERR) != 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err != 0) {
		end(r, VERDICT_BAD, check_errno_text(err, detail));
		return;
	}
	netsnmp_large_fd_setfd(fd, ready);
	(void)snmp_sess_read2(r->session, ready);
	netsnmp_large_fd_clr(fd, ready);
	snmp_sess_timeout(r->session); /* what it wants to say again */
	if (r->v3 && r->user == NULL && !r->failed &&
	    snmp_sess_session(r->session)->securityEngineIDLen > 0)
		rc = introduce(r);
	if (rc < 0) { /* ours: files, memory, two users of one name */
		end(r, VERDICT_NONE, check_errno_text(-rc, detail));
	} else if (r->heard || r->failed) {
		v = judge(r, detail);
		end(r, v, detail);
	}
}

/* ---- sessions ---- */

/* Only its agent's answers come in, and its host's refusals. */
static int
connect_to(struct snmp_run *r)
{
	const struct check_target *t = r->target;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sock(&t->addr, t->port, &ss);

	r->fd = snmp_sess_transport(r->session)->sock;
	(void)fcntl(r->fd, F_SETFD, FD_CLOEXEC);
	if (connect(r->fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	return poller_set(r->snmp->poller, r->fd, EPOLLIN, on_event, r);
}

static int
open_session(struct snmp_run *r)
{
	const struct check_target *t = r->target;
	char peer[ADDR_TEXT_MAX + 32], at[ADDR_TEXT_MAX + 8];
	struct snmp_login login;
	netsnmp_session s;
	char why[DETAIL_LEN];
	int rc = snmp_login_read(
	    t->check->credentials, &login, why, sizeof(why));

	if (rc < 0)
		return rc == -EINVAL ? -EBADMSG : rc;
	(void)addr_format_port(&t->addr, t->port, at, sizeof(at));
	(void)snprintf(peer, sizeof(peer), "%s:%s",
	    t->addr.family == AF_INET6 ? "udp6" : "udp", at);
	snmp_sess_init(&s);
	s.peername = peer;
	s.retries = RETRIES;
	s.timeout = 3600L * 1000000; /* deadlines are the caller's */
	r->v3 = login.community[0] == '\0';
	s.version = r->v3 ? SNMP_VERSION_3 : SNMP_VERSION_2c;
	s.community = (u_char *)login.community;
	s.community_len = strlen(login.community);
	s.flags |= SNMP_FLAGS_DONT_PROBE;
	s.callback = on_message;
	s.callback_magic = r;
	if (r->v3) {
		s.securityName = login.user;
		s.securityNameLen = strlen(login.user);
		s.securityModel = SNMP_SEC_MODEL_USM;
		s.securityLevel = login.privacy[0] != '\0'
		    ? SNMP_SEC_LEVEL_AUTHPRIV
		    : login.auth[0] != '\0' ? SNMP_SEC_LEVEL_AUTHNOPRIV
		                            : SNMP_SEC_LEVEL_NOAUTH;
	}
	errno = 0;
	r->session = snmp_sess_open(&s);
	explicit_bzero(&login, sizeof(login));
	if (r->session == NULL)
		return errno != 0 ? -errno : -EMFILE;
	/* Opening it takes the flag away. */
	snmp_sess_session(r->session)->flags |= SNMP_FLAGS_DONT_PROBE;
	return 0;
}

/* Once somebody needs it: the library is large. */
static void
begin_library(struct snmp *s)
{
	if (s->users != NULL)
		return;
	snmp_users_new(&s->users);
	netsnmp_large_fd_set_init(&s->ready, FD_SETSIZE);
}

static int
type_start(void *shared, const struct check_target *t, check_done_fn done,
    void *arg, void **ret_run)
{
	struct snmp_run *r = mem_new(struct snmp_run);
	int rc;

	begin_library(shared);
	r->snmp = shared;
	r->target = t;
	r->fd = -1;
	r->done = done;
	r->arg = arg;
	r->values = mem_zalloc(SNMP_VALUES_MAX * sizeof(*r->values));
	rc = open_session(r);
	if (rc == 0)
		rc = connect_to(r);
	if (rc == 0)
		rc = ask(r);
	if (rc < 0) {
		run_free(r);
		return rc;
	}
	*ret_run = r;
	return 0;
}

static void
type_cancel(void *run)
{
	run_free(run);
}

static usec_t
type_acted(const void *run)
{
	return ((const struct snmp_run *)run)->acted;
}

static int
type_open(struct loop *l, struct poller *p, void **ret)
{
	struct snmp *s = mem_new(struct snmp);

	s->loop = l;
	s->poller = p;
	*ret = s;
	return 0;
}

static void
type_close(void *shared)
{
	struct snmp *s = shared;

	if (s->users != NULL)
		netsnmp_large_fd_set_cleanup(&s->ready);
	snmp_users_free(s->users);
	free(s);
}

#define OPS(word) { .name = word, .open = type_open, \
	.close = type_close, .start = type_start, \
	.cancel = type_cancel, .acted = type_acted }
const struct check_ops check_snmp = OPS("snmp");
const struct check_ops check_snmp_load = OPS("snmp-load");
