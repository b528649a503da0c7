/*
 * test_neigh: questions and claims as frames, byte for byte; the kernel's
 * filter, tried on a socket pair; and what no frame may do to the parser.
 */
#include <net/if_arp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "ha/announce.h"
#include "ha/neigh_frame.h"
#include "test/addr.h"
#include "test/tap.h"

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
static const uint8_t other[6] = { 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };

static void
test_arp_question(void)
{
	/* clang-format off */
	static const uint8_t want[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
		0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 10, 0, 0, 1,
		0, 0, 0, 0, 0, 0, 10, 0, 0, 254,
	};
	/* clang-format on */
	struct addr from = addr("10.0.0.1"), to = addr("10.0.0.254"),
		    none = { 0 };
	uint8_t frame[NEIGH_FRAME_MAX];
	size_t n = neigh_question(frame, mac, &from, &to, NULL);

	ok(n == sizeof(want) && memcmp(frame, want, n) == 0,
	    "ARP request (RFC 826)");
	n = neigh_question(frame, mac, &none, &to, other);
	ok(n == sizeof(want) && memcmp(frame, other, 6) == 0 &&
		memcmp(frame + 28, none.bytes, 4) == 0 &&
		memcmp(frame + 38, to.bytes, 4) == 0,
	    "ARP probe (RFC 5227), to one");
}

static uint16_t
ones_sum(const uint8_t *p, size_t n, uint16_t sum)
{
	uint32_t s = sum;
	size_t i;

	for (i = 0; i < n; i++) {
		s += i % 2 == 0 ? (uint32_t)p[i] * 256 : p[i];
		if (s > 0xffff)
			s -= 0xffff;
	}
	return (uint16_t)s;
}

static bool
sum_right(const uint8_t *frame, size_t n)
{
	const uint8_t pseudo[8] = { 0, 0, 0, (uint8_t)(n - 54), 0, 0, 0, 58 };
	uint16_t sum = ones_sum(frame + 22, 32, 0);

	sum = ones_sum(pseudo, sizeof(pseudo), sum);
	return ones_sum(frame + 54, n - 54, sum) == 0xffff;
}

static void
test_nd_question(void)
{
	/* clang-format off */
	uint8_t want[] = {
		0x33, 0x33, 0xff, 0x12, 0x34, 0x56, 0x02, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x86, 0xdd,
		0x60, 0, 0, 0, 0, 32, 58, 255,
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x12, 0x34, 0x56,
		135, 0, 0, 0, 0, 0, 0, 0,
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56,
		1, 1, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
	};
	/* clang-format on */
	struct addr from = addr("fd00::1"), to = addr("fd00::12:3456"),
		    none = { 0 };
	uint8_t frame[NEIGH_FRAME_MAX];
	size_t n = neigh_question(frame, mac, &from, &to, NULL);

	ok(sum_right(frame, n), "its checksum is right");
	memcpy(want + 56, frame + 56, 2);
	ok(n == sizeof(want) && memcmp(frame, want, n) == 0,
	    "neighbour solicitation (RFC 4861 section 7.2.2)");
	n = neigh_question(frame, mac, &none, &to, NULL);
	ok(n == sizeof(want) - 8 && frame[19] == 24 && sum_right(frame, n),
	    "without a source it has no option (RFC 4862)");
}

/* An advertisement as a host that answers makes it. */
static size_t
make_na(uint8_t *frame, const char *ip)
{
	struct addr a = addr(ip);
	size_t n = announce_na(frame, other, a.bytes);

	memcpy(frame, mac, 6);
	return n;
}

static void
test_claims(void)
{
	struct addr ip = addr("10.0.0.254"), ip6 = addr("fd00::fe");
	uint8_t frame[NEIGH_FRAME_MAX + 64];
	struct neigh_claim c;
	size_t n;

	n = announce_arp(frame, other, ip.bytes, ARPOP_REPLY);
	ok(neigh_claim_read(frame, n, &c) && addr_cmp(&c.addr, &ip) == 0 &&
		memcmp(c.mac, other, 6) == 0 && c.answer,
	    "an ARP reply is an answer");
	n = announce_arp(frame, other, ip.bytes, ARPOP_REQUEST);
	ok(neigh_claim_read(frame, n, &c) && !c.answer &&
		memcmp(c.from, other, 6) == 0 && c.to[0] == 0xff,
	    "a request claims the sender's address");
	memset(frame + 28, 0, 4);
	ok(!neigh_claim_read(frame, n, &c), "a probe claims nothing");
	n = make_na(frame, "fd00::fe");
	ok(neigh_claim_read(frame, n, &c) && addr_cmp(&c.addr, &ip6) == 0 &&
		memcmp(c.mac, other, 6) == 0 && memcmp(c.to, mac, 6) == 0,
	    "an advertisement");
	frame[19] = 24;
	ok(neigh_claim_read(frame, n - 8, &c) && memcmp(c.mac, other, 6) == 0,
	    "without the option it is the sender's");
	n = make_na(frame, "fd00::fe");
	frame[21] = 64;
	ok(!neigh_claim_read(frame, n, &c), "what was routed is refused");
	n = make_na(frame, "fd00::fe");
	frame[79] = 0;
	ok(!neigh_claim_read(frame, n, &c), "an option without a length");
	frame[79] = 9;
	ok(!neigh_claim_read(frame, n, &c), "an option that is too long");
	n = make_na(frame, "fd00::fe");
	frame[54] = 135;
	ok(!neigh_claim_read(frame, n, &c), "a solicitation claims nothing");
}

