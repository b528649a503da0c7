/*
 * test_syncd: which server a connection belongs to, and the packet filter, run
 * by the kernel on a socket pair: there every frame is one that comes in.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/syncd/capture.h"
#include "daemons/syncd/targets.h"
#include "ha/sync_msg.h"
#include "test/addr.h"
#include "test/tap.h"

static struct server_def servers[] = {
	{ .name = "b", .method = METHOD_DR, .port = 80 },
	{ .name = "a", .method = METHOD_NAT, .port = 8080 },
	{ .name = "c", .method = METHOD_TUN, .port = 0 },
};
static struct conf_service services[] = {
	{ .def = { .name = "mark", .fwmark = 7, .addr = { .family = AF_INET } },
	    .servers = servers, .n_servers = 3 },
	{ .def = { .name = "web", .protocol = IPPROTO_TCP, .port = 80 },
	    .servers = servers, .n_servers = 2 },
	{ .def = { .name = "all", .protocol = IPPROTO_TCP, .port = 0 },
	    .servers = servers + 2, .n_servers = 1 },
};

static void
test_targets(void)
{
	struct conf c = { .services = services, .n_services = 3,
		.probe_marks = 1000 };
	struct addr vip = addr("192.0.2.10"), vip2 = addr("192.0.2.11");
	const struct target *g;
	const struct target_server *v;
	struct targets t;

	servers[0].addr = addr("10.0.0.2");
	servers[1].addr = addr("10.0.0.1");
	servers[2].addr = addr("10.0.0.3");
	services[1].def.addr = services[2].def.addr = vip;
	is_int(targets_from(&c, &t), 0, "from the configuration");
	ok(t.nat, "with one by nat");
	g = target_find(&t, IPPROTO_TCP, &vip, 80, 0);
	ok(g != NULL && g->key.port == 80, "the service of the port");
	v = target_server(g, &servers[0].addr, 0);
	ok(v != NULL && v->flags == (LVS_DR | SYNC_NOOUTPUT), "its server");
	v = target_server(g, &servers[1].addr, 8080);
	ok(v != NULL && v->flags == LVS_NAT, "one on another port");
	ok(target_server(g, &servers[1].addr, 80) == NULL, "not on this port");
	ok(target_server(g, &servers[2].addr, 0) == NULL, "not one of another");
	g = target_find(&t, IPPROTO_TCP, &vip, 443, 0);
	ok(g != NULL && g->key.port == 0, "the service of all ports");
	ok(target_server(g, &servers[2].addr, 443) != NULL, "and its server");
	ok(target_find(&t, IPPROTO_TCP, &vip2, 80, 0) == NULL, "none");
	ok(target_find(&t, IPPROTO_UDP, &vip, 80, 0) == NULL, "none of udp");
	g = target_find(&t, IPPROTO_TCP, &vip2, 80, 7);
	ok(g != NULL && g->key.fwmark == 7, "the service of a mark");
	g = target_find(&t, IPPROTO_TCP, &vip, 80, 8);
	ok(g != NULL && g->key.port == 80, "a mark of no service");
	ok(target_find(&t, IPPROTO_TCP, &vip, 80, 1000) == NULL &&
	    target_find(&t, IPPROTO_TCP, &vip, 80, 999 + PROBE_MARKS) == NULL,
	    "a probe's connection is nobody's");
	ok(target_find(&t, IPPROTO_TCP, &vip, 80, 999) != NULL &&
	    target_find(&t, IPPROTO_TCP, &vip, 80, 1000 + PROBE_MARKS) != NULL,
	    "others' are not taken for one");
	g = target_of_mark(&t, &servers[2].addr, 443);
	ok(g != NULL && g->key.fwmark == 7, "the mark of a server");
	targets_done(&t);
}

static uint8_t frame[256];

static size_t
put_ip(size_t at, int family, uint8_t protocol)
{
	if (family == AF_INET) {
		frame[at] = 0x46; /* with options */
		frame[at + 9] = protocol;
		return at + 24;
	}
	frame[at] = 0x60;
	frame[at + 6] = protocol;
	return at + 40;
}

static size_t
begin(int family)
{
	memset(frame, 0, sizeof(frame));
	frame[12] = family == AF_INET ? 0x08 : 0x86;
	frame[13] = family == AF_INET ? 0x00 : 0xdd;
	return 14;
}

