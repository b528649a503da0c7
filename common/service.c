/*
 * service: names and words of virtual services and real servers.
 */
#include "common/service.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *const methods[METHOD__LAST] = {
	[METHOD_DR] = "dr",
	[METHOD_NAT] = "nat",
	[METHOD_TUN] = "tun",
};

const char *
method_name(unsigned method)
{
	return method < METHOD__LAST ? methods[method] : "?";
}

static const char *const downs[DOWN__LAST] = {
	[DOWN_QUIESCE] = "quiesce",
	[DOWN_REMOVE] = "remove",
	[DOWN_CUT] = "cut",
};

const char *
down_name(unsigned down)
{
	return down < DOWN__LAST ? downs[down] : "?";
}

int
down_parse(const char *text)
{
	int i;

	for (i = 0; i < DOWN__LAST; i++)
		if (strcmp(downs[i], text) == 0)
			return i;
	return -EINVAL;
}

int
method_parse(const char *text)
{
	int i;

	for (i = 0; i < METHOD__LAST; i++)
		if (strcmp(methods[i], text) == 0)
			return i;
	return -EINVAL;
}

int
name_valid(const char *name)
{
	size_t i, n = strlen(name);

	if (n == 0 || n >= NAME_LEN || !isalnum((unsigned char)name[0]))
		return 0;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("._-:[]", name[i]) == NULL)
			return 0;
	return 1;
}
