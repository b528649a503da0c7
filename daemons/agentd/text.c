/*
 * text: HAProxy's agent-check: whoever connects is told one line, and that is
 * all. See "agent-check" in HAProxy's configuration manual.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/addr.h"
#include "daemons/agentd/agent.h"

#define AT_ONCE 64 /* answers, before others have their turn */

void
agent_text(const struct agent *a, char *buf, size_t len)
{
	if (a->judge.overloaded)
		(void)snprintf(buf, len, "drain\n");
	else
		(void)snprintf(buf, len, "up ready %u%%\n",
		    judge_percent(&a->load));
}

int
text_listen(const char *at, int *ret_fd)
{
	struct sockaddr_storage ss;
	const int on = 1;
	socklen_t len;
	struct addr a;
	uint16_t port;
	int fd, rc = 0;

	if (addr_parse_port(at, &a, &port) < 0)
		return -EINVAL;
	len = addr_to_sock(&a, port, &ss);
	fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, 64) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

/* What the other side may have sent is read, or closing would reset. */
static void
answer(int fd, const char *text)
{
	char rest[256];

	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)!recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
	close(fd);
}

void
text_answer(int fd, const struct agent *a)
{
	char text[64];
	unsigned i;
	int c;

	agent_text(a, text, sizeof(text));
	for (i = 0; i < AT_ONCE; i++) {
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (c < 0)
			return;
		answer(c, text);
	}
}
