/*
 * vip_path: the mark makes IPVS carry a packet of ours to one server. What it
 * comes from is the address that we would ask the server from: for a connection
 * to an address of this machine, which the VIP is on the active director, the
 * kernel would choose that address itself, and the server would answer itself.
 *
 * IPVS remembers a connection by its addresses and ports alone. That of a probe
 * must not be there when another server's probe has the same port: its end is a
 * reset, after which the kernel takes the next SYN for a new one (ip_vs_core.c,
 * is_new_conn_expected()), and ports are given out in turn, at connect().
 */
#include "daemons/monitord/vip_path.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define DISCARD 9 /* any port: nothing is sent */

/* Our address for asking a server; its port is 0. */
static int
source(const struct addr *server, struct sockaddr_storage *ret, socklen_t *len)
{
	socklen_t to_len = addr_to_sock(server, DISCARD, ret);
	struct addr own;
	uint16_t port;
	int fd = socket(ret->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	*len = sizeof(*ret);
	if (connect(fd, (struct sockaddr *)ret, to_len) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret, len) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0)
		rc = addr_from_sock(ret, &own, &port);
	if (rc == 0)
		*len = addr_to_sock(&own, 0, ret);
	return rc;
}

static int
set(int fd, int level, int option, uint32_t value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

int
vip_path_take(int fd, const struct check_target *t)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage ss;
	socklen_t len;
	int rc;

	if (t->mark == 0)
		return 0;
	rc = source(&t->server, &ss, &len);
	if (rc == 0)
		rc = set(fd, SOL_SOCKET, SO_MARK, t->mark);
	if (rc == 0)
		rc = set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (rc == 0 && bind(fd, (struct sockaddr *)&ss, len) < 0)
		rc = -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return rc;
}

bool
vip_path_blocked(const struct check_target *t, char detail[DETAIL_LEN])
{
	if (t->mark == 0 || t->vip == NULL || t->addr.family != AF_INET ||
	    probe_path_accepts(t->vip->device))
		return false;
	(void)probe_path_format(t->vip->device, detail, DETAIL_LEN);
	return true;
}
