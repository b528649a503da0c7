/*
 * buf: bounded big-endian writer and reader over memory the caller owns.
 * Errors stick in `bad`: pack or unpack everything, then look once. A reader
 * that ran past the end returns zeros; a writer that ran past it writes no more.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len; /* capacity of a writer, length of a reader's data */
	size_t pos;
	bool bad;
};

struct buf buf_writer(void *mem, size_t len);
struct buf buf_reader(const void *mem, size_t len);
size_t buf_left(const struct buf *b);

void put_u8(struct buf *b, uint8_t v);
void put_u16(struct buf *b, uint16_t v);
void put_u32(struct buf *b, uint32_t v);
void put_u64(struct buf *b, uint64_t v);
void put_bytes(struct buf *b, const void *p, size_t n);
void put_str(struct buf *b, const char *s); /* u16 length, bytes, no NUL */

uint8_t get_u8(struct buf *b);
uint16_t get_u16(struct buf *b);
uint32_t get_u32(struct buf *b);
uint64_t get_u64(struct buf *b);
void get_bytes(struct buf *b, void *p, size_t n);

/* Into dst with a NUL; a string of dst_len bytes or more, or one with a NUL or
 * a control byte inside, makes b bad and leaves "". */
void get_str(struct buf *b, char *dst, size_t dst_len);

#endif
