/*
 * test_mirror: which packets are copied to the standby, by the kernel's own run of
 * the program, and the servers' cards on their way there.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/syncd/cards_wire.h"
#include "daemons/syncd/mirror_filter.h"
#include "test/addr.h"
#include "test/tap.h"

static uint8_t frame[256];
static int pair[2];

/* Returns where the next header begins. options: of IPv4, in words. */
static size_t
put_ip(size_t at, const struct addr *to, uint8_t protocol, unsigned options)
{
	if (to->family == AF_INET) {
		frame[at] = (uint8_t)(0x45 + options);
		frame[at + 9] = protocol;
		memcpy(frame + at + 16, to->bytes, 4);
		return at + 20 + 4 * options;
	}
	frame[at] = 0x60;
	frame[at + 6] = protocol;
	memcpy(frame + at + 24, to->bytes, 16);
	return at + 40;
}

struct row {
	const char *to, *outer; /* outer: of a tunnel */
	uint8_t flags;
	unsigned options;
	bool want;
	const char *what;
};

static size_t
make(const struct row *r)
{
	struct addr to = addr(r->to), outer;
	bool v4 = to.family == AF_INET;
	size_t at = 14;

	memset(frame, 0, sizeof(frame));
	frame[12] = v4 ? 0x08 : 0x86;
	frame[13] = v4 ? 0x00 : 0xdd;
	if (r->outer != NULL) {
		outer = addr(r->outer);
		at = put_ip(at, &outer, v4 ? IPPROTO_IPIP : IPPROTO_IPV6, 0);
	}
	at = put_ip(at, &to, IPPROTO_TCP, r->options);
	frame[at + 13] = r->flags;
	return at + 20;
}

static bool
passes(size_t len)
{
	uint8_t got[256];

	(void)!send(pair[0], frame, len, MSG_DONTWAIT);
	return recv(pair[1], got, sizeof(got), MSG_DONTWAIT) > 0;
}

static bool
attach(const struct addr *vips, size_t n)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog prog = { .filter = code };
	unsigned len;

	if (mirror_filter(vips, n, code, &len) < 0)
		return false;
	prog.len = (unsigned short)len;
	return setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		   sizeof(prog)) == 0;
}

static const struct row rows[] = {
	{ "192.0.2.10", NULL, 0x02, 0, true, "a SYN" },
	{ "192.0.2.11", NULL, 0x02, 0, true, "one to the second address" },
	{ "192.0.2.10", NULL, 0xc2, 3, true, "one with ECN and IP options" },
	{ "192.0.2.12", NULL, 0x02, 0, false, "one to another address" },
	{ "192.0.2.10", NULL, 0x12, 0, false, "an answer" },
	{ "192.0.2.10", NULL, 0x10, 0, false, "an ACK" },
	{ "192.0.2.10", NULL, 0x04, 0, false, "a RST" },
	{ "192.0.2.10", "10.0.0.1", 0x02, 0, true, "a SYN in a tunnel" },
	{ "192.0.2.10", "10.0.0.1", 0x02, 2, true, "and with options" },
	{ "192.0.2.12", "192.0.2.10", 0x02, 0, false,
	    "one to another, in a tunnel to ours" },
	{ "192.0.2.10", "10.0.0.1", 0x18, 0, false, "data in a tunnel" },
	{ "2001:db8::10", NULL, 0x02, 0, true, "a SYN of IPv6" },
	{ "2001:db8::11", NULL, 0x02, 0, false, "one to another address" },
	{ "2001:db9::10", NULL, 0x02, 0, false, "and one that differs early" },
	{ "2001:db8::20", NULL, 0x02, 0, true, "one to the second of ours" },
	{ "2001:db8::10", NULL, 0x10, 0, false, "an ACK of IPv6" },
	{ "2001:db8::10", "fd00::1", 0x02, 0, true, "one in a tunnel" },
	{ "2001:db8::10", "fd00::1", 0x11, 0, false, "a FIN in a tunnel" },
};

static void
test_filter(void)
{
	const struct addr vips[] = { addr("192.0.2.10"), addr("192.0.2.11"),
		addr("2001:db8::10"), addr("2001:db8::20") };
	size_t i, len;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		abort();
	if (!ok(attach(vips, ARRAY_LEN(vips)), "the kernel takes the program"))
		return;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ok(passes(make(&rows[i])) == rows[i].want, "%s %s",
		    rows[i].what, rows[i].want ? "is copied" : "is not");
	len = make(&rows[0]);
	frame[14 + 7] = 1;
	ok(!passes(len), "a later fragment is not");
	frame[14 + 7] = 0;
	frame[14 + 9] = IPPROTO_UDP;
	ok(!passes(len), "nor UDP");
	ok(!passes(14 + 10), "nor what is too short");
	frame[12] = 0x81;
	ok(!passes(len), "nor another protocol");
	ok(attach(NULL, 0), "a program for no address");
	ok(!passes(make(&rows[0])) && !passes(make(&rows[11])),
	    "copies nothing");
	close(pair[0]);
	close(pair[1]);
}

