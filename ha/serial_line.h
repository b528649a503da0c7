/*
 * serial_line: a tty as a raw line of 8N1 without flow control, and what its
 * driver tells about the other end. Nothing here waits.
 *
 * Carrier: while DCD is there CLOCAL is off, so that the kernel itself hangs
 * the line up the moment DCD drops (read gives 0 or EIO, poll POLLHUP). Without
 * it CLOCAL is on: a cable of three wires works too. DSR, and DCD coming
 * back, show in the driver's interrupt counts (TIOCGICOUNT, memory only); the
 * lines themselves (TIOCMGET, which on USB can take a millisecond) are asked
 * for only when those moved, or when the driver counts nothing.
 */
#ifndef HA_SERIAL_LINE_H
#define HA_SERIAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

enum carrier { CARRIER_UNKNOWN, CARRIER_NO, CARRIER_YES };

struct serial_line {
	int fd; /* -1: closed */
	struct termios was;
	bool modem, counts; /* the driver has TIOCMGET, TIOCGICOUNT */
	int lines;	    /* as TIOCMGET said last */
	unsigned moves;	    /* of DCD and DSR, as counted last */
	unsigned noise;	    /* framing errors, likewise */
	uint64_t errors;    /* framing errors since it was opened */
};

/* Opens, locks and sets up device. 0 or -errno, then l is closed: -EBUSY:
 * another program has it; -ENOTTY: no tty; -EINVAL: not that speed. */
int serial_line_open(struct serial_line *l, const char *device, uint32_t speed);
void serial_line_close(struct serial_line *l); /* as it was; closed: no-op */

/* Looks at the modem lines. Has DCD or DSR dropped since the last look? */
bool serial_line_dropped(struct serial_line *l);
enum carrier serial_line_carrier(const struct serial_line *l);

/* Bytes that wait to be sent. */
size_t serial_line_unsent(const struct serial_line *l);

#endif
