/*
 * beatblast_file: captured datagrams: recording them from a device, and the
 * file of records (u16 big-endian length, bytes) they are kept in.
 */
#ifndef PROBER_BEATBLAST_FILE_H
#define PROBER_BEATBLAST_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/usec.h"

#define DATAGRAM_MAX 2048

struct datagram {
	uint16_t len;
	uint8_t data[DATAGRAM_MAX];
};

/* At most max of them. 0, -errno, or -EBADMSG: a record is cut or too long.
 * Caller frees *ret with free(). */
int datagrams_read(
    const char *path, size_t max, struct datagram **ret, size_t *ret_n);

/* Writes the payload of every unfragmented UDP datagram to `port` seen on
 * `dev` for so long. 0 or -errno. */
int datagrams_record(const char *path, const char *dev, uint16_t port,
    usec_t how_long, size_t *ret_n);

#endif