static size_t
tcp(int family, int tunnel, uint8_t flags)
{
	static const uint8_t inner[] = { IPPROTO_IPIP, IPPROTO_IPV6 };
	size_t at = begin(family);

	if (tunnel)
		at = put_ip(at, family, inner[family == AF_INET6]);
	at = put_ip(at, family, IPPROTO_TCP);
	frame[at + 13] = flags;
	return at + 20;
}

static size_t
udp(uint32_t dst, uint16_t port)
{
	size_t at = begin(AF_INET), i;

	for (i = 0; i < 4; i++)
		frame[at + 16 + i] = (uint8_t)(dst >> (24 - 8 * i));
	at = put_ip(at, AF_INET, IPPROTO_UDP);
	frame[at + 2] = (uint8_t)(port >> 8);
	frame[at + 3] = (uint8_t)port;
	return at + 100;
}

static int pair[2];

static bool
passes(size_t len)
{
	uint8_t got[256];

	(void)!send(pair[0], frame, len, MSG_DONTWAIT);
	return recv(pair[1], got, sizeof(got), MSG_DONTWAIT) > 0;
}

static bool
attach(unsigned what)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog prog = { .filter = code };

	prog.len = (unsigned short)capture_filter(what, code);
	return setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		   sizeof(prog)) == 0;
}

static void
test_filter(void)
{
	static const struct {
		int family, tunnel;
		uint8_t flags;
		bool want;
		const char *what;
	} rows[] = {
		{ AF_INET, 0, 0x02, true, "a SYN" },
		{ AF_INET, 0, 0xc2, true, "a SYN with ECN" },
		{ AF_INET, 0, 0x12, false, "an answer to one" },
		{ AF_INET, 0, 0x10, false, "an ACK" },
		{ AF_INET, 0, 0x04, false, "a RST" },
		{ AF_INET6, 0, 0x02, true, "a SYN of IPv6" },
		{ AF_INET6, 0, 0x10, false, "an ACK of IPv6" },
		{ AF_INET, 1, 0x02, true, "a SYN in a tunnel" },
		{ AF_INET, 1, 0x18, false, "data in a tunnel" },
		{ AF_INET6, 1, 0x02, true, "a SYN in a tunnel of IPv6" },
		{ AF_INET6, 1, 0x11, false, "a FIN in a tunnel of IPv6" },
	};
	size_t i, len;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		abort();
	if (!ok(attach(CAPTURE_SYNC | CAPTURE_SYN | CAPTURE_SYN_IN), "the kernel takes the filter"))
		return;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ok(passes(tcp(rows[i].family, rows[i].tunnel, rows[i].flags)) ==
			rows[i].want, "%s %s", rows[i].what,
		    rows[i].want ? "passes" : "does not");
	ok(passes(udp(0xe0000051, 8848)), "a sync datagram passes");
	ok(!passes(udp(0xe0000051, 8849)), "not to another port");
	ok(!passes(udp(0x0a000001, 8848)), "nor to another address");
	len = tcp(AF_INET, 0, 0x02);
	frame[14 + 7] = 1;
	ok(!passes(len), "a later fragment does not");
	frame[14 + 7] = 0;
	ok(!passes(14 + 10), "what is too short does not");
	frame[12] = 0x81;
	ok(!passes(len), "nor another protocol");
	ok(attach(CAPTURE_SYN), "the filter for what leaves only");
	ok(!passes(tcp(AF_INET, 0, 0x02)), "a SYN that comes in does not pass");
	ok(attach(CAPTURE_SYN_IN), "SYNs alone");
	ok(passes(tcp(AF_INET, 0, 0x02)) && !passes(udp(0xe0000051, 8848)),
	    "a sync datagram does not pass");
	ok(attach(CAPTURE_SYNC | CAPTURE_SYN_IN) &&
		passes(udp(0xe0000051, 8848)), "with both it does");
	ok(attach(0), "nothing");
	ok(!passes(tcp(AF_INET, 0, 0x02)) && !passes(udp(0xe0000051, 8848)),
	    "nothing passes");
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	test_targets();
	test_filter();
	return done();
}
