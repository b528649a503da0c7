/*
 * test_announce: the frames, byte for byte, and the checksum by another way of
 * reckoning than announce.c's.
 */
#include <net/if_arp.h>

#include "ha/announce.h"
#include "test/tap.h"

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

static void
is_bytes(const uint8_t *got, size_t n, const uint8_t *want, size_t m,
    const char *what)
{
	size_t i;

	if (ok(n == m && memcmp(got, want, m) == 0, "%s", what))
		return;
	printf("#   %zu bytes, want %zu;", n, m);
	for (i = 0; i < n && i < m; i++)
		if (got[i] != want[i])
			printf(" [%zu]=%02x want %02x", i, got[i], want[i]);
	printf("\n");
}

static void
test_arp(void)
{
	static const uint8_t ip[4] = { 192, 0, 2, 10 };
	/* clang-format off */
	static const uint8_t request[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
		0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192, 0, 2, 10,
		0, 0, 0, 0, 0, 0, 192, 0, 2, 10,
	};
	/* clang-format on */
	uint8_t reply[sizeof(request)], frame[ANNOUNCE_FRAME_MAX];

	memcpy(reply, request, sizeof(reply));
	reply[21] = 2;
	memset(reply + 32, 0xff, 6);
	is_bytes(frame, announce_arp(frame, mac, ip, ARPOP_REQUEST), request,
	    sizeof(request), "ARP request (RFC 5227 section 3)");
	is_bytes(frame, announce_arp(frame, mac, ip, ARPOP_REPLY), reply,
	    sizeof(reply), "ARP reply to all");
}

/* RFC 1071: the one's complement sum of all 16 bit words, carries added in as
 * they come, is ffff when the checksum is right. */
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

static void
test_na(void)
{
	uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 };
	/* clang-format off */
	uint8_t want[] = {
		0x33, 0x33, 0, 0, 0, 1, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
		0x86, 0xdd,
		0x60, 0, 0, 0, 0, 32, 58, 255,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
		0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
		136, 0, 0, 0, 0x20, 0, 0, 0,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
		2, 1, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
	};
	/* clang-format on */
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	const uint8_t pseudo[8] = { 0, 0, 0, 32, 0, 0, 0, 58 };
	unsigned i, bad = 0;
	uint16_t sum;
	size_t n = 0;

	for (i = 0; i < 256; i++) {
		ip[14] = (uint8_t)i;
		ip[7] = (uint8_t)(i * 7);
		n = announce_na(frame, mac, ip);
		sum = ones_sum(frame + 22, 32, 0); /* both addresses */
		sum = ones_sum(pseudo, sizeof(pseudo), sum);
		sum = ones_sum(frame + 54, n - 54, sum);
		bad += sum != 0xffff;
	}
	is_int(bad, 0, "the checksum is right");
	ip[14] = ip[7] = 0;
	n = announce_na(frame, mac, ip);
	want[56] = frame[56];
	want[57] = frame[57];
	is_bytes(frame, n, want, sizeof(want),
	    "neighbour advertisement (RFC 4861 section 7.2.6)");
}

int
main(void)
{
	test_arp();
	test_na();
	return done();
}