static void
test_many(void)
{
	static struct sock_filter code[BPF_MAXINSNS];
	static struct addr many[3000];
	unsigned n = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = addr("10.0.0.0");
		many[i].bytes[2] = (uint8_t)(i >> 8);
		many[i].bytes[3] = (uint8_t)i;
	}
	is_int(mirror_filter(many, 2000, code, &n), 0, "2000 addresses");
	ok(n <= BPF_MAXINSNS, "%u instructions", n);
	is_int(mirror_filter(many, 3000, code, &n), -E2BIG,
	    "3000 are too many for the kernel");
	for (i = 0; i < 450; i++)
		many[i] = addr("2001:db8::1");
	is_int(mirror_filter(many, 440, code, &n), 0, "440 of IPv6");
	is_int(mirror_filter(many, 450, code, &n), -E2BIG, "450 are too many");
}

static struct cards
cards(size_t n)
{
	struct cards c = { calloc(n + 1, sizeof(*c.all)), n };
	size_t i;

	for (i = 0; i < n; i++) {
		c.all[i].addr = addr(i % 2 == 0 ? "10.1.0.0" : "fd00::");
		c.all[i].addr.bytes[2] = (uint8_t)(i >> 8);
		c.all[i].addr.bytes[3] = (uint8_t)i;
		c.all[i].mac[4] = (uint8_t)(i >> 8);
		c.all[i].mac[5] = (uint8_t)i;
		c.all[i].ifindex = 7;
	}
	return c;
}

/* Sends list but for the part that is lost; 1: all there. */
static int
carry(struct cards_heard *h, const struct cards *c, uint32_t list, int lost)
{
	uint8_t out[CARDS_WIRE_MAX];
	uint16_t i, parts = cards_wire_parts(c);
	int rc = 0;
	size_t len;

	for (i = 0; i < parts && rc == 0; i++) {
		len = cards_wire_pack(c, list, i, out);
		if (len >= CARDS_WIRE_MAX || !cards_wire_is(out, len))
			return -EINVAL;
		if (i != lost)
			rc = cards_wire_take(h, out, len);
	}
	return rc;
}

static void
test_cards(void)
{
	struct cards c = cards(1000);
	struct cards_heard h = { 0 };
	const struct card *k;
	size_t n;

	is_int(carry(&h, &c, 1, -1), 1, "1000 cards in parts");
	is_int((long)h.cards.n, 1000, "all of them");
	cards_anywhere(&h.cards);
	k = cards_find(&h.cards, 0, c.all[777].mac, &n);
	ok(k != NULL && n == 1 && addr_cmp(&k->addr, &c.all[777].addr) == 0,
	    "one is found by its MAC alone");
	is_int(carry(&h, &c, 2, 3), 0, "a part is lost: not whole");
	is_int(carry(&h, &c, 3, 0), 0, "the first one: not either");
	is_int(carry(&h, &c, 4, -1), 1, "the next list is");
	is_int((long)h.cards.n, 1000, "and has each once");
	cards_wire_done(&h);
	cards_done(&c);
	c = cards(CARDS_WIRE_LIST + 100);
	is_int(carry(&h, &c, 5, -1), 1, "more than a list may have");
	is_int((long)h.cards.n, CARDS_WIRE_LIST, "so many are told");
	cards_wire_done(&h);
	cards_done(&c);
	c = cards(1);
	is_int(carry(&h, &c, 5, -1), 1, "a list of one");
	cards_wire_done(&h);
	cards_done(&c);
	c = cards(0);
	is_int(cards_wire_parts(&c), 0, "none: nothing is said");
	cards_done(&c);
}

static void
test_bad_cards(void)
{
	uint8_t out[CARDS_WIRE_MAX], copy[CARDS_WIRE_MAX];
	struct cards_heard h = { 0 };
	struct cards c = cards(40);
	size_t i, len = cards_wire_pack(&c, 1, 0, out);
	int taken = 0;

	for (i = 4; i < len; i++)
		taken += cards_wire_take(&h, out, i) == 1;
	is_int(taken, 0, "cut off anywhere: refused");
	memcpy(copy, out, len);
	copy[14 + MAC_LEN] = 5;
	is_int(cards_wire_take(&h, copy, len), -EBADMSG, "IP version 5: refused");
	copy[12] = 0xff;
	is_int(cards_wire_take(&h, copy, len), -EBADMSG, "too many: refused");
	is_int(cards_wire_take(&h, out, len + 1), -EBADMSG, "too long: refused");
	is_int(cards_wire_take(&h, out, len), 1, "a good one after it is taken");
	out[0] = 0x08;
	ok(!cards_wire_is(out, len) && !cards_wire_is(out, 3),
	    "a copied packet is not taken for cards");
	cards_wire_done(&h);
	cards_done(&c);
}

int
main(void)
{
	test_filter();
	test_many();
	test_cards();
	test_bad_cards();
	return done();
}
