/*
 * test_lvs_traffic: what moves: sync daemons, counters and connections of a
 * real TCP connection through a virtual service, and how long a table of a
 * thousand services takes. Run as root in a machine of the rack; it makes a
 * dummy interface yklvs0 and uses 10.99.0.0/16.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/usec.h"
#include "ha/lvs_conn.h"
#include "ha/lvs_diff.h"
#include "test/tap.h"

#define SERVICES 1000
#define SERVERS 10

static struct lvs_service
service(const char *addr, uint16_t port)
{
	struct lvs_service s = { .key.protocol = IPPROTO_TCP,
		.key.port = port,
		.scheduler = "wlc" };

	(void)addr_parse(addr, &s.key.addr);
	return s;
}

static const struct lvs_sync *
daemon_of(const struct lvs_sync *all, int n, enum lvs_role role)
{
	static const struct lvs_sync none;
	int i;

	for (i = 0; i < n; i++)
		if (all[i].role == role)
			return &all[i];
	return &none;
}

static void
timed_start(struct lvs *l, const struct lvs_sync *s, const char *what)
{
	usec_t t = usec_mono();
	int rc = lvs_sync_start(l, s);

	is_int(rc, 0, "%s", what);
	printf("# %s: %llu us\n", what, (unsigned long long)(usec_mono() - t));
}

static void
timed_stop(struct lvs *l, enum lvs_role role, const char *what)
{
	usec_t t = usec_mono();
	int rc = lvs_sync_stop(l, role);

	is_int(rc, 0, "%s", what);
	printf("# %s: %llu us\n", what, (unsigned long long)(usec_mono() - t));
}

static void
test_sync(struct lvs *l)
{
	struct lvs_sync m = {
		.role = LVS_MASTER, .ifname = "yklvs0", .id = 7, .maxlen = 60
	};
	struct lvs_sync b = { .role = LVS_BACKUP,
		.ifname = "yklvs0",
		.id = 9,
		.maxlen = 60,
		.port = 8849,
		.ttl = 3 };
	struct lvs_sync got[2];
	int n;

	(void)addr_parse("224.0.0.90", &b.group);
	is_int(lvs_sync_read(l, got), 0, "no daemon runs");
	timed_start(l, &m, "master starts");
	timed_start(l, &m, "master starts again: no-op");
	timed_start(l, &b, "backup starts");
	timed_start(l, &b, "backup starts again: no-op");
	n = lvs_sync_read(l, got);
	is_int(n, 2, "both run");
	is_int(daemon_of(got, n, LVS_MASTER)->id, 7, "master's id");
	is_int(daemon_of(got, n, LVS_MASTER)->maxlen, 60, "its maxlen");
	is_int(daemon_of(got, n, LVS_MASTER)->port, 8848, "its port");
	is_str(daemon_of(got, n, LVS_BACKUP)->ifname, "yklvs0", "backup's if");
	is_int(daemon_of(got, n, LVS_BACKUP)->id, 9, "its id");
	is_int(daemon_of(got, n, LVS_BACKUP)->port, 8849, "its port");
	is_int(daemon_of(got, n, LVS_BACKUP)->ttl, 3, "its ttl");
	is_int(addr_cmp(&daemon_of(got, n, LVS_BACKUP)->group, &b.group), 0,
	    "its group");
	printf("# backup's maxlen: asked 60, is %u\n",
	    daemon_of(got, n, LVS_BACKUP)->maxlen);
	m.maxlen = 1000;
	timed_start(l, &m, "master with another maxlen");
	n = lvs_sync_read(l, got);
	is_int(daemon_of(got, n, LVS_MASTER)->maxlen, 1000, "which it has");
	timed_stop(l, LVS_MASTER, "master stops");
	timed_stop(l, LVS_BACKUP, "backup stops");
	timed_stop(l, LVS_BACKUP, "backup stops again: no-op");
	is_int(lvs_sync_read(l, got), 0, "none runs");
	strcpy(m.ifname, "nosuch0");
	is_int(lvs_sync_start(l, &m), -ENODEV, "no such interface");
}

/* A socket of the process itself behind the service. 0 or -errno. */
static int
tcp(const char *addr, uint16_t port, bool listening)
{
	const struct timeval wait = { .tv_sec = 2 };
	struct sockaddr_storage ss;
	struct addr a;
	socklen_t len;
	int fd, rc;

	(void)addr_parse(addr, &a);
	len = addr_to_sock(&a, port, &ss);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	rc = listening ? bind(fd, (struct sockaddr *)&ss, len)
		       : connect(fd, (struct sockaddr *)&ss, len);
	if (rc == 0 && listening)
		rc = listen(fd, 8);
	return rc == 0 ? fd : -errno;
}

