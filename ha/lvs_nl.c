/*
 * lvs_nl: the virtual-server table of the running kernel.
 *
 * Reading is a dump of the services and then one of each service's servers;
 * a socket carries one dump at a time, so this is two system calls a service.
 *
 * Applying sends operations by the hundred in one datagram. The kernel works
 * through it inside sendto(2), in order, and answers only failures and the
 * last message (the only one that asks for an ACK): with that answer in, every
 * message without a failure has succeeded. What failed for a reason that
 * lvs_op.c has a row for is then sent once more as that row says.
 *
 * The kernel keeps deleted servers for two minutes and each add looks through
 * them, and through the service's own servers: a standby that keeps its table
 * takes over faster than one that deletes and adds it. Counters are two
 * seconds old. An unknown scheduler makes the kernel run modprobe meanwhile.
 */
#include "ha/lvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/ip_vs.h>
#include <netlink/msg.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/lvs_op.h"
#include "ha/lvs_sock.h"
#include "ha/lvs_wire.h"

#define BATCH_OPS 256
#define BATCH_BYTES (BATCH_OPS * (size_t)LVS_MSG_MAX)
#define BACKUP_MAXLEN_MIN 1024 /* the kernel raises it to this */

struct item { /* one operation under way */
	size_t index;
	enum lvs_verb verb;
	int rc;
};

struct batch {
	struct item items[BATCH_OPS];
	size_t n;
	uint32_t base; /* sequence number of items[0] */
	uint8_t data[BATCH_BYTES];
};

struct lvs {
	struct lvs_sock sock;
	struct batch batch, again;
};