/* Cut short, and with every byte changed in turn: never out of bounds (the
 * sanitizer looks), and never a claim from fewer bytes than one needs. */
static void
test_bad(void)
{
	uint8_t good[2][NEIGH_FRAME_MAX];
	struct addr ip = addr("10.0.0.254");
	size_t n[2], i, k, cut = 0;
	struct neigh_claim c;
	uint8_t *mem;
	unsigned f, v;

	n[0] = announce_arp(good[0], other, ip.bytes, ARPOP_REPLY);
	n[1] = make_na(good[1], "fd00::fe");
	for (f = 0; f < 2; f++)
		for (i = 0; i < n[f]; i++) {
			mem = malloc(i + 1);
			memcpy(mem, good[f], i);
			cut += neigh_claim_read(mem, i, &c);
			free(mem);
			mem = malloc(n[f]);
			memcpy(mem, good[f], n[f]);
			for (v = 0; v < 256; v++) {
				mem[i] = (uint8_t)v;
				(void)neigh_claim_read(mem, n[f], &c);
			}
			free(mem);
		}
	is_int(cut, 0, "no claim from a frame that is cut");
	srandom(7);
	for (k = 0; k < 200000; k++) {
		mem = good[k % 2];
		mem[12 + (size_t)random() % 80] = (uint8_t)random();
		(void)neigh_claim_read(mem, (size_t)random() % 129, &c);
		if (k % 64 == 0) {
			n[0] = announce_arp(good[0], other, ip.bytes, 2);
			n[1] = make_na(good[1], "fd00::fe");
		}
	}
	ok(true, "nor does anything else upset it");
}

/* Does a frame come through? */
static bool
passes(int fds[2], const uint8_t *frame, size_t n)
{
	uint8_t mem[256];

	if (send(fds[0], frame, n, 0) < 0)
		return false; /* the filter's no */
	return recv(fds[1], mem, sizeof(mem), MSG_DONTWAIT) > 0;
}

static void
filter(int fds[2], uint8_t family, const struct addr *addrs, size_t n)
{
	static struct sock_filter code[NEIGH_FILTER_MAX];
	struct sock_fprog prog = { .filter = code };

	prog.len = (uint16_t)neigh_filter(code, family, addrs, n);
	ok(prog.len <= NEIGH_FILTER_MAX &&
		setsockopt(fds[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		    sizeof(prog)) == 0,
	    "the kernel takes a filter of %u for %zu", prog.len, n);
}

static void
test_filter(void)
{
	struct addr list[] = { addr("10.0.0.1"), addr("fd00::fe"),
		addr("10.0.0.254"), addr("fd00::ff") };
	struct addr *many = calloc(NEIGH_FILTER_ADDRS + 1, sizeof(*many));
	uint8_t arp[NEIGH_FRAME_MAX], na[NEIGH_FRAME_MAX];
	struct addr ip = addr("10.0.0.254");
	size_t n_arp = announce_arp(arp, other, ip.bytes, ARPOP_REPLY);
	size_t n_na = make_na(na, "fd00::fe"), i;
	int fds[2];

	if (many == NULL || socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
		abort();
	filter(fds, AF_INET, list, 4);
	ok(passes(fds, arp, n_arp), "a claim of one of them passes");
	arp[31]++;
	ok(!passes(fds, arp, n_arp), "of another not");
	arp[31]--;
	filter(fds, AF_INET6, list, 4);
	ok(passes(fds, na, n_na), "IPv6: passes");
	na[77]++;
	ok(passes(fds, na, n_na), "so does the other");
	na[77]++;
	ok(!passes(fds, na, n_na), "a third not");
	na[77] = 0xfe;
	na[54] = 135;
	ok(!passes(fds, na, n_na), "nor a solicitation");
	na[54] = 136;
	na[20] = 6;
	ok(!passes(fds, na, n_na), "nor what is not ICMPv6");
	filter(fds, AF_INET, NULL, 0);
	ok(!passes(fds, arp, n_arp), "of nothing nothing passes");
	for (i = 0; i <= NEIGH_FILTER_ADDRS; i++) {
		many[i] = addr("10.7.0.0");
		many[i].bytes[2] = (uint8_t)(i >> 8);
		many[i].bytes[3] = (uint8_t)i;
	}
	filter(fds, AF_INET, many, NEIGH_FILTER_ADDRS);
	ok(!passes(fds, arp, n_arp), "nor of others, as many as there may be");
	memcpy(arp + 28, many[NEIGH_FILTER_ADDRS - 1].bytes, 4);
	ok(passes(fds, arp, n_arp), "the last of them passes");
	filter(fds, AF_INET, many, NEIGH_FILTER_ADDRS + 1);
	memcpy(arp + 28, ip.bytes, 4);
	ok(passes(fds, arp, n_arp), "with one more, all do");
	close(fds[0]);
	close(fds[1]);
	free(many);
}

int
main(void)
{
	test_arp_question();
	test_nd_question();
	test_claims();
	test_bad();
	test_filter();
	return done();
}