struct seen {
	size_t n;
	struct lvs_conn last;
};

static void
on_conn(void *arg, const struct lvs_conn *c)
{
	struct seen *s = arg;

	s->n++;
	s->last = *c;
}

static void
check_conns(void)
{
	struct seen seen = { 0 };
	struct lvs_conns *c = NULL;
	char text[ADDR_TEXT_MAX + 8];
	uint64_t count = 0;

	is_int(lvs_count_conns(&count), 0, "connections counted");
	is_int(count, 1, "one is there");
	is_int(lvs_read_conns(100, on_conn, &seen), 0, "connections read");
	is_int(seen.n, 1, "one was seen");
	is_int(seen.last.protocol, IPPROTO_TCP, "tcp");
	is_str(seen.last.state, "ESTABLISHED", "established");
	is_str(addr_format_port(
		   &seen.last.virt, seen.last.virt_port, text, sizeof(text)),
	    "10.99.0.1:80", "to the service");
	is_str(addr_format_port(
		   &seen.last.dest, seen.last.dest_port, text, sizeof(text)),
	    "10.99.0.2:8080", "at the server");
	ok(!seen.last.synced && seen.last.expires_s > 0, "its own, alive");
	is_int(lvs_conns_open(&c), 0, "opened in pieces");
	is_int(lvs_conns_next(c, 1, on_conn, &seen), 1, "a piece");
	is_int(lvs_conns_next(c, 1, on_conn, &seen), 0, "the end");
	lvs_conns_close(c);
}

/* The kernel adds counters up every two seconds. */
static int
read_counted(struct lvs *l, const struct lvs_key *k, struct lvs_table *ret)
{
	usec_t start = usec_mono();
	int rc;

	while ((rc = lvs_read_one(l, k, ret)) == 0) {
		if (ret->services[0].stats.conns > 0 ||
		    usec_mono() - start > 5 * USEC_S)
			break;
		lvs_table_done(ret);
		(void)usleep(10000);
	}
	printf("# counters show after %llu ms\n",
	    (unsigned long long)((usec_mono() - start) / USEC_MS));
	return rc;
}

static void
check_counters(struct lvs *l, const struct lvs_key *k)
{
	struct lvs_table t = { 0 };
	struct lvs_service *s;

	is_int(read_counted(l, k, &t), 0, "service read");
	if (t.n != 1)
		return;
	s = &t.services[0];
	is_int(s->stats.conns, 1, "service: one connection");
	ok(s->stats.in_packets >= 3 && s->stats.in_bytes > 1000, "its input");
	is_int(s->dests[0].stats.conns, 1, "server: one connection");
	is_int(s->dests[0].active, 1, "which is active");
	is_int(lvs_table_conns(&t), 1, "table's sum");
	lvs_table_done(&t);
}

static void
test_connection(struct lvs *l)
{
	const struct lvs_service s = service("10.99.0.1", 80);
	struct lvs_dest d = { .port = 8080, .method = LVS_NAT, .weight = 1 };
	const struct lvs_op add[] = { { LVS_ADD_SERVICE, &s, NULL },
		{ LVS_ADD_DEST, &s, &d } };
	const struct lvs_op del = { LVS_DEL_SERVICE, &s, NULL };
	char data[1000] = "";
	int fd, lfd, sfd;

	(void)addr_parse("10.99.0.2", &d.addr);
	is_int(lvs_apply(l, add, 2, NULL, NULL), 0, "a service");
	lfd = tcp("10.99.0.2", 8080, true);
	fd = tcp("10.99.0.1", 80, false);
	ok(fd >= 0, "connected through it (%d)", fd);
	sfd = accept(lfd, NULL, NULL);
	is_int(send(fd, data, sizeof(data), 0), sizeof(data), "sent");
	is_int(recv(sfd, data, sizeof(data), MSG_WAITALL), sizeof(data),
	    "received");
	check_conns();
	check_counters(l, &s.key);
	(void)close(fd);
	(void)close(sfd);
	(void)close(lfd);
	is_int(lvs_apply(l, &del, 1, NULL, NULL), 0, "deleted");
}

