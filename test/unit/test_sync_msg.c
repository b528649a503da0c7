/*
 * test_sync_msg: sync datagrams byte by byte against those of a kernel (Linux
 * 6.1, captured on the rack), the list of connections, and syncd's messages.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "ha/conn_map.h"
#include "ha/lvs_table.h"
#include "ha/sync_wire.h"
#include "test/addr.h"
#include "test/tap.h"

/* UDP payloads: the connection 10.77.0.100:25544 to 10.77.0.10:80 by way of
 * 10.77.0.13 (dr) when it was established, the same one closing, and one of
 * fd77::100 established. */
static const uint8_t established[] = { 0x00, 0x0b, 0x00, 0x2c, 0x01, 0x01, 0x00,
	0x00, 0x00, 0x06, 0x00, 0x24, 0x00, 0x00, 0x00, 0x83, 0x00, 0x01, 0x63,
	0xc8, 0x00, 0x50, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
	0x84, 0x0a, 0x4d, 0x00, 0x64, 0x0a, 0x4d, 0x00, 0x0a, 0x0a, 0x4d, 0x00,
	0x0d };
static const uint8_t closing[] = { 0x00, 0x0b, 0x00, 0x2c, 0x01, 0x01, 0x00,
	0x00, 0x00, 0x06, 0x00, 0x24, 0x00, 0x00, 0x01, 0x83, 0x00, 0x04, 0x63,
	0xc8, 0x00, 0x50, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x78, 0x0a, 0x4d, 0x00, 0x64, 0x0a, 0x4d, 0x00, 0x0a, 0x0a, 0x4d, 0x00,
	0x0d };
static const uint8_t inet6[] = { 0x00, 0x0b, 0x00, 0x50, 0x01, 0x01, 0x00,
	0x00, 0x01, 0x06, 0x00, 0x48, 0x00, 0x00, 0x00, 0x83, 0x00, 0x01, 0x1a,
	0xf6, 0x00, 0x50, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
	0x84, 0xfd, 0x77, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x01, 0x00, 0xfd, 0x77, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0xfd, 0x77, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x13 };

static struct sync_conn
conn(const char *client, const char *virt, const char *dest, uint16_t port)
{
	return (struct sync_conn){ .protocol = IPPROTO_TCP,
		.state = SYNC_TCP_ESTABLISHED,
		.flags = LVS_DR | SYNC_NOOUTPUT,
		.timeout_s = 900,
		.client = addr(client),
		.virt = addr(virt),
		.dest = addr(dest),
		.client_port = port,
		.virt_port = 80,
		.dest_port = 80 };
}

static void
same_bytes(const struct sync_conn *c, const uint8_t *want, size_t len,
    const char *what)
{
	struct sync_msg m;

	sync_msg_begin(&m, 11);
	is_int(sync_msg_add(&m, c), 0, "%s: packed", what);
	ok(m.len == len && memcmp(m.bytes, want, len) == 0,
	    "%s: byte for byte as the kernel packs it", what);
}

static void
test_pack(void)
{
	struct sync_conn c =
	    conn("10.77.0.100", "10.77.0.10", "10.77.0.13", 25544);

	same_bytes(&c, established, sizeof(established), "established");
	c.state = SYNC_TCP_FIN_WAIT;
	c.flags |= SYNC_INACTIVE;
	c.timeout_s = 120;
	same_bytes(&c, closing, sizeof(closing), "closing");
	c = conn("fd77::100", "fd77::10", "fd77::13", 6902);
	same_bytes(&c, inet6, sizeof(inet6), "IPv6");
	c.dest = addr("10.0.0.1");
	struct sync_msg m;

	sync_msg_begin(&m, 1);
	is_int(sync_msg_add(&m, &c), -EINVAL, "two families in one");
}

struct seen {
	unsigned n;
	struct sync_conn last;
	uint64_t ports;
};

static void
see(void *arg, const struct sync_conn *c)
{
	struct seen *s = arg;

	s->n++;
	s->last = *c;
	s->ports += c->client_port;
}

static int
unpack(const uint8_t *bytes, size_t len, struct seen *s)
{
	uint8_t id = 0;

	*s = (struct seen){ 0 };
	return sync_msg_unpack(bytes, len, &id, see, s);
}

