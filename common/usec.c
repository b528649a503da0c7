/*
 * usec: clocks, and durations with units as text.
 * Called from everywhere; holds no state.
 */
#include "common/usec.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"

/* Largest first, so that formatting finds the shortest exact form. */
static const struct unit {
	const char *name;
	usec_t usec;
} units[] = {
	{ "d", 86400 * USEC_S },
	{ "h", 3600 * USEC_S },
	{ "m", 60 * USEC_S },
	{ "s", USEC_S },
	{ "ms", USEC_MS },
	{ "us", 1 },
};

static usec_t
clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_S + (usec_t)ts.tv_nsec / 1000;
}

usec_t
usec_mono(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

usec_t
usec_real(void)
{
	return clock_usec(CLOCK_REALTIME);
}

int
usec_parse(const char *text, usec_t *ret)
{
	double value;
	char *end;
	size_t i;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtod(text, &end);
	if (errno != 0)
		return -ERANGE;
	if (value == 0 && *end == '\0') {
		*ret = 0;
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		value *= (double)units[i].usec;
		if (!(value < 1e17))
			return -ERANGE;
		*ret = (usec_t)(value + 0.5);
		return 0;
	}
	return -EINVAL;
}

char *
usec_format(usec_t t, char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(units) - 1; i++)
		if (t >= units[i].usec && t % units[i].usec == 0)
			break;
	if (t == 0)
		(void)snprintf(buf, len, "0");
	else
		(void)snprintf(buf, len, "%" PRIu64 "%s",
		    t / units[i].usec, units[i].name);
	return buf;
}
