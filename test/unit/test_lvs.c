/*
 * test_lvs: names and texts, the netlink codec both ways, the lines of the
 * connection table, and the kernel's twin.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <linux/ip_vs.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/lvs_conn.h"
#include "ha/lvs_diff.h"
#include "ha/lvs_op.h"
#include "ha/lvs_wire.h"
#include "test/fake/lvs_fake.h"
#include "test/tap.h"

static struct lvs_key
key(uint8_t protocol, const char *addr, uint16_t port, uint32_t fwmark)
{
	struct lvs_key k = {
		.fwmark = fwmark, .port = port, .protocol = protocol
	};

	(void)addr_parse(addr, &k.addr);
	if (fwmark != 0)
		memset(k.addr.bytes, 0, sizeof(k.addr.bytes));
	return k;
}

static void
test_keys(void)
{
	const struct lvs_key k[] = {
		/* in order */
		key(IPPROTO_TCP, "10.0.0.1", 80, 0),
		key(IPPROTO_TCP, "10.0.0.1", 443, 0),
		key(IPPROTO_TCP, "10.0.0.2", 1, 0),
		key(IPPROTO_TCP, "2001:db8::1", 80, 0),
		key(IPPROTO_UDP, "10.0.0.1", 53, 0),
		key(IPPROTO_SCTP, "10.0.0.1", 0, 0),
		key(0, "0.0.0.0", 0, 7),
		key(0, "::", 0, 7),
		key(0, "0.0.0.0", 0, 4000000000U),
	};
	static const char *const names[] = { "tcp 10.0.0.1:80",
		"tcp 10.0.0.1:443", "tcp 10.0.0.2:1", "tcp [2001:db8::1]:80",
		"udp 10.0.0.1:53", "sctp 10.0.0.1:0", "fwmark 7",
		"fwmark 7 ipv6", "fwmark 4000000000" };
	char text[LVS_KEY_TEXT_MAX];
	size_t i, j;
	int bad = 0;

	for (i = 0; i < ARRAY_LEN(k); i++) {
		is_str(lvs_key_format(&k[i], text, sizeof(text)), names[i],
		    "name of key %zu", i);
		for (j = 0; j < ARRAY_LEN(k); j++)
			bad += (lvs_key_cmp(&k[i], &k[j]) < 0) != (i < j) ||
			       (lvs_key_cmp(&k[i], &k[j]) == 0) != (i == j);
	}
	is_int(bad, 0, "every pair compares as the rows stand");
}

static void
test_texts(void)
{
	struct lvs_service s = { .scheduler = "xyz",
		.key = key(IPPROTO_TCP, "10.77.0.10", 80, 0) };
	struct lvs_dest d = { .port = 80 };
	struct lvs_op op = { LVS_ADD_SERVICE, &s, NULL };
	char text[LVS_OP_TEXT_MAX];

	(void)addr_parse("10.0.0.1", &d.addr);
	is_str(lvs_op_format(&op, -ENOENT, text, sizeof(text)),
	    "add service tcp 10.77.0.10:80: No such file or directory "
	    "(scheduler xyz not in the kernel?)",
	    "unknown scheduler");
	op = (struct lvs_op){ LVS_ADD_DEST, &s, &d };
	is_str(lvs_op_format(&op, -ESRCH, text, sizeof(text)),
	    "add server 10.0.0.1:80 to tcp 10.77.0.10:80: No such process "
	    "(the service is not there)",
	    "missing service");
	op.verb = LVS_DEL_DEST;
	is_str(lvs_op_format(&op, -EPERM, text, sizeof(text)),
	    "delete server 10.0.0.1:80 from tcp 10.77.0.10:80: "
	    "Operation not permitted (needs CAP_NET_ADMIN)",
	    "no rights");
	is_int(lvs_op_instead(LVS_ADD_DEST, -EEXIST), LVS_SET_DEST,
	    "add what is there: set");
	is_int(lvs_op_instead(LVS_ADD_SERVICE, -ENOENT), LVS__VERBS,
	    "no scheduler: no way round");
	ok(lvs_op_ok(LVS_DEL_DEST, -ENOENT), "delete what is not there: done");
	ok(!lvs_op_ok(LVS_SET_DEST, -ENOENT), "set what is not there: not");
}