/* -EPERM shows with the first command, not with the socket. */
int
lvs_open(struct lvs **ret)
{
	struct lvs *l = mem_new(struct lvs);
	struct lvs_info info;
	int rc;

	rc = lvs_sock_open(&l->sock);
	if (rc == 0)
		rc = lvs_info(l, &info);
	if (rc < 0) {
		lvs_close(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void
lvs_close(struct lvs *l)
{
	if (l == NULL)
		return;
	lvs_sock_done(&l->sock);
	free(l);
}

static int
on_info(void *arg, struct nlmsghdr *h)
{
	return lvs_get_info(h, arg);
}

static int
on_timeouts(void *arg, struct nlmsghdr *h)
{
	return lvs_get_timeouts(h, arg);
}

int
lvs_info(struct lvs *l, struct lvs_info *ret)
{
	struct lvs_info i = { 0 };
	int rc;

	rc = lvs_sock_ask(&l->sock,
	    lvs_sock_request(&l->sock, IPVS_CMD_GET_INFO, 0), 0, on_info, &i);
	if (rc == 0)
		rc = lvs_sock_ask(&l->sock,
		    lvs_sock_request(&l->sock, IPVS_CMD_GET_CONFIG, 0), 0,
		    on_timeouts, &i);
	if (rc == 0)
		*ret = i;
	return rc;
}

int
lvs_set_timeouts(struct lvs *l, const struct lvs_info *i)
{
	struct nl_msg *m = lvs_sock_request(&l->sock, IPVS_CMD_SET_CONFIG, 0);

	return lvs_sock_ask(
	    &l->sock, m, m != NULL ? lvs_put_timeouts(m, i) : 0, NULL, NULL);
}

static int
on_service(void *arg, struct nlmsghdr *h)
{
	struct lvs_service s;
	int rc = lvs_get_service(h, &s);

	if (rc == 0 && lvs_table_add(arg, &s) == NULL)
		rc = -ENOMEM;
	return rc;
}

static int
on_dest(void *arg, struct nlmsghdr *h)
{
	struct lvs_service *s = arg;
	struct lvs_dest d;
	int rc = lvs_get_dest(h, s->key.addr.family, &d);

	return rc == 0 ? lvs_service_add_dest(s, &d) : rc;
}

static int
read_dests(struct lvs *l, struct lvs_service *s)
{
	struct nl_msg *m =
	    lvs_sock_request(&l->sock, IPVS_CMD_GET_DEST, NLM_F_DUMP);

	return lvs_sock_ask(
	    &l->sock, m, m != NULL ? lvs_put_key(m, &s->key) : 0, on_dest, s);
}

static int
read_services(struct lvs *l, struct lvs_table *t)
{
	return lvs_sock_ask(&l->sock,
	    lvs_sock_request(&l->sock, IPVS_CMD_GET_SERVICE, NLM_F_DUMP), 0,
	    on_service, t);
}

int
lvs_read_more(struct lvs *l, struct lvs_table *t, size_t *at, size_t max)
{
	size_t end;
	int rc = 0;

	if (*at == 0)
		rc = read_services(l, t);
	end = t->n - *at < max ? t->n : *at + max;
	for (; *at < end && rc == 0; (*at)++)
		rc = read_dests(l, &t->services[*at]);
	if (rc == 0 && *at < t->n)
		return 1;
	if (rc == 0)
		rc = lvs_table_sort(t);
	if (rc < 0)
		lvs_table_done(t);
	return rc;
}

int
lvs_read(struct lvs *l, struct lvs_table *ret)
{
	struct lvs_table t = { 0 };
	size_t at = 0;
	int rc = lvs_read_more(l, &t, &at, SIZE_MAX);

	if (rc == 0)
		*ret = t;
	return rc;
}

int
lvs_read_one(struct lvs *l, const struct lvs_key *k, struct lvs_table *ret)
{
	struct nl_msg *m = lvs_sock_request(&l->sock, IPVS_CMD_GET_SERVICE, 0);
	struct lvs_table t = { 0 };
	int rc;

	rc = lvs_sock_ask(
	    &l->sock, m, m != NULL ? lvs_put_key(m, k) : 0, on_service, &t);
	if (rc == 0 && t.n == 1)
		rc = read_dests(l, &t.services[0]);
	if (rc == 0)
		rc = lvs_table_sort(&t);
	if (rc < 0)
		lvs_table_done(&t);
	else
		*ret = t;
	return rc == -ESRCH ? -ERR_NO_SERVICE : rc;
}

/* Only the last item asks for an answer. Returns bytes; 0: no memory. */
static size_t
batch_encode(struct lvs *l, struct batch *b, size_t from, size_t to,
    const struct lvs_op *ops)
{
	size_t i, len = 0;

	for (i = from; i < to; i++) {
		struct item *it = &b->items[i];
		struct nl_msg *m =
		    lvs_op_encode(l->sock.family, b->base + (uint32_t)i,
			i + 1 == to ? NLM_F_ACK : 0, it->verb, &ops[it->index]);

		if (m == NULL)
			return 0;
		memcpy(b->data + len, nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
		len += NLMSG_ALIGN(nlmsg_hdr(m)->nlmsg_len);
		nlmsg_free(m);
	}
	return len;
}

struct wait {
	struct batch *b;
	size_t to;
};

static int
on_ack(void *arg, struct nlmsghdr *h)
{
	struct wait *w = arg;
	uint32_t i = h->nlmsg_seq - w->b->base;

	if (h->nlmsg_type != NLMSG_ERROR || i >= w->to)
		return 0;
	w->b->items[i].rc = lvs_sock_error(h);
	return i + 1 == w->to;
}

static int
batch_part(struct lvs *l, struct batch *b, size_t from, size_t to,
    const struct lvs_op *ops)
{
	struct wait w = { .b = b, .to = to };
	size_t i, len;
	int rc;

	for (i = from; i < to; i++)
		b->items[i].rc = 0;
	len = batch_encode(l, b, from, to, ops);
	if (len == 0)
		return -ENOMEM;
	rc = lvs_sock_send(&l->sock, b->data, len);
	return rc < 0 ? rc : lvs_sock_wait(&l->sock, on_ack, &w);
}

/* Answers were lost: everything once more, one by one. Idempotent. */
static int
batch_slowly(struct lvs *l, struct batch *b, const struct lvs_op *ops)
{
	size_t i;
	int rc = 0;

	b->base = l->sock.seq + 1;
	l->sock.seq += (uint32_t)b->n;
	for (i = 0; i < b->n && rc == 0; i++)
		rc = batch_part(l, b, i, i + 1, ops);
	return rc;
}

static int
batch_run(struct lvs *l, struct batch *b, const struct lvs_op *ops)
{
	int rc;

	if (b->n == 0)
		return 0;
	b->base = l->sock.seq + 1;
	l->sock.seq += (uint32_t)b->n;
	rc = batch_part(l, b, 0, b->n, ops);
	return rc == -ENOBUFS ? batch_slowly(l, b, ops) : rc;
}

struct report {
	lvs_fail_fn fail;
	void *arg;
	int first;
};

static void
report_failures(
    struct report *r, const struct batch *b, const struct lvs_op *ops)
{
	char text[LVS_OP_TEXT_MAX];
	const struct item *it;

	for (it = b->items; it < b->items + b->n; it++) {
		if (lvs_op_ok(it->verb, it->rc))
			continue;
		if (r->first == 0)
			r->first = it->rc;
		if (r->fail != NULL)
			r->fail(r->arg, it->index, it->rc,
			    lvs_op_format(
				&ops[it->index], it->rc, text, sizeof(text)));
	}
}

/* Moves what deserves another try from batch to again. */
static void
collect_again(struct lvs *l)
{
	struct batch *b = &l->batch, *a = &l->again;
	enum lvs_verb verb;
	size_t i;

	a->n = 0;
	for (i = 0; i < b->n; i++) {
		verb = lvs_op_instead(b->items[i].verb, b->items[i].rc);
		if (verb == LVS__VERBS)
			continue;
		a->items[a->n++] =
		    (struct item){ .index = b->items[i].index, .verb = verb };
		b->items[i].rc = 0;
	}
}

int
lvs_apply(struct lvs *l, const struct lvs_op *ops, size_t n, lvs_fail_fn fail,
    void *arg)
{
	struct report r = { .fail = fail, .arg = arg };
	size_t i = 0;
	int rc = 0;

	while (i < n && rc == 0) {
		for (l->batch.n = 0; i < n && l->batch.n < BATCH_OPS; i++)
			l->batch.items[l->batch.n++] =
			    (struct item){ .index = i, .verb = ops[i].verb };
		rc = batch_run(l, &l->batch, ops);
		if (rc < 0)
			break;
		collect_again(l);
		report_failures(&r, &l->batch, ops);
		rc = batch_run(l, &l->again, ops);
		if (rc == 0)
			report_failures(&r, &l->again, ops);
	}
	return rc < 0 ? rc : r.first;
}

struct syncs {
	struct lvs_sync s[2];
	int n;
};

static int
on_sync(void *arg, struct nlmsghdr *h)
{
	struct syncs *all = arg;

	if (all->n == 2)
		return -EBADMSG;
	return lvs_get_sync(h, &all->s[all->n]) < 0 ? -EBADMSG : (all->n++, 0);
}

int
lvs_sync_read(struct lvs *l, struct lvs_sync ret[2])
{
	struct syncs all = { 0 };
	int rc;

	rc = lvs_sock_ask(&l->sock,
	    lvs_sock_request(&l->sock, IPVS_CMD_GET_DAEMON, NLM_F_DUMP), 0,
	    on_sync, &all);
	if (rc < 0)
		return rc;
	memcpy(ret, all.s, sizeof(all.s));
	return all.n;
}

static bool
sync_same(const struct lvs_sync *want, const struct lvs_sync *have)
{
	uint16_t maxlen = want->maxlen;

	if (want->role == LVS_BACKUP && maxlen != 0 &&
	    maxlen < BACKUP_MAXLEN_MIN)
		maxlen = BACKUP_MAXLEN_MIN;
	return strcmp(want->ifname, have->ifname) == 0 &&
	       want->id == have->id &&
	       (maxlen == 0 || maxlen == have->maxlen) &&
	       (addr_is_none(&want->group) ||
		   addr_cmp(&want->group, &have->group) == 0) &&
	       (want->port == 0 || want->port == have->port) &&
	       (want->ttl == 0 || want->ttl == have->ttl);
}

int
lvs_sync_start(struct lvs *l, const struct lvs_sync *s)
{
	struct lvs_sync have[2];
	struct nl_msg *m;
	int i, n, rc = 0;

	n = lvs_sync_read(l, have);
	for (i = 0; i < n && rc == 0; i++) {
		if (have[i].role != s->role)
			continue;
		if (sync_same(s, &have[i]))
			return 0;
		rc = lvs_sync_stop(l, s->role);
	}
	if (n < 0 || rc < 0)
		return n < 0 ? n : rc;
	m = lvs_sock_request(&l->sock, IPVS_CMD_NEW_DAEMON, 0);
	return lvs_sock_ask(
	    &l->sock, m, m != NULL ? lvs_put_sync(m, s) : 0, NULL, NULL);
}

/* The kernel never answers when it stopped a thread that had not run yet
 * (-EINTR, which netlink keeps to itself): look instead of waiting. */
int
lvs_sync_stop(struct lvs *l, enum lvs_role role)
{
	const struct lvs_sync s = { .role = role };
	struct nl_msg *m = lvs_sock_request(&l->sock, IPVS_CMD_DEL_DAEMON, 0);
	struct lvs_sync have[2];
	int n, rc = -ENOMEM;

	if (m != NULL)
		rc = lvs_put_sync(m, &s);
	if (rc == 0) {
		nlmsg_hdr(m)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		rc = lvs_sock_send(
		    &l->sock, nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
	}
	nlmsg_free(m);
	if (rc < 0)
		return rc;
	n = lvs_sync_read(l, have);
	while (n > 0 && have[n - 1].role != role)
		n--;
	return n > 0 ? -EBUSY : n;
}

static int
nl_read(void *ctx, struct lvs_table *ret)
{
	return lvs_read(ctx, ret);
}

static int
nl_read_more(void *ctx, struct lvs_table *t, size_t *at, size_t max)
{
	return lvs_read_more(ctx, t, at, max);
}

static int
nl_read_one(void *ctx, const struct lvs_key *k, struct lvs_table *ret)
{
	return lvs_read_one(ctx, k, ret);
}

static int
nl_apply(
    void *ctx, const struct lvs_op *ops, size_t n, lvs_fail_fn fail, void *arg)
{
	return lvs_apply(ctx, ops, n, fail, arg);
}

static int
nl_sync_start(void *ctx, const struct lvs_sync *s)
{
	return lvs_sync_start(ctx, s);
}

static int
nl_sync_stop(void *ctx, enum lvs_role role)
{
	return lvs_sync_stop(ctx, role);
}

static int
nl_sync_read(void *ctx, struct lvs_sync ret[2])
{
	return lvs_sync_read(ctx, ret);
}

const struct lvs_ops lvs_nl = {
	.read = nl_read,
	.read_more = nl_read_more,
	.read_one = nl_read_one,
	.apply = nl_apply,
	.sync_start = nl_sync_start,
	.sync_stop = nl_sync_stop,
	.sync_read = nl_sync_read,
};
