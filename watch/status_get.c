/*
 * status_get: reading a status document without trusting it.
 */
#include "watch/status_get.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"

const json_t *
get_at(const json_t *j, const char *key)
{
	return json_object_get(j, key);
}

const char *
get_str_at(const json_t *j, const char *key)
{
	const char *s = json_string_value(get_at(j, key));

	return s != NULL ? s : "";
}

int64_t
get_num_at(const json_t *j, const char *key)
{
	return json_integer_value(get_at(j, key));
}

bool
get_bool_at(const json_t *j, const char *key)
{
	return json_is_true(get_at(j, key));
}

bool
get_there(const json_t *j, const char *key)
{
	const json_t *v = get_at(j, key);

	return v != NULL && !json_is_null(v);
}

/* Two units, the larger one without leading zeros: 2m13s. */
static const char *
two_units(int64_t s, char *buf)
{
	static const struct {
		int64_t below, large, small;
		char names[3];
	} rows[] = {
		{ 3600, 60, 1, "ms" },
		{ 86400, 3600, 60, "hm" },
		{ INT64_MAX, 86400, 3600, "dh" },
	};
	size_t i;

	for (i = 0; s >= rows[i].below && i + 1 < ARRAY_LEN(rows); i++)
		;
	(void)snprintf(buf, DURATION_LEN, "%" PRId64 "%c%02" PRId64 "%c",
	    s / rows[i].large, rows[i].names[0],
	    s % rows[i].large / rows[i].small, rows[i].names[1]);
	return buf;
}

const char *
duration(int64_t us, char *buf)
{
	if (us < 0)
		us = 0;
	if (us == 0)
		(void)snprintf(buf, DURATION_LEN, "0 ms");
	else if (us < 100)
		(void)snprintf(buf, DURATION_LEN, "%" PRId64 " us", us);
	else if (us < 10000 && us % 1000 != 0)
		(void)snprintf(buf, DURATION_LEN, "%.1f ms", (double)us / 1e3);
	else if (us < 1000000)
		(void)snprintf(buf, DURATION_LEN, "%" PRId64 " ms", us / 1000);
	else if (us < 10000000)
		(void)snprintf(buf, DURATION_LEN, "%.1f s", (double)us / 1e6);
	else if (us < 60000000)
		(void)snprintf(
		    buf, DURATION_LEN, "%" PRId64 " s", us / 1000000);
	else
		return two_units(us / 1000000, buf);
	return buf;
}

const char *
duration_ms_at(const json_t *j, const char *key, char *buf)
{
	int64_t ms = get_num_at(j, key);

	return duration(ms < INT64_MAX / 1000 ? ms * 1000 : INT64_MAX, buf);
}
