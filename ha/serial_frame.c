/*
 * serial_frame: see serial_frame.h for the format and its sources.
 */
#include "ha/serial_frame.h"

#include <string.h>

#define CRC_POLY 0xedb88320U /* RFC 1662, C.3, reversed */
#define BLOCK 0xff	     /* a stuffed block of 254 bytes, no zero after */

static uint32_t
crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffff;
	unsigned bit;

	for (; len > 0; len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC_POLY : 0);
	}
	return ~crc;
}

/* Bytes written to dst: src without zeros. */
static size_t
stuff(const uint8_t *src, size_t len, uint8_t *dst)
{
	size_t code = 0, out = 1, i; /* code: where the block's length goes */

	dst[0] = 1;
	for (i = 0; i < len; i++) {
		if (src[i] != 0) {
			dst[out++] = src[i];
			dst[code]++;
		}
		if (src[i] == 0 || (dst[code] == BLOCK && i + 1 < len)) {
			code = out++;
			dst[code] = 1;
		}
	}
	return out;
}

/* In place. The length, or 0: these bytes were not stuffed. */
static size_t
unstuff(uint8_t *p, size_t len)
{
	size_t in = 0, out = 0;
	uint8_t block;

	while (in < len) {
		block = p[in++];
		if (block == 0 || (size_t)block - 1 > len - in)
			return 0;
		memmove(p + out, p + in, block - 1U);
		out += block - 1U;
		in += block - 1U;
		if (block != BLOCK && in < len)
			p[out++] = 0;
	}
	return out;
}

size_t
serial_frame_pack(const void *payload, size_t len, uint8_t *mem)
{
	uint8_t plain[SERIAL_PAYLOAD_MAX + SERIAL_CRC_LEN];
	uint32_t crc;
	size_t n, i;

	if (len == 0 || len > SERIAL_PAYLOAD_MAX)
		return 0;
	memcpy(plain, payload, len);
	crc = crc32_of(plain, len);
	for (i = 0; i < SERIAL_CRC_LEN; i++)
		plain[len + i] = (uint8_t)(crc >> 8 * i);
	mem[0] = 0; /* ends whatever garbage came before */
	n = stuff(plain, len + SERIAL_CRC_LEN, mem + 1);
	mem[1 + n] = 0;
	return n + 2;
}

static bool
crc_fits(const uint8_t *p, size_t len)
{
	uint32_t crc = crc32_of(p, len);
	size_t i;

	for (i = 0; i < SERIAL_CRC_LEN; i++)
		if (p[len + i] != (uint8_t)(crc >> 8 * i))
			return false;
	return true;
}

/* What stands between two zeros. */
static void
piece_end(struct serial_deframer *d, serial_frame_fn fn, void *arg)
{
	size_t n = d->skip ? 0 : unstuff(d->piece, d->len);

	if (n <= SERIAL_CRC_LEN) {
		d->garbage += d->len;
	} else if (!crc_fits(d->piece, n - SERIAL_CRC_LEN)) {
		d->bad_crc++;
	} else {
		d->good++;
		fn(d->piece, n - SERIAL_CRC_LEN, arg);
	}
	d->len = 0;
	d->skip = false;
}

void
serial_frame_feed(struct serial_deframer *d, const uint8_t *bytes, size_t len,
    serial_frame_fn fn, void *arg)
{
	for (; len > 0; len--, bytes++) {
		if (*bytes == 0) {
			piece_end(d, fn, arg);
		} else if (d->skip) {
			d->garbage++;
		} else if (d->len == sizeof(d->piece)) {
			d->garbage += d->len + 1;
			d->len = 0;
			d->skip = true;
		} else {
			d->piece[d->len++] = *bytes;
		}
	}
}