/* As the kernel would answer: a request is an answer of the same layout. */
static struct nl_msg *
encode(const struct lvs_service *s, const struct lvs_dest *d)
{
	struct lvs_op op = { d != NULL ? LVS_ADD_DEST : LVS_ADD_SERVICE, s, d };

	return lvs_op_encode(20, 1, 0, op.verb, &op);
}

static void
check_service(const struct lvs_service *s, const char *what)
{
	struct nl_msg *m = encode(s, NULL);
	struct lvs_service got = { 0 };

	ok(m != NULL, "%s: encoded", what);
	if (m == NULL)
		return;
	is_int(lvs_get_service(nlmsg_hdr(m), &got), 0, "%s: decoded", what);
	is_int(lvs_key_cmp(&got.key, &s->key), 0, "%s: key", what);
	is_str(got.scheduler, s->scheduler, "%s: scheduler", what);
	is_str(got.pe, s->pe, "%s: engine", what);
	is_int(got.flags, s->flags, "%s: flags", what);
	is_int(got.timeout_s, s->timeout_s, "%s: timeout", what);
	is_int(got.prefix, s->prefix != 0 ? s->prefix : addr_bits(&s->key.addr),
	    "%s: prefix", what);
	nlmsg_free(m);
}

static void
test_codec(void)
{
	struct lvs_service s = { .scheduler = "mh",
		.pe = "sip",
		.flags = LVS_FLAGS_SETTABLE,
		.timeout_s = 300,
		.prefix = 24,
		.key = key(IPPROTO_UDP, "10.77.0.10", 5060, 0) };
	struct lvs_dest d = { .port = 8080,
		.method = LVS_TUN,
		.tun = LVS_TUN_GUE,
		.tun_port = 6080,
		.tun_flags = 1,
		.weight = 100,
		.upper = 20,
		.lower = 10 };
	struct lvs_dest got;
	struct nl_msg *m;

	check_service(&s, "ipv4");
	s.key = key(IPPROTO_TCP, "2001:db8::1", 80, 0);
	s.prefix = 0;
	check_service(&s, "ipv6");
	s.key = key(0, "::", 0, 9);
	s.pe[0] = '\0';
	check_service(&s, "fwmark");
	(void)addr_parse("fd00::5", &d.addr);
	m = encode(&s, &d);
	is_int(lvs_get_dest(nlmsg_hdr(m), AF_INET, &got), 0, "server decoded");
	is_int(lvs_dest_cmp(&got, &d), 0, "server's address");
	ok(lvs_dest_same(&got, &d), "server's every field");
	is_int(lvs_get_sync(nlmsg_hdr(m), &(struct lvs_sync){ 0 }), -EBADMSG,
	    "not an answer about a daemon");
	nlmsg_free(m);
}

static struct nl_msg *
message(void)
{
	struct nl_msg *m = nlmsg_alloc();

	(void)genlmsg_put(m, 0, 1, 20, 0, 0, IPVS_CMD_GET_CONFIG, 1);
	return m;
}

