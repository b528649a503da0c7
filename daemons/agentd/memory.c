/*
 * memory: what is left of it: of the machine (/proc/meminfo), and of a control
 * group, by the files of version 2 or of version 1. A group without a limit, or
 * with one above the machine's memory, has what the machine has; and no group
 * has more left than the machine does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/agentd/sensors.h"

#define TEXT_MAX 16384
#define PATH_LEN 512

/* Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux:
 * "max", or a number of pages that no machine has, is no limit. */
static const struct group_files {
	const char *limit, *used;
	const char *cache; /* of memory.stat: page cache that can go */
} versions[] = {
	{ "memory.max", "memory.current", "inactive_file" },
	{ "memory.limit_in_bytes", "memory.usage_in_bytes",
	    "total_inactive_file" },
};

static bool
find_number(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);
	const char *end;

	for (; *text != '\0'; text = end != NULL ? end + 1 : "") {
		end = strchr(text, '\n');
		if (strncmp(text, key, n) == 0 &&
		    (key[n - 1] == ':' || text[n] == ' '))
			return sscanf(text + n, " %" SCNu64, ret) == 1;
	}
	return false;
}

bool
sensor_parse_meminfo(const char *text, uint64_t *ret_total,
    uint64_t *ret_available)
{
	uint64_t total, available;

	if (!find_number(text, "MemTotal:", &total) ||
	    !find_number(text, "MemAvailable:", &available) || total == 0 ||
	    available > total || total > UINT64_MAX / 1024)
		return false;
	*ret_total = total * 1024;
	*ret_available = available * 1024;
	return true;
}

/* A file of the group; false: it is not there. */
static bool
read_text(const struct sensor_conf *s, const char *file, char *buf)
{
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/%s", s->cgroup, file);
	return sensor_file(s->root, path, buf, TEXT_MAX) == 0;
}

/* A number, or "max": as large as can be. */
static bool
read_bytes(const struct sensor_conf *s, const char *file, uint64_t *ret)
{
	char text[TEXT_MAX];

	if (!read_text(s, file, text))
		return false;
	if (strncmp(text, "max", 3) == 0) {
		*ret = UINT64_MAX;
		return true;
	}
	return sscanf(text, "%" SCNu64, ret) == 1;
}

static bool
read_group(const struct sensor_conf *s, const struct group_files *f,
    uint64_t *ret_limit, uint64_t *ret_used)
{
	char text[TEXT_MAX];
	uint64_t cache = 0;

	if (!read_bytes(s, f->limit, ret_limit) || *ret_limit == 0 ||
	    !read_bytes(s, f->used, ret_used))
		return false;
	if (read_text(s, "memory.stat", text))
		(void)find_number(text, f->cache, &cache);
	*ret_used = *ret_used > cache ? *ret_used - cache : 0;
	return true;
}

/* l has the machine's; the group's if it is narrower. False: the group is not
 * there, and what it has left is not known. */
static bool
narrow(const struct sensor_conf *s, struct load *l)
{
	uint64_t limit, used, left;
	size_t i;

	for (i = 0; i < ARRAY_LEN(versions); i++)
		if (read_group(s, &versions[i], &limit, &used))
			break;
	if (i == ARRAY_LEN(versions))
		return false;
	if (limit >= (l->memory_total > 0 ? l->memory_total : UINT64_MAX))
		return l->memory_total > 0; /* the machine's is less */
	left = limit > used ? limit - used : 0;
	if (l->memory_total == 0 || left < l->memory_available)
		l->memory_available = left;
	l->memory_total = limit;
	if (l->memory_available > limit)
		l->memory_available = limit;
	return true;
}

void
sensor_memory(const struct sensor_conf *s, struct load *l)
{
	char text[TEXT_MAX];
	bool known;

	known = sensor_file(s->root, "/proc/meminfo", text, sizeof(text)) == 0 &&
	    sensor_parse_meminfo(text, &l->memory_total, &l->memory_available);
	if (s->cgroup[0] != '\0')
		known = narrow(s, l);
	if (known)
		sensor_set(l, LOAD_MEMORY, 1 - (double)l->memory_available /
		    (double)l->memory_total);
}