static void
test_unpack(void)
{
	struct seen s;
	uint8_t id = 0;

	is_int(sync_msg_unpack(
		   established, sizeof(established), &id, see, &s),
	    1, "one connection");
	is_int(id, 11, "with the master's sync id");
	is_int(unpack(inet6, sizeof(inet6), &s), 1, "one of IPv6");
	ok(addr_cmp(&s.last.dest, &(struct addr){ 0 }) != 0 &&
		s.last.client_port == 6902 && s.last.timeout_s == 900 &&
		s.last.state == SYNC_TCP_ESTABLISHED &&
		s.last.flags == (LVS_DR | SYNC_NOOUTPUT),
	    "with all that it says");
	same_bytes(&s.last, inet6, sizeof(inet6), "and back");
}

/* Many in one, until it is full; then one is cut off and garbled everywhere. */
static void
test_many(void)
{
	struct sync_conn c = conn("10.0.0.1", "10.77.0.10", "10.77.0.11", 1);
	struct sync_msg m;
	uint8_t copy[SYNC_MSG_MAX];
	struct seen s;
	size_t i;
	int bad = 0, rc;

	sync_msg_begin(&m, 7);
	while (sync_msg_add(&m, &c) == 0)
		c.client_port++;
	is_int(m.n, 28, "28 connections of IPv4 fit");
	is_int(unpack(m.bytes, m.len, &s), 28, "and are read");
	is_int(s.ports, 28 * 29 / 2, "each of them");
	for (i = 0; i < m.len; i++)
		bad += unpack(m.bytes, i, &s) != -EBADMSG;
	is_int(bad, 0, "one that is cut off is refused, wherever");
	for (i = 0; i < m.len; i++) {
		memcpy(copy, m.bytes, m.len);
		copy[i] ^= 0xff;
		rc = unpack(copy, m.len, &s);
		bad += rc != -EBADMSG && (rc < 0 || (unsigned)rc != s.n);
	}
	is_int(bad, 0, "one that is garbled is read or refused");
}

/* As the kernel sends it for ftp: sequence numbers behind the addresses. */
static void
test_options(void)
{
	uint8_t m[44 + 26 + 2 + 36] = { 0 };
	struct seen s;

	memcpy(m, established, 44);
	m[3] = 44 + 26 + 2 + 36;
	m[4] = 2;
	m[11] = 36 + 26;
	m[44] = 1;
	m[45] = 24;
	memcpy(m + 72, closing + 8, 36);
	is_int(unpack(m, sizeof(m), &s), 2, "options and padding are skipped");
	is_int(s.last.timeout_s, 120, "what follows them is read");
}

static void
test_map(void)
{
	struct sync_conn c = conn("10.0.0.1", "10.77.0.10", "10.77.0.11", 1);
	struct conn_map m;
	struct seen s = { 0 };
	uint32_t at = 0, i;

	conn_map_init(&m);
	ok(!conn_map_walk(&m, &at, 10, 0, see, &s), "an empty map");
	conn_map_sweep(&m, 10, 0);
	for (i = 0; i < 5000; i++) {
		c.client_port = (uint16_t)(i + 1);
		c.timeout_s = 10 + i % 2 * 10;
		(void)conn_map_put(&m, &c, false, USEC_S);
	}
	is_int(m.n, 5000, "5000 connections");
	for (i = 0; i < 5000; i++) {
		c.client_port = (uint16_t)(i + 1);
		c.timeout_s = 10 + i % 2 * 10;
		(void)conn_map_put(&m, &c, false, USEC_S);
	}
	is_int(m.n, 5000, "the same ones again");
	for (i = 0; conn_map_walk(&m, &at, 700, 3 * USEC_S, see, &s); i++)
		;
	is_int(s.n, 5000, "are walked in pieces");
	is_int(i, 7, "as many as it takes");
	is_int(s.last.timeout_s, 18, "with the time that is left");
	s = (struct seen){ 0 };
	at = 0;
	(void)conn_map_walk(&m, &at, UINT32_MAX, 12 * USEC_S, see, &s);
	is_int(s.n, 2500, "those that ran out are not shown");
	conn_map_sweep(&m, 100000, 12 * USEC_S);
	is_int(m.n, 2500, "and swept");
	c.client = addr("10.0.0.2");
	for (i = 0; i < 2500; i++) {
		c.client_port = (uint16_t)(i + 1);
		(void)conn_map_put(&m, &c, false, 12 * USEC_S);
	}
	is_int(m.n, 5000, "others take their place");
	is_int(m.used, 5000, "without more memory");
	conn_map_done(&m);
}

