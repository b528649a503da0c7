/*
 * usec: time as yoke counts it, in microseconds. Intervals and deadlines are
 * on the monotonic clock; wall-clock time is only ever shown, never compared.
 */
#ifndef COMMON_USEC_H
#define COMMON_USEC_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_MS ((usec_t)1000)
#define USEC_S ((usec_t)1000000)
#define USEC_NEVER UINT64_MAX

usec_t usec_mono(void); /* CLOCK_MONOTONIC */
usec_t usec_real(void); /* CLOCK_REALTIME, since 1970 */

/* "250us" "20ms" "1.5s" "2m" "1h" "1d"; a bare "0" needs no unit.
 * 0, or -EINVAL (no number, no unit, unknown unit), -ERANGE (too large). */
int usec_parse(const char *text, usec_t *ret);

/* The shortest exact form in one unit ("1500ms", "2s"); returns buf. */
char *usec_format(usec_t t, char *buf, size_t len);

#endif
