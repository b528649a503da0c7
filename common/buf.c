/*
 * buf: see buf.h. Every multi-byte number is big-endian, whoever reads it.
 */
#include "common/buf.h"

#include <string.h>

struct buf
buf_writer(void *mem, size_t len)
{
	return (struct buf){ .data = mem, .len = len };
}

struct buf
buf_reader(const void *mem, size_t len)
{
	return (struct buf){ .data = (uint8_t *)(uintptr_t)mem, .len = len };
}

size_t
buf_left(const struct buf *b)
{
	return b->len - b->pos;
}

/* The next n bytes, or NULL (and bad) where there are fewer. */
static uint8_t *
step(struct buf *b, size_t n)
{
	uint8_t *p = b->data + b->pos;

	if (b->bad || buf_left(b) < n) {
		b->bad = true;
		return NULL;
	}
	b->pos += n;
	return p;
}

static void
put_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t *p = step(b, n);
	size_t i;

	for (i = 0; p != NULL && i < n; i++)
		p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static uint64_t
get_be(struct buf *b, size_t n)
{
	const uint8_t *p = step(b, n);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p != NULL && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

void
put_u8(struct buf *b, uint8_t v)
{
	put_be(b, v, 1);
}

void
put_u16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void
put_u32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void
put_u64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void
put_bytes(struct buf *b, const void *p, size_t n)
{
	uint8_t *d = step(b, n);

	if (d != NULL && n > 0)
		memcpy(d, p, n);
}

void
put_str(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	if (n > UINT16_MAX) {
		b->bad = true;
		return;
	}
	put_u16(b, (uint16_t)n);
	put_bytes(b, s, n);
}

uint8_t
get_u8(struct buf *b)
{
	return (uint8_t)get_be(b, 1);
}

uint16_t
get_u16(struct buf *b)
{
	return (uint16_t)get_be(b, 2);
}

uint32_t
get_u32(struct buf *b)
{
	return (uint32_t)get_be(b, 4);
}

uint64_t
get_u64(struct buf *b)
{
	return get_be(b, 8);
}

void
get_bytes(struct buf *b, void *p, size_t n)
{
	const uint8_t *s = step(b, n);

	if (s != NULL)
		memcpy(p, s, n);
	else
		memset(p, 0, n);
}

void
get_str(struct buf *b, char *dst, size_t dst_len)
{
	size_t i, n = get_u16(b);
	const uint8_t *s = step(b, n);

	dst[0] = '\0';
	if (s == NULL)
		return;
	if (n >= dst_len) {
		b->bad = true;
		return;
	}
	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f) {
			b->bad = true;
			return;
		}
	memcpy(dst, s, n);
	dst[n] = '\0';
}