static void
test_daemon_codec(void)
{
	struct lvs_sync s = { .role = LVS_MASTER, .ifname = "eth1", .id = 255 };
	const struct lvs_info i = { .tcp_s = 900, .udp_s = 300 };
	struct lvs_sync got = { 0 };
	struct lvs_info info = { .tcp_fin_s = 1 };
	struct nl_msg *m = message();

	s.maxlen = 60;
	s.port = 8849;
	s.ttl = 2;
	(void)addr_parse("ff02::81", &s.group);
	is_int(lvs_put_sync(m, &s), 0, "daemon encoded");
	is_int(lvs_get_sync(nlmsg_hdr(m), &got), 0, "and decoded");
	is_int(got.role, LVS_MASTER, "role");
	is_int(got.id, 255, "id");
	is_int(got.maxlen, 60, "maxlen");
	is_int(got.port, 8849, "port");
	is_int(got.ttl, 2, "ttl");
	is_str(got.ifname, "eth1", "interface");
	is_int(addr_cmp(&got.group, &s.group), 0, "group");
	nlmsg_free(m);
	m = message();
	is_int(lvs_put_timeouts(m, &i), 0, "timeouts encoded");
	is_int(lvs_get_timeouts(nlmsg_hdr(m), &info), 0, "and decoded");
	ok(info.tcp_s == 900 && info.tcp_fin_s == 0 && info.udp_s == 300,
	    "those that were given");
	nlmsg_free(m);
	m = message();
	(void)nla_put_u32(m, IPVS_INFO_ATTR_VERSION, 0x010201);
	is_int(lvs_get_info(nlmsg_hdr(m), &info), 0, "info decoded");
	is_int(info.version, 0x010201, "version");
	is_int(lvs_get_service(nlmsg_hdr(m), &(struct lvs_service){ 0 }),
	    -EBADMSG, "no service in it");
	nlmsg_free(m);
}

static void
test_table(void)
{
	struct lvs_service s = { .key = key(IPPROTO_TCP, "10.0.0.2", 80, 0) };
	struct lvs_dest d = { .port = 80, .active = 3, .inactive = 4 };
	struct lvs_table t = { 0 };
	struct lvs_service *to;
	struct lvs_key k = s.key;

	ok(lvs_table_find(&t, &k) == NULL, "empty: nothing is found");
	is_int(lvs_table_conns(&t), 0, "nor connected");
	(void)addr_parse("10.1.0.1", &d.addr);
	to = lvs_table_add(&t, &s);
	ok(lvs_service_find(to, &d.addr, 80) == NULL, "no server yet");
	is_int(lvs_service_add_dest(to, &d), 0, "server added");
	s.key.addr.bytes[3] = 1;
	(void)lvs_table_add(&t, &s);
	is_int(lvs_table_sort(&t), 0, "sorted");
	to = lvs_table_find(&t, &k);
	ok(to == &t.services[1], "found behind the smaller one");
	ok(lvs_service_find(to, &d.addr, 80) != NULL, "its server too");
	is_int(lvs_table_conns(&t), 7, "connections of both states");
	is_int(lvs_service_add_dest(to, &d), 0, "the same server again");
	is_int(lvs_table_sort(&t), -EEXIST, "is refused");
	to->n_dests--;
	(void)lvs_table_add(&t, &s);
	is_int(lvs_table_sort(&t), -EEXIST, "a service twice, too");
	to = &t.services[0];
	to->n_dests = LVS_SERVERS_MAX;
	is_int(lvs_service_add_dest(to, &d), -E2BIG, "too many servers");
	to->n_dests = 0;
	lvs_table_done(&t);
	is_int(t.n, 0, "empty again");
}

static void
test_conn_lines(void)
{
	struct lvs_conn c;
	char text[ADDR_TEXT_MAX + 8];

	is_int(lvs_conn_parse("TCP C0A80101 D431 0A4D000A 0050 C0A80201 1F90 "
			      "ESTABLISHED     899",
		   &c),
	    0, "ipv4 line");
	is_str(addr_format_port(&c.client, c.client_port, text, sizeof(text)),
	    "192.168.1.1:54321", "client");
	is_str(addr_format_port(&c.virt, c.virt_port, text, sizeof(text)),
	    "10.77.0.10:80", "virtual");
	is_str(addr_format_port(&c.dest, c.dest_port, text, sizeof(text)),
	    "192.168.2.1:8080", "server");
	is_str(c.state, "ESTABLISHED", "state");
	is_int(c.expires_s, 899, "expires");
	ok(!c.synced, "not synced");
	is_int(
	    lvs_conn_parse(
		"UDP 2001:0db8:0000:0000:0000:0000:0000:0002 "
		"0035 2001:0db8:0000:0000:0000:0000:0000:0001 0035 "
		"fd00:0000:0000:0000:0000:0000:0000:0003 0035 UDP         SYNC"
		"       12 ",
		&c),
	    0, "ipv6 line");
	is_int(c.protocol, IPPROTO_UDP, "protocol");
	ok(c.synced, "synced");
	is_int(c.expires_s, 12, "expires");
	is_int(lvs_conn_parse("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt "
			      "State       Expires",
		   &c),
	    -EBADMSG, "header is no connection");
	is_int(lvs_conn_parse("", &c), -EBADMSG, "empty line");
	is_int(lvs_conn_parse("TCP C0A80101 D431 0A4D000A 0050 C0A80201 1F90 "
			      "ESTABLISHED LOCAL",
		   &c),
	    -EBADMSG, "cut short");
}

