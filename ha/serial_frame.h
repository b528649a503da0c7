/*
 * serial_frame: frames on a line that carries bytes and loses some. Pure: no
 * I/O, no clock.
 *
 * On the line a frame is 0x00, the payload and its CRC-32 stuffed so that no
 * zero is in them, 0x00. The zeros are where frames end, so a receiver that
 * lost bytes, or got garbage, is in step again at the next zero; a frame's
 * length is what stands between two. Stuffing: Cheshire and Baker, "Consistent
 * Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999: one
 * byte in 254 at most. CRC: FCS-32 of RFC 1662, low byte first.
 *
 * The CRC tells noise from frames, for the counters; whether a frame is genuine
 * is for its signature.
 */
#ifndef HA_SERIAL_FRAME_H
#define HA_SERIAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PAYLOAD_MAX 512
#define SERIAL_CRC_LEN 4
#define SERIAL_STUFFED_MAX                                                     \
	(SERIAL_PAYLOAD_MAX + SERIAL_CRC_LEN +                                 \
	    (SERIAL_PAYLOAD_MAX + SERIAL_CRC_LEN) / 254 + 1)
#define SERIAL_WIRE_MAX (SERIAL_STUFFED_MAX + 2)

/* Bytes on the line of a payload of up to 250 bytes, whatever is in it. */
#define SERIAL_WIRE(payload) ((payload) + SERIAL_CRC_LEN + 3)

/* Bytes written to mem, at least SERIAL_WIRE_MAX long; 0: empty or too long. */
size_t serial_frame_pack(const void *payload, size_t len, uint8_t *mem);

struct serial_deframer {
	uint8_t piece[SERIAL_STUFFED_MAX]; /* since the last zero */
	size_t len;
	bool skip;	  /* too long to be a frame: all up to the next zero */
	uint64_t good;	  /* frames with the right CRC */
	uint64_t bad_crc; /* whole ones with another */
	uint64_t garbage; /* bytes that were in no frame at all */
};

/* fn gets every good frame; the payload is borrowed for the call. */
typedef void (*serial_frame_fn)(const void *payload, size_t len, void *arg);

/* d: zeroed at first. Any bytes are accepted. fn must not free d. */
void serial_frame_feed(struct serial_deframer *d, const uint8_t *bytes,
    size_t len, serial_frame_fn fn, void *arg);

#endif