static void
big_table(struct lvs_table *t, size_t services, size_t servers)
{
	struct lvs_service s = service("10.99.0.0", 80), *to;
	struct lvs_dest d = { .port = 80, .method = LVS_DR, .weight = 1 };
	size_t i, k;

	(void)addr_parse("10.99.0.0", &d.addr);
	for (i = 0; i < services; i++) {
		s.key.addr.bytes[2] = (uint8_t)(i / 250);
		s.key.addr.bytes[3] = (uint8_t)(1 + i % 250);
		to = lvs_table_add(t, &s);
		for (k = 0; k < servers; k++) {
			d.addr.bytes[2] = (uint8_t)(100 + k / 250);
			d.addr.bytes[3] = (uint8_t)(1 + k % 250);
			(void)lvs_service_add_dest(to, &d);
		}
	}
	(void)lvs_table_sort(t);
}

static usec_t
lap(const char *what, usec_t since)
{
	usec_t now = usec_mono();

	printf("# %-22s %8.1f ms\n", what, (double)(now - since) / 1000);
	return usec_mono();
}

/* From have to want; returns the number of operations, or -errno. */
static int
move(struct lvs *l, const struct lvs_table *want, const struct lvs_owned *own,
    const char *what)
{
	struct lvs_table have = { 0 };
	struct lvs_plan p = { 0 };
	usec_t t = usec_mono();
	int rc;

	printf("# --- %s\n", what);
	rc = lvs_read(l, &have);
	t = lap("read", t);
	if (rc == 0)
		rc = lvs_plan_make(want, &have, own, &p);
	t = lap("diff", t);
	if (rc == 0)
		rc = lvs_apply(l, p.ops, p.n, NULL, NULL);
	(void)lap("apply", t);
	if (rc == 0)
		rc = (int)p.n;
	lvs_plan_done(&p);
	lvs_table_done(&have);
	return rc;
}

static void
read_in_pieces(struct lvs *l, int want)
{
	struct lvs_table t = { 0 };
	usec_t start = usec_mono(), longest = 0, now;
	size_t i, at = 0;
	int rc, entries = 0;

	do {
		rc = lvs_read_more(l, &t, &at, 20);
		now = usec_mono();
		longest = now - start > longest ? now - start : longest;
		start = now;
	} while (rc == 1);
	printf("# longest of the pieces  %8.1f ms\n", (double)longest / 1000);
	for (i = 0; i < t.n; i++)
		entries += 1 + (int)t.services[i].n_dests;
	is_int(rc, 0, "read in pieces");
	is_int(entries, want, "everything is there");
	lvs_table_done(&t);
}

static void
test_big(struct lvs *l, size_t services, size_t servers)
{
	const struct lvs_table none = { 0 };
	const int ops = (int)(services * (servers + 1));
	struct lvs_table want = { 0 };
	struct lvs_owned own = { 0 };
	size_t i, k;

	big_table(&want, services, servers);
	(void)lvs_owned_add_table(&own, &want);
	printf("# %zu services x %zu servers\n", services, servers);
	is_int(move(l, &want, &own, "into an empty table"), ops, "filled");
	is_int(move(l, &want, &own, "nothing to do"), 0, "is there");
	for (i = 0; i < services; i++)
		for (k = 0; k < servers; k++)
			want.services[i].dests[k].weight = 5;
	is_int(move(l, &want, &own, "every weight"), ops - (int)services,
	    "weights");
	read_in_pieces(l, ops);
	is_int(move(l, &none, &own, "all deleted"), (int)services, "emptied");
	is_int(move(l, &want, &own, "filled again"), ops, "filled again");
	is_int(move(l, &none, &own, "all deleted"), (int)services, "emptied");
	lvs_owned_done(&own);
	lvs_table_done(&want);
}

int
main(void)
{
	struct lvs *l;
	int rc = lvs_open(&l);

	if (rc < 0) {
		printf("1..0 # SKIP %s\n", err_text(rc));
		return rc == -ERR_NO_IPVS || rc == -EPERM ? 0 : 1;
	}
	rc = system("ip link add yklvs0 type dummy && "
		    "ip address add 10.99.0.1/24 dev yklvs0 && "
		    "ip address add 10.99.0.2/24 dev yklvs0 && "
		    "ip link set yklvs0 up multicast on");
	is_int(rc, 0, "an interface");
	test_sync(l);
	test_connection(l);
	test_big(l, SERVICES, SERVERS);
	/* Slow: each add looks through the 10 000 just deleted, which the
	 * kernel keeps for two minutes. */
	test_big(l, 1, SERVICES * SERVERS);
	rc = system("ip link del yklvs0");
	is_int(rc, 0, "interface gone");
	lvs_close(l);
	return done();
}
