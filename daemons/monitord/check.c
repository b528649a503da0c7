/*
 * check: the table of check types, and errno as an operator reads it.
 */
#include "daemons/monitord/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static const struct check_ops *const types[CHECK__TYPES] = {
	[CHECK_TCP] = &check_tcp,
	[CHECK_HTTP] = &check_http,
	[CHECK_HTTPS] = &check_https,
	[CHECK_AGENT] = &check_agent,
	[CHECK_AGENT_HTTPS] = &check_agent_https,
	[CHECK_AGENT_TEXT] = &check_agent_text,
	[CHECK_COMMAND] = &check_command,
	[CHECK_UDP] = &check_udp,
	[CHECK_DNS] = &check_dns,
	[CHECK_URL] = &check_url,
	[CHECK_SNMP] = &check_snmp,
	[CHECK_SNMP_LOAD] = &check_snmp_load,
};

const struct check_ops *
check_ops_of(enum check_type type)
{
	return types[type];
}

bool
check_errno_is_ours(int err)
{
	static const int ours[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN,
		EADDRNOTAVAIL, ENOSPC, EPERM, EACCES, EAFNOSUPPORT, ENETDOWN,
		ENETUNREACH };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (ours[i] == err)
			return true;
	return false;
}

char *
check_errno_text(int err, char *buf)
{
	(void)snprintf(buf, DETAIL_LEN, "%s", strerror(err));
	buf[0] = (char)tolower((unsigned char)buf[0]);
	return buf;
}