static void
test_map_same(void)
{
	struct sync_conn c = conn("10.0.0.1", "10.77.0.10", "10.77.0.11", 0);
	struct conn_map m;
	struct seen s = { 0 };
	uint32_t at = 0;

	conn_map_init(&m);
	(void)conn_map_put(&m, &c, false, USEC_S);
	c.dest = addr("10.77.0.12");
	(void)conn_map_put(&m, &c, true, USEC_S);
	(void)conn_map_walk(&m, &at, 9, USEC_S, see, &s);
	is_int(s.last.dest.bytes[3], 11, "only new ones: one that is there stays");
	(void)conn_map_put(&m, &c, false, USEC_S);
	at = 0;
	(void)conn_map_walk(&m, &at, 9, USEC_S, see, &s);
	is_int(s.last.dest.bytes[3], 12, "else the later one counts");
	c.flags |= SYNC_TEMPLATE;
	(void)conn_map_put(&m, &c, false, USEC_S);
	is_int(m.n, 2, "a template is apart from a connection");
	c.client = addr("fd77::1");
	c.virt = c.dest = addr("fd77::2");
	(void)conn_map_put(&m, &c, false, USEC_S);
	is_int(m.n, 3, "as are families");
	conn_map_done(&m);
}

static void
test_wire(void)
{
	struct sync_state_msg a = { .role = SYNC_STANDBY,
		.phase = SYNC_PHASE_FULL, .gen = 1, .known = 2, .peer_conns = 3,
		.resyncs = 4, .resync_conns = 5, .resync_ms = 6, .again = 7,
		.early_sent = 8, .early_lost = 9, .early_unsure = 10,
		.early = 1, .mirror = 1, .copies = 11 }, b = { 0 };
	struct sync_peer p = { SYNC_DONE, 1, 2, 3, 4, 5, 6 }, q = { 0 };
	struct sync_role_msg r = { SYNC_ACTIVE, 1, 2 }, t = { 0 };
	uint8_t mem[128];
	struct buf w = buf_writer(mem, sizeof(mem)), rd;
	size_t i, n;
	int bad = 0;

	sync_state_pack(&w, &a);
	rd = buf_reader(mem, w.pos);
	is_int(sync_state_unpack(&rd, &b), 0, "a state");
	ok(a.role == b.role && a.phase == b.phase && a.gen == b.gen &&
		a.known == b.known && a.peer_conns == b.peer_conns &&
		a.resyncs == b.resyncs && a.resync_conns == b.resync_conns &&
		a.resync_ms == b.resync_ms && a.again == b.again &&
		a.early_sent == b.early_sent && a.early_lost == b.early_lost &&
		a.early_unsure == b.early_unsure && a.early == b.early &&
		a.mirror == b.mirror && a.copies == b.copies,
	    "comes as it was sent");
	for (i = 0, n = w.pos; i < n; i++) {
		rd = buf_reader(mem, i);
		bad += sync_state_unpack(&rd, &b) != -EBADMSG;
	}
	mem[1] = SYNC_PHASE__LAST;
	rd = buf_reader(mem, n);
	bad += sync_state_unpack(&rd, &b) != -EBADMSG;
	w = buf_writer(mem, sizeof(mem));
	sync_peer_pack(&w, &p);
	rd = buf_reader(mem, w.pos);
	is_int(sync_peer_unpack(&rd, &q), 0, "a word to the other syncd");
	ok(q.type == p.type && q.nonce == 1 && q.try_n == 2 && q.port == 3 &&
		q.datagrams == 4 && q.conns == 5 && q.ms == 6, "as it was sent");
	mem[0] = SYNC_PEER__LAST;
	rd = buf_reader(mem, w.pos);
	bad += sync_peer_unpack(&rd, &q) != -EBADMSG;
	w = buf_writer(mem, sizeof(mem));
	sync_role_pack(&w, &r);
	rd = buf_reader(mem, w.pos);
	is_int(sync_role_unpack(&rd, &t), 0, "a role");
	ok(t.role == SYNC_ACTIVE && t.gen == 1 && t.conns == 2, "as it is");
	rd = buf_reader(mem, w.pos - 1);
	bad += sync_role_unpack(&rd, &t) != -EBADMSG;
	is_int(bad, 0, "cut off or of unknown kind: refused");
}

int
main(void)
{
	test_pack();
	test_unpack();
	test_many();
	test_options();
	test_map();
	test_map_same();
	test_wire();
	return done();
}