static void
on_fail(void *arg, size_t index, int rc, const char *text)
{
	char *all = arg;

	(void)rc;
	(void)snprintf(
	    all + strlen(all), 400 - strlen(all), "[%zu] %s\n", index, text);
}

static void
test_fake(void)
{
	struct lvs_service s = { .scheduler = "wlc",
		.key = key(IPPROTO_TCP, "10.77.0.10", 80, 0) };
	struct lvs_service bad = s;
	struct lvs_dest d = { .port = 80, .weight = 1 };
	const struct lvs_op ops[] = {
		{ LVS_SET_SERVICE, &s, NULL }, /* as good as an add */
		{ LVS_ADD_SERVICE, &bad, NULL },
		{ LVS_SET_DEST, &s, &d },
		{ LVS_ADD_DEST, &s, &d },
		{ LVS_DEL_DEST, &bad, &d },
	};
	struct lvs_sync sync = { .role = LVS_BACKUP, .ifname = "eth0" };
	struct lvs_sync got[2];
	struct lvs_table t;
	struct lvs_fake f = { 0 };
	char failed[400] = "";

	(void)addr_parse("10.0.0.1", &d.addr);
	bad.key.port = 81;
	strcpy(bad.scheduler, "none");
	is_int(
	    lvs_fake_kernel(&f, LVS_ADD_DEST, &ops[2]), -ESRCH, "no service");
	is_int(lvs_fake_ops.apply(&f, ops, ARRAY_LEN(ops), on_fail, failed),
	    -ENOENT, "apply goes past the failure and returns it");
	is_str(failed,
	    "[1] add service tcp 10.77.0.10:81: No such file or directory "
	    "(scheduler none not in the kernel?)\n",
	    "and names it");
	is_int(lvs_fake_ops.read(&f, &t), 0, "read");
	is_int(t.n, 1, "one service");
	is_int(t.services[0].n_dests, 1, "one server");
	ok(t.services[0].flags & LVS_HASHED, "hashed by the kernel");
	lvs_table_done(&t);
	is_int(lvs_fake_kernel(&f, LVS_ADD_DEST, &ops[2]), -EEXIST, "there");
	f.fail_op = 2;
	f.fail_rc = -EPERM;
	is_int(lvs_fake_ops.apply(&f, ops, 3, NULL, NULL), -EPERM, "2nd fails");
	f.fail_read = 1;
	is_int(lvs_fake_ops.read(&f, &t), -EPERM, "read fails");
	is_int(lvs_fake_ops.sync_start(&f, &sync), 0, "daemon starts");
	is_int(lvs_fake_ops.sync_read(&f, got), 1, "one daemon");
	is_int(got[0].role, LVS_BACKUP, "which is the backup");
	is_int(lvs_fake_ops.sync_stop(&f, LVS_BACKUP), 0, "stops");
	is_int(lvs_fake_ops.sync_read(&f, got), 0, "none");
	lvs_fake_done(&f);
}

int
main(void)
{
	test_keys();
	test_texts();
	test_codec();
	test_daemon_codec();
	test_table();
	test_conn_lines();
	test_fake();
	return done();
}
